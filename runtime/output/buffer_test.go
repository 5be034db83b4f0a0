package output

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// writes collects what is written, call by call.
type writes struct {
	calls []string
	err   error
}

func (w *writes) Write(b []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	w.calls = append(w.calls, string(b))
	return len(b), nil
}

func TestOutputModes(t *testing.T) {
	for mode, want := range map[string]string{
		BufferNone: `["a" "b\nc" "d\n"]`,
		BufferLine: `["ab\n" "cd\n"]`,
		BufferFull: `["ab\ncd\n"]`,
	} {
		w := &writes{}
		o := newBuffer(w, mode)
		for _, text := range []string{"a", "b\nc", "d\n"} {
			if err := errors.Join(o.write([]byte(text)), o.flush()); err != nil {
				t.Fatal(err)
			}
		}
		if err := o.close(); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%q", w.calls); got != want {
			t.Errorf("%s: %s, want %s", mode, got, want)
		}
	}
}

func TestOutputLarge(t *testing.T) {
	w := &writes{}
	o := newBuffer(w, BufferFull)
	text := strings.Repeat("x", 3*outputBuffer+5)
	for _, part := range []string{"head\n", text, "tail"} {
		if err := o.write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	o.close()
	if got := strings.Join(w.calls, ""); got != "head\n"+text+"tail" {
		t.Errorf("%d bytes arrived, want %d", len(got), len(text)+9)
	}
}
