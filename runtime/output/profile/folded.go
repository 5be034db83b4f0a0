package profile

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// WriteFolded writes a line for each sample: its labels and frames from the outermost on, with semicolons between them, and its value.
// Frames of the kernel end with _[k], inlined ones with _[i], as tools for flame graphs know them. If there are several maps, or several numbers
// of one, each line begins with their name.
func WriteFolded(out io.Writer, p *Profile) error {
	w := bufio.NewWriter(out)
	frames := make([]string, len(p.Frames))
	for i := range p.Frames {
		frames[i] = folded(p.Frames[i].Title()) + mark(&p.Frames[i])
	}
	labels := map[string]string{}
	var line []byte
	for _, m := range p.Maps {
		for i := range m.Types {
			for _, s := range m.Samples {
				line = line[:0]
				if len(p.Maps) > 1 || len(m.Types) > 1 {
					line = append(append(line, folded(m.Title(i))...), ';')
				}
				for _, l := range s.Labels {
					text, ok := labels[l]
					if !ok {
						text = folded(l)
						labels[l] = text
					}
					line = append(append(line, text...), ';')
				}
				for f := range s.All() {
					line = append(append(line, frames[f]...), ';')
				}
				if n := len(line); n > 0 {
					line = line[:n-1]
				}
				line = appendNumber(append(line, ' '), s.Values[i])
				w.Write(append(line, '\n')) // w keeps the error
			}
		}
	}
	return w.Flush()
}

func appendNumber(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }

// separators are what separates names, and what stands for it in a name.
var separators = strings.NewReplacer(";", ":", "\n", " ", "\r", " ")

// folded is a name without what separates names.
func folded(name string) string { return separators.Replace(name) }

func mark(f *Frame) string {
	switch {
	case f.Inlined:
		return "_[i]"
	case f.Kernel:
		return "_[k]"
	}
	return ""
}
