package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The test binary is the gotrace command, too, when testscript starts it by that name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"gotrace": main})
}

// TestScripts runs testdata/script/*.txtar. Beside testscript's own commands they have
//
//	status N CMD ARGS...    run a command that must end with exit code N
//	nobody CMD ARGS...      run a command as an ordinary user, who must be refused (exit code 1)
//
// and the condition [root].
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "root":
				return os.Getuid() == 0, nil
			case "terminals": // a container without devpts has none to give, though it may have the file
				f, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
				if err != nil {
					return false, nil
				}
				return true, f.Close()
			}
			return false, errors.New("unknown condition")
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) < 2 {
					ts.Fatalf("usage: status N CMD ARGS...")
				}
				want, err := strconv.Atoi(args[0])
				ts.Check(err)
				if got := runAs(ts, args[1:], nil); got != want {
					ts.Fatalf("exit code %d, want %d", got, want)
				}
			},
			"nobody": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) < 1 {
					ts.Fatalf("usage: nobody CMD ARGS...")
				}
				var cred *syscall.Credential
				if os.Getuid() == 0 {
					cred = &syscall.Credential{Uid: 65534, Gid: 65534}
					openUp(ts)
				}
				if got := runAs(ts, args, cred); got != 1 {
					ts.Fatalf("exit code %d, want 1", got)
				}
			},
		},
	})
}

// runAs runs a command in the script's directory and environment, shows its output where stdout and stderr look for it,
// and returns its exit code.
func runAs(ts *testscript.TestScript, args []string, cred *syscall.Credential) int {
	path, err := lookPath(ts, args[0])
	ts.Check(err)
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir = ts.Getenv("WORK")
	cmd.Env = append(os.Environ(), "PATH="+ts.Getenv("PATH"), "HOME="+cmd.Dir)
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	if cred != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: cred}
	}
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	ts.Check(err)
	return 0
}

// lookPath finds a command in the script's PATH.
func lookPath(ts *testscript.TestScript, name string) (string, error) {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("no command %s in PATH", name)
}

// openUp lets every user reach the script's directory and the command, which testscript makes for one user.
func openUp(ts *testscript.TestScript) {
	path, err := lookPath(ts, "gotrace")
	ts.Check(err)
	for _, p := range []string{path, ts.Getenv("WORK")} {
		for ; p != "/" && p != os.TempDir(); p = filepath.Dir(p) {
			info, err := os.Stat(p)
			ts.Check(err)
			ts.Check(os.Chmod(p, info.Mode()|0o555))
		}
	}
}
