package runtime

import (
	"encoding/binary"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/lang/types"
)

// clock turns the kernel's clocks into wall-clock time.
type clock struct {
	now  func() time.Time
	zone *time.Location
	// boot is when CLOCK_BOOTTIME was zero, monotonic when CLOCK_MONOTONIC was, tai how far CLOCK_TAI is ahead of UTC.
	boot, monotonic time.Time
	tai             time.Duration
}

// newClock reads the offsets of the clocks, once: a record's time must not move when the wall clock is set.
func newClock() *clock {
	c := &clock{now: time.Now, zone: time.Local}
	c.boot = zeroOf(unix.CLOCK_BOOTTIME)
	c.monotonic = zeroOf(unix.CLOCK_MONOTONIC)
	if d := time.Unix(0, 0).Sub(zeroOf(unix.CLOCK_TAI)).Round(time.Second); d > 0 {
		c.tai = d
	}
	return c
}

// zeroOf returns the wall-clock time at which a clock was, or would have been, zero. The closest of a
// few readings is taken, as the process may lose the CPU between the two clocks.
func zeroOf(id int32) time.Time {
	var best time.Time
	least := time.Duration(1<<63 - 1)
	for range 5 {
		before := time.Now()
		var ts unix.Timespec
		if unix.ClockGettime(id, &ts) != nil {
			return time.Unix(0, 0)
		}
		took := time.Since(before)
		if took < least {
			least = took
			best = before.Add(took / 2).Round(0).Add(-time.Duration(ts.Nano()))
		}
	}
	return best
}

// wall is the wall-clock time of a reading of the clock that a strftime() mode names.
func (c *clock) wall(mode string, ns uint64) time.Time {
	d := time.Duration(ns)
	switch mode {
	case "monotonic":
		return c.monotonic.Add(d).In(c.zone)
	case "tai", "sw_tai":
		return time.Unix(0, int64(ns)).Add(-c.tai).In(c.zone)
	default:
		return c.boot.Add(d).In(c.zone)
	}
}

func (c *clock) appendTimestamp(dst []byte, t types.Timestamp, ns uint64) []byte {
	return appendTime(dst, bpfTimeFormat(t.Format), c.wall(t.Mode, ns))
}

// clockNS is the reading of a clock in nanoseconds, 0 if the kernel does not have it.
func clockNS(id int32) int64 {
	var ts unix.Timespec
	if unix.ClockGettime(id, &ts) != nil {
		return 0
	}
	return ts.Nano()
}

// putU64 stores v in the kernel's byte order.
func putU64(b []byte, v uint64) { binary.NativeEndian.PutUint64(b, v) }
