package value

import (
	"time"

	"golang.org/x/sys/unix"
)

// Clock turns the kernel's clocks into wall-clock time.
type Clock struct {
	now  func() time.Time
	zone *time.Location
	// boot is when CLOCK_BOOTTIME was zero, monotonic when CLOCK_MONOTONIC was, tai how far CLOCK_TAI is ahead of UTC.
	boot, monotonic time.Time
	tai             time.Duration
}

// NewClock reads the offsets of the clocks, once: a record's time must not move when the wall clock is set.
func NewClock() *Clock {
	c := &Clock{now: time.Now, zone: time.Local}
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
func (c *Clock) wall(mode string, ns uint64) time.Time {
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

// Boot is the wall-clock time at which CLOCK_BOOTTIME was zero.
func (c *Clock) Boot() time.Time { return c.boot }

// AppendNow formats the time of now as time() of a script does.
func (c *Clock) AppendNow(dst []byte, format string) ([]byte, time.Time) {
	now := c.now().In(c.zone)
	return appendTime(dst, format, now), now
}
