//go:build linux

// Bench compares gotrace with the installed bpftrace: start-up time and peak memory, instructions and nanoseconds
// of typical programs, and printed events a second. It needs root. Runs of the two alternate,
// so that whatever else the machine does meets both.
//
//	go run ./internal/bench [-gotrace PATH] [-bpftrace PATH] [-only startup|programs|events|growth|stacks] [-rounds N]
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// tool is one of the two implementations.
type tool struct {
	name string
	path string
}

func main() {
	if os.Getenv(compileEnv) != "" {
		text, err := io.ReadAll(os.Stdin)
		if err == nil {
			err = compileOnly(text)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// stacksCount and stacksRounds are flags of the part stacks.
var stacksCount, stacksRounds *int

func run() error {
	bpftrace := flag.String("bpftrace", "bpftrace", "the bpftrace to compare with")
	gotrace := flag.String("gotrace", "", "a built gotrace; by default this tree's is built")
	only := flag.String("only", "", "run one part: startup, programs, events, growth or stacks")
	rounds := flag.Int("rounds", 10, "runs of each measurement")
	stacksCount = flag.Int("stacks", 200_000, "different stacks of the part stacks")
	stacksRounds = flag.Int("stackrounds", 3, "runs of the part stacks, if -rounds is not less")
	flag.Parse()
	if os.Getuid() != 0 {
		return errors.New("tracing needs root: run make bench as root")
	}
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tools, err := findTools(dir, *gotrace, *bpftrace)
	if err != nil {
		return err
	}
	parts := []struct {
		name string
		run  func([]tool, string, int) error
	}{{"startup", benchStartup}, {"programs", benchPrograms}, {"events", benchEvents}, {"growth", benchGrowth}, {"stacks", benchStacks}}
	for _, p := range parts {
		if *only != "" && *only != p.name {
			continue
		}
		if err := p.run(tools, dir, *rounds); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// findTools builds gotrace and looks for bpftrace, which may be missing.
func findTools(dir, exe, bpftrace string) ([]tool, error) {
	if exe == "" {
		exe = filepath.Join(dir, "gotrace")
		cmd := exec.Command("go", "build", "-o", exe, "github.com/gotrace/gotrace/cmd/gotrace")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building gotrace: %w\n%s", err, out)
		}
	}
	tools := []tool{{"gotrace", exe}}
	path, err := exec.LookPath(bpftrace)
	if err != nil {
		fmt.Println("no bpftrace is installed: there is nothing to compare with (apt-get install bpftrace)")
		return tools, nil
	}
	version, err := exec.Command(path, "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("asking bpftrace for its version: %w", err)
	}
	fmt.Printf("comparing with %s", version)
	return append(tools, tool{"bpftrace", path}), nil
}

// median of the values, which it sorts.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// ratio of the second value to the first, as text: how many times less gotrace needs.
func ratio(values []float64) string {
	if len(values) < 2 || values[0] <= 0 || math.IsNaN(values[1]) {
		return "-"
	}
	return fmt.Sprintf("%.1fx", values[1]/values[0])
}
