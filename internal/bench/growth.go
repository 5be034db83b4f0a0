//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/gotrace/gotrace/codegen"
	"github.com/gotrace/gotrace/internal/bigscript"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/probes"
)

// growthSizes are the lengths of scripts, in statements.
var growthSizes = []int{1000, 2000, 4000, 8000, 16000}

// growthKinds is how many kinds of scripts have a row.
const growthKinds = 8

// compileEnv tells a process of this program to compile its standard input, and nothing else: memory is measured by process.
const compileEnv = "GOTRACE_BENCH_COMPILE"

// benchGrowth shows how compile time and memory grow with the length of a script. Processor time counts, not time passed.
func benchGrowth([]tool, string, int) error {
	fmt.Printf("\ncompile time (ms of processor time) and memory (MB), by statements\n%-20s", "")
	for _, n := range growthSizes {
		fmt.Printf(" %14d", n)
	}
	fmt.Println()
	for _, k := range bigscript.Kinds[:growthKinds] {
		fmt.Printf("%-20s", k.Name)
		for _, n := range growthSizes {
			fmt.Printf(" %14s", compileCost(k.Script(n)))
		}
		fmt.Println()
	}
	return nil
}

// compileCost compiles a script in a process of its own and gives time and memory as text, or that it was refused.
func compileCost(script string) string {
	exe, err := os.Executable()
	if err != nil {
		return err.Error()
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), compileEnv+"=1", "BPFTRACE_MAX_PROBES=100000", "BPFTRACE_MAX_BPF_PROGS=100000")
	cmd.Stdin = strings.NewReader(script)
	if err := cmd.Run(); err != nil {
		return "refused"
	}
	used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	rss := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
	return fmt.Sprintf("%d ms %d MB", used/time.Millisecond, rss/1024)
}

// compileOnly compiles a script and throws the result away.
func compileOnly(text []byte) error {
	src := &source.Source{Name: "stdin", Text: text}
	opts := &lang.Options{Environ: os.LookupEnv}
	file, diags := lang.Parse(src, nil)
	if diags.HasErrors() {
		return fmt.Errorf("%s", diags[0].Message)
	}
	env, err := probes.NewEnv(probes.EnvOptions{})
	if err != nil {
		return err
	}
	checked, diags := lang.Check(file, src, env, opts)
	if diags.HasErrors() {
		return fmt.Errorf("%s", diags[0].Message)
	}
	_, err = codegen.Compile(checked, env, nil)
	return err
}
