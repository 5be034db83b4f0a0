package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// toFIFO starts a script that prints to a named pipe for ever. The command is not waited for.
func toFIFO(t *testing.T) (cmd *exec.Cmd, fifo string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: running a script needs root")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	link := filepath.Join(dir, "gotrace") // testscript.Main goes by the name
	if err := os.Symlink(exe, link); err != nil {
		t.Fatal(err)
	}
	fifo = filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(link, "-o", fifo, "-e", `interval:ms:1 { printf("tick\n"); }`)
	cmd.Stderr = &strings.Builder{}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd, fifo
}

// A reader of -o FIFO that goes away ends the run, as it does behind a shell's redirection.
func TestReaderLeaves(t *testing.T) {
	cmd, fifo := toFIFO(t)
	f, err := os.Open(fifo) // waits for the writer
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(f).ReadString('\n'); line != "tick\n" {
		t.Errorf("first line %q, %v", line, err)
	}
	f.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v; messages: %s", err, cmd.Stderr)
	}
}

// The first signal ends a run that writes to a named pipe, and one that still waits for its reader.
func TestSignalWithFIFO(t *testing.T) {
	cmd, fifo := toFIFO(t)
	f, err := os.Open(fifo)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := bufio.NewReader(f)
	if line, err := r.ReadString('\n'); line != "tick\n" {
		t.Errorf("first line %q, %v", line, err)
	}
	cmd.Process.Signal(os.Interrupt)
	for err == nil {
		_, err = r.ReadString('\n')
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v; messages: %s", err, cmd.Stderr)
	}
}
