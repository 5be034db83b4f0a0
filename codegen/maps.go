package codegen

import (
	"github.com/cilium/ebpf"

	"github.com/gotrace/gotrace/lang"
)

// mapUse is what the programs of a script do with a map.
type mapUse struct {
	writers []*lang.Prog // assign, count or aggregate into it
	removes bool         // delete(), clear() or zero(): its elements can go away or be replaced
	// iterated says that some probe runs a loop over it.
	iterated bool

	mentions int  // all of them
	harmless int  // of these, those that neither read the value nor set it to anything
	up, down bool // ++ and -- whose result nobody uses, which count as harmless
	adds     bool // += and -=, likewise
}

// mapUses goes through all programs.
func mapUses(c *lang.Checked) map[string]*mapUse {
	uses := map[string]*mapUse{}
	for _, m := range c.Maps {
		uses[m.Name] = &mapUse{}
	}
	for _, p := range c.Progs {
		visit := func(n lang.Node) { noteUse(uses, p, n) }
		if p.Probe.Filter != nil {
			walk(p.Probe.Filter, visit)
		}
		walk(p.Probe.Body, visit)
	}
	return uses
}

// noteUse records what one node does to maps.
func noteUse(uses map[string]*mapUse, p *lang.Prog, n lang.Node) {
	switch n := n.(type) {
	case *lang.MapRef:
		if u := uses[n.Name]; u != nil {
			u.mentions++
		}
	case *lang.ExprStmt:
		if u, x := countOf(uses, n); u != nil {
			u.harmless++
			u.up = u.up || x.Op == "++"
			u.down = u.down || x.Op == "--"
		}
	case *lang.ForMap:
		if u := useOf(uses, n.Map); u != nil {
			u.iterated = true
		}
	case *lang.BlockExpr:
		// The last statement is the block's value.
		if stmts := n.Body.Stmts; len(stmts) > 0 {
			if u, _ := countOf(uses, stmts[len(stmts)-1]); u != nil {
				u.harmless--
			}
		}
	case *lang.Assign:
		if u := useOf(uses, n.Target); u != nil {
			u.write(p)
			if n.Op == "+=" || n.Op == "-=" {
				u.harmless++
				u.adds = true
			}
		}
	case *lang.IncDec:
		if u := useOf(uses, n.Target); u != nil {
			u.write(p)
		}
	case *lang.Call:
		noteCall(uses, n)
	}
}

// countOf finds the use of the map that a statement counts up or down, nil if it does not do that.
func countOf(uses map[string]*mapUse, s lang.Stmt) (*mapUse, *lang.IncDec) {
	es, ok := s.(*lang.ExprStmt)
	if !ok {
		return nil, nil
	}
	x, ok := es.X.(*lang.IncDec)
	if !ok {
		return nil, nil
	}
	return useOf(uses, x.Target), x
}

// noteCall records what the functions that take a map do to it.
func noteCall(uses map[string]*mapUse, c *lang.Call) {
	if len(c.Args) == 0 {
		return
	}
	u := useOf(uses, c.Args[0])
	if u == nil {
		return
	}
	switch c.Name {
	case "delete", "clear", "zero":
		u.removes = true
		u.harmless++
	case "len", "has_key":
		u.harmless++
	case "print":
		if !c.Args[0].(*lang.MapRef).Indexed {
			u.harmless++
		}
	}
}

// useOf finds the use of the map that an expression is, nil if it is none.
func useOf(uses map[string]*mapUse, e lang.Expr) *mapUse {
	if ref, ok := e.(*lang.MapRef); ok {
		return uses[ref.Name]
	}
	return nil
}

func (u *mapUse) write(p *lang.Prog) {
	if len(u.writers) == 0 || u.writers[len(u.writers)-1] != p {
		u.writers = append(u.writers, p)
	}
}

// onlyCounts says that programs only add to a map's integers and never look at them, so that each CPU can have
// its own, as for count(). A map without a key must also never sum up to 0, as it would look untouched then.
func (k *compiler) onlyCounts(m *lang.Map) bool {
	u := k.uses[m.Name]
	if _, ok := m.Value.(lang.Int); !ok || m.Kind != "" || u.mentions != u.harmless {
		return false
	}
	if m.Key == nil {
		return u.up != u.down && !u.adds
	}
	return u.up || u.down || u.adds
}

// exclusive says that an update of a map's per-CPU value by plain loads and stores is exact, because no other
// writer of it can begin on the same CPU before the update ends:
//
//   - kprobe, tracepoint and perf event programs exclude each other on a CPU: all of them run under
//     bpf_prog_active (trace_call_bpf in kernel/trace/bpf_trace.c, kprobe_multi_link_prog_run, bpf_overflow_handler)
//     and none can be preempted there;
//   - any other program but a uprobe's excludes itself (prog->active: bpf_trace_run of raw tracepoints, the
//     trampoline of fentry), which is enough if it is the only writer;
//   - uprobe programs can be preempted in the middle by another thread that runs the same program, and be
//     interrupted by any other kind.
//
// BEGIN and END do not count: they run while no other program of the script is attached.
func (k *compiler) exclusive(m *lang.Map) bool {
	if k.layout(m).shared() {
		return false
	}
	writers, guarded := 0, true
	for _, p := range k.uses[m.Name].writers {
		if p.Kind.Once {
			continue
		}
		writers++
		switch p.Kind.Context {
		case lang.CtxRegs, lang.CtxTracepoint, lang.CtxPerf:
			if p.Kind.User {
				return false
			}
		default:
			guarded = false
		}
	}
	return guarded || writers < 2
}

