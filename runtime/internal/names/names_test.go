package names

import (
	"encoding/binary"
	"os"
	"runtime"
	"testing"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/types"
	"github.com/gotrace/gotrace/runtime/value"
)

// A million stacks of a session leave no more in memory than a few of them, and each is found again.
func TestMillionStacks(t *testing.T) {
	const stacks, depth = 1 << 20, 24
	b := make([]byte, types.FramesHeader+8*depth)
	found := 0
	n := New(&lang.Checked{}, nil, func(id uint64) ([]byte, error) {
		found++
		binary.NativeEndian.PutUint32(b[types.FramesPID:], uint32(os.Getpid()))
		binary.NativeEndian.PutUint32(b[types.FramesCount:], depth)
		binary.NativeEndian.PutUint64(b[types.FramesTime:], 1)
		binary.NativeEndian.PutUint64(b[types.FramesHeader:], id)
		return b, nil
	})
	defer n.Close()
	// What is done while a session runs looks at the process each time, which is tested elsewhere.
	n.Seen(1, uint32(os.Getpid()))
	memory := func() int {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	before := memory()
	for id := range uint64(stacks) {
		trace, ok := n.Stack(id)
		if !ok || trace.Addrs[0] != id || trace.View == nil || len(trace.Addrs) != depth {
			t.Fatalf("stack %d is %+v", id, trace)
		}
		if again, ok := n.Stack(id); !ok || again.View != trace.View {
			t.Fatalf("stack %d is another one the second time", id)
		}
	}
	if found != stacks { // stack 1 was forgotten, and is there again
		t.Errorf("%d stacks were read", found)
	}
	if grown := memory() - before; grown > 32<<20 {
		t.Errorf("%d MB are in use", grown>>20)
	}
	runtime.KeepAlive(n)
}

// What is used stays.
func TestRecent(t *testing.T) {
	var r recent
	for id := range uint64(10 * value.MaxOrdered) {
		r.put(id, value.Trace{PID: uint32(id)})
		if got, ok := r.get(0); !ok || got.PID != 0 {
			t.Fatalf("the first is forgotten when %d came", id)
		}
	}
	if _, ok := r.get(1); ok {
		t.Error("the second is still there")
	}
	if n := len(r.newer) + len(r.older); n > 2*value.MaxOrdered {
		t.Errorf("%d are kept", n)
	}
}
