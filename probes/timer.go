package probes

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/lang"
)

// timeUnits are nanoseconds by the name of a unit.
var timeUnits = map[string]uint64{"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9, "d": 86400e9}

// resolveTimer is interval and profile: kind:unit:count, kind:hz:rate, kind:10ms or kind:nanoseconds.
func resolveTimer(_ *Env, ap *lang.AttachPoint) ([]lang.Target, error) {
	kind := lang.ProbeKindByName(ap.Provider)
	t := lang.Target{Kind: kind, Name: kind.Name + ":" + strings.Join(ap.Parts, ":")}
	usage := fmt.Errorf("%s is written %s:UNIT:COUNT with a unit of hz, s, ms or us, or %s:10ms", kind.Name, kind.Name, kind.Name)
	switch len(ap.Parts) {
	case 1:
		ns, err := parseDuration(ap.Parts[0])
		if err != nil {
			return nil, fmt.Errorf("%w; %w", err, usage)
		}
		t.Period = ns
	case 2:
		n, err := parseCount(ap.Parts[1])
		if err != nil {
			return nil, err
		}
		unit, ok := timeUnits[ap.Parts[0]]
		switch {
		case ap.Parts[0] == "hz":
			t.Hz = n
		case !ok || ap.Parts[0] == "ns" || unit > 1e9:
			return nil, fmt.Errorf("unknown unit %q; %w", ap.Parts[0], usage)
		case n > math.MaxInt64/unit:
			return nil, fmt.Errorf("%s:%s is too long", ap.Parts[0], ap.Parts[1])
		default:
			t.Period = n * unit
		}
	default:
		return nil, usage
	}
	if t.Hz == 0 && t.Period == 0 {
		return nil, fmt.Errorf("%s needs a count above 0", kind.Name)
	}
	if max := maxSampleRate(); t.Hz > max {
		return nil, fmt.Errorf("%d samples a second are more than the kernel allows: %d (kernel.perf_event_max_sample_rate)", t.Hz, max)
	}
	return []lang.Target{t}, nil
}

// parseCount reads a positive number as scripts write it: 100, 1e6, 1_000, 0x10.
func parseCount(s string) (uint64, error) {
	plain := strings.ReplaceAll(s, "_", "")
	if mant, exp, ok := strings.Cut(strings.ToLower(plain), "e"); ok && !strings.HasPrefix(plain, "0x") {
		m, err1 := strconv.ParseUint(mant, 10, 32)
		x, err2 := strconv.ParseUint(exp, 10, 8)
		if err1 == nil && err2 == nil && x <= 9 {
			return m * uint64(math.Pow10(int(x))), nil
		}
		return 0, fmt.Errorf("%q is not a number", s)
	}
	n, err := strconv.ParseUint(plain, 0, 63)
	if err != nil {
		return 0, fmt.Errorf("%q is not a positive number", s)
	}
	return n, nil
}

// parseDuration reads 1s, 10ms, or a number of nanoseconds.
func parseDuration(s string) (uint64, error) {
	i := len(s)
	for i > 0 && (s[i-1] < '0' || s[i-1] > '9') {
		i--
	}
	unit := uint64(1)
	if i < len(s) {
		var ok bool
		if unit, ok = timeUnits[s[i:]]; !ok {
			return 0, fmt.Errorf("%q is not a duration", s)
		}
	}
	n, err := parseCount(s[:i])
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration", s)
	}
	if n > math.MaxInt64/unit {
		return 0, fmt.Errorf("duration %q is too long", s)
	}
	return n * unit, nil
}

// maxSampleRate is the highest frequency that perf_event_open takes.
func maxSampleRate() uint64 {
	data, err := os.ReadFile("/proc/sys/kernel/perf_event_max_sample_rate")
	if err != nil {
		return math.MaxInt64
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64)
	if err != nil {
		return math.MaxInt64
	}
	return n
}

// planTimer opens a software clock on every CPU for profile, on one for interval.
func planTimer(e *Env, targets []lang.Target) (*Plan, error) {
	cpus := onlineCPUs()
	return &Plan{attach: each(targets, func(t *lang.Target, prog *ebpf.Program) (closer, error) {
		on := cpus
		if t.Kind.Name == "interval" {
			on = cpus[:1]
		}
		return openClocks(t, on, e.opts.PID, prog)
	})}, nil
}

// fds are perf events; closing one detaches its program.
type fds []int

func (f fds) Close() error {
	var errs []error
	for _, fd := range f {
		errs = append(errs, unix.Close(fd))
	}
	return errors.Join(errs...)
}

func openClocks(t *lang.Target, cpus []int, pid int, prog *ebpf.Program) (closer, error) {
	attr := unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_CPU_CLOCK, Sample: t.Period}
	attr.Size = uint32(perfAttrSize)
	attr.Bits = unix.PerfBitDisabled
	if t.Hz != 0 {
		attr.Sample = t.Hz
		attr.Bits |= unix.PerfBitFreq
	}
	if pid == 0 || t.Kind.Name == "interval" {
		pid = -1 // all processes; an interval runs whoever is on the CPU
	}
	var out fds
	for _, cpu := range cpus {
		fd, err := openClock(&attr, pid, cpu, prog)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("opening a perf event on CPU %d: %w", cpu, err), out.Close())
		}
		out = append(out, fd)
	}
	return out, nil
}

func openClock(attr *unix.PerfEventAttr, pid, cpu int, prog *ebpf.Program) (int, error) {
	fd, err := unix.PerfEventOpen(attr, pid, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return -1, err
	}
	if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_SET_BPF, prog.FD()); err != nil {
		return -1, errors.Join(fmt.Errorf("attaching the program: %w", err), unix.Close(fd))
	}
	if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_ENABLE, 0); err != nil {
		return -1, errors.Join(fmt.Errorf("enabling the event: %w", err), unix.Close(fd))
	}
	return fd, nil
}
