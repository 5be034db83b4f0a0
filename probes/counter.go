package probes

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
)

// perfCounter is an event that the kernel or the processor counts (enum perf_sw_ids and perf_hw_id of include/uapi/linux/perf_event.h).
type perfCounter struct {
	name, alias string
	config      uint64
	period      uint64 // events for one run of the program, where the script does not say how many
}

// clock says whether a counter of the kernel counts nanoseconds by a timer, which has a shortest period.
func (c *perfCounter) clock() bool { return c.name == "cpu-clock" || c.name == "task-clock" }

var softwareCounters = []perfCounter{
	{"alignment-faults", "", unix.PERF_COUNT_SW_ALIGNMENT_FAULTS, 1},
	{"bpf-output", "", unix.PERF_COUNT_SW_BPF_OUTPUT, 1},
	{"context-switches", "cs", unix.PERF_COUNT_SW_CONTEXT_SWITCHES, 1000},
	{"cpu-clock", "cpu", unix.PERF_COUNT_SW_CPU_CLOCK, 1_000_000},
	{"cpu-migrations", "", unix.PERF_COUNT_SW_CPU_MIGRATIONS, 1},
	{"dummy", "", unix.PERF_COUNT_SW_DUMMY, 1},
	{"emulation-faults", "", unix.PERF_COUNT_SW_EMULATION_FAULTS, 1},
	{"major-faults", "", unix.PERF_COUNT_SW_PAGE_FAULTS_MAJ, 1},
	{"minor-faults", "", unix.PERF_COUNT_SW_PAGE_FAULTS_MIN, 100},
	{"page-faults", "faults", unix.PERF_COUNT_SW_PAGE_FAULTS, 100},
	{"task-clock", "", unix.PERF_COUNT_SW_TASK_CLOCK, 1},
}

var hardwareCounters = []perfCounter{
	{"backend-stalls", "", unix.PERF_COUNT_HW_STALLED_CYCLES_BACKEND, 1_000_000},
	{"branch-instructions", "branches", unix.PERF_COUNT_HW_BRANCH_INSTRUCTIONS, 100_000},
	{"branch-misses", "", unix.PERF_COUNT_HW_BRANCH_MISSES, 100_000},
	{"bus-cycles", "", unix.PERF_COUNT_HW_BUS_CYCLES, 100_000},
	{"cache-misses", "", unix.PERF_COUNT_HW_CACHE_MISSES, 1_000_000},
	{"cache-references", "", unix.PERF_COUNT_HW_CACHE_REFERENCES, 1_000_000},
	{"cpu-cycles", "cycles", unix.PERF_COUNT_HW_CPU_CYCLES, 1_000_000},
	{"frontend-stalls", "", unix.PERF_COUNT_HW_STALLED_CYCLES_FRONTEND, 1_000_000},
	{"instructions", "", unix.PERF_COUNT_HW_INSTRUCTIONS, 1_000_000},
	{"ref-cycles", "", unix.PERF_COUNT_HW_REF_CPU_CYCLES, 1_000_000},
}

// countersOf are the counters of a kind, and their type for the kernel.
func countersOf(kind *builtin.ProbeKind) ([]perfCounter, uint32) {
	if kind.Name == "software" {
		return softwareCounters, unix.PERF_TYPE_SOFTWARE
	}
	return hardwareCounters, unix.PERF_TYPE_HARDWARE
}

// findCounter finds a counter by its name or alias.
func findCounter(kind *builtin.ProbeKind, name string) (*perfCounter, bool) {
	list, _ := countersOf(kind)
	for i := range list {
		if c := &list[i]; name == c.name || name == c.alias && name != "" {
			return c, true
		}
	}
	return nil, false
}

// resolveCounter is software:event[:count] and hardware:event[:count].
func resolveCounter(_ *Env, ap *ast.AttachPoint) ([]lang.Target, error) {
	kind := builtin.ProbeKindByName(ap.Provider)
	if len(ap.Parts) < 1 || len(ap.Parts) > 2 || ap.Parts[0] == "" {
		return nil, fmt.Errorf("a %s probe is written %s:event or %s:event:count", kind.Name, kind.Name, kind.Name)
	}
	list, _ := countersOf(kind)
	var out []lang.Target
	for i := range list {
		c := &list[i]
		name := ap.Parts[0]
		switch {
		case name == c.name, name == c.alias && name != "":
		case match(name, c.name):
			name = c.name
		default:
			continue
		}
		t := lang.Target{Kind: kind, Event: c.name, Period: c.period}
		if len(ap.Parts) == 2 && ap.Parts[1] != "" {
			n, err := parseCount(ap.Parts[1])
			if err != nil || n == 0 {
				return nil, fmt.Errorf("%q is not a count of events: write %s:%s:%d", ap.Parts[1], kind.Name, name, c.period)
			}
			t.Period = n
		}
		t.Name = fmt.Sprintf("%s:%s:%d", kind.Name, name, t.Period)
		out = append(out, t)
	}
	if len(out) == 0 {
		err := &lang.NotFoundError{What: fmt.Sprintf("%s event %s", kind.Name, ap.Parts[0])}
		var names []string
		for _, c := range list {
			names = append(names, c.name)
			if c.alias != "" {
				names = append(names, c.alias)
			}
		}
		err.Near = nearest(ap.Parts[0], names)
		return nil, err
	}
	return out, nil
}

