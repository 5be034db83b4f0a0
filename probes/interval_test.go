package probes

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/lang"
)

// Deadlines are multiples of the period from the start, whatever was late before; a frequency whose period is no whole
// number of nanoseconds does not drift.
func TestTickDeadlines(t *testing.T) {
	for _, tt := range []struct {
		target lang.Target
		n      uint64 // tick
		want   uint64 // when
	}{
		{lang.Target{Period: 1e7}, 1, 1e7},
		{lang.Target{Period: 1e7}, 470, 470e7},
		{lang.Target{Hz: 3}, 1, 333333334},
		{lang.Target{Hz: 3}, 3, 1e9},
		{lang.Target{Hz: 3}, 3e9, 1e18},
		{lang.Target{Hz: 999983}, 999983, 1e9},
		{lang.Target{Period: 1<<63 - 1}, 1, 1<<63 - 1},
		{lang.Target{Period: 1<<63 - 1}, 3, 1<<64 - 1 - 1000},
	} {
		k := newTick(&tt.target, nil, 1000)
		k.next = tt.n
		if got := k.deadline(); got != 1000+tt.want {
			t.Errorf("%+v: tick %d is due at %d, want %d", tt.target, tt.n, got, tt.want)
		}
		if tt.want > 1<<63 {
			continue
		}
		if at, before := k.until(1000+tt.want), k.until(1000+tt.want-1); at != tt.n || before != tt.n-1 {
			t.Errorf("%+v: %d ticks until tick %d and %d before it", tt.target, at, tt.n, before)
		}
	}
}

// What is late is made up for a second; what is older is missed.
func TestTickSkip(t *testing.T) {
	for _, tt := range []struct {
		target       lang.Target
		next, now    uint64
		want, missed uint64
	}{
		{lang.Target{Period: 1e7}, 5, 5e7, 5, 0},
		{lang.Target{Period: 1e7}, 1, 1e9, 1, 0},         // a hundred in time to be made up
		{lang.Target{Period: 1e7}, 1, 1e9 + 1e7, 2, 1},   // one more
		{lang.Target{Period: 1e9}, 1, 1.9e9, 1, 0},       // late, but the newest
		{lang.Target{Period: 1e9}, 1, 2e9, 2, 1},         // the newest of two
		{lang.Target{Period: 60e9}, 1, 3600e9, 60, 59},   // stopped for an hour
		{lang.Target{Hz: 1000}, 1001, 5e9, 4001, 3000},   //
		{lang.Target{Period: 1e3}, 1, 3e9, 2e6 + 1, 2e6}, //
	} {
		k := newTick(&tt.target, nil, 0)
		k.next = tt.next
		if k.skip(tt.now); k.next != tt.want || k.missed != tt.missed {
			t.Errorf("%+v: next %d, missed %d, want %d and %d", tt, k.next, k.missed, tt.want, tt.missed)
		}
	}
}

// Late ticks are run in their order; an interval that is always behind does not keep up the others.
func TestClockOrder(t *testing.T) {
	c := &clock{}
	for _, period := range []uint64{10, 100, 50, 100} {
		c.ticks = append(c.ticks, newTick(&lang.Target{Period: period}, nil, 0))
	}
	order := func(now uint64) (got []int) {
		for k := c.due(now); k != nil; k = c.due(now) {
			got = append(got, slices.Index(c.ticks, k))
			k.next++
		}
		return got
	}
	if got, want := order(105), []int{0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 2, 3}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
	c.ticks = []*tick{newTick(&lang.Target{Period: 1}, nil, 0), newTick(&lang.Target{Period: 1e6}, nil, 0)}
	if got := order(1e6); slices.Index(got, 1) != maxTurns || len(got) != 1e6+1 {
		t.Errorf("the slow interval was the %dth of %d", slices.Index(got, 1), len(got))
	}
}

