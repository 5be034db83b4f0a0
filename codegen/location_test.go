package codegen

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/internal/ir/irtest"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/langtest"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/types"
)

// argsEnv is a machine on which all probes have the same arguments.
type argsEnv struct {
	*langtest.Env
	args *types.Struct
}

func (e *argsEnv) Args(*lang.Target) (*types.Struct, types.Type, error) { return e.args, nil, nil }

// traced is what a probe finds: the context, and memory of the process (of the kernel for Memory without User) from memoryBase on.
type traced struct{ ctx, memory []byte }

const memoryBase = 0x7000_0000_1000

// newTraced sets every byte of the context and of memory to something else than its neighbours, half of them with the sign bit. bp
// points to memory, where a pointer lies 16 bytes on that points 64 bytes on; cx, the low half of which is -2, and dl, 3, are indexes.
func newTraced() *traced {
	m := &traced{make([]byte, 168), make([]byte, 256)}
	for i := range m.ctx {
		m.ctx[i] = byte(i*37 + 129)
	}
	for i := range m.memory {
		m.memory[i] = byte(i*91 + 200)
	}
	m.set("bp", memoryBase)
	m.set("cx", 0x55_ffff_fffe)
	m.set("dx", 0xff03)
	binary.LittleEndian.PutUint64(m.memory[16:], memoryBase+64)
	return m
}

func (m *traced) set(register string, x uint64) {
	off, _ := location.Of("amd64", false).Register(register)
	binary.LittleEndian.PutUint64(m.ctx[off:], x)
}

// bytes is what lies at a location, by its definition.
func (m *traced) bytes(loc location.Location) []byte {
	switch loc := loc.(type) {
	case location.Const:
		return binary.LittleEndian.AppendUint64(nil, uint64(loc.Value))
	case location.Register:
		off, _ := location.Of("amd64", false).Register(loc.Name)
		return m.ctx[off+loc.From:][:loc.Size]
	case location.Context:
		return m.ctx[loc.Offset:][:loc.Size]
	case location.Address:
		return binary.LittleEndian.AppendUint64(nil, uint64(m.address(loc)))
	case location.Memory:
		if at := m.address(loc.At) - memoryBase; at >= 0 && at < int64(len(m.memory)) {
			return m.memory[at:][:loc.Size]
		}
		return make([]byte, loc.Size)
	case location.Pieces:
		var all []byte
		for _, part := range loc.Parts {
			all = append(all, m.bytes(part)...)
		}
		return all
	}
	panic("no location")
}

func (m *traced) address(a location.Address) int64 {
	n := a.Offset
	if a.Base != nil {
		n += m.number(a.Base)
	}
	if a.Index != nil {
		n += m.number(a.Index) * a.Scale
	}
	return n
}

// number is the number that lies at a location.
func (m *traced) number(loc location.Location) int64 {
	b := m.bytes(loc)
	fill := byte(0)
	if loc.IsSigned() && b[len(b)-1] >= 0x80 {
		fill = 0xff
	}
	for len(b) < 8 {
		b = append(b[:len(b):len(b)], fill)
	}
	return int64(binary.LittleEndian.Uint64(b))
}

// result runs a script that leaves one number in @r, and says whether a failure was counted.
func (m *traced) result(t *testing.T, script string, args *types.Struct) (n int64, failed bool) {
	t.Helper()
	env := &argsEnv{langtest.New(), args}
	var fn *ir.Func
	opts := &Options{Dump: func(stage string, p fmt.Stringer) {
		if stage == "optimise" {
			fn = p.(*ir.Program).Funcs[0]
		}
	}}
	bp, err := Compile(checkedFor(t, script, env), env, opts)
	if err != nil {
		t.Fatal(err)
	}
	machine := &irtest.Machine{Maps: map[string][]byte{}, Ctx: m.ctx, Helper: m.helper}
	for _, spec := range bp.Maps {
		machine.Maps[spec.Name] = make([]byte, max(spec.ValueSize, 8))
	}
	if _, err := machine.Run(fn); err != nil {
		t.Fatalf("%v\n%s", err, fn)
	}
	for name, mem := range machine.Maps {
		switch word := int64(binary.LittleEndian.Uint64(mem)); {
		case name == layout.MapFailures:
			failed = word != 0
		case strings.HasPrefix(name, layout.MapValues):
			n = word
		}
	}
	return n, failed
}

