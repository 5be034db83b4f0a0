package probes

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
)

// timeUnits are nanoseconds by the name of a unit.
var timeUnits = map[string]uint64{"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9, "d": 86400e9}

// timerUnits are the units of interval:UNIT:COUNT and profile:UNIT:COUNT, in the order in which -l shows them.
var timerUnits = []string{"hz", "ms", "s", "us"}

// minPeriod is the shortest period in nanoseconds, as in bpftrace.
const minPeriod = 1000

// maxTicks is the same as a frequency.
const maxTicks = 1_000_000_000 / minPeriod

// resolveTimer is interval and profile: kind:unit:count, kind:hz:rate, kind:10ms or kind:nanoseconds.
func resolveTimer(_ *Env, ap *ast.AttachPoint) ([]lang.Target, error) {
	t := lang.Target{Kind: builtin.ProbeKindByName(ap.Provider)}
	name := t.Kind.Name
	var err error
	switch len(ap.Parts) {
	case 1:
		err = timerByDuration(&t, ap.Parts[0])
	case 2:
		err = timerByUnit(&t, ap.Parts[0], ap.Parts[1])
	default:
		err = fmt.Errorf("%d parts", len(ap.Parts))
	}
	if err != nil {
		return nil, fmt.Errorf("bad time of %s probe: %w; write %s:s:1, %s:hz:99 or %s:10ms", name, err, name, name, name)
	}
	switch limit := maxSampleRate(); {
	case name == "interval" && t.Hz > maxTicks:
		return nil, fmt.Errorf("interval:hz:%d is too often; the most is %d times a second", t.Hz, maxTicks)
	case name == "profile" && t.Hz > limit:
		return nil, fmt.Errorf("%s:hz:%d is more often than the kernel allows: %d times a second (kernel.perf_event_max_sample_rate)",
			name, t.Hz, limit)
	}
	return []lang.Target{t}, nil
}

// timerByUnit is kind:unit:count.
func timerByUnit(t *lang.Target, unit, count string) error {
	n, err := parseCount(count)
	if err != nil {
		return err
	}
	if n == 0 {
		return errors.New("the count must be above 0")
	}
	t.Name = fmt.Sprintf("%s:%s:%d", t.Kind.Name, unit, n)
	if unit == "hz" {
		t.Hz = n
		return nil
	}
	for _, u := range timerUnits {
		if u != unit {
			continue
		}
		if n > math.MaxInt64/timeUnits[unit] {
			return fmt.Errorf("%s:%s is too long", unit, count)
		}
		t.Period = n * timeUnits[unit]
		return nil
	}
	return fmt.Errorf("%q is not a unit (hz, s, ms, us)", unit)
}

// timerByDuration is kind:10ms; a number without a unit is nanoseconds. The probe's name has whole microseconds, as in bpftrace.
func timerByDuration(t *lang.Target, s string) error {
	ns, err := parseDuration(s)
	if err != nil {
		return err
	}
	if ns < minPeriod {
		return fmt.Errorf("%s is %d nanoseconds; the shortest period is 1us", s, ns)
	}
	t.Period = ns / 1000 * 1000
	t.Name = fmt.Sprintf("%s:us:%d", t.Kind.Name, ns/1000)
	return nil
}

// parseCount reads a positive number as scripts write it: 100, 1e6, 1_000, 0x10.
func parseCount(s string) (uint64, error) {
	plain := strings.ReplaceAll(s, "_", "")
	if mant, exp, ok := strings.Cut(strings.ToLower(plain), "e"); ok && !strings.HasPrefix(mant, "0x") {
		m, err1 := strconv.ParseUint(mant, 10, 32)
		x, err2 := strconv.ParseUint(exp, 10, 8)
		if err1 != nil || err2 != nil || x > 9 {
			return 0, fmt.Errorf("%q is not a number", s)
		}
		for range x {
			m *= 10
		}
		return m, nil
	}
	n, err := strconv.ParseUint(plain, 0, 63)
	if err != nil {
		return 0, fmt.Errorf("%q is not a positive number", s)
	}
	return n, nil
}

// parseDuration reads 1s, 10ms, or a number of nanoseconds.
func parseDuration(s string) (uint64, error) {
	digits := strings.TrimRight(s, "dhmnsu")
	unit := uint64(1)
	if digits != s {
		var ok bool
		if unit, ok = timeUnits[s[len(digits):]]; !ok {
			return 0, fmt.Errorf("%q is not a time", s)
		}
	}
	n, err := parseCount(digits)
	if err != nil {
		return 0, fmt.Errorf("%q is not a time", s)
	}
	if n > math.MaxInt64/unit {
		return 0, fmt.Errorf("%s is too long", s)
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

// listTimers lists the units, the only thing that is known of timers.
func listTimers(kind *builtin.ProbeKind, _ *Env, parts []string) ([]Listed, error) {
	var out []lang.Target
	for _, u := range timerUnits {
		if len(parts) == 0 || parts[0] == "" || match(parts[0], u) {
			out = append(out, lang.Target{Kind: kind, Name: kind.Name + ":" + u + ":"})
		}
	}
	return ListedTargets(out, nil)
}
