package runtime

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unsafe"

	"github.com/cilium/ebpf"

	"github.com/gotrace/gotrace/runtime/value"
)

// firstBatch is how many elements are asked for at first; the kernel gives whole hash
// buckets and refuses (ENOSPC) a batch smaller than a bucket.
const firstBatch = 1024

// hashEntries reads all elements of a hash.
func (s *scriptMap) hashEntries() ([]value.Raw, error) {
	out, err := s.batchEntries()
	if errors.Is(err, ebpf.ErrNotSupported) {
		out, err = s.walkEntries()
	}
	if err != nil {
		return nil, fmt.Errorf("reading map %s: %w", s.spec.Name, err)
	}
	return out, nil
}

// batchEntries reads by BPF_MAP_LOOKUP_BATCH (hash maps since Linux 5.6). The kernel walks
// its buckets once, so an element is never seen twice.
func (s *scriptMap) batchEntries() ([]value.Raw, error) {
	var (
		cursor ebpf.MapBatchCursor
		out    []value.Raw
		n      = min(firstBatch, max(1, s.spec.MaxEntries))
		perKey = s.elemSize() * s.cpus
	)
	for {
		keys, keyMem := rows(n, s.spec.KeySize)
		values, valueMem := any(nil), []byte(nil)
		if s.cpus > 1 || s.m.Type() == ebpf.PerCPUHash || s.m.Type() == ebpf.LRUCPUHash {
			valueMem = make([]byte, n*perKey)
			values = valueMem
		} else {
			values, valueMem = rows(n, perKey)
		}
		got, err := s.m.BatchLookup(&cursor, keys, values, nil)
		if errors.Is(err, errNoSpace) && n < s.spec.MaxEntries {
			n *= 2
			continue
		}
		done := errors.Is(err, ebpf.ErrKeyNotExist)
		if err != nil && !done {
			return nil, err
		}
		for i := range got {
			key := keyMem[i*s.spec.KeySize : (i+1)*s.spec.KeySize]
			out = append(out, s.element(key, valueMem[i*perKey:(i+1)*perKey]))
		}
		if done {
			return out, nil
		}
	}
}

// rows makes a slice of n arrays of size bytes, which is what the batch calls take, and its memory.
func rows(n, size int) (slice any, mem []byte) {
	v := reflect.MakeSlice(reflect.SliceOf(reflect.ArrayOf(size, reflect.TypeFor[byte]())), n, n)
	return v.Interface(), unsafe.Slice((*byte)(v.UnsafePointer()), n*size)
}

// walkEntries reads one key after the other. When the kernel has lost its place, because the last key was deleted, it starts
// again from the first; keys already seen are skipped.
func (s *scriptMap) walkEntries() ([]value.Raw, error) {
	var out []value.Raw
	err := s.eachKey(func(key []byte) error {
		buf, err := s.m.LookupBytes(key)
		if err != nil || buf == nil {
			return err
		}
		out = append(out, s.element(key, buf))
		return nil
	})
	return out, err
}

// eachKey calls do with each key once.
func (s *scriptMap) eachKey(do func(key []byte) error) error {
	seen := map[string]bool{}
	var key any
	// The kernel restarts at the first key at most once per deletion; twice the size bounds
	// a walk over a map that changes all the time.
	for range 2*s.spec.MaxEntries + 1 {
		next, err := s.m.NextKeyBytes(key)
		if err != nil || next == nil {
			return err
		}
		key = next
		if seen[string(next)] {
			continue
		}
		seen[string(next)] = true
		if err := do(next); err != nil {
			return err
		}
	}
	return nil
}

// ErrClosed is what reading a session gives after Close.
var ErrClosed = errors.New("the session is closed")

// Snapshot reads a map of the script into Go values. dst points to a map such as map[string]uint64, to a slice of structs with the
// fields Key and Value, which then are in the order in which the map prints, or, for a map without a key, to a value: an integer, a
// string, a struct for a tuple, a slice of value.Bucket for a histogram. What a type takes is said at value.Assign. A map without
// a key that was never set leaves dst as it is.
//
// Snapshot may be called from any goroutine while the session runs, and from its Sink.
func (s *Session) Snapshot(name string, dst any) error {
	name = strings.TrimPrefix(name, "@")
	for m, sm := range s.scriptMaps {
		if m.Name != name {
			continue
		}
		elems, err := s.elements(sm)
		if err != nil {
			return err
		}
		codec := s.values.MapCodec(m, 1)
		codec.Sort(elems)
		if err := codec.AssignMap(dst, elems); err != nil {
			return fmt.Errorf("reading @%s: %w", name, err)
		}
		return nil
	}
	return fmt.Errorf("the script has no map @%s", name)
}