// helper reads memory as the kernel does.
func (m *traced) helper(machine *irtest.Machine, id int64, args []int64) (int64, error) {
	switch asm.BuiltinFunc(id) {
	case asm.FnProbeReadUser, asm.FnProbeReadKernel:
	default:
		return 0, fmt.Errorf("helper %d is called", id)
	}
	dst, err := machine.Bytes(args[0], int(args[1]))
	if err != nil {
		return 0, err
	}
	clear(dst)
	if mem, err := machine.Bytes(args[2], len(dst)); err == nil { // of the context
		copy(dst, mem)
		return 0, nil
	}
	at := args[2] - memoryBase
	if at < 0 || at+args[1] > int64(len(m.memory)) {
		return -14, nil
	}
	copy(dst, m.memory[at:])
	return 0, nil
}

func reg(name string, size int, signed bool) location.Register {
	return location.Register{Name: name, Size: size, Signed: signed}
}

var bp = reg("bp", 8, false)

// numberLocations are locations of numbers: every form in every width, with and without sign.
func numberLocations() []location.Location {
	all := []location.Location{
		location.Const{Value: 7}, location.Const{Value: -1 << 63}, location.Const{Value: 0x1_8000_0000},
		location.Address{}, location.Address{Offset: -5}, location.Address{Base: bp, Offset: 1 << 40},
		location.Address{Base: bp, Index: reg("cx", 4, true), Scale: 8, Offset: -16},
		location.Address{Index: reg("dx", 1, false), Scale: 3, Offset: memoryBase},
		location.Memory{At: location.Address{Offset: 8}, Size: 8, User: true},                 // not mapped
		location.Memory{At: location.Address{Base: bp, Offset: 1 << 20}, Size: 5, User: true}, // the same, of an odd size
	}
	chain := location.Memory{At: location.Address{Base: bp, Offset: 16}, Size: 8, User: true}
	for size := 1; size <= 8; size++ {
		for _, signed := range []bool{false, true} {
			for from := 0; from+size <= 8; from++ {
				all = append(all, location.Register{Name: "si", From: from, Size: size, Signed: signed})
			}
			for _, at := range []location.Address{
				{Offset: memoryBase + 40},
				{Base: bp, Offset: 9},
				{Base: bp, Index: reg("cx", 4, true), Scale: 8, Offset: 33},
				{Base: bp, Index: location.Register{Name: "dx", Size: 1}, Scale: 4},
				{Index: reg("dx", 1, false), Scale: 1, Offset: memoryBase},
				{Base: chain, Offset: -8},
				{Base: chain, Index: location.Memory{At: location.Address{Base: bp}, Size: 1, User: true}, Scale: 1, Offset: -64},
			} {
				all = append(all, location.Memory{At: at, Size: size, Signed: signed, User: true}, location.Memory{At: at, Size: size, Signed: signed})
			}
			all = append(all, location.Pieces{Parts: []location.Location{reg("si", size, true)}, Signed: signed})
			if size > 1 {
				all = append(all, location.Pieces{Signed: signed, Parts: []location.Location{
					location.Register{Name: "di", From: 2, Size: 1, Signed: true}, location.Memory{At: location.Address{Base: bp}, Size: size - 1, User: true}}})
			}
		}
	}
	return all
}

// A number is the same by its definition and by the code that is made.
func TestLocatedNumbers(t *testing.T) {
	m := newTraced()
	for _, loc := range numberLocations() {
		if err := location.Check(loc, location.Of("amd64", false)); err != nil {
			t.Errorf("%s: %v", loc, err)
		}
		for _, typ := range []types.Int{types.TypeInt64, types.TypeUint64} {
			args := types.NewArgs("args", 0, []types.Field{{Name: "before", Type: typ, Loc: bp}, {Name: "x", Type: typ, Loc: loc}})
			got, failed := m.result(t, "uprobe:/bin/true:main { @r = args.x; }", args)
			if want := m.number(loc); got != want || failed != unmapped(m, loc) {
				t.Errorf("%s is %#x (failed: %v), want %#x", loc, got, failed, want)
			}
		}
	}
}

