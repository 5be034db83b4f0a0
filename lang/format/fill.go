package format

import (
	"strings"
	"unicode/utf8"
)

// Lines are up to maxWidth columns long, where they can be broken; a tab is tabWidth of them.
const (
	maxWidth = 100
	tabWidth = 8
)

// fill writes atoms, and begins a new line, one level in, where they do not fit.
func (p *printer) fill(atoms []atom) {
	column := width(p.out.String()[strings.LastIndexByte(p.out.String(), '\n')+1:])
	for i := 0; i < len(atoms); {
		end := lineEnd(atoms, i, column)
		for k := i; k < end; k++ {
			if k > i && atoms[k].space {
				p.put(" ")
			}
			p.put(atoms[k].text)
		}
		if i = end; i < len(atoms) {
			p.indent++
			p.newline(false)
			column = p.indent * tabWidth
			p.indent--
		}
	}
}

// lineEnd is where the line that atom first begins at a column ends.
func lineEnd(atoms []atom, first, column int) int {
	best := 0
	for i := first; i < len(atoms); i++ {
		a := &atoms[i]
		if i > first && a.hard {
			return i
		}
		if a.space && i > first {
			column++
		}
		if i > first && a.cost > 0 && (best == 0 || a.cost <= atoms[best].cost) {
			best = i
		}
		head, tail, tall := strings.Cut(a.text, "\n")
		if column += width(head); column > maxWidth && best > first && !strings.HasPrefix(a.text, "//") {
			return best
		}
		if tall {
			column = width(tail[strings.LastIndexByte(tail, '\n')+1:])
		}
	}
	return len(atoms)
}

// width is how many columns a text takes.
func width(text string) int {
	return utf8.RuneCountInString(text) + strings.Count(text, "\t")*(tabWidth-1)
}
