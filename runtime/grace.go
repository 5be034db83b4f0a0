package runtime

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
)

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
