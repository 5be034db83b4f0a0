package runtime

import (
	"bytes"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/types"
	"github.com/gotrace/gotrace/runtime/value"
)

// scriptMap is a map of the script as the kernel keeps it.
type scriptMap struct {
	spec *layout.MapSpec
	m    *ebpf.Map
	cpus int // values per element
	// short has the elements with short keys, if codegen keeps them apart (see layout.MapSpec).
	short *scriptMap
	// mem is the memory of a map without a key, or of one instance of it if it is kept twice.
	mem []byte
	// swap has the two instances of a map that is kept twice; what is done to the map is done to one of them.
	swap *swap

	// zeroed is set by zero(): a map without a key then prints its zero, although its memory looks untouched.
	zeroed bool
	// unzeroed is how many elements zero() could not set.
	unzeroed uint64
}

// newScriptMap checks that the layout fits the map.
func newScriptMap(spec *layout.MapSpec, m *ebpf.Map) (*scriptMap, error) {
	s := &scriptMap{spec: spec, m: m, cpus: 1}
	l := spec.Layout
	if agg, ok := spec.Script.Value.(types.Agg); ok && l.Size < layout.Word(layout.AggWords(agg)) {
		return nil, fmt.Errorf("map %s: %s() does not fit %d bytes", spec.Name, agg.Kind, l.Size)
	}
	switch l.Storage {
	case layout.StorageHash, layout.StorageGlobal:
	case layout.StoragePerCPUHash:
		n, err := ebpf.PossibleCPU()
		if err != nil {
			return nil, fmt.Errorf("counting the CPUs: %w", err)
		}
		s.cpus = n
	case layout.StoragePerCPUGlobal:
		if l.Stride <= 0 {
			return nil, fmt.Errorf("map %s has no stride", spec.Name)
		}
		s.cpus = spec.CPUs()
	default:
		return nil, fmt.Errorf("map %s has unknown storage %d", spec.Name, l.Storage)
	}
	return s, nil
}

// keyed says whether the map has keys.
func (s *scriptMap) keyed() bool {
	return s.spec.Layout.Storage == layout.StorageHash || s.spec.Layout.Storage == layout.StoragePerCPUHash
}

// entries reads the whole map, in no order. Elements that appear or vanish meanwhile may be missed; none is read twice.
func (s *scriptMap) entries() ([]value.Raw, error) {
	if s.swap != nil {
		return s.swap.view().entries()
	}
	if s.keyed() {
		return s.allEntries()
	}
	e, ok, err := s.global()
	if err != nil || !ok {
		return nil, err
	}
	return []value.Raw{e}, nil
}

// allEntries reads the elements of a map with keys, those with short keys too.
func (s *scriptMap) allEntries() ([]value.Raw, error) {
	out, err := s.hashEntries()
	if err != nil || s.short == nil {
		return out, err
	}
	short, err := s.short.hashEntries()
	for i := range short {
		short[i].Key = s.spec.WholeKey(short[i].Key)
	}
	return append(out, short...), err
}

// global reads the value of a map without a key. ok is false if it was never set.
func (s *scriptMap) global() (e value.Raw, ok bool, err error) {
	b := bytes.Clone(s.mem) // what is printed does not change any more
	l := s.spec.Layout
	if l.Storage == layout.StorageGlobal {
		e = s.merge([][]byte{field(b, 0, l.Size)})
		ok = l.WasSet(b)
		return e, ok || s.zeroed, nil
	}
	values := make([][]byte, 0, s.cpus)
	for n := range s.cpus {
		values = append(values, field(b, l.CPU(n), l.Size))
	}
	e = s.merge(values)
	return e, anySet(e) || s.zeroed, nil
}

// anySet says whether a value in per-CPU memory was ever updated: a counter of updates, a
// bucket, or a plain value that is not 0.
func anySet(e value.Raw) bool {
	for _, b := range e.Value {
		if b != 0 {
			return true
		}
	}
	return false
}

// lookup reads the element with a key, or the value of a map without keys when key is empty.
func (s *scriptMap) lookup(key []byte) (e value.Raw, ok bool, err error) {
	if s.swap != nil {
		return s.swap.view().lookup(key)
	}
	if !s.keyed() {
		return s.global()
	}
	if short, ok := s.spec.ShortKey(key); ok {
		e, ok, err = s.short.lookup(short)
		e.Key = key
		return e, ok, err
	}
	buf, err := s.m.LookupBytes(key)
	if err != nil {
		return value.Raw{}, false, fmt.Errorf("reading map %s: %w", s.spec.Name, err)
	}
	if buf == nil {
		return value.Raw{}, false, nil
	}
	return s.element(key, buf), true, nil
}

// elemSize is what the kernel copies for one value of one CPU.
func (s *scriptMap) elemSize() int {
	if s.spec.Layout.Storage == layout.StoragePerCPUHash {
		return layout.Align8(s.spec.ValueSize)
	}
	return s.spec.ValueSize
}

// element makes an entry of what a look-up gave.
func (s *scriptMap) element(key, buf []byte) value.Raw {
	size := s.elemSize()
	values := make([][]byte, s.cpus)
	for n := range values {
		values[n] = field(buf, n*size, s.spec.Layout.Size)
	}
	e := s.merge(values)
	e.Key = key
	return e
}

// merge makes one value of those of all CPUs.
func (s *scriptMap) merge(values [][]byte) value.Raw {
	return value.Raw{Value: value.Merge(s.spec.Script.Value, values)}
}

// field is n bytes of rec at off, or what there is of them.
func field(rec []byte, off, n int) []byte {
	rec = from(rec, off)
	return rec[:min(n, len(rec))]
}

// from is b from offset on, empty if b is shorter.
func from(b []byte, offset int) []byte { return b[min(offset, len(b)):] }
