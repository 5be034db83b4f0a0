package symbolizer

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/internal/procevents"
	"github.com/gotrace/gotrace/internal/symbols"
)

// inUse is the memory that is in use.
func inUse() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// Processes without end leave nothing behind.
func TestManyProcesses(t *testing.T) {
	h := &history{past: map[uint32]*past{}}
	run := func(pid uint32, at uint64) {
		h.take(&procevents.Event{Kind: procevents.Fork, PID: pid, Parent: 1, Time: at})
		h.take(&procevents.Event{Kind: procevents.Exec, PID: pid, Time: at})
		for i := range uint64(64) {
			m := symbols.Mapping{Start: i << 20, End: i<<20 + 4096, Exec: true, Path: fmt.Sprintf("/bin/%d-%d", pid, i)}
			h.take(&procevents.Event{Kind: procevents.Map, PID: pid, Time: at, Mapping: m})
		}
		h.take(&procevents.Event{Kind: procevents.Exit, PID: pid, Time: at})
	}
	before := inUse()
	const rounds = 20_000
	for i := range uint64(rounds) {
		run(uint32(2+i%15000), i)
	}
	if grown := inUse() - before; grown > 64<<20 {
		t.Errorf("%d MB are in use", grown>>20)
	}
	if len(h.ended) > maxEnded || h.maps > maxEndedMaps {
		t.Errorf("%d processes with %d mappings are kept", len(h.ended), h.maps)
	}
	if m := h.at(2+(rounds-1)%15000, rounds); len(m.maps) != 64 {
		t.Errorf("the last process has %d mappings", len(m.maps))
	}
	runtime.KeepAlive(h)
}

// A number that was given to another process is not forgotten with the first one.
func TestNumberGivenAgain(t *testing.T) {
	h := &history{past: map[uint32]*past{}}
	h.take(&procevents.Event{Kind: procevents.Fork, PID: 7, Parent: 1, Time: 1})
	h.take(&procevents.Event{Kind: procevents.Exit, PID: 7, Time: 2})
	h.take(&procevents.Event{Kind: procevents.Fork, PID: 7, Parent: 2, Time: 3})
	for i := range uint32(2 * maxEnded) {
		h.take(&procevents.Event{Kind: procevents.Fork, PID: 100 + i, Parent: 1, Time: 4})
		h.take(&procevents.Event{Kind: procevents.Exit, PID: 100 + i, Time: 5})
	}
	if p := h.past[7]; p == nil || p.parent != 2 {
		t.Errorf("the second process is %+v", p)
	}
}

// Files of names, one of which is as large as all may be together, do not stay in memory, and are read again.
func TestManyPerfMaps(t *testing.T) {
	dir := t.TempDir()
	c := perfMaps{most: 4 << 20}
	defer c.close()
	const files, lines = 12, 10_000
	for i := range files {
		var text strings.Builder
		for n := range lines {
			fmt.Fprintf(&text, "%x 40 function_with_a_name_of_some_length_%d_%d\n", 0x10000+n<<6, i, n)
		}
		path := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		c.all = append(c.all, &perfMap{pid: uint32(i), path: path, open: f})
	}
	before := inUse()
	for range 2 {
		for i, p := range c.all {
			if name, start, ok := c.find(p, 0x10000+77<<6+5); !ok || start != 0x10000+77<<6 || name != fmt.Sprintf("function_with_a_name_of_some_length_%d_77", i) {
				t.Errorf("file %d: %q at %#x", i, name, start)
			}
		}
	}
	if grown := inUse() - before; grown > 2*c.most {
		t.Errorf("%d MB are in use", grown>>20)
	}
	c.forget(0)
	if len(c.all) != files-1 {
		t.Errorf("%d maps are kept", len(c.all))
	}
}

// Names are kept for as many addresses as there is room for, and are the same when they are found again.
func TestManyAddresses(t *testing.T) {
	p := start(t, compile(t, "-O0"))
	s := New(Options{})
	defer s.Close()
	v := s.See(p.pid(), Now, p.addrs[:]...)
	first := p.names(v)
	f := s.files.of(v.p, v.p.mapping(p.addrs[0]))
	if f == nil || len(f.named) != len(p.addrs) {
		t.Fatalf("the file is %+v", f)
	}
	other := &file{}
	s.files.add(fileKey{path: "/other"}, other)
	for i := range uint64(maxNamed) {
		s.files.remember(other, i, nil)
	}
	if n := len(other.named); n == 0 || n+len(f.named) > maxNamed || len(f.named) > 0 {
		t.Errorf("%d addresses are kept, and %d", n, len(f.named))
	}
	if got := p.names(v); !slices.Equal(got, first) {
		t.Errorf("%q, want %q", got, first)
	}
}

// No more files are known and open than there is room for; those that can be opened by name are the first to be closed.
func TestManyFiles(t *testing.T) {
	dir := t.TempDir()
	p := start(t, compile(t, "-O0"))
	s := New(Options{})
	defer s.Close()
	v := s.See(p.pid(), Now, p.addrs[:]...)
	for i := range maxFiles + maxOpen {
		path := filepath.Join(dir, fmt.Sprint(i))
		if i < 2*maxOpen {
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			v.p.taken = v.p.taken.AddDate(1, 0, 0)
		}
		s.files.keep(v.p, &symbols.Mapping{Start: 1, End: 2, Path: path, Device: "0:0"})
		s.files.of(v.p, &symbols.Mapping{Start: 1, End: 2, Path: path, Device: "0:1"})
	}
	if s.files.open > maxOpen || len(s.files.files) > maxFiles {
		t.Errorf("%d files are open, %d known", s.files.open, len(s.files.files))
	}
	if got := p.names(v); got[0] != "first+4" {
		t.Errorf("%q", got)
	}
}
