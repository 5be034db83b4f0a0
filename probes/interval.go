package probes

import (
	"errors"
	"fmt"
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/lang"
)

// clock runs the programs of interval probes: one thread of this process that sleeps until the next tick is due and runs its
// program with BPF_PROG_TEST_RUN. A perf event, as profile has it, would lose each tick that comes while any tracing
// program runs on its CPU (bpf_prog_active, bpf_overflow_handler in kernel/events/core.c).
//
// The thread stays on one CPU, so that no two of the programs ever run at the same time or interrupt each other. Ticks are due at
// fixed times (n periods after the start): a late one does not move those behind it.
type clock struct {
	cpu   int        // on which the programs run
	fail  func()     // called when a program could not be run, nil for nothing
	wake  int        // an eventfd that ends the thread's sleep; the thread closes it
	mu    sync.Mutex // held while a program runs: after tick.Close it runs no more
	ticks []*tick    // in the order in which they were added
	ran   uint64     // when the latest of the ticks that were run was due
}

// makeUp is how late a tick may be run. Ticks older than that, but for the newest, are missed: a program that takes longer than
// its period must not keep up the others for ever.
const makeUp = uint64(time.Second)

// maxTurns is how many late ticks of one interval are run before others that became due after them.
const maxTurns = 100

// tick is one interval.
type tick struct {
	clock    *clock
	target   *lang.Target
	prog     *ebpf.Program
	num, den uint64 // the period is num/den nanoseconds
	start    uint64 // when it began (CLOCK_MONOTONIC)
	next     uint64 // number of the tick that is to be run next, from 1
	missed   uint64
	exited   bool  // the script has called exit()
	turns    int   // ticks that were run since all were in time, or had theirs
	err      error // of the first run that failed
}

func newTick(t *lang.Target, prog *ebpf.Program, now uint64) *tick {
	k := &tick{target: t, prog: prog, num: t.Period, den: 1, start: now, next: 1}
	if t.Hz != 0 {
		k.num, k.den = uint64(time.Second), t.Hz
	}
	return k
}

// deadline is when the next tick is due.
func (k *tick) deadline() uint64 {
	hi, lo := bits.Mul64(k.next, k.num)
	lo, carry := bits.Add64(lo, k.den-1, 0)
	if hi += carry; hi >= k.den {
		return 1<<64 - 1 // in some centuries
	}
	after, _ := bits.Div64(hi, lo, k.den)
	sum, carry := bits.Add64(k.start, after, 0)
	if carry != 0 {
		return 1<<64 - 1
	}
	return sum
}

// until is the number of ticks that were due until now.
func (k *tick) until(now uint64) uint64 {
	if now <= k.start {
		return 0
	}
	hi, lo := bits.Mul64(now-k.start, k.den)
	n, _ := bits.Div64(hi, lo, k.num) // den < num, or 1: the result fits
	return n
}

// skip leaves out the ticks that are too old to be made up at now.
func (k *tick) skip(now uint64) {
	due, keep := k.until(now), uint64(1)
	if late := makeUp; late > k.num/k.den {
		keep, _ = bits.Div64(0, late*k.den, k.num)
	}
	if due >= k.next+keep {
		k.missed += due - keep + 1 - k.next
		k.next = due - keep + 1
	}
}

// run runs the tick that is due.
func (k *tick) run(now uint64) {
	k.skip(now)
	k.clock.ran = max(k.clock.ran, k.deadline())
	k.next++
	if _, err := k.prog.Run(&ebpf.RunOptions{}); err != nil {
		k.missed++
		if k.err == nil {
			k.err = err
			if k.clock.fail != nil {
				k.clock.fail()
			}
		}
	}
}

// Close ends the interval. Ticks that are still to be made up are missed; the last one may just have become due.
func (k *tick) Close() error {
	c := k.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.ticks, k)
	if i < 0 {
		return nil
	}
	c.ticks = slices.Delete(c.ticks, i, i+1)
	now := monotonic()
	if k.exited {
		now = c.ran
	}
	if due := k.until(now); due > k.next {
		k.missed += due - k.next
	}
	c.poke()
	if k.err != nil {
		return fmt.Errorf("running an interval's program: %w", k.err)
	}
	return nil
}

// Exited says that the script has ended the session: of the ticks that are still to be made up only those are missed that were due before a tick
// of any interval that was run. The others come after exit(), and would do nothing.
func (k *tick) Exited() {
	k.clock.mu.Lock()
	defer k.clock.mu.Unlock()
	k.exited = true
}

