package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// readme is the README beside go.mod; the test machines have it at the same place.
const readme = "../../README.md"

// readmeCommand is a command that README shows.
type readmeCommand struct {
	line   int
	text   string
	output string // what README shows that it prints, "" if it shows nothing
}

// readmeCommands finds the commands of indented blocks: what begins with `gotrace` or `$ gotrace`. A quote that is open at a line's
// end goes on in the next one; after `$` the output follows.
func readmeCommands(text string) []readmeCommand {
	var out []readmeCommand
	open, shows := false, false // inside a command; inside its output
	for i, line := range strings.Split(text, "\n") {
		code, indented := strings.CutPrefix(line, "    ")
		last := len(out) - 1
		switch {
		case open:
			out[last].text += "\n" + code
		case indented && strings.HasPrefix(code, "gotrace "), indented && strings.HasPrefix(code, "$ gotrace "):
			var prompt bool
			code, prompt = strings.CutPrefix(code, "$ ")
			out = append(out, readmeCommand{line: i + 1, text: code})
			last, shows = len(out)-1, prompt
		case indented && shows:
			out[last].output += code + "\n"
			continue
		default:
			shows = false
			continue
		}
		open = strings.Count(out[last].text, "'")%2 == 1
	}
	return out
}

func TestReadmeCommands(t *testing.T) {
	got := readmeCommands("text\n\n    gotrace -e 'a\n      b' x\n    make test\n\n    $ gotrace y\n    out\n      more\nend\n")
	want := []readmeCommand{{3, "gotrace -e 'a\n  b' x", ""}, {7, "gotrace y", "out\n  more\n"}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

// TestReadme runs every command that README shows, until its probes are attached, and then ends it as Ctrl-C does.
func TestReadme(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: running the commands of README needs root")
	}
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	commands := readmeCommands(string(text))
	if len(commands) < 10 {
		t.Fatalf("README shows %d commands, which is hard to believe", len(commands))
	}
	dir := readmeDir(t)
	for _, c := range commands {
		name, _, _ := strings.Cut(c.text, "\n")
		t.Run(name, func(t *testing.T) { runReadme(t, dir, c) })
	}
}

// readmeDir is a directory with what the commands of README use: the command itself, and a script.
func readmeDir(t *testing.T) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(exe, filepath.Join(dir, "gotrace")); err != nil { // testscript.Main goes by the name
		t.Fatal(err)
	}
	script := "tracepoint:syscalls:sys_enter_lseek { @[comm, $1, str($2)] = count(); }\n"
	if err := os.WriteFile(filepath.Join(dir, "script.gt"), []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// missingFor names what this machine lacks to run a command of README, "" if it lacks nothing.
func missingFor(c readmeCommand) string {
	kprobes := strings.Contains(c.text, "kprobe:") || strings.Contains(c.text, "'k:")
	if _, err := os.Stat("/sys/bus/event_source/devices/kprobe"); kprobes && err != nil {
		return "kprobes"
	}
	if _, err := os.Stat("/bin/bash"); strings.Contains(c.text, "/bin/bash") && err != nil {
		return "bash"
	}
	if _, err := exec.LookPath("ls"); strings.Contains(c.text, "-c 'ls") && err != nil {
		return "ls"
	}
	return ""
}

var attached = regexp.MustCompile(`Attached \d+ probes?\n|"attached_probes"`)

// watched is output that says when something is to be seen in it.
type watched struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	want *regexp.Regexp
	seen chan struct{}
	once sync.Once
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf.Write(p)
	if w.want.Match(w.buf.Bytes()) {
		w.once.Do(func() { close(w.seen) })
	}
	return len(p), nil
}

func runReadme(t *testing.T, dir string, c readmeCommand) {
	if missing := missingFor(c); missing != "" {
		t.Skipf("SKIPPED: this machine has no %s", missing)
	}
	// README's process is this one.
	text := strings.ReplaceAll(c.text, "-p 1234", fmt.Sprintf("-p %d", os.Getpid()))
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "exec "+text)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "NO_COLOR=1")
	var stdout bytes.Buffer
	stderr := &watched{want: attached, seen: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&stdout, stderr), stderr // -f json tells on standard output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var err error
	select {
	case err = <-ended: // it does not trace, or ended by itself
	case <-stderr.seen:
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil && !strings.Contains(err.Error(), "already finished") {
			t.Fatal(err)
		}
		err = <-ended
	case <-time.After(90 * time.Second): // only a command that hangs waits for it
		cmd.Process.Kill()
		t.Fatalf("README.md:%d: it neither attached nor ended; messages:\n%s", c.line, stderr.buf.String())
	}
	all := stderr.buf.String()
	switch {
	case c.output != "" && strings.TrimSpace(all) != strings.TrimSpace(c.output):
		t.Errorf("README.md:%d shows\n%s\nit is\n%s", c.line, c.output, all)
	case c.output == "" && err != nil:
		t.Errorf("README.md:%d: %v; messages:\n%s", c.line, err, all)
	}
}
