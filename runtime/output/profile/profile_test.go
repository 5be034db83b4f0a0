package profile

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	pprof "github.com/google/pprof/profile"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/types"
	"github.com/gotrace/gotrace/runtime/output"
	"github.com/gotrace/gotrace/runtime/value"
)

// fakeSymbols has a few stacks, by number; the address of a frame is its name. 3 is inlined into 2.
type fakeSymbols map[uint64][]uint64

var names = map[uint64]string{1: "main", 2: "work;er", 3: "inner<b>", 10: "sys_read", 11: "vfs_read"}

func (f fakeSymbols) Stack(id uint64) (value.Trace, bool) {
	addrs, ok := f[id]
	return value.Trace{PID: 7, Addrs: addrs}, ok
}
func (fakeSymbols) Kernel(addr uint64) value.Frame { return value.Frame{Addr: addr, Name: names[addr]} }
func (fakeSymbols) User(_ uint32, addr uint64) value.Frame {
	f := value.Frame{Addr: addr, Name: names[addr], Module: "/bin/a"}
	if addr == 3 {
		f.Addr, f.Inlined = 2, true
	}
	return f
}
func (f fakeSymbols) Frames(t *value.Trace) (out []value.Frame) {
	for _, a := range t.Addrs {
		if t.User {
			out = append(out, f.User(t.PID, a))
		} else {
			out = append(out, f.Kernel(a))
		}
	}
	return out
}
func (fakeSymbols) BuildIDs(dst []byte, _ *value.Trace) []byte { return dst }

// events are a map by two stacks and a name, and one by a stack, which is printed twice.
func events(t *testing.T, s *Sink) {
	t.Helper()
	env := &value.Env{KeyNames: map[string][]string{"": {"", "", "comm"}}, Symbols: fakeSymbols{100: {3, 2, 1}, 101: {2, 1}, 200: {11, 10}}}
	user, kernel := types.Stack{User: true, Limit: 127}, types.Stack{Limit: 127}
	key := types.Tuple{Elems: []types.Type{user, kernel, types.String{Len: 8}}}
	cpu := env.MapCodec(&lang.Map{Name: "", Key: key, Value: types.Agg{Kind: types.AggCount}}, 1)
	ns := env.MapCodec(&lang.Map{Name: "off_ns", Key: user, Value: types.TypeInt64}, 1)
	send := func(e output.Event) {
		if err := s.Event(e); err != nil {
			t.Fatal(err)
		}
	}
	comm := append(bytes.Clone([]byte("sh")), make([]byte, 6)...)
	send(&output.Map{Name: "off_ns", Codec: ns, Elements: []value.Raw{{Key: words(100), Value: words(1)}}})
	send(&output.Map{Name: "", Codec: cpu, Elements: []value.Raw{
		{Key: append(words(100, 200), comm...), Value: words(5)}, {Key: append(words(101, 0), comm...), Value: words(2)}, {Key: append(words(1, 0), comm...), Value: words(3)},
	}})
	send(&output.Map{Name: "off_ns", Codec: ns, Elements: []value.Raw{{Key: words(101), Value: words(1000)}}})
	send(&output.Map{Name: "off_ns", Codec: ns})
	send(&output.Map{Name: "plain", Codec: env.MapCodec(&lang.Map{Value: types.TypeInt64}, 1), Elements: []value.Raw{{Value: words(4)}}})
	if err := s.Drain(); err != nil {
		t.Fatal(err)
	}
}

func words(ws ...uint64) (b []byte) {
	for _, w := range ws {
		b = binary.NativeEndian.AppendUint64(b, w)
	}
	return b
}

func run(t *testing.T, format string) (out, messages string) {
	var o, e bytes.Buffer
	events(t, NewSink(&o, &e, "a <title>", Formats[format], output.TextOptions{}))
	return o.String(), e.String()
}

func TestFolded(t *testing.T) {
	out, messages := run(t, "folded")
	want := `@off_ns;main;work:er 1000
@;sh;main;work:er;inner<b>_[i];sys_read_[k];vfs_read_[k] 5
@;sh;main;work:er 2
@;sh;[no room for this stack] 3
`
	if out != want || messages != "@plain: 4\n" {
		t.Errorf("%s\nwant\n%s\nmessages %q", out, want, messages)
	}
}

func TestPprof(t *testing.T) {
	out, _ := run(t, "pprof")
	p, err := pprof.ParseData([]byte(out))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.SampleType) != 2 || *p.SampleType[0] != (pprof.ValueType{Type: "off_ns", Unit: "nanoseconds"}) || *p.SampleType[1] != (pprof.ValueType{Type: "samples", Unit: "count"}) {
		t.Errorf("types %v", p.SampleType)
	}
	if len(p.Sample) != 4 {
		t.Fatalf("%d samples", len(p.Sample))
	}
	s := p.Sample[1]
	if got, want := stackOf(s), "[kernel]:vfs_read [kernel]:sys_read /bin/a:inner<b>+work;er /bin/a:main"; got != want {
		t.Errorf("stack %s, want %s", got, want)
	}
	if s.Value[0] != 0 || s.Value[1] != 5 || s.Label["comm"][0] != "sh" {
		t.Errorf("%v %v", s.Value, s.Label)
	}
}

// stackOf is the stack of a sample, the innermost first, functions at one address together.
func stackOf(s *pprof.Sample) string {
	var stack []string
	for _, l := range s.Location {
		var lines []string
		for _, line := range l.Line {
			lines = append(lines, line.Function.Name)
		}
		stack = append(stack, l.Mapping.File+":"+strings.Join(lines, "+"))
	}
	return strings.Join(stack, " ")
}

// A profile of nothing can be read, too.
func TestEmpty(t *testing.T) {
	for name, write := range Formats {
		var out bytes.Buffer
		if err := write(&out, &Profile{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if name != "pprof" {
			continue
		}
		if _, err := pprof.Parse(&out); err != nil {
			t.Errorf("pprof: %v", err)
		}
	}
}

// The page needs no other file, and its data says what the maps say.
func TestFlameGraph(t *testing.T) {
	out, _ := run(t, "flamegraph")
	if regexp.MustCompile(`https?:|\bsrc=|\bhref=|@import|url\(`).MatchString(out) {
		t.Error("the page refers to other files")
	}
	if !strings.Contains(out, "<title>a &lt;title&gt;</title>") || strings.Contains(out, "{{") {
		t.Error("the page is not filled in")
	}
	m := regexp.MustCompile(`(?s)<script type="application/json" id="flame">(.*?)</script>`).FindStringSubmatch(out)
	if m == nil {
		t.Fatal("there is no data")
	}
	var data struct {
		Names []string
		Trees []struct {
			Name               string
			Keys               []string
			Node, Depth, Value []int
		}
	}
	if err := json.Unmarshal([]byte(m[1]), &data); err != nil {
		t.Fatal(err)
	}
	tree := data.Trees[1]
	var got []string
	for i, n := range tree.Node {
		got = append(got, strings.Repeat(" ", tree.Depth[i])+data.Names[n], string(rune('0'+tree.Value[i]%10)))
	}
	want := "all|0| sh|0|  [no room for this stack]|3|  main|7|   work;er|7|    inner<b>|5|     sys_read|5|      vfs_read|5"
	if strings.Join(got, "|") != want {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "|"), want)
	}
	if tree.Name != "@" || strings.Join(tree.Keys, " ") != "comm" {
		t.Errorf("name %q, keys %q", tree.Name, tree.Keys)
	}
}
