package value

import (
	"fmt"
	"strconv"
	"time"
)

// appendTime formats t as C's strftime does in the C locale. Verbs it does not know are copied as they stand.
func appendTime(dst []byte, format string, t time.Time) []byte {
	for i := 0; i < len(format); i++ {
		c := format[i]
		if c != '%' || i+1 == len(format) {
			dst = append(dst, c)
			continue
		}
		i++
		// E and O ask for other calendars and digits, of which the C locale has none.
		if (format[i] == 'E' || format[i] == 'O') && i+1 < len(format) {
			i++
		}
		verb, ok := timeVerbs[format[i]]
		if !ok {
			dst = append(dst, '%', format[i])
			continue
		}
		dst = verb(dst, t)
	}
	return dst
}

// bpfTimeFormat rewrites the verbs that strftime() of the script has beyond C's: %f microseconds,
// %k nanoseconds and %l milliseconds of the second, all padded with zeros.
// The rewritten verbs are bytes that no format holds.
func bpfTimeFormat(format string) string {
	b := []byte(format)
	for i := 0; i+1 < len(b); i++ {
		if b[i] != '%' {
			continue
		}
		if to, ok := bpfTimeVerbs[b[i+1]]; ok {
			b[i+1] = to
		}
		i++
	}
	return string(b)
}

// Verbs for parts of a second.
const (
	verbMillis = 1 + iota
	verbMicros
	verbNanos
)

var bpfTimeVerbs = map[byte]byte{'f': verbMicros, 'k': verbNanos, 'l': verbMillis}

// timeVerbs is what each verb writes.
var timeVerbs map[byte]func(dst []byte, t time.Time) []byte

func init() {
	timeVerbs = map[byte]func([]byte, time.Time) []byte{
		'a': goLayout("Mon"), 'A': goLayout("Monday"), 'b': goLayout("Jan"), 'h': goLayout("Jan"), 'B': goLayout("January"),
		'c': nested("%a %b %e %H:%M:%S %Y"), 'D': nested("%m/%d/%y"), 'F': nested("%Y-%m-%d"),
		'r': nested("%I:%M:%S %p"), 'R': nested("%H:%M"), 'T': nested("%H:%M:%S"),
		'x': nested("%m/%d/%y"), 'X': nested("%H:%M:%S"),
		'p': goLayout("PM"), 'P': goLayout("pm"), 'z': goLayout("-0700"), 'Z': goLayout("MST"),
		'n': text("\n"), 't': text("\t"), '%': text("%"),

		'C': number("%02d", func(t time.Time) int { return t.Year() / 100 }),
		'd': number("%02d", time.Time.Day),
		'e': number("%2d", time.Time.Day),
		'H': number("%02d", time.Time.Hour),
		'I': number("%02d", hour12),
		'j': number("%03d", time.Time.YearDay),
		'k': number("%2d", time.Time.Hour),
		'l': number("%2d", hour12),
		'm': number("%02d", func(t time.Time) int { return int(t.Month()) }),
		'M': number("%02d", time.Time.Minute),
		'S': number("%02d", time.Time.Second),
		'u': number("%d", func(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }),
		'w': number("%d", func(t time.Time) int { return int(t.Weekday()) }),
		'U': number("%02d", func(t time.Time) int { return (t.YearDay() + 6 - int(t.Weekday())) / 7 }),
		'W': number("%02d", func(t time.Time) int { return (t.YearDay() + 6 - (int(t.Weekday())+6)%7) / 7 }),
		'V': number("%02d", func(t time.Time) int { _, w := t.ISOWeek(); return w }),
		'G': number("%d", func(t time.Time) int { y, _ := t.ISOWeek(); return y }),
		'g': number("%02d", func(t time.Time) int { y, _ := t.ISOWeek(); return y % 100 }),
		'y': number("%02d", func(t time.Time) int { return t.Year() % 100 }),
		'Y': number("%d", time.Time.Year),
		's': func(dst []byte, t time.Time) []byte { return strconv.AppendInt(dst, t.Unix(), 10) },

		verbMillis: number("%03d", func(t time.Time) int { return t.Nanosecond() / 1e6 }),
		verbMicros: number("%06d", func(t time.Time) int { return t.Nanosecond() / 1e3 }),
		verbNanos:  number("%09d", time.Time.Nanosecond),
	}
}

func hour12(t time.Time) int { return (t.Hour()+11)%12 + 1 }

func goLayout(l string) func([]byte, time.Time) []byte {
	return func(dst []byte, t time.Time) []byte { return t.AppendFormat(dst, l) }
}

func nested(format string) func([]byte, time.Time) []byte {
	return func(dst []byte, t time.Time) []byte { return appendTime(dst, format, t) }
}

func text(s string) func([]byte, time.Time) []byte {
	return func(dst []byte, _ time.Time) []byte { return append(dst, s...) }
}

func number(format string, f func(time.Time) int) func([]byte, time.Time) []byte {
	return func(dst []byte, t time.Time) []byte { return fmt.Appendf(dst, format, f(t)) }
}
