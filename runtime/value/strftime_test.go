package value

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/lang/types"
)

// The expected text is what date(1) prints for the same formats with LC_ALL=C.
func TestStrftime(t *testing.T) {
	zone := time.FixedZone("CET", 3600)
	at := time.Date(2024, time.February, 4, 15, 7, 9, 123456789, zone) // a Sunday
	for format, want := range map[string]string{
		"%H:%M:%S":             "15:07:09",
		"%Y-%m-%d %T":          "2024-02-04 15:07:09",
		"%a %A %b %h %B":       "Sun Sunday Feb Feb February",
		"%c":                   "Sun Feb  4 15:07:09 2024",
		"%D %F %R %r %x %X":    "02/04/24 2024-02-04 15:07 03:07:09 PM 02/04/24 15:07:09",
		"%C %d|%e|%I|%j|%k|%l": "20 04| 4|03|035|15| 3",
		"%u %w %U %W %V %G %g": "7 0 05 05 05 2024 24",
		"%y %s %z %Z %p %P":    "24 1707055629 +0100 CET PM pm",
		"%%|%n|%t|%Ey|%Od":     "%|\n|\t|24|04",
		"%":                    "%",
		"%!":                   "%!",
		"":                     "",
	} {
		if got := string(appendTime(nil, format, at)); got != want {
			t.Errorf("%q: %q, want %q", format, got, want)
		}
	}
	if got := string(appendTime(nil, bpfTimeFormat("%S.%f %l %k %%f"), at)); got != "09.123456 123 123456789 %f" {
		t.Errorf("parts of a second: %q", got)
	}
}

func TestTimestampClocks(t *testing.T) {
	epoch := time.Unix(1_700_000_000, 0)
	c := &Clock{boot: epoch, monotonic: epoch.Add(time.Minute), tai: 37 * time.Second, zone: time.UTC}
	for mode, want := range map[string]string{"": "22:13:21", "boot": "22:13:21", "monotonic": "22:14:21"} {
		if got := string((&Env{Clock: c}).Codec(types.Timestamp{Format: "%T", Mode: mode}).AppendText(nil, int64Bytes(int64(1e9)))); got != want {
			t.Errorf("mode %q: %s, want %s", mode, got, want)
		}
	}
	tai := uint64(epoch.Add(38 * time.Second).UnixNano())
	if got := string((&Env{Clock: c}).Codec(types.Timestamp{Format: "%T", Mode: "tai"}).AppendText(nil, int64Bytes(int64(tai)))); got != "22:13:21" {
		t.Errorf("tai: %s", got)
	}
}

// The clocks of this machine: boot time read now is now.
func TestNewClock(t *testing.T) {
	c := NewClock()
	for mode, id := range map[string]int32{"boot": 7, "monotonic": 1, "tai": 11} {
		if d := time.Since(c.wall(mode, clockNS(t, id))); d < -time.Second || d > time.Second {
			t.Errorf("%s is %v off", mode, d)
		}
	}
}

// clockNS is the reading of a clock in nanoseconds.
func clockNS(t *testing.T, id int32) uint64 {
	t.Helper()
	var ts unix.Timespec
	if err := unix.ClockGettime(id, &ts); err != nil {
		t.Fatal(err)
	}
	return uint64(ts.Nano())
}