// listCounters lists the events, whether this machine has them or not.
func listCounters(kind *builtin.ProbeKind, _ *Env, parts []string) ([]Listed, error) {
	list, _ := countersOf(kind)
	pattern := "*"
	if len(parts) > 0 && parts[0] != "" {
		pattern = parts[0]
	}
	var out []lang.Target
	for _, c := range list {
		for _, name := range []string{c.alias, c.name} {
			if name != "" && match(pattern, name) {
				out = append(out, lang.Target{Kind: kind, Name: kind.Name + ":" + name + ":", Event: c.name})
			}
		}
	}
	slices.SortFunc(out, func(a, b lang.Target) int { return strings.Compare(a.Name, b.Name) })
	return ListedTargets(out, nil)
}

// planCounter opens the event on every CPU or, with -p, for every thread of the process.
func planCounter(e *Env, targets []lang.Target) (*Plan, error) {
	return &Plan{attach: each(targets, func(t *lang.Target, prog *ebpf.Program) (closer, error) {
		c, ok := findCounter(t.Kind, t.Event)
		if !ok {
			return nil, fmt.Errorf("no such event: %s", t.Event)
		}
		_, typ := countersOf(t.Kind)
		attr := unix.PerfEventAttr{Type: typ, Config: c.config, Sample: t.Period, Read_format: timesRunning}
		if c.clock() {
			attr.Sample = max(attr.Sample, minSample)
		}
		links, err := openEverywhere(&attr, e.opts.PID, prog)
		if err != nil {
			return nil, explainCounter(t, err)
		}
		return links, nil
	})}, nil
}

// explainCounter says what the kernel means where there is no such counter (perf_event_open(2)).
func explainCounter(t *lang.Target, err error) error {
	for _, missing := range []error{unix.ENOENT, unix.EOPNOTSUPP, unix.ENODEV, unix.ENXIO, unix.EINVAL} {
		if errors.Is(err, missing) {
			return &explained{fmt.Sprintf("this machine has no counter for %s: a virtual machine often has none, and not every processor has all", t.Event), err}
		}
	}
	return err
}

// openEverywhere opens an event for every thread of a process and those it starts or, without one, on every CPU.
func openEverywhere(attr *unix.PerfEventAttr, pid int, prog *ebpf.Program) (Links, error) {
	var out Links
	if pid != 0 {
		tids, err := threads(pid)
		if err != nil {
			return nil, err
		}
		return openThreads(*attr, tids, prog)
	}
	for _, cpu := range onlineCPUs() {
		p, err := openPerf(attr, -1, cpu, prog)
		if err != nil {
			return nil, errors.Join(err, out.Close())
		}
		out = append(out, &counterLink{perfEvent: p, cpu: cpu, period: attr.Sample})
	}
	return out, nil
}

// openThreads opens an event for each thread and those it starts.
func openThreads(attr unix.PerfEventAttr, tids []int, prog *ebpf.Program) (Links, error) {
	attr.Bits |= unix.PerfBitInherit
	attr.Read_format = 0
	var out Links
	for _, tid := range tids {
		p, err := openPerf(&attr, tid, -1, prog)
		if errors.Is(err, unix.ESRCH) && len(tids) > 1 {
			continue // the thread has ended
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("thread %d: %w", tid, err), out.Close())
		}
		out = append(out, p)
	}
	if len(out) == 0 {
		return nil, errors.New("no thread of the process runs")
	}
	return out, nil
}

// counterLink is an event on one CPU. How often its program must have run is what it counted, divided by the period.
type counterLink struct {
	perfEvent
	cpu         int
	period, due uint64
}

// CPU is the CPU that is watched.
func (c *counterLink) CPU() int { return c.cpu }

// Due is how often the program must have run; it is known after Close.
func (c *counterLink) Due() uint64 { return c.due }

// Close detaches the program.
func (c *counterLink) Close() error {
	var b [24]byte // the count and the two times
	if _, err := unix.Read(int(c.perfEvent), b[:]); err == nil {
		c.due = binary.NativeEndian.Uint64(b[:]) / max(c.period, 1)
	}
	return c.perfEvent.Close()
}
