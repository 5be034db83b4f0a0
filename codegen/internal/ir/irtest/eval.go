// Package irtest has what the tests of passes and of the emitter share: an interpreter of IR that says what a
// program means, and a generator of random programs.
package irtest

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/gotrace/gotrace/codegen/internal/ir"
)

// Machine is what a function runs on: memory and the kernel's answers.
type Machine struct {
	// Maps are the values of single-element array maps, by name.
	Maps map[string][]byte
	// Ctx is the context, for functions that read it.
	Ctx []byte
	// Helper answers a call. It may change memory through Bytes.
	Helper func(m *Machine, id int64, args []int64) (int64, error)
	// Steps bounds the operations of a run; 0 means a million.
	Steps int

	regions []region
}

type region struct {
	base int64
	mem  []byte
}

// regionGap is the distance between the addresses of regions: farther than any offset.
const regionGap = 1 << 32

// firstRegion is the address of the first region. Smaller numbers are not addresses.
const firstRegion = 1 << 40

// Reset forgets all regions.
func (m *Machine) Reset() { m.regions = nil }

// Region gives memory an address.
func (m *Machine) Region(mem []byte) int64 {
	base := int64(firstRegion + len(m.regions)*regionGap)
	m.regions = append(m.regions, region{base, mem})
	return base
}

// Bytes is the memory of n bytes at an address.
func (m *Machine) Bytes(addr int64, n int) ([]byte, error) {
	i := (addr - firstRegion + regionGap/2) / regionGap
	if addr < firstRegion-regionGap/2 || i < 0 || i >= int64(len(m.regions)) {
		return nil, fmt.Errorf("no memory at %#x", addr)
	}
	r := m.regions[i]
	off := addr - r.base
	if off < 0 || off+int64(n) > int64(len(r.mem)) {
		return nil, fmt.Errorf("bytes %d to %d of a region of %d", off, off+int64(n), len(r.mem))
	}
	return r.mem[off : off+int64(n)], nil
}

// Load is the number of size bytes at an address, zero-extended.
func (m *Machine) Load(addr int64, size int) (int64, error) {
	mem, err := m.Bytes(addr, size)
	if err != nil {
		return 0, err
	}
	var b [8]byte
	copy(b[:], mem)
	return int64(binary.LittleEndian.Uint64(b[:])), nil
}

// Store puts the low size bytes of x at an address.
func (m *Machine) Store(addr int64, size int, x int64) error {
	mem, err := m.Bytes(addr, size)
	if err != nil {
		return err
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(x))
	copy(mem, b[:size])
	return nil
}

// run is one run of a function.
type run struct {
	*Machine
	vals  map[*ir.Value]int64
	slots map[*ir.Slot]int64
	maps  map[string]int64
	ctx   int64
	args  []int64
}

// Run interprets a function and returns its result.
func (m *Machine) Run(f *ir.Func, args ...int64) (int64, error) {
	r := &run{Machine: m, vals: map[*ir.Value]int64{}, slots: map[*ir.Slot]int64{}, maps: map[string]int64{}, args: args}
	m.Reset()
	for _, s := range f.Slots {
		r.slots[s] = m.Region(make([]byte, s.Size))
	}
	for _, name := range sortedNames(m.Maps) {
		r.maps[name] = m.Region(m.Maps[name])
	}
	r.ctx = m.Region(m.Ctx)
	steps := m.Steps
	if steps == 0 {
		steps = 1e6
	}
	b := f.Blocks[0]
	for i, p := range b.Params {
		r.vals[p] = args[i]
	}
	for ; steps > 0; steps -= len(b.Values) + 1 {
		for _, v := range b.Values {
			x, err := r.value(v)
			if err != nil {
				return 0, fmt.Errorf("%s (%s): %w", v, v.Op, err)
			}
			r.vals[v] = x
		}
		e := &b.Term.Then
		switch b.Term.Kind {
		case ir.TermReturn:
			return r.vals[b.Term.X], nil
		case ir.TermBranch:
			if !Holds(b.Term.Cond, r.vals[b.Term.X], r.vals[b.Term.Y]) {
				e = &b.Term.Else
			}
		}
		in := make([]int64, len(e.Args))
		for i, a := range e.Args {
			in[i] = r.vals[a]
		}
		b = e.To
		for i, p := range b.Params {
			r.vals[p] = in[i]
		}
	}
	return 0, fmt.Errorf("too many steps")
}

