package dwarfargs

import (
	"github.com/gotrace/gotrace/internal/dwarfinfo"
	"github.com/gotrace/gotrace/lang/location"
)

// Place is where a value lies, or why it cannot be read.
type Place struct {
	Loc location.Location
	Why string
}

const word = location.WordSize

// class is what the System V ABI calls the class of eight bytes of a value (AMD64 supplement, section 3.2.3). Arm's rules need the
// same distinction.
type class uint8

const (
	classNone class = iota
	classInt
	classFloat
	classMemory
)

// merge is the class of eight bytes that hold two things.
func merge(a, b class) class {
	switch {
	case a == b, b == classNone:
		return a
	case a == classNone:
		return b
	case a == classMemory || b == classMemory:
		return classMemory
	}
	return classInt
}

// shape is what a calling convention wants to know of a type.
type shape struct {
	size, align int
	words       [2]class // of the first sixteen bytes
	floats      int      // so many floating-point numbers of floatSize bytes, and nothing else (a homogeneous aggregate)
	floatSize   int
	record      bool
	byReference bool // C++ passes a pointer to it
}

// shapeOf looks at a type.
func (r *Reader) shapeOf(id dwarfinfo.TypeID) shape {
	t := r.Info.Plain(id)
	s := shape{size: r.Info.SizeOf(t.ID), align: 1, byReference: r.Info.ByReference(t)}
	s.record = t.Kind == dwarfinfo.KindStruct || t.Kind == dwarfinfo.KindUnion || t.Kind == dwarfinfo.KindArray
	budget := 4096
	r.look(&s, id, 0, 0, &budget)
	if s.size > 2*word {
		s.words = [2]class{classMemory, classMemory}
	}
	return s
}

// look adds what lies at an offset to a shape.
func (r *Reader) look(s *shape, id dwarfinfo.TypeID, offset, depth int, budget *int) {
	if *budget--; *budget < 0 || depth > maxDepth {
		s.words = [2]class{classMemory, classMemory}
		return
	}
	t := r.Info.Plain(id)
	switch t.Kind {
	case dwarfinfo.KindStruct, dwarfinfo.KindUnion:
		for _, m := range r.Info.Members(t) {
			at := offset + m.Offset
			if m.Bits > 0 {
				at = offset + m.BitOffset/8
				s.set(at, classInt)
				continue
			}
			r.look(s, m.Type, at, depth+1, budget)
		}
	case dwarfinfo.KindArray:
		size, n := r.Info.SizeOf(t.Elem), 1
		for _, d := range t.Dims() {
			n *= max(d, 0)
			n = min(n, 64)
		}
		for i := range n {
			r.look(s, t.Elem, offset+i*size, depth+1, budget)
		}
	default:
		s.scalar(t, r.Info.SizeOf(t.ID), offset)
	}
}

// scalar adds a number or a pointer.
func (s *shape) scalar(t *dwarfinfo.Type, size, offset int) {
	if size <= 0 {
		return
	}
	s.align = max(s.align, min(size, 16))
	if offset%min(size, 16) != 0 { // packed
		s.words = [2]class{classMemory, classMemory}
		return
	}
	c := classInt
	if t.Kind == dwarfinfo.KindFloat {
		c = classFloat
		if size > word {
			c = classMemory // long double, complex numbers: of x87, or too large for one register
		}
		if s.floats == 0 || s.floatSize == size {
			s.floats, s.floatSize = s.floats+1, size
		} else {
			s.floats = -1 << 20
		}
	} else {
		s.floats = -1 << 20
	}
	for at := offset; at < min(offset+size, len(s.words)*word); at += word {
		s.set(at, c)
	}
}

func (s *shape) set(offset int, c class) {
	if i := offset / word; i >= 0 && i < len(s.words) {
		s.words[i] = merge(s.words[i], c)
	}
}

// call is a call that is being laid out: what registers and stack are taken.
type call struct {
	conv          *location.Convention
	ints, floats  int
	stack         int // bytes
	floatRegister string
}

// CArgs says where C and C++ have a function's arguments at its entry.
func (r *Reader) CArgs(f *dwarfinfo.Func) []Place {
	c := &call{conv: r.conv, floatRegister: "xmm"}
	if r.Arch == "arm64" {
		c.floatRegister = "v"
	}
	if !f.Void && r.Arch != "arm64" {
		if result := r.shapeOf(f.Result); result.inMemory() {
			c.ints++ // the address where the result goes
		}
	}
	out := make([]Place, len(f.Params))
	for i := range f.Params {
		s := r.shapeOf(f.Params[i].Type)
		if r.Arch == "arm64" {
			out[i] = c.arm64(s)
		} else {
			out[i] = c.amd64(s)
		}
	}
	return out
}

