package kbtf

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Find returns the numbers of the types of a name and of one of the kinds, in order. Those of a
// module's file come before the kernel's, as a module's script means its own.
func (f *File) Find(name string, kinds ...Kind) ([]ID, error) {
	wanted := uint32(0)
	for _, k := range kinds {
		wanted |= 1 << k
	}
	names, err := f.allNames()
	if err != nil || name == "" {
		return nil, err
	}
	var out []ID
	for i, place := range f.places {
		if wanted>>(place&(1<<kindBits-1))&1 == 1 && names.is(f.names[i], name) {
			out = append(out, f.first+ID(i))
		}
	}
	if f.base != nil {
		more, err := f.base.Find(name, kinds...)
		return append(out, more...), err
	}
	return out, nil
}

// names is all strings that a file's types are named with: a module's follow the kernel's.
type names struct{ kernel, module []byte }

func (f *File) allNames() (n names, err error) {
	if f.base == nil {
		n.kernel, err = f.strs.whole()
		return n, err
	}
	if n.kernel, err = f.base.strs.whole(); err == nil {
		n.module, err = f.strs.whole()
	}
	return n, err
}

// is says whether the string at off is name.
func (n *names) is(off uint32, name string) bool {
	strs, at := n.kernel, int(off)
	if at >= len(strs) {
		strs, at = n.module, at-len(strs)
	}
	end := at + len(name)
	return end < len(strs) && strs[end] == 0 && string(strs[at:end]) == name
}

func (f *File) kind(i int) Kind { return Kind(f.places[i] & (1<<kindBits - 1)) }

// offsets returns where a name stands in the strings. It may stand there several times, as the end of longer names.
func (f *File) offsets(name string) ([]uint32, error) {
	if name == "" {
		return nil, nil
	}
	var out []uint32
	start := int64(0)
	if f.base != nil {
		var err error
		if out, err = f.base.offsets(name); err != nil {
			return nil, err
		}
		start = f.base.strs.size
	}
	err := f.search(append([]byte(name), 0), func(at int64) { out = append(out, uint32(start+at)) })
	return out, err
}

// search calls visit with every place in this file's strings where a text stands.
func (f *File) search(what []byte, visit func(at int64)) error {
	all, err := f.strs.whole()
	if err != nil || len(what) == 0 {
		return err
	}
	for i := 0; ; i++ {
		n := bytes.Index(all[i:], what)
		if n < 0 {
			return nil
		}
		i += n
		visit(int64(i))
	}
}

// Names calls visit with the number and the name of every type of a kind in this file (not its base), until it
// returns false. Types without a name are left out.
func (f *File) Names(kind Kind, visit func(ID, string) bool) error {
	if _, err := f.allNames(); err != nil { // all strings at once: names are in no order, and each block of them would be read many times
		return err
	}
	for i, n := range f.names {
		if n == 0 || f.kind(i) != kind {
			continue
		}
		name, err := f.text(n)
		if err != nil {
			return err
		}
		if !visit(f.first+ID(i), name) {
			break
		}
	}
	return nil
}

// FindPrefix returns the names of this file's types of a kind that begin with a prefix, without it, and their numbers.
func (f *File) FindPrefix(kind Kind, prefix string) (map[string]ID, error) {
	out := map[string]ID{}
	offsets, err := f.prefixOffsets(prefix)
	if err != nil || len(offsets) == 0 {
		return out, err
	}
	for i, n := range f.names {
		if f.kind(i) != kind {
			continue
		}
		if _, ok := slices.BinarySearch(offsets, n); !ok {
			continue
		}
		name, err := f.text(n)
		if err != nil {
			return nil, err
		}
		if rest := name[len(prefix):]; out[rest] == 0 {
			out[rest] = f.first + ID(i)
		}
	}
	return out, nil
}

// prefixOffsets returns where names of this file's own strings begin with a prefix, in order.
func (f *File) prefixOffsets(prefix string) ([]uint32, error) {
	start := int64(0)
	if f.base != nil {
		start = f.base.strs.size
	}
	var out []uint32
	err := f.search([]byte(prefix), func(at int64) { out = append(out, uint32(start+at)) })
	return out, err
}

// Ending returns the names in this file's own strings that end with a suffix, without it.
func (f *File) Ending(suffix string) ([]string, error) {
	all, err := f.strs.whole()
	if err != nil {
		return nil, err
	}
	var out []string
	err = f.search(append([]byte(suffix), 0), func(at int64) {
		name := all[:at]
		out = append(out, string(name[bytes.LastIndexByte(name, 0)+1:]))
	})
	return out, err
}

// FindValue returns the number of the first enum that has a constant of a name, 0 if there is none.
func (f *File) FindValue(name string) (ID, error) {
	offsets, err := f.offsets(name)
	if err != nil || len(offsets) == 0 {
		return 0, err
	}
	for i := range f.places {
		if k := f.kind(i); k != KindEnum && k != KindEnum64 {
			continue
		}
		has, err := f.hasValue(f.first+ID(i), offsets)
		if err != nil || has {
			return f.first + ID(i), err
		}
	}
	if f.base != nil {
		return f.base.FindValue(name)
	}
	return 0, nil
}

func (f *File) hasValue(id ID, offsets []uint32) (bool, error) {
	t, err := f.Type(id)
	if err != nil {
		return false, err
	}
	found := false
	err = t.elements(func(b []byte) error {
		found = found || slices.Contains(offsets, binary.LittleEndian.Uint32(b))
		return nil
	})
	return found, err
}
