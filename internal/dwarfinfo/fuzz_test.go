package dwarfinfo

import (
	"bytes"
	"os"
	"testing"

	"github.com/gotrace/gotrace/internal/symbols"
)

// FuzzInfo holds that no file stops the readers of units, types and lines.
func FuzzInfo(f *testing.F) {
	for _, name := range []string{"args", "args-O2", "args-split4"} {
		data, err := os.ReadFile("../scripts/testdata/bin/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, uint64(0x400160), 20)
	}
	f.Fuzz(func(t *testing.T, data []byte, pc uint64, line int) {
		s, err := symbols.ParseSections(bytes.NewReader(data), int64(len(data)), func(string) bool { return true })
		if err != nil {
			return
		}
		if types := s.Content[".debug_info"]; line%2 == 1 { // as a section of types, too
			s.Content[".debug_types"] = types
		}
		info, err := New(s, nil)
		if err != nil {
			return
		}
		places, _ := info.Line("args.c", line, 0)
		_, _ = info.Line("args.c", line, line%80)
		for _, addr := range append(places.Addrs, pc) {
			for _, p := range first(info.At(addr)) {
				if p.Func == "" && p.File == "" && p.Line != 0 {
					t.Errorf("%+v", p)
				}
			}
		}
		id, ok := info.FindType("struct", "list")
		if ok {
			info.C(id)
			info.Members(info.Type(id))
		}
		info.IsInlined("add")
	})
}

func first(p []Place, _ bool) []Place { return p }
