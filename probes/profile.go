package probes

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/lang"
)

// planProfile opens a software clock on every CPU or, with -p, for every thread of the process.
func planProfile(e *Env, targets []lang.Target) (*Plan, error) {
	return &Plan{attach: func(prog *ebpf.Program, _ Step) (Links, error) {
		var all Links
		for i := range targets {
			t := &targets[i]
			links, err := e.openProfile(t, prog)
			if err != nil {
				return nil, errors.Join(&AttachError{*t, err}, all.Close())
			}
			all = append(all, links...)
		}
		return all, nil
	}}, nil
}

func (e *Env) openProfile(t *lang.Target, prog *ebpf.Program) (Links, error) {
	if e.opts.PID == 0 {
		return openClocks(t, onlineCPUs(), prog)
	}
	tids, err := threads(e.opts.PID)
	if err != nil {
		return nil, err
	}
	return openThreads(clockAttr(t), tids, prog) // which run while the threads do: nobody knows how many samples there must have been
}

// minSample is the shortest period of a software clock in nanoseconds; the kernel takes it for shorter ones (perf_swevent_hrtimer,
// kernel/events/core.c).
const minSample = 10_000

// Sampler is a software clock on one CPU, with a program that takes its samples.
//
// A sample that comes while any tracing program runs on the CPU is dropped by the kernel, which counts it nowhere
// (bpf_overflow_handler in kernel/events/core.c). So do those that come too late, or too many for kernel.perf_event_max_sample_rate.
// But the clock is a timer with a fixed period, in frequency mode, too (perf_swevent_init_hrtimer): how many samples there must have
// been is the time divided by the period.
type Sampler struct {
	perfEvent
	cpu    int
	period uint64 // nanoseconds
	since  uint64 // CLOCK_MONOTONIC, which the timer goes by, when the clock ran
	due    uint64 // samples until Close
}

// CPU is the CPU that is sampled.
func (s *Sampler) CPU() int { return s.cpu }

// Due is how many samples there were to take; it is known after Close.
func (s *Sampler) Due() uint64 { return s.due }

// Close detaches the program.
func (s *Sampler) Close() error {
	ran := monotonic() - s.since
	if share, err := s.running(); err == nil {
		ran = scale(ran, share)
	}
	s.due = ran / s.period
	return s.perfEvent.Close()
}

// timesRunning are the two times that an event with this format is read with, behind its count.
const timesRunning = unix.PERF_FORMAT_TOTAL_TIME_ENABLED | unix.PERF_FORMAT_TOTAL_TIME_RUNNING

// share is a part of a whole.
type share struct{ part, whole uint64 }

// running is the share of its time that the clock ran; it does not while its CPU is offline.
func (s *Sampler) running() (share, error) {
	var b [24]byte // the count, the time that the event was enabled, and the time that it ran
	if _, err := unix.Read(int(s.perfEvent), b[:]); err != nil {
		return share{}, err
	}
	enabled, running := binary.NativeEndian.Uint64(b[8:]), binary.NativeEndian.Uint64(b[16:])
	return share{running, max(enabled, 1)}, nil
}

// scale is n * s.part / s.whole. A share that is nearly all is taken for that.
func scale(n uint64, s share) uint64 {
	if s.part >= s.whole-s.whole/1024 {
		return n
	}
	hi, lo := bits.Mul64(n, s.part)
	q, _ := bits.Div64(hi, lo, s.whole) // part < whole: the result fits
	return q
}

// openClocks opens a clock for each CPU.
func openClocks(t *lang.Target, cpus []int, prog *ebpf.Program) (Links, error) {
	attr := clockAttr(t)
	attr.Read_format = timesRunning
	var out Links
	for _, cpu := range cpus {
		p, err := openPerf(&attr, -1, cpu, prog)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("CPU %d: %w", cpu, err), out.Close())
		}
		out = append(out, &Sampler{perfEvent: p, cpu: cpu, period: samplePeriod(t), since: monotonic()})
	}
	return out, nil
}

func clockAttr(t *lang.Target) unix.PerfEventAttr {
	attr := unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_CPU_CLOCK, Sample: t.Period}
	if t.Hz != 0 {
		attr.Sample = t.Hz
		attr.Bits |= unix.PerfBitFreq
	}
	return attr
}

// samplePeriod is the period of a clock in nanoseconds, as the kernel has it.
func samplePeriod(t *lang.Target) uint64 {
	if t.Hz != 0 {
		return max(uint64(time.Second)/t.Hz, minSample)
	}
	return max(t.Period, minSample)
}

// threads are the thread ids of a process.
func threads(pid int) ([]int, error) {
	entries, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "task"))
	if err != nil {
		return nil, fmt.Errorf("listing the threads of process %d: %w", pid, err)
	}
	var out []int
	for _, e := range entries {
		if tid, err := strconv.Atoi(e.Name()); err == nil {
			out = append(out, tid)
		}
	}
	return out, nil
}
