package report

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
	"github.com/gotrace/gotrace/runtime/output"
	"github.com/gotrace/gotrace/runtime/value"
)

var update = flag.Bool("update", false, "write the golden files anew")

const hostile = "</script><img src=x onerror=alert(1)>"

// fakeSymbols has a few stacks, by number; a frame's address is its name.
type fakeSymbols map[uint64][]uint64

var names = map[uint64]string{1: "main", 2: "work", 3: "inner<b>", 10: "sys_read", 11: "vfs_read"}

func (f fakeSymbols) Stack(id uint64) (value.Trace, bool) {
	addrs, ok := f[id]
	return value.Trace{PID: 7, Addrs: addrs}, ok
}
func (fakeSymbols) Kernel(addr uint64) value.Frame { return value.Frame{Addr: addr, Name: names[addr]} }
func (f fakeSymbols) User(_ uint32, addr uint64) value.Frame {
	return value.Frame{Addr: addr, Name: names[addr], Module: "/bin/a"}
}
func (f fakeSymbols) Frames(t *value.Trace) (out []value.Frame) {
	for _, a := range t.Addrs {
		out = append(out, f.Kernel(a))
	}
	return out
}
func (fakeSymbols) BuildIDs(dst []byte, _ *value.Trace) []byte { return dst }

func words(ws ...uint64) (b []byte) {
	for _, w := range ws {
		b = binary.NativeEndian.AppendUint64(b, w)
	}
	return b
}

func text(s string, n int) []byte { return append([]byte(s), make([]byte, n-len(s))...) }

// hist counts values as programs do.
func hist(agg types.Agg, counts map[int64]uint64) []byte {
	w := make([]uint64, layout.AggWords(agg))
	for v, n := range counts {
		w[layout.HistIndex(v, agg.Bits)] += n
	}
	return words(w...)
}

const script = `BEGIN { printf("hello\n"); }
tracepoint:syscalls:sys_enter_* { @calls[comm] = count(); }
interval:s:1 { print(@lat); clear(@lat); }
`

// clock is a clock that only moves when it is told.
type clock struct{ now time.Time }

func (c *clock) wait(d time.Duration) { c.now = c.now.Add(d) }

// events are those of a run of five seconds.
func events(t *testing.T, out, stderr *bytes.Buffer) {
	t.Helper()
	c := &clock{time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)}
	src := &source.Source{Name: "run.gt", Text: []byte(script)}
	s := New(nil, stderr, Info{Title: "run.gt " + hostile, Script: src, Version: "v1", Kernel: "6.12"}, output.TextOptions{})
	s.now = func() time.Time { return c.now }
	s.SetOutput(out)
	send := func(e output.Event) {
		t.Helper()
		if err := s.Event(e); err != nil {
			t.Fatal(err)
		}
	}
	env := &value.Env{
		Symbols: fakeSymbols{100: {3, 2, 1}, 101: {2, 1}, 200: {11, 10}}, KeyNames: map[string][]string{"calls": {"comm"}, "cpu": {"comm", "ustack", "kstack"}},
		Clock: value.NewClock(),
	}
	str := types.String{Len: 48}
	count, log2 := types.Agg{Kind: types.AggCount}, types.Agg{Kind: types.AggHist}
	codec := func(name string, key, val types.Type) *value.MapCodec {
		return env.MapCodec(&lang.Map{Name: name, Key: key, Value: val}, 1)
	}
	span := func(line int) source.Span {
		from := strings.Index(script, strings.Split(script, "\n")[line-1])
		pos := source.Pos{Line: line, Column: 1, Offset: from}
		end := pos
		end.Offset += strings.Index(script[from:], " {")
		end.Column += end.Offset - pos.Offset
		return source.Span{Pos: pos, EndPos: end}
	}
	point := func(line, n int) output.AttachPoint {
		return output.AttachPoint{Text: src.TextOf(span(line)), Span: span(line), Probes: n}
	}

	send(&output.Time{Text: []byte("no end ")})
	send(&output.Time{Text: []byte("of line\n" + hostile + "\n")})
	send(output.Attached{Probes: 300, Points: []output.AttachPoint{point(1, 1), point(2, 298), point(3, 1)}, Source: src})
	for i := range 3 {
		c.wait(time.Second)
		n := uint64(i + 1)
		send(&output.Map{Name: "lat", Codec: codec("lat", str, log2), Elements: []value.Raw{
			{Key: text("cat", 48), Value: hist(log2, map[int64]uint64{1: n})}, {Key: text(hostile, 48), Value: hist(log2, map[int64]uint64{5: 10 * n, 1000: n, -1: 1})},
		}})
		send(output.Emptied{Name: "lat"})
		send(&output.Map{Name: "grows", Codec: codec("grows", nil, count), Elements: []value.Raw{{Value: words(100 * n)}}})
	}
	send(&output.Message{Error: true, Text: []byte("bad " + hostile), Places: []source.Span{span(2)}, Source: src})
	send(output.Lost{Events: 3})
	c.wait(2 * time.Second)
	send(output.End{})
	send(&output.Map{Name: "calls", Codec: codec("calls", str, count), Elements: []value.Raw{{Key: text("cat", 48), Value: words(5)}, {Key: text(hostile, 48), Value: words(1 << 60)}}})
	tuple := types.Tuple{Elems: []types.Type{str, types.Stack{User: true, Limit: 127}, types.Stack{Limit: 127}}}
	cpu := func(comm string, user, kernel uint64) []byte {
		b := make([]byte, tuple.Size())
		copy(b[tuple.Offset(0):], comm)
		copy(b[tuple.Offset(1):], words(user))
		copy(b[tuple.Offset(2):], words(kernel))
		return b
	}
	send(&output.Map{Name: "cpu", Codec: codec("cpu", tuple, count), Elements: []value.Raw{{Key: cpu("sh", 101, 0), Value: words(2)}, {Key: cpu(hostile, 100, 200), Value: words(7)}}})
	send(&output.Map{Name: "grows", Codec: codec("grows", nil, count), Elements: []value.Raw{{Value: words(300)}}})
	send(&output.Map{Name: "lat", Codec: codec("lat", str, log2)})
	send(&output.Map{Name: "most", Codec: codec("most", types.Stack{Limit: 127}, types.Agg{Kind: types.AggMax, Signed: true}), Elements: []value.Raw{{Key: words(200), Value: words(9, 1)}}})
	record := types.Tuple{Names: []string{"name", "size"}, Elems: []types.Type{str, types.TypeInt64}}
	send(&output.Map{Name: "rec", Codec: codec("rec", types.TypeInt64, record), Elements: []value.Raw{{Key: words(1), Value: append(text("x", 48), words(^uint64(0))...)}}})
	send(&output.Map{Name: "stat", Codec: codec("stat", types.TypeInt64, types.Agg{Kind: types.AggStats, Signed: true}), Elements: []value.Raw{{Key: words(1), Value: words(^uint64(6), 2)}}})
	series := types.Agg{Kind: types.AggTSeries, Every: int64(time.Second), Count: 4, Of: types.AggSum}
	at := make([]uint64, layout.AggWords(series))
	set := func(i int, epoch, n uint64) {
		at[i*layout.SeriesWords+layout.SeriesEpoch], at[i*layout.SeriesWords+layout.SeriesNumber] = epoch, n
	}
	sc := codec("series", str, series)
	set(0, 1, 0)
	zero := sc.Value.Decode(words(at...)).(value.Series)[0].Start // the clock of series may be some seconds from UTC
	first := uint64(s.started.Sub(zero)/time.Second) + 1
	for i := range 3 {
		set(i, first+uint64(2*i), uint64(10*i))
	}
	elems := []value.Raw{{Key: text("eth0", 48), Value: words(at...)}, {Key: text(hostile, 48), Value: words(at...)}}
	sc.Sort(elems)
	send(&output.Map{Name: "series", Codec: sc, Elements: elems})
	send(output.Failures{Source: src, List: []output.Failure{{Kind: output.FailMapFull, Count: 12, Errno: syscall.E2BIG, Diagnostic: source.Diagnostic{
		Span: span(2), Severity: source.SevWarning, Code: "runtime", Message: "map @calls is full " + hostile, Hint: "make it larger"}}}})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// data takes the data of a page out of it.
