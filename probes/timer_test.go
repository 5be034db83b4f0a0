package probes

import (
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang/ast"
)

func TestResolveTimer(t *testing.T) {
	for _, tt := range []struct {
		text   string
		name   string // "": it is refused
		period uint64
		hz     uint64
	}{
		{"interval:s:1", "interval:s:1", 1e9, 0},
		{"i:ms:10", "interval:ms:10", 1e7, 0},
		{"i:us:500", "interval:us:500", 5e5, 0},
		{"p:hz:99", "profile:hz:99", 0, 99},
		{"interval:1s", "interval:us:1000000", 1e9, 0},
		{"interval:10ms", "interval:us:10000", 1e7, 0},
		{"interval:1000000", "interval:us:1000", 1e6, 0},
		{"interval:1m", "interval:us:60000000", 60e9, 0},
		{"interval:1e9", "interval:us:1000000", 1e9, 0},
		{"interval:s:0x10", "interval:s:16", 16e9, 0},
		{"interval:ms:1_000", "interval:ms:1000", 1e9, 0},
		{text: "interval:s:0"},
		{text: "interval:hz:0"},
		{text: "interval:0"},
		{text: "interval:999"},
		{text: "interval:999ns"},
		{text: "interval:ns:100000"},
		{text: "interval:m:1"},
		{text: "interval:s:-1"},
		{text: "interval:s:x"},
		{text: "interval:s:"},
		{text: "interval:s"},
		{text: "interval:0.5s"},
		{text: "interval:1x"},
		{text: "interval:s:1:1"},
		{text: "interval:s:99999999999999999999"},
		{text: "interval:s:9223372036854775807"},
		{text: "interval:9223372036854775807s"},
		{text: "profile:hz:1000000000"},
		{text: "interval"},
	} {
		got, err := resolveTimer(nil, point(tt.text))
		if tt.name == "" {
			if err == nil {
				t.Errorf("%s is taken for %+v", tt.text, got)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if g := got[0]; len(got) != 1 || g.Name != tt.name || g.Period != tt.period || g.Hz != tt.hz {
			t.Errorf("%s is %+v", tt.text, got)
		}
	}
}

// point makes an attach point, as the parser does.
func point(text string) *ast.AttachPoint {
	parts := strings.Split(text, ":")
	return &ast.AttachPoint{Provider: parts[0], Parts: parts[1:], Text: text}
}