// keepsElements says that an element, once there, stays where it is until the script ends, so that a store
// through its address can not hit the element of another key.
func (k *compiler) keepsElements(m *lang.Map) bool {
	return !k.uses[m.Name].removes && m.Kind != "lruhash" && m.Kind != "percpulruhash"
}

// shared says that all CPUs use the same value.
func (v ValueLayout) shared() bool {
	return v.Storage == StorageHash || v.Storage == StorageGlobal
}

// spec is the blueprint's map that holds a map of the script.
func (k *compiler) spec(m *lang.Map) *MapSpec { return k.maps["@"+m.Name] }

func (k *compiler) layout(m *lang.Map) ValueLayout { return k.spec(m).Layout }

// scriptMaps adds the maps of the script to the blueprint.
func (k *compiler) scriptMaps() {
	k.uses = mapUses(k.checked)
	zeros := 0
	for _, m := range k.checked.Maps {
		s := k.addMap(k.scriptMap(m))
		if m.Key == nil {
			continue
		}
		if s.ValueSize > zeroStackMax {
			zeros = max(zeros, s.ValueSize)
		}
		k.splitMap(s)
	}
	if zeros > 0 {
		k.addMap(&MapSpec{Name: MapZeros, Type: ebpf.Array, KeySize: 4, ValueSize: zeros, MaxEntries: 1, Flags: flagRdonlyProg})
	}
}

// Map flags, from include/uapi/linux/bpf.h.
const (
	flagNoPrealloc = 1 << 0
	flagRdonlyProg = 1 << 7
)

// scriptMap chooses the storage of a map and lays its value out.
func (k *compiler) scriptMap(m *lang.Map) *MapSpec {
	s := &MapSpec{Name: "@" + m.Name, Script: m}
	size, room := align8(m.Value.Size()), 0
	perCPU := k.onlyCounts(m)
	if agg, ok := m.Value.(lang.Agg); ok {
		size, perCPU = 8*aggWords(agg), true
		room = 8 * aggRoom(agg)
	}
	s.Layout = ValueLayout{Size: size, Present: -1}
	if m.Key != nil {
		k.keyedMap(s, m, max(size, room), perCPU)
		return s
	}
	s.Type, s.KeySize, s.MaxEntries = ebpf.Array, 4, 1
	if perCPU {
		// A cache line is one CPU's own: no other writes to it.
		s.Layout.Storage = StoragePerCPUGlobal
		s.Layout.Stride = (max(size, room) + 63) &^ 63
		s.ValueSize = s.Layout.Stride * k.cpuSlots()
		return s
	}
	s.Layout.Storage = StorageGlobal
	s.Layout.Present = size
	s.ValueSize = size + 8
	return s
}

// hashTypes gives the kernel's map type for a declared kind.
var hashTypes = map[string]ebpf.MapType{
	"hash":          ebpf.Hash,
	"lruhash":       ebpf.LRUHash,
	"percpuhash":    ebpf.PerCPUHash,
	"percpulruhash": ebpf.LRUCPUHash,
}

// preallocMax is the largest element, key and value in bytes, that a hash map gets memory for at its creation. For small ones that is
// the faster and safer choice: an insertion never fails for want of memory. Large ones (a histogram by key) would take
// megabytes on every CPU for keys that never come; since Linux 6.1 the kernel has an allocator that
// is safe in any context (bpf_mem_alloc) behind BPF_F_NO_PREALLOC. Before it, tracing programs must not use that flag.
const preallocMax = 256

func (k *compiler) allocFlags(s *MapSpec) uint32 {
	lru := s.Type == ebpf.LRUHash || s.Type == ebpf.LRUCPUHash // always preallocated
	if s.KeySize+s.ValueSize > preallocMax && k.kernel.AtLeast(6, 1) && !lru {
		return flagNoPrealloc
	}
	return 0
}

func (k *compiler) keyedMap(s *MapSpec, m *lang.Map, room int, perCPU bool) {
	s.KeySize, s.ValueSize, s.MaxEntries = align8(m.Key.Size()), room, m.MaxEntries
	s.Type = hashTypes[m.Kind]
	if m.Kind == "" {
		s.Type = ebpf.Hash
		if perCPU {
			s.Type = ebpf.PerCPUHash
		}
	}
	s.Flags = k.allocFlags(s)
	s.Layout.Storage = StorageHash
	if s.Type == ebpf.PerCPUHash || s.Type == ebpf.LRUCPUHash {
		s.Layout.Storage = StoragePerCPUHash
	}
}

// aggWords is the number of 8-byte words that an aggregation takes (see ValueLayout).
func aggWords(a lang.Agg) int {
	switch a.Kind {
	case lang.AggCount:
		return 1
	case lang.AggHist:
		return HistBuckets(a.Bits)
	case lang.AggLHist:
		return LHistBuckets(a)
	}
	return 2
}

// aggRoom is the number of words that the verifier must find a value to have: for histograms a few more than there are
// buckets, as it can not follow the arithmetic of a bucket's number to its exact bound.
func aggRoom(a lang.Agg) int {
	switch a.Kind {
	case lang.AggHist:
		return histBound(a.Bits) + 1
	case lang.AggLHist:
		return lhistBound(a) + 1
	}
	return aggWords(a)
}

func align8(n int) int { return (n + 7) &^ 7 }
