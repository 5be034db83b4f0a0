// Testsum runs `go test` and says at the end how many tests passed, failed and were skipped, and why.
//
//	go run ./internal/testsum [flags of go test] PACKAGES
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		os.Exit(2)
	}
	os.Exit(code)
}

func run(args []string) (int, error) {
	// Tests look at the kernel, which the test cache knows nothing of: -count=1.
	args = append([]string{"test", "-json", "-count=1", "-timeout=60m"}, args...)
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 2, err
	}
	if err := cmd.Start(); err != nil {
		return 2, err
	}
	s := newSummary(os.Stdout)
	if err := s.read(out); err != nil {
		return 2, err
	}
	err = cmd.Wait()
	s.finish()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}
