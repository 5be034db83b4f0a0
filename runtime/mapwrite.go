package runtime

import (
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/codegen/layout"
)

// errNoSpace is what a batch look-up says when a hash bucket is larger than the batch.
var errNoSpace error = unix.ENOSPC

// clear removes all elements. An element that a probe makes meanwhile may stay.
func (s *scriptMap) clear() error {
	if s.swap != nil {
		return s.swap.clear()
	}
	s.zeroed = false
	if s.mem != nil {
		clear(s.mem)
		return nil
	}
	var keys [][]byte
	if err := s.eachKey(func(key []byte) error { keys = append(keys, key); return nil }); err != nil {
		return fmt.Errorf("clearing map %s: %w", s.spec.Name, err)
	}
	for _, key := range keys {
		if err := s.m.Delete(key); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("clearing map %s: %w", s.spec.Name, err)
		}
	}
	if s.short != nil {
		return s.short.clear()
	}
	return nil
}

// zero sets all values to 0 and keeps the keys.
func (s *scriptMap) zero() error {
	if s.swap != nil {
		return s.swap.zero()
	}
	if !s.keyed() {
		return s.zeroGlobal()
	}
	value := s.zeroValue()
	if err := s.eachKey(func(key []byte) error { return s.setZero(key, value, ebpf.UpdateExist) }); err != nil {
		return fmt.Errorf("setting map %s to zero: %w", s.spec.Name, err)
	}
	if s.short != nil {
		return s.short.zero()
	}
	return nil
}

// zeroTries is how often setting an element is tried where the kernel has no memory for it at the moment, or the map is just being changed.
const zeroTries = 8

// setZero sets an element that is there, or one that is not, to 0. What there is no room or memory for is counted.
func (s *scriptMap) setZero(key []byte, value any, flags ebpf.MapUpdateFlags) error {
	for try := range zeroTries {
		switch err := s.m.Update(key, value, flags); {
		case err == nil, errors.Is(err, ebpf.ErrKeyExist), errors.Is(err, ebpf.ErrKeyNotExist):
			return nil
		case errors.Is(err, unix.E2BIG):
			s.unzeroed++
			return nil
		case !errors.Is(err, unix.ENOMEM) && !errors.Is(err, unix.EBUSY):
			return err
		}
		time.Sleep(time.Duration(try) * time.Millisecond)
	}
	s.unzeroed++
	return nil
}

// allUnset is how many elements of a map zero() could not set, in all the pieces that it is kept in.
func (s *scriptMap) allUnset() (n uint64) {
	n = s.unzeroed
	if s.short != nil {
		n += s.short.allUnset()
	}
	if s.swap != nil {
		for _, half := range s.swap.halves {
			n += half.allUnset()
		}
	}
	return n
}

// zeroValue is the value of an element, on all CPUs, that is 0.
func (s *scriptMap) zeroValue() any {
	if s.spec.Layout.Storage != layout.StoragePerCPUHash {
		return make([]byte, s.spec.ValueSize)
	}
	perCPU := make([][]byte, s.cpus)
	for i := range perCPU {
		perCPU[i] = make([]byte, s.spec.ValueSize)
	}
	return perCPU
}

// zeroGlobal sets a map without a key to 0. It counts as set afterwards if it was before.
func (s *scriptMap) zeroGlobal() error {
	_, ok, err := s.global()
	if err != nil || !ok {
		return err
	}
	clear(s.mem)
	s.spec.Layout.Set(s.mem)
	s.zeroed = true
	return nil
}
