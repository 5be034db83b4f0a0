package profile_test

import (
	"bufio"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/internal/symbols"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/types"
	"github.com/gotrace/gotrace/runtime/internal/names"
	"github.com/gotrace/gotrace/runtime/output"
	"github.com/gotrace/gotrace/runtime/output/profile"
	"github.com/gotrace/gotrace/runtime/value"
)

// manySamples is how many samples, all of different stacks, the benchmarks have.
const manySamples = 1_000_000

// codeOf are addresses of this process's code, as many as a real profile of a large program has.
func codeOf(tb testing.TB, n int) []uint64 {
	tb.Helper()
	exe, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	var text symbols.Mapping
	err = symbols.Mappings(os.Getpid(), func(m symbols.Mapping) bool {
		if strings.HasPrefix(m.Path, exe) && m.Exec {
			text = m
			return false
		}
		return true
	})
	if err != nil || text.End == 0 {
		tb.Fatalf("no code of %s is mapped: %v", exe, err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	out := make([]uint64, n)
	for i := range out {
		out[i] = text.Start + r.Uint64N(text.End-text.Start)
	}
	return out
}

// stackStore has stacks of this process as the kernel's store has them.
type stackStore struct{ code []uint64 }

// find is a stack. Frames come from code by the bits of the number, so that nothing has to be kept.
func (s *stackStore) find(id uint64) ([]byte, error) {
	const depth = 24
	b := make([]byte, types.FramesHeader+8*depth)
	binary.NativeEndian.PutUint32(b[types.FramesPID:], uint32(os.Getpid()))
	binary.NativeEndian.PutUint32(b[types.FramesCount:], depth)
	at := id
	for i := range depth {
		binary.NativeEndian.PutUint64(b[types.FramesHeader+8*i:], s.code[(at*2654435761+uint64(i))%uint64(len(s.code))])
		at >>= 1 // the outer half of a stack is that of many others
	}
	return b, nil
}

// A million sampled stacks of a process, named, and written in each format: time, memory that is allocated, and memory that is in use at the end.
func BenchmarkMillionStacks(b *testing.B) {
	key := types.Tuple{Elems: []types.Type{types.String{Len: 16}, types.Stack{User: true, Limit: 127}}}
	elems := make([]value.Raw, manySamples)
	memory := make([]byte, manySamples*key.Size())
	one := binary.NativeEndian.AppendUint64(nil, 1)
	for i := range elems {
		k := memory[i*key.Size():][:key.Size()]
		copy(k, "program")
		binary.NativeEndian.PutUint64(k[key.Offset(1):], uint64(i+2))
		elems[i] = value.Raw{Key: k, Value: one}
	}
	store := &stackStore{code: codeOf(b, 20_000)}
	for _, format := range []string{"folded", "pprof", "flamegraph"} {
		b.Run(format, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				runtime.GC()
				debug.FreeOSMemory()
				n := names.New(&lang.Checked{Config: lang.Config{Demangle: true, DebugInfo: true}}, nil, store.find)
				env := &value.Env{Symbols: n}
				m := &output.Map{Codec: env.MapCodec(&lang.Map{Key: key, Value: types.Agg{Kind: types.AggCount}}, 1), Elements: elems}
				var c profile.Collector
				if c.Add(m) != profile.Taken {
					b.Fatal("the map is not taken")
				}
				w := &counter{}
				out := bufio.NewWriter(w)
				if err := profile.Formats[format](out, &c.Profile); err != nil {
					b.Fatal(err)
				}
				out.Flush()
				var mem runtime.MemStats
				runtime.ReadMemStats(&mem)
				b.ReportMetric(float64(mem.HeapSys-mem.HeapReleased)/1e6, "MB")
				b.ReportMetric(float64(w.n)/1e6, "MB/file")
				if err := n.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// counter counts what is written.
type counter struct{ n int }

func (c *counter) Write(b []byte) (int, error) { c.n += len(b); return len(b), nil }
