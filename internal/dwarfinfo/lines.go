package dwarfinfo

import (
	"debug/dwarf"
	"slices"
	"strings"
)

// LinePlaces is where the code of a source line is.
type LinePlaces struct {
	Addrs []uint64 // where the line's statements begin, in order; those of loops and of copies too
	Files []string // source files that the name stands for
	Near  []int    // if there is no code of the line: the nearest lines that have some, in order
	// Columns are where statements of the line begin, in order, if a column was asked for where none does.
	Columns []int
}

// maxRows bounds the rows of one table of lines.
const maxRows = 64 << 20

// Line finds the code of a line, or of its statements at a column, if that is not 0. The file is meant by the end of its path: "main.c", "src/main.c".
func (i *Info) Line(file string, line, column int) (LinePlaces, error) {
	p := &lineSearch{file: file, line: line, column: column, below: -1, above: -1, seen: map[string]bool{}}
	err := protect(i.Path, func() error {
		for _, u := range i.units {
			r, err := u.src.data.LineReader(u.cu)
			if err != nil || r == nil {
				continue // no lines, or of a kind that is not known
			}
			p.rows(r)
		}
		return nil
	})
	slices.Sort(p.out.Addrs)
	p.out.Addrs = slices.Compact(p.out.Addrs)
	slices.Sort(p.out.Columns)
	for _, n := range []int{p.below, p.above} {
		if n > 0 && len(p.out.Addrs) == 0 {
			p.out.Near = append(p.out.Near, n)
		}
	}
	return p.out, err
}

type lineSearch struct {
	file         string
	line, column int
	below, above int // the nearest lines with code, -1 for none
	out          LinePlaces
	seen         map[string]bool
	last         string // file of the row before, and
	means        bool   // whether it is meant
}

// rows goes through a unit's table. A run of rows of one line begins a statement: further rows of it are the same one.
func (p *lineSearch) rows(r *dwarf.LineReader) {
	var e dwarf.LineEntry
	in := false
	for range maxRows {
		if err := r.Next(&e); err != nil {
			return // io.EOF, or broken from here on
		}
		if e.EndSequence || e.File == nil {
			in = false
			continue
		}
		if !p.isMeant(e.File.Name) {
			in = false
			continue
		}
		switch {
		case e.Line != p.line:
			in = false
			if e.IsStmt {
				p.near(e.Line)
			}
		case !e.IsStmt:
		case p.column != 0 && e.Column != p.column:
			in = false
			p.other(e.Column)
		case !in:
			in = true
			p.out.Addrs = append(p.out.Addrs, e.Address)
		}
	}
}

// maxColumns is how many columns are told where the one that was asked for is none of them.
const maxColumns = 16

func (p *lineSearch) other(column int) {
	if len(p.out.Columns) < maxColumns && !slices.Contains(p.out.Columns, column) {
		p.out.Columns = append(p.out.Columns, column)
	}
}

func (p *lineSearch) near(line int) {
	switch {
	case line <= 0:
	case line < p.line && line > p.below:
		p.below = line
	case line > p.line && (p.above < 0 || line < p.above):
		p.above = line
	}
}

func (p *lineSearch) isMeant(name string) bool {
	if name == p.last {
		return p.means
	}
	p.last = name
	p.means = name == p.file || strings.HasSuffix(name, "/"+strings.TrimPrefix(p.file, "./"))
	if p.means && !p.seen[name] {
		p.seen[name] = true
		p.out.Files = append(p.out.Files, name)
	}
	return p.means
}
