// Package names has the names of error numbers, signals and system calls.
package names

import (
	"fmt"
	"sync"
	"syscall"
	"unicode"

	"github.com/gotrace/gotrace/lang/ctypes"
)

// Table is names by number.
type Table struct {
	Size    int    // bytes of the longest name, its NUL included, rounded up to a multiple of 8
	Unknown string // the name of other numbers
	names   []string
}

// Entries is a power of two: numbers from it on have no name.
func (t *Table) Entries() int { return len(t.names) }

// Name is the name of a number.
func (t *Table) Name(n int64) string {
	if n < 0 || n >= int64(len(t.names)) || t.names[n] == "" {
		return t.Unknown
	}
	return t.names[n]
}

// Bytes are all names, one after the other in Size bytes each.
func (t *Table) Bytes() []byte {
	b := make([]byte, t.Size*len(t.names))
	for i := range t.names {
		copy(b[i*t.Size:], t.Name(int64(i)))
	}
	return b
}

// newTable makes a table of the names of all numbers below a power of two.
func newTable(entries int, unknown string, name func(n int) string) *Table {
	t := &Table{Unknown: unknown, names: make([]string, entries)}
	longest := len(unknown)
	for n := range t.names {
		t.names[n] = name(n)
		longest = max(longest, len(t.names[n]))
	}
	t.Size = (longest + 8) &^ 7
	return t
}

// capital is a text of Go's with the capital that C's has: Go's differ from it in the first letter.
func capital(text string) string {
	r := []rune(text)
	if len(r) > 1 && unicode.IsLower(r[1]) {
		r[0] = unicode.ToUpper(r[0])
	}
	return string(r)
}

// hwPoison is EHWPOISON (include/uapi/asm-generic/errno.h), which Go has no text for.
const hwPoison = 133

// Errors are the texts of error numbers, as strerror(3) has them.
var Errors = sync.OnceValue(func() *Table {
	return newTable(256, "Unknown error", func(n int) string {
		text := syscall.Errno(n).Error()
		switch {
		case n == 0:
			return "Success"
		case n == hwPoison:
			return "Memory page has hardware error"
		case text == fmt.Sprintf("errno %d", n):
			return ""
		}
		return capital(text)
	})
})

// Signals that are told apart by their number alone (signal(7)).
const (
	firstRealTime = 34
	lastSignal    = 64
)

// Signals are the texts of signals, as strsignal(3) has them.
var Signals = sync.OnceValue(func() *Table {
	return newTable(128, "N/A", func(n int) string {
		text := syscall.Signal(n).String()
		switch {
		case n > lastSignal:
			return ""
		case n >= firstRealTime:
			return fmt.Sprintf("Real-time signal %d", n-firstRealTime)
		case n == 0 || text == fmt.Sprintf("signal %d", n):
			return fmt.Sprintf("Unknown signal %d", n)
		}
		return capital(text)
	})
})

// Syscalls are the names of the system calls of an architecture.
func Syscalls(arch string) *Table {
	numbers := ctypes.SyscallNames(arch)
	return newTable(512, "Unknown syscall", func(n int) string { return numbers[int64(n)] })
}
