package runtime

import (
	"errors"
	"fmt"
	"math"
	"os"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/codegen/layout"
)

// swap is a map that is kept twice (see layout.MapSpec.Swap), so that nothing is lost between print(@x) and the clear(@x) or
// zero(@x) after it.
//
// The records of both come here in their order. When a print is to be shown, the instances are swapped if a program has asked for a
// clear() or zero() since: programs then go on in the empty instance, and as soon as none of them uses the other
// one, its contents are final. The print shows them, and the record of clear() or zero(), when it comes, throws them away. So
// all that is ever counted is shown by exactly one such print, or by the printing of all maps at the end. It does not matter how
// late the records are handled: only user space swaps.
type swap struct {
	halves [2]*scriptMap
	// inUse and asked are in the memory of MapGlobals.
	inUse, asked *uint64
	done         uint64 // clear() and zero() records that were handled
	shown        uint64 // so many of them had been asked for when the instances were last swapped
	zeroes       bool   // there was a zero()
	frozen       bool   // the instance that is not in use has been shown, or will be, and waits for its clear() or zero()
	all          *swaps
}

// swaps are all maps of a session that are kept twice.
type swaps struct {
	list  []*swap
	grace *grace
}

// current is the instance that programs use; old is the other one.
func (w *swap) current() *scriptMap { return w.halves[atomic.LoadUint64(w.inUse)&1] }
func (w *swap) old() *scriptMap     { return w.halves[^atomic.LoadUint64(w.inUse)&1] }

// view is the instance that has what the script sees at this point of its records.
func (w *swap) view() *scriptMap {
	if w.frozen {
		return w.old()
	}
	return w.current()
}

// follows says whether programs have asked for a clear() or zero() whose record was not handled yet.
func (w *swap) follows() bool { return atomic.LoadUint64(w.asked) != w.done }

// beforePrint freezes what a print is about to show, if a clear() or zero() follows it.
func (w *swap) beforePrint() error {
	switch {
	case w.frozen:
		return nil
	case w.done < w.shown && !w.zeroes:
		// The clear() that follows was asked for before the last swap: everything from before it has been shown. A reader that
		// is behind need not wait for each of the records that have gathered.
		w.frozen = true
		return nil
	case !w.follows():
		// The program that printed may not have come to its clear() yet.
		if err := w.all.grace.wait(); err != nil {
			return err
		}
	}
	if !w.follows() {
		return nil
	}
	return w.freeze()
}

// freeze swaps the instances and waits until no program uses the old one any more. Other maps with a clear() or zero() to come
// are swapped as well, so that one wait does for all that a probe prints.
func (w *swap) freeze() error {
	for _, v := range w.all.list {
		if !v.frozen && (v == w || v.follows()) {
			v.shown = atomic.LoadUint64(v.asked)
			atomic.StoreUint64(v.inUse, ^atomic.LoadUint64(v.inUse))
			v.frozen = true
		}
	}
	return w.all.grace.wait()
}

// clear handles a record of clear().
func (w *swap) clear() error {
	w.done++
	if !w.frozen {
		if err := w.freeze(); err != nil {
			return err
		}
	}
	w.frozen = false
	return w.old().clear()
}

// zero handles a record of zero(): the keys live on.
func (w *swap) zero() error {
	w.done++
	w.zeroes = true
	if !w.frozen {
		if err := w.freeze(); err != nil {
			return err
		}
	}
	if err := w.current().takeKeys(w.old()); err != nil {
		return err
	}
	w.frozen = false
	return w.old().clear()
}

// settle is called when records were thrown away: a clear() or zero() among them has been asked for, so that what was shown for it
// is not shown again.
func (w *swap) settle() error {
	w.done = atomic.LoadUint64(w.asked)
	if !w.frozen {
		return nil
	}
	w.frozen = false
	return w.old().clear()
}

