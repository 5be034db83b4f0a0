package output

import (
	"bytes"
	"syscall"
	"testing"
	"time"

	"github.com/gotrace/gotrace/lang/source"
)

// jsonOf gives events to a sink and returns what it writes.
func jsonOf(t *testing.T, opts TextOptions, events ...Event) (stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	sink := NewJSON(&out, &err, opts)
	for _, e := range events {
		if err := sink.Event(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := sink.Drain(); err != nil {
		t.Fatal(err)
	}
	return out.String(), err.String()
}

// Objects go to the one stream, messages that bpftrace has no object for to the other.
func TestJSONStreams(t *testing.T) {
	src := &source.Source{Name: "a.gt", Text: []byte("x\n")}
	at := source.Span{Pos: source.Pos{Line: 3, Column: 7}}
	failures := Failures{Source: src, List: []Failure{
		{Count: 1, Helper: "probe_read_user", Errno: syscall.EFAULT, Diagnostic: source.Diagnostic{Span: at, Message: "m"}},
		{Count: 4, Diagnostic: source.Diagnostic{Span: at, Message: "a \"b\"", In: &source.Source{Name: "b.gt"}}},
	}}
	const failed = `{"type": "helper_error", "msg": "Bad address", "helper": "probe_read_user", "retcode": -14, "filename": "a.gt", "line": 3, "col": 7}` + "\n" +
		`{"type": "runtime_error", "msg": "a \"b\"", "filename": "b.gt", "line": 3, "col": 7, "count": 4}` + "\n"
	warnings := Warnings{Source: src, Diagnostics: source.Diagnostics{{Severity: source.SevWarning, Message: "careful"}}}
	for _, tt := range []struct {
		name           string
		opts           TextOptions
		event          Event
		stdout, stderr string
	}{
		{"attached", TextOptions{}, Attached{Probes: 1}, `{"type": "attached_probes", "count": 1, "data": {"probes": 1}}` + "\n", ""},
		{"attached, quiet", TextOptions{Quiet: true}, Attached{Probes: 1}, "", ""},
		{"lost", TextOptions{Quiet: true}, Lost{17}, `{"type": "lost_events", "count": 17, "data": {"events": 17}}` + "\n", ""},
		{"time", TextOptions{}, &Time{Text: []byte("12:00\n"), Time: time.Time{}}, `{"type": "time", "data": "12:00\n"}` + "\n", ""},
		{"end", TextOptions{}, End{}, "", ""},
		{"failures", TextOptions{}, failures, failed, ""},
		{"failures, quiet", TextOptions{Quiet: true}, failures, "", ""},
		{"failures, quiet, with -k", TextOptions{Quiet: true, Errors: true}, failures, failed, ""},
		{"failures, no warnings", TextOptions{NoWarnings: true}, failures, "", ""},
		{"note", TextOptions{}, Note{"n"}, "", "n\n"},
		{"warnings", TextOptions{}, warnings, "", "WARNING: careful\n"},
		{"warnings, quiet", TextOptions{Quiet: true}, warnings, "", ""},
		{"detaching", TextOptions{}, Progress{Stage: StageDetach, Done: 1, Total: 2, Took: 2 * time.Second}, "", "Detaching: 1 of 2 probes done; the kernel waits for each. Another signal ends gotrace at once.\n"},
	} {
		if stdout, stderr := jsonOf(t, tt.opts, tt.event); stdout != tt.stdout || stderr != tt.stderr {
			t.Errorf("%s: output %q, messages %q\nwant %q and %q", tt.name, stdout, stderr, tt.stdout, tt.stderr)
		}
	}
}