// No tick is lost while another tracing program runs on the same CPU: each is run or told.
func TestClockIsExact(t *testing.T) {
	needRoot(t)
	e, err := NewEnv(EnvOptions{})
	if err != nil {
		t.Fatal(err)
	}
	attach := func(text string) (*counter, Links) {
		targets, err := e.Resolve(point(text))
		if err != nil {
			t.Fatal(err)
		}
		plan, err := e.Plan(targets)
		if err != nil {
			t.Fatal(err)
		}
		c := newCounter(t, programTypes[targets[0].Kind.Context], plan)
		links, err := plan.Attach(c.prog, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c, links
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var old, set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &old); err != nil {
		t.Fatal(err)
	}
	set.Set(clockCPU())
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		t.Fatal(err)
	}
	defer unix.SchedSetaffinity(0, &old)
	_, busy := attach("tracepoint:syscalls:sys_enter_getppid")
	fast, links := attach("interval:ms:1")
	slow, more := attach("interval:hz:300")
	for fast.count(t) < 300 || slow.count(t) < 100 {
		unix.Getppid()
	}
	for _, l := range []Links{busy, links, more} {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		*counter
		*tick
	}{{fast, links[0].(*tick)}, {slow, more[0].(*tick)}} {
		due := c.until(monotonic())
		if runs := c.count(t); runs+c.Missed() > due || c.next-1 > runs+c.Missed() {
			t.Errorf("%d runs and %d missed of %d ticks, the next one would be %d", runs, c.Missed(), due, c.next)
		}
	}
}

// A program that is too slow, here for a clock that was asked for the impossible, is told.
// A program that cannot be run is told at once, and why when the interval is closed.
func TestClockFails(t *testing.T) {
	needRoot(t)
	failed := make(chan struct{}, 1)
	c := &clock{cpu: clockCPU(), fail: func() { failed <- struct{}{} }}
	prog := newCounter(t, ebpf.RawTracepoint, &Plan{}).prog
	if err := prog.Close(); err != nil {
		t.Fatal(err)
	}
	k, err := c.add(&lang.Target{Period: 1000}, prog)
	if err != nil {
		t.Fatal(err)
	}
	<-failed
	if err := k.Close(); err == nil || !strings.Contains(err.Error(), "running an interval's program") {
		t.Errorf("closing gives %v", err)
	}
}

func TestClockMisses(t *testing.T) {
	needRoot(t)
	c := &clock{cpu: clockCPU()}
	k, err := c.add(&lang.Target{Period: 1}, newCounter(t, ebpf.RawTracepoint, &Plan{}).prog)
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); k.Missed() == 0; {
		if time.Now().After(end) {
			t.Fatal("a nanosecond's interval misses nothing")
		}
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	if at := k.Missed(); at == 0 {
		t.Error("nothing missed")
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
}

// Ticks that come after the script's exit() are not missed; those before it are, whoever has called it.
func TestTicksAfterExit(t *testing.T) {
	now := monotonic()
	start := now - uint64(100*time.Millisecond)
	for _, tt := range []struct {
		name   string
		exited bool
		ran    uint64 // when a tick was run last
		least  uint64
		most   uint64
	}{
		{"no exit", false, start, 97, 1 << 40},
		{"exit in the first tick", true, start + 1_000_000, 0, 0},
		{"exit in another interval's tick, much later", true, start + 50_000_000, 48, 49},
	} {
		c := &clock{wake: -1, ran: tt.ran}
		k := newTick(&lang.Target{Period: uint64(time.Millisecond)}, nil, start)
		k.clock, k.next = c, 2
		c.ticks = []*tick{k}
		if tt.exited {
			k.Exited()
		}
		if err := k.Close(); err != nil {
			t.Fatal(err)
		}
		if got := k.Missed(); got < tt.least || got > tt.most {
			t.Errorf("%s: %d ticks were missed, want %d to %d", tt.name, got, tt.least, tt.most)
		}
	}
}
