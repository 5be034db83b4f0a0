package profile

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	pprof "github.com/google/pprof/profile"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/types"
	"github.com/gotrace/gotrace/runtime/output"
	"github.com/gotrace/gotrace/runtime/value"
)

// one is a map with one element.
func one(env *value.Env, name string, key, val types.Type, k, v []byte) *output.Map {
	return &output.Map{Name: name, Codec: env.MapCodec(&lang.Map{Name: name, Key: key, Value: val}, 1), Elements: []value.Raw{{Key: k, Value: v}}}
}

// place puts values of eight bytes and texts where a tuple has them.
func place(t types.Tuple, elems ...any) []byte {
	b := make([]byte, t.Size())
	for i, e := range elems {
		switch e := e.(type) {
		case int:
			copy(b[t.Offset(i):], words(uint64(e))[:t.Elems[i].Size()])
		case string:
			copy(b[t.Offset(i):], e)
		case []byte:
			copy(b[t.Offset(i):], e)
		}
	}
	return b
}

// What each kind of key and value becomes, in folded lines and in pprof's format, which google's library reads.
func TestKinds(t *testing.T) {
	user, kernel, str := types.Stack{User: true, Limit: 127}, types.Stack{Limit: 127}, types.String{Len: 8}
	env := &value.Env{Symbols: fakeSymbols{100: {3, 2, 1}, 101: {2, 1}, 200: {11, 10}}, KeyNames: map[string][]string{"m": {"", "", "comm", ""}, "nested": {"cpu", "kstack", "ustack"}}}
	agg := func(k types.AggKind) types.Agg { return types.Agg{Kind: k, Signed: true} }
	mixed := types.Tuple{Elems: []types.Type{user, kernel, str, types.TypeInt64}}
	inner := types.Tuple{Elems: []types.Type{kernel, user}}
	nested := types.Tuple{Elems: []types.Type{types.TypeInt64, inner}}
	record := types.Tuple{Names: []string{"who", "where"}, Elems: []types.Type{str, kernel}}
	enum := types.Int{Bits: 32, Enum: &types.Enum{Values: map[int64]string{2: "TWO"}}}
	byEnum := types.Tuple{Elems: []types.Type{kernel, enum, types.Pointer{}, types.Bool{}, types.Array{Elem: types.TypeInt64, Len: 2}}}
	log2 := types.Agg{Kind: types.AggHist}
	buckets := make([]uint64, layout.AggWords(log2))
	buckets[3], buckets[9] = 4, 5
	for _, c := range []struct {
		what   string
		m      *output.Map
		folded string // "" if it is no profile
		types  string
		sample string
	}{
		{"kernel", one(env, "k", kernel, agg(types.AggCount), words(200), words(3)), "sys_read_[k];vfs_read_[k] 3",
			"k/count", "[3] [kernel]:vfs_read [kernel]:sys_read map[]"},
		{"user, with inlined functions", one(env, "u", user, agg(types.AggSum), words(100), words(3, 1)), "main;work:er;inner<b>_[i] 3",
			"u/count", "[3] /bin/a:inner<b>+work;er /bin/a:main map[]"},
		{"both, a text and a number", one(env, "m", mixed, types.TypeInt64, place(mixed, 101, 200, "a;b", -4), words(3)), "a:b;-4;main;work:er;sys_read_[k];vfs_read_[k] 3",
			"m/count", "[3] [kernel]:vfs_read [kernel]:sys_read /bin/a:work;er /bin/a:main map[comm:[a;b] key4:[-4]]"},
		{"a tuple in a tuple", one(env, "nested", nested, agg(types.AggCount), place(nested, 1, place(inner, 200, 101)), words(3)), "1;main;work:er;sys_read_[k];vfs_read_[k] 3",
			"nested/count", "[3] [kernel]:vfs_read [kernel]:sys_read /bin/a:work;er /bin/a:main map[cpu:[1]]"},
		{"a record", one(env, "r", record, agg(types.AggCount), place(record, "sh", 200), words(3)), "sh;sys_read_[k];vfs_read_[k] 3",
			"r/count", "[3] [kernel]:vfs_read [kernel]:sys_read map[who:[sh]]"},
		{"an enum, a pointer, a bool, an array", one(env, "e", byEnum, agg(types.AggCount), place(byEnum, 200, 2, 255, 1, words(7, 8)), words(3)),
			"TWO;0xff;true;[7,8];sys_read_[k];vfs_read_[k] 3", "e/count", "[3] [kernel]:vfs_read [kernel]:sys_read map[key2:[TWO] key3:[0xff] key4:[true] key5:[[7,8]]]"},
		{"a sum below zero", one(env, "size", kernel, agg(types.AggSum), words(200), words(^uint64(4), 1)), "sys_read_[k];vfs_read_[k] -5",
			"size/bytes", "[-5] [kernel]:vfs_read [kernel]:sys_read map[]"},
		{"an average", one(env, "wait_us", kernel, agg(types.AggAvg), words(200), words(100, 8)),
			"@wait_us count;sys_read_[k];vfs_read_[k] 8\n@wait_us total;sys_read_[k];vfs_read_[k] 100", "wait_us_count/count wait_us_total/microseconds",
			"[8 100] [kernel]:vfs_read [kernel]:sys_read map[]"},
		{"statistics", one(env, "", kernel, agg(types.AggStats), words(200), words(100, 8)), "@ count;sys_read_[k];vfs_read_[k] 8\n@ total;sys_read_[k];vfs_read_[k] 100",
			"count/count total/count", "[8 100] [kernel]:vfs_read [kernel]:sys_read map[]"},
		{"a histogram", one(env, "wait_us", kernel, log2, words(200), words(buckets...)), "sys_read_[k];vfs_read_[k] 9",
			"wait_us/count", "[9] [kernel]:vfs_read [kernel]:sys_read map[]"},
		{"no stack: the empty one", one(env, "z", kernel, agg(types.AggCount), words(0), words(2)), " 2", "z/count", "[2]  map[]"},
		{"a greatest value", one(env, "x", kernel, agg(types.AggMax), words(200), words(9, 1)), "", "", ""},
		{"a text", one(env, "x", kernel, str, words(200), []byte("text\x00\x00\x00\x00")), "", "", ""},
		{"a key without a stack", one(env, "x", str, agg(types.AggCount), []byte("text\x00\x00\x00\x00"), words(9)), "", "", ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			var out, messages bytes.Buffer
			s := NewSink(&out, &messages, "t", WriteFolded, output.TextOptions{})
			if err := s.Event(c.m); err != nil {
				t.Fatal(err)
			}
			if err := s.Drain(); err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSuffix(out.String(), "\n"); got != c.folded {
				t.Errorf("folded:\n%s\nwant\n%s", got, c.folded)
			}
			if c.folded == "" {
				if !strings.Contains(messages.String(), "@x") {
					t.Errorf("it is not printed: %q", messages.String())
				}
				return
			}
			p := readBack(t, &s.collected.Profile)
			var sampleTypes []string
			for _, st := range p.SampleType {
				sampleTypes = append(sampleTypes, st.Type+"/"+st.Unit)
			}
			if got := strings.Join(sampleTypes, " "); got != c.types {
				t.Errorf("types %s, want %s", got, c.types)
			}
			if got := fmt.Sprint(p.Sample[0].Value, " ", stackOf(p.Sample[0]), " ", p.Sample[0].Label); got != c.sample {
				t.Errorf("sample %s, want %s", got, c.sample)
			}
		})
	}
}

// readBack writes pprof's format and reads it with google's library, which checks it.
func readBack(t *testing.T, p *Profile) *pprof.Profile {
	t.Helper()
	var out bytes.Buffer
	if err := WritePprof(&out, p); err != nil {
		t.Fatal(err)
	}
	back, err := pprof.Parse(&out)
	if err != nil {
		t.Fatal(err)
	}
	if err := back.CheckValid(); err != nil {
		t.Fatal(err)
	}
	return back
}

// go tool pprof reads the file.
func TestGoToolPprof(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("SKIPPED: no go command")
	}
	path := filepath.Join(t.TempDir(), "cpu.pprof")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := WritePprof(f, small()); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(goTool, append(append([]string{"tool", "pprof"}, args...), path)...)
		cmd.Env = append(os.Environ(), "PPROF_TMPDIR="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir())
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	if top := run("-top", "-sample_index=after"); !strings.Contains(top, "60.00% vfs_read") && !strings.Contains(top, "60 60.00%") {
		t.Errorf("-top shows\n%s", top)
	}
	if tags := run("-tags"); !strings.Contains(tags, "comm:") || !strings.Contains(tags, ": sh") {
		t.Errorf("-tags shows\n%s", tags)
	}
}
