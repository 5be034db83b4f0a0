//go:build linux

package main

import (
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"
)

// startScripts end by themselves as soon as they have started.
var startScripts = []struct{ name, text string }{
	{"BEGIN { exit(); }", `BEGIN { exit(); }`},
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
interval:us:100 { exit(); }
END { clear(@filename); }`},
	{"histogram", `
tracepoint:syscalls:sys_exit_read /args->ret > 0/ { @bytes[comm] = hist(args->ret); }
interval:us:100 { exit(); }
END { clear(@bytes); }`},
}

// benchStartup measures whole runs: wall time and the process's peak resident memory.
func benchStartup(tools []tool, _ string, rounds int) error {
	fmt.Printf("\nstart to end, median of %d runs\n%-20s %-9s %10s %10s\n", rounds, "script", "", "time", "memory")
	for _, s := range startScripts {
		wall, rss := make([][]float64, len(tools)), make([][]float64, len(tools))
		for range rounds {
			for i, t := range tools {
				w, m, err := runOnce(t, s.text)
				if err != nil {
					return fmt.Errorf("%s: %s: %w", t.name, s.name, err)
				}
				wall[i], rss[i] = append(wall[i], w), append(rss[i], m)
			}
		}
		walls, sizes := make([]float64, len(tools)), make([]float64, len(tools))
		for i, t := range tools {
			walls[i], sizes[i] = median(wall[i]), median(rss[i])
			fmt.Printf("%-20s %-9s %7.1f ms %7.1f MB\n", s.name, t.name, walls[i], sizes[i])
		}
		fmt.Printf("%-20s %-9s %10s %10s\n", "", "less by", ratio(walls), ratio(sizes))
	}
	return nil
}

// runOnce returns milliseconds and megabytes of one run.
func runOnce(t tool, script string) (wall, rss float64, err error) {
	cmd := exec.Command(t.path, "-e", script)
	cmd.Stdout = io.Discard
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return 0, 0, err
	}
	wall = float64(time.Since(start).Microseconds()) / 1000
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return wall, float64(usage.Maxrss) / 1024, nil
}
