package value

import (
	"fmt"
	"strconv"
	"time"
)

// Values of a script as Go values. Integers are int64 or uint64 by their sign, booleans bool, strings string, timestamps
// time.Time, buffers []byte, internet addresses netip.Addr, floating-point numbers float64, arrays []any, and aggregations that are one
// number integers. The other types are these.
type (
	// Pointer is an address.
	Pointer uint64
	// Symbol is an address with its name, "" if it has none.
	Symbol struct {
		Addr uint64
		Name string
	}
	// MAC is a hardware address.
	MAC [6]byte
	// Cgroup is the id of a cgroup with its paths as they are printed.
	Cgroup struct {
		ID    uint64
		Paths string
	}
	// User is the id of a user with the name, "" if there is none.
	User struct {
		ID   uint64
		Name string
	}
	// Enum is a value of an enum type; Name is "" if no constant has the value.
	Enum struct {
		Value int64
		Name  string
	}
	// Tuple is a tuple, also the key of a map with several keys.
	Tuple []any
	// Record is a struct, its members in order. Those of anonymous members are among them.
	Record []Member
	// Member is a member of a Record.
	Member struct {
		Name  string
		Value any
	}
	// Stats is the value of stats(). Average and Total are int64 or uint64.
	Stats struct {
		Count          uint64
		Average, Total any
	}
	// Histogram is the value of hist() or lhist(), from the first to the last bucket that counted something.
	Histogram []Bucket
	// Bucket counts values of [Lo, Hi). Lo is MinInt64 and Hi MaxInt64 where a bucket has no bound.
	Bucket struct {
		Lo, Hi int64
		Count  uint64
	}
	// Quantiles is the value of quantiles(): how many values there were, and percentiles of them, each at most 1 % off, -1 where it is
	// below 0. Buckets are those that counted something; those of several machines can be added.
	Quantiles struct {
		Count                    uint64
		P50, P90, P99, P999, Max int64
		Buckets                  Histogram
	}
	// Series is the value of tseries(), from the first interval that has a value on.
	Series []SeriesPoint
	// SeriesPoint is an interval: when it began, and its int64 or uint64, nil where there is none.
	SeriesPoint struct {
		Start time.Time
		Value any
	}
	// Element is an element of a map. Key is nil for a map without a key.
	Element struct{ Key, Value any }
)

// String is the name, or the address where there is none.
func (s Symbol) String() string {
	if s.Name != "" {
		return s.Name
	}
	return string(appendPointer(nil, s.Addr))
}

// String is the name, or the id where there is none.
func (u User) String() string { return string(appendUser(nil, u)) }

// String is the address as bpftrace shows it: 18:C0:4D:08:2E:BB.
func (m MAC) String() string {
	return fmt.Sprintf("%02X:%02X:%02X:%02X:%02X:%02X", m[0], m[1], m[2], m[3], m[4], m[5])
}

// String is the name, or the number where there is none.
func (e Enum) String() string {
	if e.Name != "" {
		return e.Name
	}
	return strconv.FormatInt(e.Value, 10)
}