func unmapped(m *traced, loc location.Location) bool {
	mem, ok := loc.(location.Memory)
	return ok && m.address(mem.At) > memoryBase+256 || ok && m.address(mem.At) < memoryBase
}

// Arguments in the context, at any place and in any width.
func TestLocatedContext(t *testing.T) {
	m := newTraced()
	for size := 1; size <= 8; size++ {
		for _, signed := range []bool{false, true} {
			for _, off := range []int{0, 3, 8, 13, 24} {
				loc := location.Context{Offset: off, Size: size, Signed: signed}
				args := types.NewArgs("args", 0, []types.Field{{Name: "x", Type: types.TypeInt64, Loc: loc}})
				got, failed := m.result(t, "uprobe:/bin/true:main { @r = args.x; }", args)
				if want := m.number(loc); got != want || failed {
					t.Errorf("%s is %#x (failed: %v), want %#x", loc, got, failed, want)
				}
			}
		}
	}
}

// A number takes the type that the argument has, whatever its location's width.
func TestLocatedTypes(t *testing.T) {
	m := newTraced()
	for _, typ := range []types.Type{types.Int{Bits: 8}, types.Int{Bits: 8, Signed: true}, types.Int{Bits: 16, Signed: true}, types.Int{Bits: 32}, types.TypeUint64} {
		for _, loc := range []location.Location{reg("si", 8, false), reg("si", 1, true), location.Const{Value: -3},
			location.Memory{At: location.Address{Base: bp, Offset: 3}, Size: 4, User: true}} {
			args := types.NewArgs("args", 0, []types.Field{{Name: "x", Type: typ, Loc: loc}})
			got, _ := m.result(t, "uprobe:/bin/true:main { @r = (int64)args.x; }", args)
			if want := int64(types.CutTo(uint64(m.number(loc)), typ)); got != want {
				t.Errorf("%s as %s is %#x, want %#x", loc, typ, got, want)
			}
		}
	}
}

// Objects lie in memory, or are put together of what lies in several places, as structs and Go's strings are.
func TestLocatedObjects(t *testing.T) {
	m := newTraced()
	fields := []types.Field{{Name: "a", Type: types.TypeInt64}, {Name: "b", Type: types.Int{Bits: 32, Signed: true}, Offset: 8}, {Name: "c", Type: types.Int{Bits: 8}, Offset: 12},
		{Name: "d", Type: types.Int{Bits: 16, Signed: true}, Offset: 14}, {Name: "e", Type: types.TypeUint64, Offset: 16}}
	object := types.NewStruct("object", false, 24, 0, func() []types.Field { return fields })
	memory := location.Memory{At: location.Address{Base: bp, Offset: 30}, Size: 24, User: true}
	part := func(size int) location.Location {
		return location.Memory{At: location.Address{Base: bp, Offset: 100}, Size: size, User: true}
	}
	for _, loc := range []location.Location{
		memory,
		location.Pieces{Parts: []location.Location{memory}},
		location.Pieces{Parts: []location.Location{reg("si", 8, false), reg("di", 8, false), location.Const{Value: -2}}},
		location.Pieces{Parts: []location.Location{reg("si", 3, true), part(12), reg("di", 1, false), part(8)}},
		location.Pieces{Parts: []location.Location{reg("si", 8, false), part(3)}}, // zeros follow
		location.Pieces{Parts: []location.Location{part(20), part(20)}},           // more than there is room for
		location.Pieces{Parts: []location.Location{location.Pieces{Parts: []location.Location{part(9), reg("si", 2, false)}}, part(13)}},
		reg("si", 8, true),
		part(5),
	} {
		all := append(m.bytes(loc)[:len(m.bytes(loc)):len(m.bytes(loc))], make([]byte, 24)...)
		if _, ok := loc.(location.Memory); ok {
			all = m.memory[m.address(loc.(location.Memory).At)-memoryBase:] // an object in memory is there whole
		}
		for _, f := range fields {
			field := location.Context{Offset: f.Offset, Size: f.Type.Size(), Signed: types.AsInt(f.Type).Signed}
			want := (&traced{ctx: all}).number(field)
			args := types.NewArgs("args", 0, []types.Field{{Name: "x", Type: object, Loc: loc}})
			got, failed := m.result(t, "uprobe:/bin/true:main { @r = (int64)args.x."+f.Name+"; }", args)
			if got != want || failed {
				t.Errorf("%s: %s is %#x (failed: %v), want %#x", loc, f.Name, got, failed, want)
			}
		}
	}
}

