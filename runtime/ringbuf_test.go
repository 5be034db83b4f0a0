package runtime

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/types"
	"github.com/gotrace/gotrace/runtime/output"
)

// fakeRing is a ring in plain memory.
func fakeRing(size int) *ringReader {
	return &ringReader{
		consumer: new(uint64), producer: new(uint64),
		data: make([]byte, size), mask: uint64(size - 1),
	}
}

// put writes a record with header flags, and reports whether it fits.
func (r *ringReader) put(data []byte, flags uint32) bool {
	need := uint64(ringHeader + (len(data)+7)&^7)
	if *r.producer-*r.consumer+need > uint64(len(r.data)) {
		return false
	}
	header := binary.NativeEndian.AppendUint32(nil, uint32(len(data))|flags)
	rec := append(append(header, 0, 0, 0, 0), data...)
	for i, b := range rec {
		r.data[(*r.producer+uint64(i))&r.mask] = b
	}
	*r.producer += need
	return true
}

func TestRingReader(t *testing.T) {
	r := fakeRing(256)
	next, got := byte(0), byte(0)
	for range 100 {
		for r.put(bytes.Repeat([]byte{next}, int(next)%23+1), 0) {
			next++
			r.put([]byte("discarded"), ringDiscard)
		}
		_, err := r.read(func(rec []byte) error {
			if want := bytes.Repeat([]byte{got}, int(got)%23+1); !bytes.Equal(rec, want) {
				t.Fatalf("record % x, want % x", rec, want)
			}
			got++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got != next || r.pending() != 0 {
		t.Errorf("read up to record %d, written %d, %d bytes left", got, next, r.pending())
	}
}

func TestRingReaderStops(t *testing.T) {
	r := fakeRing(256)
	r.put([]byte("one"), 0)
	r.put([]byte("two"), 0)
	r.put([]byte("busy"), ringBusy)
	r.put([]byte("after"), 0)
	var seen []string
	stop := errors.New("stop")
	handle := func(rec []byte) error {
		seen = append(seen, string(rec))
		if len(seen) == 1 {
			return stop
		}
		return nil
	}
	if n, err := r.read(handle); !errors.Is(err, stop) || n != 16 {
		t.Errorf("read %d, %v", n, err)
	}
	if n, err := r.read(handle); err != nil || n != 16 {
		t.Errorf("read %d, %v: a record that is not committed ends the read", n, err)
	}
	if len(seen) != 2 || seen[1] != "two" || r.pending() != 32 {
		t.Errorf("saw %q, %d bytes left", seen, r.pending())
	}
}

// benchBlueprint has a program that sends n printf records a run.
func benchBlueprint(n int) *codegen.Blueprint {
	bp := &codegen.Blueprint{
		Checked: checked(),
		Maps:    []*layout.MapSpec{{Name: layout.MapEvents, Type: ebpf.RingBuf}},
		Events: eventList(&layout.Event{Kind: layout.EventPrintf, Format: "%d %s\n",
			Fields: []types.Type{types.Int{Bits: 64}, types.String{Len: 8}}}),
	}
	var insns []asm.Instruction
	for i := range n {
		insns = append(insns, send(0, int64(i), int64(binary.NativeEndian.Uint64([]byte("command\x00"))))...)
	}
	bp.Programs = []*codegen.Program{program("end", insns...)}
	return bp
}

// BenchmarkEvents reads and prints events as fast as they come from the real ring buffer: each is a number and
// a string. Only the reader's time counts.
func BenchmarkEvents(b *testing.B) {
	needRoot(b)
	const perRun = 200
	s, err := Load(benchBlueprint(perRun), Options{Sink: output.NewText(io.Discard, nil, output.TextOptions{})})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.ReportAllocs()
	total := 0
	for b.Loop() {
		b.StopTimer()
		for range 100 {
			if err := s.runOnce(s.programs[0]); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		before := s.ring.pending()
		if _, _, err := s.readEvents(); err != nil {
			b.Fatal(err)
		}
		total += before / 32
	}
	b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "events/s")
}

// lineCounter counts the lines that are written to it.
type lineCounter struct{ n int }

func (c *lineCounter) Write(b []byte) (int, error) {
	c.n += bytes.Count(b, []byte{'\n'})
	return len(b), nil
}

// BenchmarkRunWhileSending runs a session while another goroutine sends records as fast as the kernel makes them, and
// reports how many per cent of them did not arrive.
func BenchmarkRunWhileSending(b *testing.B) {
	needRoot(b)
	const perRun, runs = 200, 5000
	var sent, arrived int
	for b.Loop() {
		out := &lineCounter{}
		bp := benchBlueprint(perRun)
		bp.Checked.Config.PrintMapsOnExit = false
		s, err := Load(bp, Options{Sink: output.NewText(out, nil, output.TextOptions{})})
		if err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		prog := s.programs[0]
		s.programs = nil // not an END probe here
		done := make(chan error)
		go func() {
			defer cancel()
			for range runs {
				if _, err := prog.prog.Run(&ebpf.RunOptions{}); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		go func() { done <- s.Run(ctx) }()
		if err := errors.Join(<-done, <-done, prog.prog.Close(), s.Close()); err != nil {
			b.Fatal(err)
		}
		sent += perRun * runs
		arrived += out.n - 2 // the empty lines at the end
	}
	b.ReportMetric(float64(arrived)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(100*float64(sent-arrived)/float64(sent), "%lost")
}
