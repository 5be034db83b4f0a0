package runtime

import (
	"reflect"
	"testing"
	"time"
)

// TestPace has a reader that is idle, then busy, then idle again.
func TestPace(t *testing.T) {
	name := func(f func(*poller) error) string {
		for name, g := range map[string]func(*poller) error{"wait": (*poller).wait, "pause": (*poller).pause, "check": (*poller).check} {
			if reflect.ValueOf(f).Pointer() == reflect.ValueOf(g).Pointer() {
				return name
			}
		}
		return "?"
	}
	var c pace
	now := time.Unix(1000, 0)
	for i, step := range []struct {
		after time.Duration
		n     int
		want  string
	}{
		{0, 0, "wait"},
		{time.Second, 8, "wait"},           // a single event: the next may be exit()'s
		{time.Millisecond, 8, "pause"},     // two in a row
		{pollPause, 8, "pause"},            // more came meanwhile
		{pollPause, 600, "check"},          // and many
		{time.Microsecond, 600, "check"},   //
		{time.Microsecond, 8, "pause"},     //
		{pollPause, 0, "wait"},             // the end of it
		{2 * time.Millisecond, 8, "wait"},  // 6 ms after the last
		{3 * time.Millisecond, 8, "pause"}, // 3 ms after the last
	} {
		now = now.Add(step.after)
		if got := name(c.next(now, step.n, 4096)); got != step.want {
			t.Errorf("step %d: %s, want %s", i, got, step.want)
		}
	}
}
