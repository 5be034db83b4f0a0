package runtime

import (
	"errors"
	"fmt"

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
	err := s.eachKey(func(key []byte) error {
		err := s.m.Update(key, value, ebpf.UpdateExist)
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("setting map %s to zero: %w", s.spec.Name, err)
	}
	if s.short != nil {
		return s.short.zero()
	}
	return nil
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