// takeKeys makes the keys of another instance appear here, with 0 for their values.
func (s *scriptMap) takeKeys(from *scriptMap) error {
	if !s.keyed() {
		_, ok, err := from.global()
		s.zeroed = s.zeroed || ok
		return err
	}
	if err := from.eachKey(func(key []byte) error { return s.setZero(key, s.zeroValue(), ebpf.UpdateNoExist) }); err != nil {
		return fmt.Errorf("setting map %s to zero: %w", s.spec.Name, err)
	}
	if s.short != nil {
		return s.short.takeKeys(from.short)
	}
	return nil
}

// newSwap makes the two instances of a map.
func (s *Session) newSwap(spec *layout.MapSpec) (*swap, error) {
	off := layout.SwapOffset(spec.Swap)
	if len(s.globals) < layout.GlobalsSize(spec.Swap) {
		return nil, fmt.Errorf("map %s has only %d bytes", layout.MapGlobals, len(s.globals))
	}
	w := &swap{inUse: word(s.globals, off+layout.SwapInUse), asked: word(s.globals, off+layout.SwapAsked), all: &s.swaps}
	s.swaps.list = append(s.swaps.list, w)
	var err error
	if s.swaps.grace == nil {
		if s.swaps.grace, err = newGrace(); err != nil {
			return nil, err
		}
	}
	if spec.Second != nil {
		if w.halves[0], err = s.newInstance(spec); err != nil {
			return nil, err
		}
		w.halves[1], err = s.newInstance(spec.Second)
		return w, err
	}
	mem, err := s.globalMemory(spec)
	if err != nil {
		return nil, err
	}
	if spec.Half <= 0 || len(mem) < 2*spec.Half {
		return nil, fmt.Errorf("map %s has no room for two instances", spec.Name)
	}
	for i := range w.halves {
		if w.halves[i], err = s.newInstance(spec); err != nil {
			return nil, err
		}
		w.halves[i].mem = mem[i*spec.Half : (i+1)*spec.Half : (i+1)*spec.Half]
	}
	return w, nil
}

// word is a u64 in memory that is shared with programs.
func word(mem []byte, off int) *uint64 { return (*uint64)(unsafe.Pointer(&mem[off])) }

// mapMemory maps size bytes of the value of an array map (BPF_F_MMAPABLE). Close unmaps them.
func (s *Session) mapMemory(m *ebpf.Map, size int) ([]byte, error) {
	page := os.Getpagesize()
	if size > math.MaxInt-page {
		return nil, fmt.Errorf("%d bytes of memory", size)
	}
	mem, err := unix.Mmap(m.FD(), 0, (size+page-1)&^(page-1), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mapping the memory of a map: %w", err)
	}
	s.mapped = append(s.mapped, mem)
	return mem[:size:size], nil
}

// grace waits until all programs that run now have ended.
//
// The kernel promises that to whoever changes a map of maps: "when we return to it, all non-sleepable programs that could be running
// use the new map" (maybe_wait_bpf_programs, kernel/bpf/syscall.c, since Linux 5.0; it calls synchronize_rcu). gotrace's
// programs are not sleepable. membarrier(2) does the same, but not with nohz_full, and not on a single CPU, where
// a program of a uprobe can be preempted, too.
type grace struct{ outer, inner *ebpf.Map }

func newGrace() (*grace, error) {
	spec := &ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1}
	inner, err := ebpf.NewMap(spec)
	if err != nil {
		return nil, fmt.Errorf("creating a map: %w", err)
	}
	outer, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.ArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 1, InnerMap: spec})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("creating a map of maps: %w", err), inner.Close())
	}
	return &grace{outer: outer, inner: inner}, nil
}

func (g *grace) wait() error {
	if err := g.outer.Put(uint32(0), g.inner); err != nil {
		return fmt.Errorf("waiting for programs to end: %w", err)
	}
	return nil
}

// awaitPrograms waits once.
func awaitPrograms() error {
	g, err := newGrace()
	if err != nil {
		return err
	}
	return errors.Join(g.wait(), g.close())
}

func (g *grace) close() error { return errors.Join(g.outer.Close(), g.inner.Close()) }
