package unwind

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/internal/ehframe"
)

// kernelMaps are the maps that programs search.
type kernelMaps struct {
	ranges, rows *ebpf.Map
}

// Values of the maps.
type (
	rowsValue   [layout.UnwindRows * layout.UnwindRowSize]byte
	rangesValue [layout.UnwindRanges * layout.UnwindRangeSize]byte
	rangesKey   struct{ PID, Part uint32 }
)

// put fills a value with rows.
func (v *rowsValue) put(rows []ehframe.Row) {
	for i := range layout.UnwindRows {
		row := ehframe.Row{PC: math.MaxUint32}
		if i < len(rows) {
			row = rows[i]
		}
		b := v[i*layout.UnwindRowSize:]
		binary.NativeEndian.PutUint32(b, row.PC)
		binary.NativeEndian.PutUint32(b[layout.UnwindRowRule:], uint32(row.Rule))
	}
}

// batch is how many values are put into a map by one call.
const batch = 256

// putRows puts values under their numbers.
func (k *kernelMaps) putRows(ids []uint32, values []rowsValue) error {
	for len(ids) > 0 {
		n := min(len(ids), batch)
		n, err := k.rows.BatchUpdate(ids[:n], values[:n], nil)
		if err != nil { // not supported, or the memory in stock ran out: the kernel gets more in between
			n = 1
			if err := k.put(k.rows, ids[0], &values[0]); err != nil {
				return err
			}
		}
		ids, values = ids[n:], values[n:]
	}
	return nil
}

// putTries is how often an element is tried to be put into a map that takes memory from the kernel's stock, putPause the time between.
const (
	putTries = 50
	putPause = 100 * time.Microsecond
)

// put puts an element into a map.
func (k *kernelMaps) put(m *ebpf.Map, key, value any) (err error) {
	for range putTries {
		if err = m.Put(key, value); !errors.Is(err, unix.ENOMEM) {
			return err
		}
		time.Sleep(putPause)
	}
	return err
}

func (k *kernelMaps) removeRows(ids []uint32) {
	for _, id := range ids {
		_ = k.rows.Delete(id) // it may not be there
	}
}

// putRanges puts ranges of a process; it is false if there is no room.
func (k *kernelMaps) putRanges(pid, part uint32, entries []entry) bool {
	var v rangesValue
	for i := range layout.UnwindRanges {
		e := entry{start: layout.UnwindNowhere}
		if i < len(entries) {
			e = entries[i]
		}
		b := v[i*layout.UnwindRangeSize:]
		binary.NativeEndian.PutUint64(b, e.start)
		binary.NativeEndian.PutUint32(b[layout.UnwindRangeBias:], e.bias)
		binary.NativeEndian.PutUint32(b[layout.UnwindRangeNode:], e.node)
	}
	return k.put(k.ranges, rangesKey{pid, part}, &v) == nil
}

func (k *kernelMaps) removeRanges(pid, part uint32) {
	_ = k.ranges.Delete(rangesKey{pid, part}) // it may not be there
}

// nodes gives numbers to values of MapUnwindRows.
type nodes struct {
	free []uint32
	next uint32 // so many were given
}

// left is how many there are.
func (n *nodes) left() int { return layout.UnwindMaxRows - int(n.next) + len(n.free) }

func (n *nodes) take(count int) ([]uint32, bool) {
	if count > n.left() {
		return nil, false
	}
	reused := min(count, len(n.free))
	ids := append([]uint32(nil), n.free[len(n.free)-reused:]...)
	n.free = n.free[:len(n.free)-reused]
	for len(ids) < count {
		ids = append(ids, layout.UnwindFirst+n.next)
		n.next++
	}
	return ids, true
}

func (n *nodes) give(ids []uint32) { n.free = append(n.free, ids...) }
