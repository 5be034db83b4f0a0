//go:build linux

package main

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

//go:embed testdata/stackwork.c
var stacksProgram string

// stacksDepth is how many functions a chain of calls has, each of which is two frames; stacksSpare is room for keys of other events.
const (
	stacksDepth = 12
	stacksSpare = 1000
)

// stacksCost is what a tool needs for a map by stack.
type stacksCost struct {
	perEvent float64 // nanoseconds in the kernel
	end      time.Duration
	cpu      time.Duration // at the end
	memory   int           // megabytes, at most
	keys     int64         // printed
}

// benchStacks compares what stacks cost: in the kernel for each event that has a new one, and when they are all named and printed at the end.
func benchStacks(tools []tool, dir string, rounds int) error {
	restore, err := enableStats()
	if err != nil {
		return err
	}
	defer restore()
	own, err := ownCost()
	if err != nil {
		return err
	}
	workload := filepath.Join(dir, "stackwork")
	cmd := exec.Command("gcc", "-O1", "-g", "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls", "-x", "c", "-o", workload, "-")
	cmd.Stdin = strings.NewReader(stacksProgram)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the workload (apt-get install gcc): %w\n%s", err, out)
	}
	fmt.Printf("\n@[ustack, kstack, comm] = count() of %d different stacks\n%-10s %10s %10s %10s %10s %10s\n", *stacksCount, "", "ns/event", "end s", "end cpu s", "MB", "keys")
	for _, t := range tools {
		var costs []stacksCost
		for range min(rounds, *stacksRounds) {
			c, err := stacksRun(t, workload, own)
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			costs = append(costs, c)
		}
		pick := func(of func(c stacksCost) float64) float64 {
			var values []float64
			for _, c := range costs {
				values = append(values, of(c))
			}
			return median(values)
		}
		fmt.Printf("%-10s %10.0f %10.2f %10.2f %10.0f %10.0f\n", t.name,
			pick(func(c stacksCost) float64 { return c.perEvent }), pick(func(c stacksCost) float64 { return c.end.Seconds() }),
			pick(func(c stacksCost) float64 { return c.cpu.Seconds() }), pick(func(c stacksCost) float64 { return float64(c.memory) }),
			pick(func(c stacksCost) float64 { return float64(c.keys) }))
	}
	return nil
}

// stacksRun runs the workload once under a tool.
func stacksRun(t tool, workload string, own float64) (c stacksCost, err error) {
	n := *stacksCount
	s, err := startSession(t, fmt.Sprintf(`config = { max_map_keys = %d }
tracepoint:syscalls:sys_enter_lseek /comm == "stackwork"/ { @[ustack, kstack, comm] = count(); }`, n+stacksSpare))
	if err != nil {
		return c, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	before, err := s.stats()
	if err != nil {
		return c, err
	}
	if out, err := exec.Command(workload, strconv.Itoa(n), strconv.Itoa(stacksDepth)).CombinedOutput(); err != nil {
		return c, fmt.Errorf("the workload: %w\n%s", err, out)
	}
	after, err := s.stats()
	if err != nil {
		return c, err
	}
	for id, now := range after {
		// The program of the system call ran for each of them; that of the interval some times.
		if runs := now.runs - before[id].runs; runs >= uint64(n) {
			c.perEvent = float64(now.ns-before[id].ns)/float64(runs) - own
		}
	}
	used, err := processorTime(s.cmd.Process.Pid)
	if err != nil {
		return c, err
	}
	begin := time.Now()
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil {
		return c, err
	}
	<-s.done
	_ = s.cmd.Wait() // it was interrupted: the exit code says no more
	c.end = time.Since(begin)
	c.cpu = s.cmd.ProcessState.UserTime() + s.cmd.ProcessState.SystemTime() - used
	c.memory = int(s.cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss >> 10)
	c.keys = s.keys
	return c, nil
}

// processorTime is what a process has used, from /proc/PID/stat, which has it in hundredths of a second.
func processorTime(pid int) (time.Duration, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	const user, system = 11, 12 // behind the name, which may have blanks
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	if len(fields) <= system {
		return 0, fmt.Errorf("/proc/%d/stat: %q", pid, data)
	}
	var total time.Duration
	for _, i := range []int{user, system} {
		n, err := strconv.Atoi(fields[i])
		if err != nil {
			return 0, err
		}
		total += time.Duration(n) * time.Second / 100
	}
	return total, nil
}
