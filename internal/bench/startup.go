//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// startScripts end as soon as they have started. The probe that ends them is the last to be attached.
var startScripts = []struct{ name, text string }{
	{"BEGIN { exit(); }", `BEGIN { printf("ready\n"); exit(); }`},
	{"opensnoop", `
BEGIN { printf("%-6s %-16s %4s %3s %s\n", "PID", "COMM", "FD", "ERR", "PATH"); }
tracepoint:syscalls:sys_enter_open, tracepoint:syscalls:sys_enter_openat { @filename[tid] = args->filename; }
tracepoint:syscalls:sys_exit_open, tracepoint:syscalls:sys_exit_openat /@filename[tid]/ {
	$ret = args->ret;
	$fd = $ret >= 0 ? $ret : -1;
	$errno = $ret >= 0 ? 0 : - $ret;
	printf("%-6d %-16s %4d %3d %s\n", pid, comm, $fd, $errno, str(@filename[tid]));
	delete(@filename[tid]);
}
interval:us:100 { printf("ready\n"); exit(); }
END { clear(@filename); }`},
	{"histogram", `
tracepoint:syscalls:sys_exit_read /args->ret > 0/ { @bytes[comm] = hist(args->ret); }
interval:us:100 { printf("ready\n"); exit(); }
END { clear(@bytes); }`},
}

// startCost is what one run took.
type startCost struct {
	ready float64 // milliseconds until the first event after everything was attached
	end   float64 // milliseconds until the process had ended
	rss   float64 // peak resident memory, megabytes
}

// startFigures are the columns of the table.
var startFigures = []struct {
	name, unit string
	of         func(startCost) float64
}{
	{"ready", "ms", func(c startCost) float64 { return c.ready }},
	{"ended", "ms", func(c startCost) float64 { return c.end }},
	{"memory", "MB", func(c startCost) float64 { return c.rss }},
}

// benchStartup measures whole runs.
func benchStartup(tools []tool, _ string, rounds int) error {
	fmt.Printf("\nstart-up, median of %d runs\n%-20s %-9s", rounds, "script", "")
	for _, f := range startFigures {
		fmt.Printf(" %11s", f.name)
	}
	fmt.Println()
	for _, s := range startScripts {
		costs := make([][]startCost, len(tools))
		for range rounds {
			for i, t := range tools {
				c, err := runOnce(t, s.text)
				if err != nil {
					return fmt.Errorf("%s: %s: %w", t.name, s.name, err)
				}
				costs[i] = append(costs[i], c)
			}
		}
		printStartup(s.name, tools, costs)
	}
	return nil
}

// printStartup prints a line a tool, and how many times less gotrace needs. Costs are by tool, then by run.
func printStartup(script string, tools []tool, costs [][]startCost) {
	medians := make([][]float64, len(startFigures)) // by figure, then by tool
	for k, f := range startFigures {
		for i := range tools {
			var values []float64
			for _, c := range costs[i] {
				values = append(values, f.of(c))
			}
			medians[k] = append(medians[k], median(values))
		}
	}
	for i, t := range tools {
		fmt.Printf("%-20s %-9s", script, t.name)
		for k, f := range startFigures {
			fmt.Printf(" %8.1f %s", medians[k][i], f.unit)
		}
		fmt.Println()
	}
	fmt.Printf("%-20s %-9s", "", "less by")
	for k := range startFigures {
		fmt.Printf(" %11s", ratio(medians[k]))
	}
	fmt.Println()
}

// runOnce runs a script to its end.
func runOnce(t tool, script string) (startCost, error) {
	cmd := exec.Command(t.path, "-e", script)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return startCost{}, err
	}
	start := time.Now()
	since := func() float64 { return float64(time.Since(start).Microseconds()) / 1000 }
	if err := cmd.Start(); err != nil {
		return startCost{}, err
	}
	var c startCost
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if lines.Text() == "ready" && c.ready == 0 {
			c.ready = since()
		}
	}
	if err := cmd.Wait(); err != nil {
		return startCost{}, err
	}
	c.end = since()
	if c.ready == 0 {
		return startCost{}, errors.New("the script did not say that it is ready")
	}
	c.rss = float64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) / 1024
	return c, nil
}
