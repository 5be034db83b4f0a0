package dwarfargs

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gotrace/gotrace/internal/dwarfinfo"
	"github.com/gotrace/gotrace/internal/symbols"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/types"
)

// bin has the programs of the table of scripts.
const bin = "../../../internal/scripts/testdata/bin/"

// wantArgs are the parameters of functions of args.c: type, name, and where it lies at the function's entry.
var wantArgs = map[string]string{
	"ints":   "s1 di | s1 si | u1 dx | s2 cx | s4 r8 | s8 r9",
	"many":   "s4 di | s4 si | s4 dx | s4 cx | s4 r8 | s4 r9 | s2 user[u8 sp+8] | s8 user[u8 sp+16] | u1 user[u8 sp+24]",
	"swap":   "u8 di | u1 si | s4 dx",
	"make":   "{u8 di, u8 si} | u8 dx",
	"grow":   "u40 user[u8 sp+8] | s4 si", // the address of the result is in di
	"mix":    "!xmm0 | s4 si | !xmm1 | !xmm2 | u1 dx",
	"walk":   "u8 di | u8 si | u8 dx",
	"huge":   "{u8 di, u8 si} | s8 dx",
	"_start": "",
}

func TestArgs(t *testing.T) {
	for _, name := range []string{"args", "args-O2", "args-split", "args-split4", "args-stripped"} {
		b, err := symbols.Open(bin + name)
		if err != nil {
			t.Fatal(err)
		}
		info, err := dwarfinfo.Open(bin+name, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		r := New(info, "amd64")
		for fn, want := range wantArgs {
			s, _ := b.Symbol(fn)
			f, ok := info.FuncAt(s.Address)
			if !ok || f.Name != fn {
				t.Errorf("%s: no function %s", name, fn)
				continue
			}
			var got []string
			for _, a := range r.Args(f, f.Low, false) {
				if a.Place.Loc == nil {
					got = append(got, "!"+strings.TrimSuffix(strings.Fields(a.Place.Why)[3], ","))
					continue
				}
				got = append(got, a.Place.Loc.String())
			}
			if text := strings.Join(got, " | "); text != want {
				t.Errorf("%s, %s:\n got %s\nwant %s", name, fn, text, want)
			}
		}
	}
}

func TestNoInfo(t *testing.T) {
	if _, err := dwarfinfo.Open(bin+"static", nil); !errors.Is(err, dwarfinfo.ErrNone) {
		t.Errorf("%v", err)
	}
	// A debug file of another program is not believed.
	dir := t.TempDir()
	for from, to := range map[string]string{"args-stripped": "args-stripped", "args-O2": "args-stripped.debug"} {
		data, err := os.ReadFile(bin + from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, to), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := dwarfinfo.Open(filepath.Join(dir, "args-stripped"), nil); err == nil || !strings.Contains(err.Error(), "another build") {
		t.Errorf("%v", err)
	}
}

func TestFind(t *testing.T) {
	for _, name := range []string{"args", "args-O2", "args-split", "args-split4"} {
		info, err := dwarfinfo.Open(bin+name, nil)
		if err != nil {
			t.Fatal(err)
		}
		r := New(info, "amd64")
		for _, want := range []string{"struct list 96", "union number 4", "enum color 4", " place_t 8", "struct nothing 0"} {
			words := strings.Split(want, " ")
			typ, ok := r.Find(words[0], words[1])
			if ok != (words[2] != "0") || ok && (types.Int{}).Size() != 0 && want == "" {
				t.Errorf("%s: %s %s: %v", name, words[0], words[1], typ)
			}
		}
	}
}

// TestExpressions are location expressions of an object of eight bytes at the entry of a function.
func TestExpressions(t *testing.T) {
	r := New(nil, "amd64")
	fr := &frame{pc: 0x1000, entry: true, base: []byte{opCallFrameCFA},
		cfa: location.Address{Base: location.Register{Name: "sp", Size: 8}, Offset: 8}}
	for _, tt := range []struct {
		expr []byte
		want string
	}{
		{[]byte{0x55}, "u8 di"},
		{[]byte{opRegx, 3}, "u8 bx"},
		{[]byte{opFbreg, 0x10}, "u8 user[u8 sp+24]"},
		{[]byte{opFbreg, 0x70}, "u8 user[u8 sp-8]"},
		{[]byte{0x75, 8}, "u8 user[u8 di+8]"},
		{[]byte{0x75, 8, opDeref, 0x75, 0, opPlus}, "u8 user[u8 user[u8 di+8]+u8 di*1]"},
		{[]byte{0x75, 0, opPlusUconst, 4, opStackValue}, "u8 di+4"},
		{[]byte{0x30 + 7, opStackValue}, "$7"},
		{[]byte{0x09, 0xfb, opStackValue}, "$-5"},
		{[]byte{0x75, 0, 0x33, opMul, opStackValue}, "+u8 di*3+0"},
		{[]byte{0x75, 0, 0x33, opShl, 0x74, 0, opPlus}, "u8 user[u8 si+u8 di*8]"},
		{[]byte{0x75, 0, 0x33, opMinus}, "u8 user[u8 di-3]"},
		{[]byte{0x55, opPiece, 4, 0x54, opPiece, 4}, "{u4 di, u4 si}"},
		{[]byte{0x55, opPiece, 2, 0x91, 0, opPiece, 6}, "{u2 di, u6 user[u8 sp+8]}"},
		{[]byte{opEntryValue, 1, 0x55, opStackValue}, "u8 di"},
		{[]byte{opAddr, 0, 0x20, 0, 0, 0, 0, 0, 0}, "u8 user[u8 ip+4096]"},
		{[]byte{opImplicitValue, 2, 1, 2}, "$513"},
		{[]byte{0x55, opPiece, 4, opPiece, 4}, "!nowhere"},
		{[]byte{}, "!nowhere"},
		{[]byte{0x61}, "!cannot read"},
		{[]byte{opImplicitPtr, 0, 0, 0, 0, 0}, "!optimised out"},
		{[]byte{opPlus}, "!broken"},
		{[]byte{0x75, 0, 0x74, 0, opMul}, "!cannot follow"},
		{[]byte{opFbreg}, "u8 user[u8 sp+8]"},
	} {
		l, err := r.evaluate(tt.expr, fr, 8)
		got := ""
		if why, bad := strings.CutPrefix(tt.want, "!"); bad {
			if err == nil || !strings.Contains(err.Error(), why) {
				t.Errorf("% x: %v, %v; want %s", tt.expr, l, err, tt.want)
			}
			continue
		}
		if l != nil {
			got = l.String()
		}
		if got != strings.TrimSuffix(tt.want, "+0") {
			t.Errorf("% x: %s, %v; want %s", tt.expr, got, err, tt.want)
		}
	}
}

// FuzzArgs holds that no file stops the reader, and that what it says of arguments can be made code of.
func FuzzArgs(f *testing.F) {
	for _, name := range []string{"args", "args-O2", "args-split4"} {
		data, err := os.ReadFile(bin + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, uint64(0x400160))
	}
	f.Fuzz(func(t *testing.T, data []byte, pc uint64) {
		s, err := symbols.ParseSections(bytes.NewReader(data), int64(len(data)), func(string) bool { return true })
		if err != nil {
			return
		}
		info, err := dwarfinfo.New(s, nil)
		if err != nil {
			return
		}
		r := New(info, "amd64")
		for _, addr := range append(info.Entries(), pc) {
			fn, ok := info.FuncAt(addr)
			if !ok {
				continue
			}
			for _, at := range []uint64{addr, addr + 1} {
				for _, a := range r.Args(fn, at, true) {
					if a.Place.Loc == nil && a.Place.Why == "" {
						t.Errorf("%s: neither a place nor a reason", a.Name)
					}
					if a.Place.Loc != nil && location.Check(a.Place.Loc, r.conv) != nil {
						t.Errorf("%s: %v", a.Name, a.Place.Loc)
					}
					if s, ok := a.Type.(*types.Struct); ok {
						s.Fields()
					}
				}
			}
			info.C(fn.Result)
			r.CResult(fn)
		}
		r.Find("struct", "list")
	})
}

// A number that claims to take a terabyte costs no more than one of eight bytes.
func TestLargeNumber(t *testing.T) {
	done := make(chan shape)
	go func() {
		var s shape
		s.scalar(&dwarfinfo.Type{Kind: dwarfinfo.KindInt}, 1<<40, 0)
		done <- s
	}()
	select {
	case s := <-done:
		if s.words != [2]class{classInt, classInt} {
			t.Errorf("it is %v", s.words)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it takes forever")
	}
}
