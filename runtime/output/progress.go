package output

import (
	"fmt"
	"strings"
	"time"
)

// Stage is what takes long.
type Stage string

// The stages.
const (
	StageLoad   Stage = "Loading"
	StageAttach Stage = "Attaching"
	StageDetach Stage = "Detaching"
)

// tellDetaching is how often it is told how far detaching is where there is no bar.
const tellDetaching = 2 * time.Second

// Columns of a bar, and of a terminal that does not tell how many it has.
const (
	barColumns      = 20
	terminalColumns = 80
)

// leaveHint is what else a user who waits for the kernel can do.
const leaveHint = " (Ctrl-C ends at once)"

// clearLine goes to the begin of a line of a terminal and empties it.
const clearLine = "\r\x1b[K"

// progress draws a bar on the terminal's last line. Where there is no terminal only detaching is told, now and then: it keeps a program
// that has said all from ending.
func (t *Text) progress(e Progress) error {
	if t.opts.Columns == nil {
		due := e.Took / tellDetaching
		if e.Stage != StageDetach || e.End || due <= t.told {
			return nil
		}
		t.told = due
		return t.printf("Detaching: %d of %d probes done; the kernel waits for each. Another signal ends gotrace at once.\n", e.Done, e.Total)
	}
	if e.End {
		t.clearBar()
		return nil
	}
	columns := t.opts.Columns()
	if columns <= 0 {
		columns = terminalColumns
	}
	t.bar = true
	return t.printf("%s%s", clearLine, e.line(columns-1)) // a line that is full would wrap
}

// clearBar takes the bar away, for what is printed in its place.
func (t *Text) clearBar() {
	if t.bar {
		t.bar = false
		_ = t.printf("%s", clearLine) // nothing depends on it
	}
}

// line is the bar, in at most so many columns.
func (p *Progress) line(columns int) string {
	text := fmt.Sprintf("%s %d of %d probes", p.Stage, p.Done, p.Total)
	switch {
	case p.Step > 1:
		text = fmt.Sprintf("%s %d probes: one call of the kernel, which nothing interrupts, takes %d of them (%d s)",
			p.Stage, p.Total, p.Step, int(p.Took.Seconds()))
	default:
		full := barColumns * p.Done / max(p.Total, 1)
		text += fmt.Sprintf(" [%s%s]", strings.Repeat("#", full), strings.Repeat(".", barColumns-full))
		if p.Stage == StageDetach && len(text)+len(leaveHint) <= columns {
			text += leaveHint
		}
	}
	return text[:min(len(text), max(columns, 0))]
}