func (r *run) value(v *ir.Value) (int64, error) {
	arg := func(i int) int64 { return r.vals[v.Args[i]] }
	addr := func() int64 { return arg(0) + int64(v.Off) }
	switch v.Op {
	case ir.OpConst:
		return v.Imm, nil
	case ir.OpSlot:
		return r.slots[v.Slot] + int64(v.Off), nil
	case ir.OpMapValue:
		base, ok := r.maps[v.Sym]
		if !ok {
			return 0, fmt.Errorf("no map %s", v.Sym)
		}
		return base + int64(v.Off), nil
	case ir.OpCtx:
		return r.ctx, nil
	case ir.OpLoad:
		return r.Load(addr(), int(v.Size))
	case ir.OpStore:
		return 0, r.Store(addr(), int(v.Size), arg(1))
	case ir.OpAtomicAdd, ir.OpAtomicFetch, ir.OpXchg:
		old, err := r.Load(addr(), int(v.Size))
		if err != nil {
			return 0, err
		}
		x := arg(1)
		if v.Op != ir.OpXchg {
			x += old
		}
		return old, r.Store(addr(), int(v.Size), x)
	case ir.OpHelper:
		args := make([]int64, len(v.Args))
		for i := range args {
			args[i] = arg(i)
		}
		return r.Helper(r.Machine, v.Imm, args)
	case ir.OpCmp:
		if Holds(v.Cond, arg(0), arg(1)) {
			return 1, nil
		}
		return 0, nil
	}
	if len(v.Args) == 1 {
		return unary(v, arg(0))
	}
	return Arith(v.Op, v.W32, arg(0), arg(1))
}

func unary(v *ir.Value, x int64) (int64, error) {
	switch {
	case v.Op == ir.OpScalar:
		return x, nil
	case v.Op == ir.OpNeg && v.W32:
		return int64(-uint32(x)), nil
	case v.Op == ir.OpNeg:
		return -x, nil
	}
	switch v.Op {
	case ir.OpBswap:
		return Swap(x, int(v.Imm)), nil
	case ir.OpZext:
		switch v.Imm {
		case 8:
			return int64(uint8(x)), nil
		case 16:
			return int64(uint16(x)), nil
		case 32:
			return int64(uint32(x)), nil
		}
	case ir.OpSext:
		switch v.Imm {
		case 8:
			return int64(int8(x)), nil
		case 16:
			return int64(int16(x)), nil
		case 32:
			return int64(int32(x)), nil
		}
	}
	return 0, fmt.Errorf("no meaning")
}

// Swap reverses the bytes of the low n bits of x.
func Swap(x int64, n int) int64 {
	switch n {
	case 16:
		return int64(bits.ReverseBytes16(uint16(x)))
	case 32:
		return int64(bits.ReverseBytes32(uint32(x)))
	}
	return int64(bits.ReverseBytes64(uint64(x)))
}

// Arith is x op y in 64 or 32 bits.
func Arith(op ir.Op, w32 bool, x, y int64) (int64, error) {
	if w32 {
		r, err := arith[int32, uint32](op, int32(x), int32(y), 31)
		return int64(uint32(r)), err
	}
	return arith[int64, uint64](op, x, y, 63)
}

// arith is Go's own arithmetic on signed numbers of type S with the unsigned type U; division is total, as in eBPF.
func arith[S int32 | int64, U uint32 | uint64](op ir.Op, x, y S, mask S) (S, error) {
	switch op {
	case ir.OpAdd:
		return x + y, nil
	case ir.OpSub:
		return x - y, nil
	case ir.OpMul:
		return x * y, nil
	case ir.OpAnd:
		return x & y, nil
	case ir.OpOr:
		return x | y, nil
	case ir.OpXor:
		return x ^ y, nil
	case ir.OpShl:
		return x << (y & mask), nil
	case ir.OpLShr:
		return S(U(x) >> (y & mask)), nil
	case ir.OpAShr:
		return x >> (y & mask), nil
	case ir.OpUDiv, ir.OpSDiv:
		if y == 0 {
			return 0, nil
		}
		if op == ir.OpUDiv {
			return S(U(x) / U(y)), nil
		}
		return x / y, nil // Go: the smallest number / -1 is itself
	case ir.OpUMod, ir.OpSMod:
		if y == 0 {
			return x, nil
		}
		if op == ir.OpUMod {
			return S(U(x) % U(y)), nil
		}
		return x % y, nil
	}
	return 0, fmt.Errorf("no meaning")
}

// Holds says whether x c y.
func Holds(c ir.Cond, x, y int64) bool {
	ux, uy := uint64(x), uint64(y)
	return map[ir.Cond]bool{ir.Eq: x == y, ir.Ne: x != y, ir.ULt: ux < uy, ir.ULe: ux <= uy, ir.UGt: ux > uy, ir.UGe: ux >= uy,
		ir.SLt: x < y, ir.SLe: x <= y, ir.SGt: x > y, ir.SGe: x >= y, ir.Set: x&y != 0}[c]
}
