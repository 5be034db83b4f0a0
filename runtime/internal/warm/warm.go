// Package warm has the kernel keep memory at hand for the first elements of a map.
package warm

import (
	"runtime"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Map prepares a hash that gets its memory as elements come. At first the kernel has a single large element at hand on each CPU, and more as soon as an
// interrupt can come (prefill_mem_cache(), kernel/bpf/memalloc.c): of two stacks that the first event of a CPU brings one would be lost. A key that is
// put and taken away on each CPU brings that interrupt. CPUs on which this process may not run are left out.
func Map(m *ebpf.Map, key uint64) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all unix.CPUSet
	if unix.SchedGetaffinity(0, &all) != nil {
		return
	}
	value := make([]byte, m.ValueSize())
	for cpu, left := 0, all.Count(); left > 0; cpu++ {
		if !all.IsSet(cpu) {
			continue
		}
		left--
		var one unix.CPUSet
		one.Set(cpu)
		if unix.SchedSetaffinity(0, &one) == nil && m.Put(key, value) == nil {
			_ = m.Delete(key) // it was just put
		}
	}
	_ = unix.SchedSetaffinity(0, &all) // it was that before
}