func data(t *testing.T, page, id string) []byte {
	t.Helper()
	m := regexp.MustCompile(`(?s)<script type="application/json" id="` + id + `">(.*?)</script>`).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("there is no %s", id)
	}
	return []byte(m[1])
}

// The data of the page is what the golden file has, the page refers to nothing else, and nothing of a value is markup.
func TestReport(t *testing.T) {
	var out, stderr bytes.Buffer
	events(t, &out, &stderr)
	page := out.String()
	frame := strings.NewReplacer("http://www.w3.org/2000/svg", "", string(data(t, page, "report")), "", string(data(t, page, "flame")), "", "&lt;img src=x", "").Replace(page)
	if m := regexp.MustCompile(`https?:|\bsrc=|@import|url\(`).FindString(frame); m != "" {
		t.Errorf("the page refers to other files: %s", m)
	}
	if strings.Contains(page, "<img") || strings.Count(page, "</script>") != 3 {
		t.Error("a value has become markup")
	}
	if !strings.Contains(page, "default-src 'none'") {
		t.Error("the page has no policy")
	}
	var doc any
	if err := json.Unmarshal(data(t, page, "report"), &doc); err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	golden := filepath.Join("testdata", "report.json")
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the data is not that of %s (-update writes it anew):\n%s", golden, got)
	}
	var trees struct {
		Trees []struct{ Name string }
	}
	if err := json.Unmarshal(data(t, page, "flame"), &trees); err != nil {
		t.Fatal(err)
	}
	if len(trees.Trees) != 1 || trees.Trees[0].Name != "@cpu" {
		t.Errorf("trees %v", trees)
	}
	if !strings.Contains(stderr.String(), "no end of line\n") || !strings.Contains(stderr.String(), "map @calls is full") {
		t.Errorf("standard error has %q", stderr.String())
	}
}

// A run of which nothing is known but its script.
func TestNothing(t *testing.T) {
	var out bytes.Buffer
	s := New(&out, nil, Info{Title: "t", Script: &source.Source{Name: "x"}}, output.TextOptions{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(out.String(), "</html>\n") {
		t.Error("the page is not whole")
	}
}

// The log is bounded, and says what it has dropped.
func TestLog(t *testing.T) {
	var l log
	for range maxEntries + 5 {
		l.print(1, []byte("line\n"))
	}
	if len(l.entries) != maxEntries || l.dropped != 5 {
		t.Errorf("%d entries, %d dropped", len(l.entries), l.dropped)
	}
	big := bytes.Repeat([]byte("x"), maxLogBytes/2)
	for range 4 {
		l.print(1, append(big, '\n'))
	}
	if len(l.entries) > 2 || l.bytes > maxLogBytes {
		t.Errorf("%d entries of %d bytes", len(l.entries), l.bytes)
	}
}