// All arguments together are an object, wherever each of them lies.
func TestLocatedWhole(t *testing.T) {
	m := newTraced()
	at := location.Memory{At: location.Address{Base: bp, Offset: 30}, Size: 12, User: true}
	byte12 := types.Array{Elem: types.Int{Bits: 8}, Len: 12}
	fields := []types.Field{
		{Name: "x", Type: types.TypeInt64, Loc: reg("si", 4, true)},
		{Name: "y", Type: types.Int{Bits: 16}, Offset: 8, Loc: reg("di", 8, false)},
		{Name: "z", Type: byte12, Offset: 16, Loc: at},
		{Name: "w", Type: byte12, Offset: 32, Loc: location.Pieces{Parts: []location.Location{reg("si", 8, false), location.Const{Value: 7}}}},
	}
	pieces := m.bytes(fields[3].Loc)
	for script, want := range map[string]int64{
		"$a = args; @r = $a.x;":                     m.number(fields[0].Loc),
		"$a = (1, args); @r = (int64)$a.1.y;":       m.number(reg("di", 2, false)),
		"$a = args; @r = (int64)$a.z[11];":          int64(m.memory[m.address(at.At)-memoryBase+11]),
		"$a = args; $b = $a; @r = $b.w[8];":         int64(pieces[8]),
		"$a = args; $i = pid - pid; @r = $a.w[$i];": int64(pieces[0]),
	} {
		got, failed := m.result(t, "uprobe:/bin/true:main { "+script+" }", types.NewArgs("args", 48, fields))
		if got != want || failed {
			t.Errorf("%s: %#x (failed: %v), want %#x", script, got, failed, want)
		}
	}
}

// An argument that cannot be read is named when all are asked for.
func TestLocatedMissing(t *testing.T) {
	args := types.NewArgs("args", 8, []types.Field{{Name: "x", Type: types.TypeInt64, Why: "it was optimised away"}})
	env := &argsEnv{langtest.New(), args}
	_, err := Compile(checkedFor(t, "uprobe:/bin/true:main { $a = args; print($a); }", env), env, nil)
	if err == nil || !strings.Contains(err.Error(), "argument x cannot be read here: it was optimised away") {
		t.Errorf("an argument that is not there: %v", err)
	}
}

// A location that makes no sense is an error, not code that the kernel refuses.
func TestLocatedNowhere(t *testing.T) {
	args := types.NewArgs("args", 8, []types.Field{{Name: "x", Type: types.TypeInt64, Loc: reg("eax", 4, false)}})
	env := &argsEnv{langtest.New(), args}
	if _, err := Compile(checkedFor(t, "uprobe:/bin/true:main { @r = args.x; }", env), env, nil); err == nil || !strings.Contains(err.Error(), "no register eax") {
		t.Errorf("a register that there is not: %v", err)
	}
}

// Programs with different locations are different programs.
func TestLocatedGroups(t *testing.T) {
	env := &argsEnv{Env: langtest.New()}
	script := "uprobe:/bin/true:wl_add,uprobe:/bin/true:wl_neg { @r = args.x; }"
	env.args = types.NewArgs("args", 0, []types.Field{{Name: "x", Type: types.TypeInt64, Loc: bp}})
	if n := len(checkedFor(t, script, env).Progs); n != 1 {
		t.Errorf("%d programs for the same location", n)
	}
	if types.SameStruct(env.args, types.NewArgs("args", 0, []types.Field{{Name: "x", Type: types.TypeInt64, Loc: reg("bp", 4, false)}})) {
		t.Error("two locations are the same")
	}
}