func (s *shape) inMemory() bool {
	return s.byReference || s.size > 2*word || s.words[0] == classMemory || s.words[1] == classMemory
}

// amd64 places an argument by the System V ABI.
func (c *call) amd64(s shape) Place {
	switch {
	case s.size == 0:
		return Place{Why: "it has no size"}
	case s.byReference:
		return c.pointed(s)
	case s.inMemory():
		return c.onStack(s, word)
	}
	ints, floats := 0, 0
	for i := range (s.size + word - 1) / word {
		if s.words[i] == classFloat {
			floats++
		} else {
			ints++
		}
	}
	const floatRegisters = 8
	if c.ints+ints > len(c.conv.Args) || c.floats+floats > floatRegisters {
		return c.onStack(s, word)
	}
	first := c.floats
	c.floats += floats
	if floats > 0 {
		c.ints += ints
		return floatPlace(c.floatRegister, first)
	}
	return c.registers(s)
}

func floatPlace(name string, n int) Place {
	return Place{Why: "it is in " + name + string(rune('0'+n)) + ", and programs cannot read the registers of floating-point numbers"}
}

// registers takes as many integer registers as a value has words.
func (c *call) registers(s shape) Place {
	n := (s.size + word - 1) / word
	p := registersPlace(c.conv.Args[c.ints:c.ints+n], s.size)
	c.ints += n
	return p
}

// registersPlace is a value of so many bytes in registers.
func registersPlace(names []string, size int) Place {
	var parts []location.Location
	for _, name := range names {
		parts = append(parts, location.Register{Name: name, Size: min(word, size)})
		size -= word
	}
	if len(parts) == 1 {
		return Place{Loc: parts[0]}
	}
	return Place{Loc: location.Pieces{Parts: parts}}
}

// onStack is the next place on the stack.
func (c *call) onStack(s shape, least int) Place {
	align := least
	if s.align > word {
		align = s.align
	}
	c.stack = (c.stack + align - 1) / align * align
	at := location.Address{Base: location.Register{Name: c.conv.SP, Size: word}, Offset: int64(c.conv.StackArgs + c.stack)}
	c.stack += (s.size + word - 1) / word * word
	return Place{Loc: location.Memory{At: at, Size: s.size, User: true}}
}

// pointed is a value whose address is the argument.
func (c *call) pointed(s shape) Place {
	var base location.Location
	if c.ints < len(c.conv.Args) {
		base = location.Register{Name: c.conv.Args[c.ints], Size: word}
		c.ints++
	} else {
		base = c.onStack(shape{size: word, align: word}, word).Loc
	}
	return Place{Loc: location.Memory{At: location.Address{Base: base}, Size: s.size, User: true}}
}

// arm64 places an argument by the procedure call standard (AAPCS64, section 6.8.2).
func (c *call) arm64(s shape) Place {
	const registers, most = 8, 4
	switch {
	case s.size == 0:
		return Place{Why: "it has no size"}
	case s.floats > 0 && s.floats <= most:
		if c.floats+s.floats > registers {
			c.floats = registers
			return c.onStack(s, word)
		}
		first := c.floats
		c.floats += s.floats
		return floatPlace(c.floatRegister, first)
	case s.byReference || s.record && s.size > 2*word:
		return c.pointed(s)
	}
	if s.align > word {
		c.ints += c.ints & 1
	}
	if c.ints+(s.size+word-1)/word > len(c.conv.Args) {
		c.ints = len(c.conv.Args)
		return c.onStack(s, word)
	}
	return c.registers(s)
}

// CResult says where C and C++ have what a function returned.
func (r *Reader) CResult(f *dwarfinfo.Func) Place {
	s := r.shapeOf(f.Result)
	second := "dx"
	floatRegister := "xmm"
	memory := s.inMemory()
	if r.Arch == "arm64" {
		second, floatRegister = "x1", "v"
		memory = s.byReference || s.record && s.size > 2*word && s.floats <= 0
		if memory {
			return Place{Why: "it is in memory whose address the function does not give back"}
		}
	}
	switch {
	case f.Void || s.size == 0:
		return Place{Why: "it returns nothing"}
	case memory && r.Info.Plain(f.Result).Kind == dwarfinfo.KindFloat:
		return Place{Why: "it is in a register of floating-point numbers, which programs cannot read"}
	case memory: // the function gives back the address that it was given
		return Place{Loc: location.Memory{At: location.Address{Base: r.conv.Result()}, Size: s.size, User: true}}
	case s.words[0] == classFloat || s.words[1] == classFloat:
		return floatPlace(floatRegister, 0)
	}
	return registersPlace([]string{r.conv.Return, second}[:(s.size+word-1)/word], s.size)
}
