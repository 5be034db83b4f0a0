package codegen

import (
	"fmt"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/source"
)

const (
	// maxObject is the largest value that a program holds or copies, in bytes: as long as the longest string. Larger ones would
	// take that memory on every CPU, and megabytes the kernel refuses (KMALLOC_MAX_SIZE, kernel/bpf/arraymap.c and hashtab.c).
	maxObject = 1 << 16
	// maxPerCPU is the largest value of a per-CPU map: PCPU_MIN_UNIT_SIZE (include/linux/percpu.h).
	maxPerCPU = 32 << 10
)

// maxArrayValue is the largest value of an array map, in bytes. Before Linux 6.0 it is KMALLOC_MAX_SIZE (array_map_alloc_check,
// kernel/bpf/arraymap.c), since then what the verifier lets offsets of pointers be: BPF_MAX_VAR_OFF (include/linux/bpf_verifier.h).
func (k *compiler) maxArrayValue() int {
	if k.kernel.AtLeast(6, 0) {
		return 1<<29 - 1
	}
	return 4 << 20
}

// fits says whether a program can hold a value of so many bytes, and reports it if not.
func (l *lowerer) fits(size int) bool {
	if size <= maxObject {
		return true
	}
	l.failHere("read what you need of it through a pointer", "this has %d bytes: a program can hold values of up to %d", size, maxObject)
	return false
}

// checkMaps reports keys and values that are too large.
func (k *compiler) checkMaps() error {
	for _, m := range k.checked.Maps {
		s := k.Spec(m)
		message := ""
		switch {
		case m.Key != nil && s.KeySize > maxObject:
			message = fmt.Sprintf("a key of @%s has %d bytes: a program can hold values of up to %d", m.Name, s.KeySize, maxObject)
		case m.Value.Size() > maxObject:
			message = fmt.Sprintf("a value of @%s has %d bytes: a program can hold values of up to %d", m.Name, m.Value.Size(), maxObject)
		case s.Layout.Storage == layout.StoragePerCPUHash && s.ValueSize > maxPerCPU:
			message = fmt.Sprintf("a value of @%s has %d bytes: maps with a value for each CPU take values of up to %d", m.Name, s.ValueSize, maxPerCPU)
		default:
			continue
		}
		return &Error{Span: source.Span{Pos: m.Pos, EndPos: m.Pos}, Message: message, Hint: "keep less: the fields that are needed, or a shorter string"}
	}
	return nil
}
