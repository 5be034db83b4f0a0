package codegen

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/types"
)

// field is the bytes of a field of a record, as many as its type has.
func fieldOf(ev *layout.Event, rec []byte, i int) []byte {
	return rec[ev.Offs[i]:][:ev.Fields[i].Size()]
}

func TestKernelEvents(t *testing.T) {
	s := inKernel(t, `
		rawtracepoint:sys_enter {
			@m[3] = 4; @c[1] = count();
			printf("%d %s %d %s\n", (int8)arg0, "text", @n++, @s);
			print((1, "ab", (uint8)2));
			print(@m); print(@m, 5, 2); print(@m[3]); clear(@m); zero(@m); time("%H");
			unroll (2) { printf("%d\n", 7); }
			exit(3);
			printf("not reached\n");
			@s = "x";
		}`)
	s.run(0, -2)
	s.run(0, -2) // does nothing: exit was called
	recs := s.records()
	kinds := []layout.EventKind{layout.EventPrintf, layout.EventPrint, layout.EventPrintMap, layout.EventPrintMap, layout.EventPrint, layout.EventClear, layout.EventZero, layout.EventTime, layout.EventPrintf, layout.EventPrintf, layout.EventExit}
	if len(recs) != len(kinds) {
		t.Fatalf("%d records, want %d", len(recs), len(kinds))
	}
	for i, rec := range recs {
		id, zero := binary.LittleEndian.Uint32(rec), binary.LittleEndian.Uint32(rec[4:])
		if int(id) >= len(s.bp.Events) || zero != 0 {
			t.Fatalf("record %d begins with %d, %d", i, id, zero)
		}
		ev := s.bp.Events[id]
		if ev.Kind != kinds[i] || ev.Size != len(rec) {
			t.Errorf("record %d is of kind %d and %d bytes, want %d and %d", i, ev.Kind, len(rec), kinds[i], ev.Size)
		}
	}
	at := func(i int) *layout.Event { return s.bp.Events[binary.LittleEndian.Uint32(recs[i])] }
	for i, want := range [][]byte{{0xfe}, []byte("text\x00"), word8(0), {0}} {
		if got := fieldOf(at(0), recs[0], i); !bytes.HasPrefix(got, want) {
			t.Errorf("field %d of the first record is %q, want %q", i, got, want)
		}
	}
	tuple := at(1).Fields[0].(types.Tuple)
	for i, want := range [][]byte{word8(1), []byte("ab\x00"), {2}} {
		if got := recs[1][at(1).Offs[0]+tuple.Offset(i):][:tuple.Elems[i].Size()]; !bytes.Equal(got, want) {
			t.Errorf("element %d of the tuple is %q, want %q", i, got, want)
		}
	}
	if ev := at(3); ev.Top != 5 || ev.Div != 2 || ev.Map.Name != "m" {
		t.Errorf("print(@m, 5, 2) is %+v", ev)
	}
	if got := fieldOf(at(4), recs[4], 0); !bytes.Equal(got, word8(4)) {
		t.Errorf("@m[3] is %q", got)
	}
	if at(8) != at(9) {
		t.Error("copies of an unrolled body send different kinds of records")
	}
	if got := binary.LittleEndian.Uint64(recs[10][at(10).Offs[0]:]); got != 3 {
		t.Errorf("the exit code is %d", got)
	}
	b, err := s.maps[layout.MapGlobals].LookupBytes(uint32(0))
	if err != nil {
		t.Fatal(err)
	}
	if b[layout.GlobalExiting] != 1 || b[layout.GlobalExitCode] != 3 {
		t.Errorf("globals are %v", b)
	}
}

// TestKernelLostEvents fills the ring buffer. What is done for an argument is done all the same.
func TestKernelLostEvents(t *testing.T) {
	s := inKernel(t, `rawtracepoint:sys_enter { printf("%d %s\n", @n++, "some text to fill the ring with"); @up++; }`)
	const runs = 3000
	for range runs {
		s.run(0)
	}
	if n := s.number("@n", 0); n != runs {
		t.Errorf("@n is %d, want %d", n, runs)
	}
	got, lost := len(s.records()), s.failures()[layout.SiteLost]
	if lost == 0 || uint64(got)+lost != runs {
		t.Errorf("%d records and %d lost, want %d together", got, lost, runs)
	}
}

// TestKernelBuiltins loads everything that reads the machine, in a program and in a loop's callback.
func TestKernelBuiltins(t *testing.T) {
	s := inKernel(t, `
		rawtracepoint:sys_enter {
			@pid = pid; @tid = tid; @uid = uid; @gid = gid; @cpu = cpu; @ns = nsecs; @e = elapsed; @r = rand; @cg = cgroup;
			@j = jiffies; @t = curtask; @n = ncpus; @c = comm; @a = arg0 + arg1; @p = probe; @mono = nsecs(monotonic);
			for ($i : 0..2) { @k[comm, tid, probe] = sum(arg0); @at[cpu] = elapsed; if ($i == 5) { exit(); } }
		}`)
	s.run(0, 5, 6)
	for name, want := range map[string]int64{"@a": 11, "@n": int64(kernelEnv(t).KernelInfo.OnlineCPUs)} {
		if got := s.number(name, 0); got != want {
			t.Errorf("%s is %d, want %d", name, got, want)
		}
	}
	for _, name := range []string{"@pid", "@tid", "@ns", "@e", "@j", "@t", "@c", "@p", "@mono"} {
		if s.number(name, 0) == 0 {
			t.Errorf("%s is 0", name)
		}
	}
}
