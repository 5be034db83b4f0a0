package scripts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// Tool is an implementation that runs scripts: gotrace or bpftrace.
type Tool struct {
	Path     string
	Workload string        // path of the workload command
	Binaries string        // directory of the programs of testdata/bin
	Timeout  time.Duration // for one script; a script that runs longer has failed
}

// Result is what a tool did with a script.
type Result struct {
	Stdout, Stderr string
	Exit           int
}

// Run runs a case's script. An error means that the tool could not be run, or did not end in time.
func (t *Tool) Run(ctx context.Context, c *Case) (*Result, error) {
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, t.Path, t.args(c)...)
	cmd.Dir = c.Dir
	// The tool and its child are one process group, so that nothing outlives a timeout.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// A table of expected output needs the C locale's and UTC's view of time.
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC", "NO_COLOR=1")
	cmd.Env = append(cmd.Env, c.Env...)
	err := cmd.Run()
	res := &Result{Stdout: stdout.String(), Stderr: stderr.String()}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return res, fmt.Errorf("no end after %v", t.Timeout)
	case errors.As(err, &exit):
		if ws := exit.Sys().(syscall.WaitStatus); ws.Signaled() {
			return res, fmt.Errorf("ended by %v", ws.Signal())
		}
		res.Exit = exit.ExitCode()
	case err != nil:
		return res, err
	}
	return res, nil
}

// args is the command line: flags, the workload, the script and its parameters.
func (t *Tool) args(c *Case) []string {
	var args []string
	for _, f := range c.Flags {
		args = append(args, t.subst(f))
	}
	if c.Run != "" {
		command := t.subst(c.Run)
		if !strings.HasPrefix(c.Run, binariesMark) {
			command = t.Workload + " " + command
		}
		args = append(args, "-c", command)
	}
	args = append(args, "-e", t.subst(c.Script))
	for _, a := range c.Args {
		args = append(args, t.subst(a))
	}
	return args
}

func (t *Tool) subst(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "%WORKLOAD%", t.Workload), binariesMark, t.Binaries)
}

// Check compares a result with what the case expects. The answer is "" if they agree.
func (t *Tool) Check(c *Case, res *Result) string {
	got := Normalize(res.Stdout)
	var bad []string
	switch want := t.subst(c.Output); {
	case c.Match != nil:
		if re := regexp.MustCompile(t.subst(c.Match.String())); !re.MatchString(got) {
			bad = append(bad, fmt.Sprintf("output:\n%s\nmust match:\n%s", got, re))
		}
	case got != want:
		bad = append(bad, fmt.Sprintf("output:\n%s\nwant:\n%s", got, want))
	}
	if c.Stderr != nil && !c.Stderr.MatchString(res.Stderr) {
		bad = append(bad, fmt.Sprintf("messages must match:\n%s", c.Stderr))
	}
	if res.Exit != c.Exit {
		bad = append(bad, fmt.Sprintf("exit code %d, want %d", res.Exit, c.Exit))
	}
	if bad == nil {
		return ""
	}
	return strings.Join(bad, "\n") + "\nmessages:\n" + res.Stderr
}
