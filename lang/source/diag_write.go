package source

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxShown is how many messages Write shows in full.
const maxShown = 10

// tabWidth is the distance of tab stops in the source lines of messages.
const tabWidth = 8

// Colours of terminals, as ECMA-48 gives them.
const (
	colorError   = "\x1b[31m"
	colorWarning = "\x1b[33m"
	colorOff     = "\x1b[0m"
)

// Write prints the messages in the order of their places: each with the source line, a caret under the place and a
// hint where there is one. After the first ten it says only how many more there are.
func (ds Diagnostics) Write(w io.Writer, src *Source, color bool) {
	sorted := append(Diagnostics(nil), ds...)
	sorted.Sort()
	for i, d := range sorted {
		if i == maxShown {
			fmt.Fprintf(w, "… and %d more\n", len(sorted)-maxShown)
			return
		}
		d.write(w, src, color)
	}
}

// maxMessage is the longest message that is shown whole.
const maxMessage = 1000

func (d Diagnostic) write(w io.Writer, src *Source, color bool) {
	if len(d.Message) > maxMessage {
		d.Message = d.Message[:runeStart(d.Message, maxMessage)] + cutMark
	}
	src = src.At(d.Pos)
	if d.Severity == SevWarning && d.Code != "" {
		d.Message += " [" + d.Code + "]"
	}
	if d.In != nil {
		src = d.In
	}
	on, off := colorError, colorOff
	if d.Severity == SevWarning {
		on = colorWarning
	}
	if !color {
		on, off = "", ""
	}
	if d.Pos.Line == 0 {
		fmt.Fprintf(w, "%s%s: %s%s\n", on, d.Severity, d.Message, off)
	} else {
		name := d.Pos.Filename
		if name == "" && src != nil {
			name = src.Name
		}
		fmt.Fprintf(w, "%s%s:%d:%d: %s: %s%s\n", on, name, d.Pos.Line, d.Pos.Column, d.Severity, d.Message, off)
		if src != nil {
			if line, marks := underline(src.Line(d.Pos.Line), d.Span); line != "" {
				fmt.Fprintf(w, "%s\n%s\n", line, marks)
			}
		}
	}
	if d.Hint != "" {
		fmt.Fprintf(w, "HINT: %s\n", d.Hint)
	}
}

// Source lines of more than maxLine bytes are cut to shownLine bytes, of which shownBefore are before the mistake.
const (
	maxLine     = 300
	shownLine   = 160
	shownBefore = 80
	cutMark     = "…"
)

// underline returns a source line as a terminal shows it, tabs expanded, with the line of marks under a span: ^~~~. A
// span of several lines is marked to the end of its first.
func underline(line string, span Span) (shown, marks string) {
	start := min(max(span.Pos.Column-1, 0), len(line))
	end := len(line)
	if span.EndPos.Line == span.Pos.Line {
		end = min(max(span.EndPos.Column-1, start), len(line))
	}
	line, start, end = cutLine(line, start, end)
	var b strings.Builder
	column, from, to := 0, -1, -1
	for i, r := range line {
		if i >= start && from < 0 {
			from = column
		}
		if i >= end && to < 0 {
			to = column
		}
		column += showRune(&b, r, column)
	}
	if from < 0 {
		from = column
	}
	if to < 0 {
		to = column
	}
	return b.String(), strings.Repeat(" ", from) + "^" + strings.Repeat("~", max(to-from-1, 0))
}

// maxName is how much of a text that is too long is shown in a message.
const maxName = 80

// CutText is a text of the script as messages show it.
func CutText(s string) string {
	if len(s) <= maxName {
		return s
	}
	return s[:runeStart(s, maxName)] + cutMark
}

// cutLine cuts what is far from bytes [start, end) off a long line, and gives their new places.
func cutLine(line string, start, end int) (string, int, int) {
	if len(line) <= maxLine {
		return line, start, end
	}
	from := runeStart(line, max(0, start-shownBefore))
	to := runeStart(line, min(len(line), from+shownLine))
	cut := line[from:to]
	start, end = start-from, min(end, to)-from
	if from > 0 {
		cut = cutMark + cut
		start, end = start+len(cutMark), end+len(cutMark)
	}
	if to < len(line) {
		cut += cutMark
	}
	return cut, start, end
}

// runeStart is the start of the rune that byte i belongs to.
func runeStart(s string, i int) int {
	for i > 0 && i < len(s) && !utf8.RuneStart(s[i]) {
		i--
	}
	return i
}

// showRune writes a rune and returns the columns it takes at the column given. Control
// characters, which could confuse the terminal, are shown as a replacement character.
func showRune(b *strings.Builder, r rune, column int) int {
	switch {
	case r == '\t':
		n := tabWidth - column%tabWidth
		b.WriteString(strings.Repeat(" ", n))
		return n
	case r == utf8.RuneError || unicode.IsControl(r):
		b.WriteRune(utf8.RuneError)
		return 1
	}
	b.WriteRune(r)
	return runeWidth(r)
}

// wideRunes are the ranges of runes that take two columns (East Asian Width W and F of
// Unicode's EastAsianWidth.txt, and emoji), neighbouring ranges joined.
var wideRunes = [][2]rune{
	{0x1100, 0x115f}, {0x231a, 0x231b}, {0x2329, 0x232a}, {0x23e9, 0x23ec}, {0x2e80, 0x303e},
	{0x3041, 0x33ff}, {0x3400, 0x4dbf}, {0x4e00, 0x9fff}, {0xa000, 0xa4cf}, {0xa960, 0xa97c},
	{0xac00, 0xd7a3}, {0xf900, 0xfaff}, {0xfe10, 0xfe19}, {0xfe30, 0xfe6f}, {0xff00, 0xff60},
	{0xffe0, 0xffe6}, {0x16fe0, 0x18aff}, {0x1b000, 0x1b2fb}, {0x1f004, 0x1f004}, {0x1f0cf, 0x1f0cf},
	{0x1f18e, 0x1f18e}, {0x1f191, 0x1f19a}, {0x1f200, 0x1f265}, {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff},
	{0x1f7e0, 0x1f7eb}, {0x1f90c, 0x1f9ff}, {0x1fa70, 0x1faff}, {0x20000, 0x3fffd},
}

// runeWidth is how many columns of a terminal a printable rune takes.
func runeWidth(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	for _, wide := range wideRunes {
		if r >= wide[0] && r <= wide[1] {
			return 2
		}
	}
	return 1
}
