package source

import (
	"strings"
	"testing"
)

// TestLongTexts holds that a message stays readable whatever it names.
func TestLongTexts(t *testing.T) {
	long := strings.Repeat("é", 5000)
	d := Errorf(Span{}, "code", "there is no %s", long).WithHint("did you mean %s?", long)
	if want := "there is no " + strings.Repeat("é", 40) + "…"; d.Message != want {
		t.Errorf("message %q", d.Message)
	}
	if len(d.Hint) > 200 {
		t.Errorf("hint of %d bytes", len(d.Hint))
	}
	var b strings.Builder
	Diagnostics{{Message: long}}.Write(&b, nil, false)
	if got := b.String(); len(got) > 1100 || !strings.HasSuffix(got, "é…\n") {
		t.Errorf("%d bytes are written", len(got))
	}
}

// TestNearestLongName holds that nothing is compared with a name that nobody types.
func TestNearestLongName(t *testing.T) {
	name := strings.Repeat("a", 200)
	if got := Nearest(name, []string{name + "b"}); got != nil {
		t.Errorf("near %d bytes: %v", len(name), got)
	}
}
