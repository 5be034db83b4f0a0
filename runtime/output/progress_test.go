package output

import (
	"strings"
	"testing"
	"time"
)

// TestProgress shows what takes long: on a terminal as a bar in one line, which goes away; elsewhere detaching alone, in lines.
func TestProgress(t *testing.T) {
	attaching := Progress{Stage: StageAttach, Done: 100, Total: 300, Step: 1, Took: time.Second}
	events := []Event{attaching, Note{"n"}, Progress{Stage: StageAttach, Done: 300, Total: 300, End: true}}
	detaching := func(took time.Duration) Progress {
		return Progress{Stage: StageDetach, Done: 1, Total: 2, Took: took}
	}
	const detached = "Detaching: 1 of 2 probes done; the kernel waits for each. Another signal ends gotrace at once.\n"
	for _, tt := range []struct {
		name    string
		columns int // 0: no terminal
		opts    TextOptions
		events  []Event
		want    string
	}{
		{"attaching", 80, TextOptions{}, events,
			clearLine + "Attaching 100 of 300 probes [######..............]" + clearLine + "n\n"},
		{"the end", 80, TextOptions{}, []Event{attaching, events[2]},
			clearLine + "Attaching 100 of 300 probes [######..............]" + clearLine},
		{"narrow", 20, TextOptions{}, events[:1], clearLine + "Attaching 100 of 30"},
		{"in one call", 200, TextOptions{}, []Event{Progress{Stage: StageAttach, Total: 40000, Step: 39990, Took: 3900 * time.Millisecond}},
			clearLine + "Attaching 40000 probes: one call of the kernel, which nothing interrupts, takes 39990 of them (3 s)"},
		{"detaching", 200, TextOptions{}, []Event{detaching(time.Second)},
			clearLine + "Detaching 1 of 2 probes [##########..........] (Ctrl-C ends at once)"},
		{"without room for the hint", 50, TextOptions{}, []Event{detaching(time.Second)}, clearLine + "Detaching 1 of 2 probes [##########..........]"},
		{"quiet", 80, TextOptions{Quiet: true}, []Event{attaching, detaching(2 * time.Second)}, ""},
		{"no terminal", 0, TextOptions{}, events, "n\n"},
		{"detaching without a terminal", 0, TextOptions{}, []Event{detaching(1900 * time.Millisecond), detaching(2 * time.Second), detaching(2200 * time.Millisecond),
			detaching(4 * time.Second), Progress{Stage: StageDetach, Done: 2, Total: 2, Took: 9 * time.Second, End: true}}, detached + detached},
	} {
		var b strings.Builder
		if tt.columns > 0 {
			tt.opts.Columns = func() int { return tt.columns }
		}
		text := NewText(nil, &b, tt.opts)
		for _, e := range tt.events {
			if err := text.Event(e); err != nil {
				t.Error(err)
			}
		}
		if got := b.String(); got != tt.want {
			t.Errorf("%s: %q\nwant %q", tt.name, got, tt.want)
		}
	}
}
