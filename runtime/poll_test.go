package runtime

import (
	"reflect"
	"testing"
	"time"
)

// TestPace has a reader that is idle, then busy, then idle again.
func TestPace(t *testing.T) {
	name := func(f func(*poller) error) string {
		for name, g := range map[string]func(*poller) error{"wait": (*poller).wait, "pause": (*poller).pause, "rest": (*poller).rest, "check": (*poller).check} {
			if reflect.ValueOf(f).Pointer() == reflect.ValueOf(g).Pointer() {
				return name
			}
		}
		return "?"
	}
	var c pace
	now := time.Unix(1000, 0)
	for i, step := range []struct {
		after  time.Duration
		n      int
		want   string
		silent bool
	}{
		{0, 0, "wait", false},
		{time.Second, 8, "wait", false},           // a single event: the next may be exit()'s
		{time.Millisecond, 8, "pause", false},     // two in a row
		{pollPause, 8, "pause", false},            // more came meanwhile
		{pollPause, 600, "check", false},          // and many
		{time.Microsecond, 600, "check", false},   //
		{time.Microsecond, 8, "pause", false},     //
		{pollPause, 0, "wait", false},             // the end of it
		{2 * time.Millisecond, 8, "wait", false},  // 6 ms after the last
		{3 * time.Millisecond, 8, "pause", false}, // 3 ms after the last
		{pollPause, 8, "rest", true},              // new stacks only
		{pollRest, 8, "pause", false},             // something to be shown
		{pollPause, 600, "check", true},
		{pollPause, 0, "wait", false},
		{pollRest, 8, "wait", true}, // the last was more than 20 ms ago
		{pollPause, 8, "rest", true},
	} {
		now = now.Add(step.after)
		if got := name(c.next(now, step.n, 4096, step.silent)); got != step.want {
			t.Errorf("step %d: %s, want %s", i, got, step.want)
		}
	}
}
