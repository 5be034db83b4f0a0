package output

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gotrace/gotrace/runtime/value"
)

// Colours of a terminal (ECMA-48).
const (
	green   = "\x1b[32m"
	red     = "\x1b[31m"
	noColor = "\x1b[0m"
)

// appendTestResult writes how a test went, with what it printed if it failed; before the first one how many there are, and behind the last
// one how all went.
func appendTestResult(dst []byte, r TestResult, colored bool) []byte {
	line := func(color, mark, format string, args ...any) {
		mark = "[" + mark + "]"
		if colored {
			mark = color + mark + noColor
		}
		dst = fmt.Appendf(append(append(dst, mark...), ' '), format+"\n", args...)
	}
	if r.Index == 0 {
		line(green, "==========", "Running %s.", counted(r.Of, "test"))
	}
	line(green, " RUN      ", "%s", r.Name)
	if r.Passed {
		line(green, "       OK ", "%s (%s)", r.Name, roundTime(r.Duration))
	} else {
		for l := range strings.Lines(r.Output) {
			if l = strings.TrimSuffix(l, "\n"); l != "" {
				dst = append(append(dst, l...), '\n')
			}
		}
		line(red, "  FAILED  ", "%s (%s)", r.Name, roundTime(r.Duration))
	}
	if r.Index < r.Of-1 {
		return dst
	}
	line(green, "==========", "%s ran.", counted(r.Of, "test"))
	line(green, "  PASSED  ", "%s.", counted(r.Of-len(r.Failed), "test"))
	if len(r.Failed) > 0 {
		line(red, "  FAILED  ", "%s:", counted(len(r.Failed), "test"))
		for _, name := range r.Failed {
			line(red, "  FAILED  ", "%s", name)
		}
	}
	return dst
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// roundTime is a duration with the unit in which it has one to three digits.
func roundTime(d time.Duration) string {
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{time.Second, "s"}, {time.Millisecond, "ms"}, {time.Microsecond, "us"}} {
		if d >= unit.size {
			return strconv.FormatInt(int64(d/unit.size), 10) + " " + unit.name
		}
	}
	return strconv.FormatInt(int64(d), 10) + " ns"
}

// appendBenchResult writes a row of a table, and the table's head before the first one.
func appendBenchResult(dst []byte, r BenchResult) []byte {
	const least, number = 40, 15 // widths
	width := max(least, r.Longest) + 1
	row := func(name, average, runs string) {
		dst = fmt.Appendf(dst, "%-*s%-*s%s\n", width, name, number, average, runs)
	}
	if r.Index == 0 {
		row("Benchmark", "Time(ns)", "Iterations")
		dst = append(append(dst, strings.Repeat("-", width+number+len("Iterations"))...), '\n')
	}
	row(r.Name, strconv.FormatInt(int64(r.Average), 10), strconv.FormatUint(r.Iterations, 10))
	return dst
}

// appendTestJSON writes how a test went, by its name.
func appendTestJSON(dst []byte, r TestResult) []byte {
	dst = append(value.AppendJSONString(append(dst, '{'), []byte(r.Name)), `: {"duration": `...)
	dst = strconv.AppendInt(dst, int64(r.Duration), 10)
	dst = strconv.AppendBool(append(dst, `, "passed": `...), r.Passed)
	dst = value.AppendJSONString(append(dst, `, "output": `...), []byte(r.Output))
	return append(dst, "}}"...)
}

// appendBenchJSON writes the time of a benchmark, by its name.
func appendBenchJSON(dst []byte, r BenchResult) []byte {
	dst = append(value.AppendJSONString(append(dst, '{'), []byte(r.Name)), `: {"average": `...)
	dst = strconv.AppendInt(dst, int64(r.Average), 10)
	dst = strconv.AppendUint(append(dst, `, "iters": `...), r.Iterations, 10)
	return append(dst, "}}"...)
}
