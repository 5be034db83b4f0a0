// Package measure finds how long programs run.
package measure

import (
	"fmt"
	"io"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

// Clock knows how long programs run: the kernel measures each run while statistics are on. What the measuring itself takes is
// found with a program that does nothing.
type Clock struct {
	stats   io.Closer
	nothing time.Duration // of a run of a program that does nothing
}

// idleRuns is how often the program that does nothing is run.
const idleRuns = 2000

// New has the kernel measure programs until Close.
func New() (*Clock, error) {
	stats, err := ebpf.EnableStats(uint32(unix.BPF_STATS_RUN_TIME))
	if err != nil {
		return nil, fmt.Errorf("having the kernel measure programs: %w", err)
	}
	c := &Clock{stats: stats}
	if err := c.calibrate(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Close has the kernel measure no more.
func (c *Clock) Close() { _ = c.stats.Close() }

func (c *Clock) calibrate() error {
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "nothing", Type: ebpf.RawTracepoint, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	if err != nil {
		return fmt.Errorf("loading a program that does nothing: %w", err)
	}
	defer prog.Close()
	for range idleRuns {
		if _, err := prog.Run(&ebpf.RunOptions{}); err != nil {
			return fmt.Errorf("running a program that does nothing: %w", err)
		}
	}
	total, runs, err := c.Of(prog)
	if err != nil {
		return err
	}
	c.nothing = total / time.Duration(max(runs, 1))
	return nil
}

// Of is how long all runs of a program took together, and how many there were.
func (c *Clock) Of(prog *ebpf.Program) (total time.Duration, runs uint64, err error) {
	stats, err := prog.Stats()
	if err != nil {
		return 0, 0, fmt.Errorf("reading the time of a program: %w", err)
	}
	return stats.Runtime, stats.RunCount, nil
}

// Average is the time of a run, at least a nanosecond.
func (c *Clock) Average(total time.Duration, runs uint64) time.Duration {
	return max(total/time.Duration(max(runs, 1))-c.nothing, 1)
}