// Target is the interval.
func (k *tick) Target() *lang.Target { return k.target }

// Missed is the number of ticks that were due and not run; it is complete after Close.
func (k *tick) Missed() uint64 {
	k.clock.mu.Lock()
	defer k.clock.mu.Unlock()
	return k.missed
}

// add begins an interval, and the thread with the first one.
func (c *clock) add(t *lang.Target, prog *ebpf.Program) (*tick, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ticks) == 0 {
		fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
		if err != nil {
			return nil, fmt.Errorf("creating an event descriptor: %w", err)
		}
		c.wake = fd
		go c.run(fd)
	}
	k := newTick(t, prog, monotonic())
	k.clock = c
	c.ticks = append(c.ticks, k)
	c.poke()
	return k, nil
}

// poke makes the thread look at the ticks again.
func (c *clock) poke() {
	_, _ = unix.Write(c.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // fails only when it is poked already
}

// run is the thread. It owns the descriptor wake and ends when there are no ticks left.
func (c *clock) run(wake int) {
	runtime.LockOSThread() // and never unlocked: the thread, with its settings, ends with the function
	c.settle()
	c.mu.Lock()
	defer c.mu.Unlock()
	defer unix.Close(wake)
	modest := false
	for len(c.ticks) > 0 && c.wake == wake {
		now := monotonic()
		k := c.due(now)
		if k == nil {
			c.sleep(wake, now)
			continue
		}
		k.run(now)
		if k.missed > 0 && !modest {
			// Too much for this CPU: from now on it gets no more of it than others do.
			modest = unix.Setpriority(unix.PRIO_PROCESS, 0, 0) == nil
		}
		c.mu.Unlock()
		c.mu.Lock() // whoever wants to close one
	}
}

// settle fixes the thread to a CPU and makes it prompt. What is refused costs promptness only.
func (c *clock) settle() {
	var set unix.CPUSet
	set.Set(c.cpu)
	_ = unix.SchedSetaffinity(0, &set)
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, -20)
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
}

// due is the interval with a tick to run now that is due longest, the first of the script where they are equal. So ticks are run in
// their order when they are late, too; but one that is behind for good has its turns and then must wait for the others.
func (c *clock) due(now uint64) *tick {
	var first, spent *tick
	for _, k := range c.ticks {
		switch {
		case k.deadline() > now:
			k.turns = 0
		case k.turns < maxTurns:
			first = earlier(first, k)
		default:
			spent = earlier(spent, k)
		}
	}
	if first == nil {
		for _, k := range c.ticks {
			k.turns = 0
		}
		first = spent
	}
	if first != nil {
		first.turns++
	}
	return first
}

// earlier is the one of two ticks that is due first; a may be nil.
func earlier(a, b *tick) *tick {
	if a == nil || b.deadline() < a.deadline() {
		return b
	}
	return a
}

// sleep waits until the next tick is due or the clock is poked.
func (c *clock) sleep(wake int, now uint64) {
	next := uint64(1<<64 - 1)
	for _, k := range c.ticks {
		next = min(next, k.deadline())
	}
	timeout := unix.NsecToTimespec(int64(min(next-now, uint64(time.Hour))))
	c.mu.Unlock()
	defer c.mu.Lock()
	fds := []unix.PollFd{{Fd: int32(wake), Events: unix.POLLIN}}
	if n, err := unix.Ppoll(fds, &timeout, nil); err == nil && n > 0 {
		var buf [8]byte
		_, _ = unix.Read(wake, buf[:])
	}
}

// monotonic is the time of CLOCK_MONOTONIC in nanoseconds.
func monotonic() uint64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // it is always there
	return uint64(ts.Nano())
}

// clockCPU is where interval probes run: the first CPU that this process may use.
func clockCPU() int {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) == nil {
		for cpu := range len(set) * bits.UintSize {
			if set.IsSet(cpu) {
				return cpu
			}
		}
	}
	return 0
}

// planInterval has this process run the program in time.
func planInterval(e *Env, targets []lang.Target) (*Plan, error) {
	if e.clock == nil {
		e.clock = &clock{cpu: clockCPU(), fail: func() {
			if e.onFailure != nil {
				e.onFailure()
			}
		}}
	}
	return &Plan{attach: func(prog *ebpf.Program, _ Step) (Links, error) {
		var all Links
		for i := range targets {
			k, err := e.clock.add(&targets[i], prog)
			if err != nil {
				return nil, errors.Join(&AttachError{targets[i], err}, all.Close())
			}
			all = append(all, k)
		}
		return all, nil
	}}, nil
}
