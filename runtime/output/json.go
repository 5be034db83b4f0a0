package output

import (
	"io"
	"strconv"
	"strings"
	"syscall"

	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/runtime/value"
)

// JSON is the sink that writes one JSON object a line, with the keys that bpftrace's have (docs/output.schema.json). What bpftrace has no
// object for, warnings of the compilation and details of the run, are messages.
type JSON struct {
	out  *buffer
	text *Text // for messages
	buf  []byte
}

// NewJSON writes objects to stdout and messages to stderr. What is nil is discarded.
func NewJSON(stdout, stderr io.Writer, opts TextOptions) *JSON {
	text := NewText(stdout, stderr, opts)
	return &JSON{out: text.out, text: text}
}

// Flush writes out what the mode of buffering asks for.
func (j *JSON) Flush() error { return j.out.flush() }

// Drain writes out everything.
func (j *JSON) Drain() error { return j.out.close() }

// Event writes one event.
func (j *JSON) Event(e Event) error {
	switch e := e.(type) {
	case *Printf:
		j.buf = e.AppendText(j.buf[:0])
		return j.data("printf", value.AppendJSONString(nil, j.buf))
	case *Value:
		return j.data("value", e.Codec.AppendJSON(nil, e.Bytes))
	case *Map:
		return j.showMap(e)
	case *Time:
		return j.data("time", value.AppendJSONString(nil, e.Text))
	case *Printed:
		return j.data(printedTypes[e.Func], value.AppendJSONString(nil, e.Text))
	case *Message:
		return j.told(e)
	case Lost:
		return j.counted("lost_events", "events", e.Events)
	case Attached:
		if j.text.opts.Quiet {
			return nil
		}
		if err := j.counted("attached_probes", "probes", uint64(e.Probes)); err != nil {
			return err
		}
		return j.Flush() // who waits for it may be what makes the events
	case Failures:
		return j.failures(e)
	case TestResult:
		return j.data("test_result", appendTestJSON(nil, e))
	case BenchResult:
		return j.data("benchmark_result", appendBenchJSON(nil, e))
	case End:
		return nil
	}
	return j.text.message(e)
}

// printedTypes are the types of what functions print that is no value.
var printedTypes = map[string]string{"join": "join", "cat": "cat", "system": "syscall"}

// told writes an errorf() or a warnf().
func (j *JSON) told(m *Message) error {
	if !m.Error && (j.text.opts.NoWarnings || j.text.opts.Quiet) {
		return nil
	}
	b := appendText([]byte(`{"type": "`+m.name()+`", "msg": `), string(m.Text))
	return j.line(appendPlace(b, &source.Diagnostic{Span: m.Places[0]}, m.Source))
}

// line writes an object, which is all of b but its last brace.
func (j *JSON) line(b []byte) error { return j.out.write(append(b, "}\n"...)) }

// data writes what has a type and a value.
func (j *JSON) data(kind string, data []byte) error {
	b := append(append([]byte(`{"type": "`), kind...), `", "data": `...)
	return j.line(append(b, data...))
}

// counted writes a number, once where it always was and once as data.
func (j *JSON) counted(kind, what string, n uint64) error {
	b := append(append([]byte(`{"type": "`), kind...), `", "count": `...)
	b = append(append(strconv.AppendUint(b, n, 10), `, "data": {"`...), what...)
	return j.line(append(strconv.AppendUint(append(b, `": `...), n, 10), '}'))
}

// showMap writes a map that has elements.
func (j *JSON) showMap(m *Map) error {
	if len(m.Elements) == 0 {
		return nil
	}
	b := value.AppendJSONString([]byte{'{'}, []byte("@"+m.Name))
	b = m.Codec.AppendJSON(append(b, ": "...), m.Elements)
	return j.data(m.Codec.JSONType(), append(b, '}'))
}

// failures writes what failed. bpftrace writes such a line each time; here are all of one place, with their number if there are several.
func (j *JSON) failures(e Failures) error {
	if !j.text.opts.tellsFailures() {
		return nil
	}
	for i := range e.List {
		if err := j.line(appendFailure(nil, &e.List[i], e.Source)); err != nil {
			return err
		}
	}
	return j.out.flush()
}

func appendFailure(b []byte, f *Failure, src *source.Source) []byte {
	if f.Helper == "" {
		b = appendText(append(b, `{"type": "runtime_error", "msg": `...), f.Diagnostic.Message)
	} else {
		msg := f.Diagnostic.Message
		if f.Errno != 0 {
			msg = errnoText(f.Errno)
		}
		b = appendText(append(b, `{"type": "helper_error", "msg": `...), msg)
		b = appendText(append(b, `, "helper": `...), f.Helper)
		b = strconv.AppendInt(append(b, `, "retcode": `...), -int64(f.Errno), 10)
	}
	b = appendPlace(b, &f.Diagnostic, src)
	if f.Count > 1 {
		b = strconv.AppendUint(append(b, `, "count": `...), f.Count, 10)
	}
	if len(f.Keys) == 0 {
		return b
	}
	b = append(b, `, "keys": [`...)
	for i, k := range f.Keys {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendText(b, k)
	}
	if b = append(b, ']'); f.MoreKeys {
		b = append(b, `, "more_keys": true`...)
	}
	return b
}

// appendPlace adds where in the script something is.
func appendPlace(b []byte, d *source.Diagnostic, src *source.Source) []byte {
	src = src.At(d.Pos)
	if d.In != nil {
		src = d.In
	}
	name := ""
	if src != nil {
		name = src.Name
	}
	b = appendText(append(b, `, "filename": `...), name)
	b = strconv.AppendInt(append(b, `, "line": `...), int64(d.Pos.Line), 10)
	return strconv.AppendInt(append(b, `, "col": `...), int64(d.Pos.Column), 10)
}

// errnoText is what glibc says of an error; Go's words differ from it in the first letter only.
func errnoText(e syscall.Errno) string {
	text := e.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

func appendText(b []byte, s string) []byte { return value.AppendJSONString(b, []byte(s)) }
