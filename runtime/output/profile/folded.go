package profile

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// WriteFolded writes a line for each sample: its labels and frames from the outermost on, with semicolons between them, and its value.
// Frames of the kernel end with _[k], inlined ones with _[i], as tools for flame graphs know them. With several maps each line begins with
// the name of its map.
func WriteFolded(out io.Writer, p *Profile) error {
	w := bufio.NewWriter(out)
	for _, m := range p.Maps {
		for _, s := range m.Samples {
			line := make([]string, 0, len(s.Labels)+len(s.Frames)+1)
			if len(p.Maps) > 1 {
				line = append(line, "@"+m.Name)
			}
			for _, l := range s.Labels {
				line = append(line, folded(l))
			}
			for _, f := range s.Frames {
				line = append(line, folded(f.Title())+mark(&f))
			}
			w.WriteString(strings.Join(line, ";")) // w keeps the error
			w.WriteByte(' ')
			w.WriteString(strconv.FormatInt(s.Value, 10))
			w.WriteByte('\n')
		}
	}
	return w.Flush()
}

// folded is a name without what separates names.
func folded(name string) string {
	return strings.NewReplacer(";", ":", "\n", " ", "\r", " ").Replace(name)
}

func mark(f *Frame) string {
	switch {
	case f.Inlined:
		return "_[i]"
	case f.Kernel:
		return "_[k]"
	}
	return ""
}
