package dwarfargs

import (
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/internal/dwarfinfo"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/types"
)

// goABI is where Go has arguments: "Go internal ABI specification" (cmd/compile/abi-internal.md), and the stack before that.
type goABI struct {
	ints    []string // registers, none where all is on the stack
	floats  int
	g       string // the register with the current goroutine
	returns int    // bytes on the stack that lie below the arguments: the return address
}

// goABIs are by architecture, with the minor version of Go from which on registers are used.
var goABIs = map[string]struct {
	since int
	abi   goABI
}{
	"amd64": {17, goABI{ints: []string{"ax", "bx", "cx", "di", "si", "r8", "r9", "r10", "r11"}, floats: 15, g: "r14", returns: word}},
	"arm64": {18, goABI{ints: []string{"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15"},
		floats: 16, g: "x28", returns: word}},
}

func abiOf(arch string, version int) goABI {
	a := goABIs[arch]
	if version < a.since && version != 0 {
		a.abi.ints, a.abi.floats, a.abi.g = nil, 0, ""
	}
	return a.abi
}

// GoRegisters are where the words of a Go function's arguments lie at its entry, as far as they are integers or pointers: in registers, else on
// the stack.
func GoRegisters(arch string, version int) []Place {
	abi := abiOf(arch, version)
	var out []Place
	for _, r := range abi.ints {
		out = append(out, Place{Loc: location.Register{Name: r, Size: word}})
	}
	const stackWords = 16
	if len(abi.ints) == 0 {
		for i := range stackWords {
			at := location.Address{Base: location.Register{Name: location.Of(arch, false).SP, Size: word}, Offset: int64(abi.returns + word*i)}
			out = append(out, Place{Loc: location.Memory{At: at, Size: word, User: true}})
		}
	}
	return out
}

// GoID is where the number of the current goroutine lies: in runtime.g, to which a register points.
func (r *Reader) GoID(version int) Place {
	abi := abiOf(r.Arch, version)
	if abi.g == "" {
		return Place{Why: "Go has the current goroutine in a register since Go 1.17 (arm64: 1.18): this program was built by an older one"}
	}
	s, ok := r.Find("struct", "runtime.g")
	if !ok {
		return Place{Why: "the debugging information has no runtime.g"}
	}
	f, ok := s.(*types.Struct).Field("goid")
	if !ok {
		return Place{Why: "runtime.g has no goid"}
	}
	at := location.Address{Base: location.Register{Name: abi.g, Size: word}, Offset: int64(f.Offset)}
	return Place{Loc: location.Memory{At: at, Size: f.Type.Size(), User: true}}
}

// goPart is a number or a pointer in a value.
type goPart struct {
	offset, size int
	float        bool
}

// goCall is a call that is being laid out.
type goCall struct {
	abi          goABI
	sp           string
	ints, floats int
	stack        int // where the next argument on the stack lies
}

// GoArgs are the parameters of a Go function at its entry.
func (r *Reader) GoArgs(f *dwarfinfo.Func, pc uint64, version int) []Arg {
	fr := &frame{pc: pc, entry: true, base: f.FrameBase()}
	fr.cfa = location.Address{Base: location.Register{Name: r.conv.SP, Size: word}, Offset: int64(r.conv.StackArgs)}
	params, _, _ := r.goLayout(f, version)
	out := make([]Arg, len(f.Params))
	for i := range f.Params {
		p := &f.Params[i]
		out[i] = Arg{Name: GoName(p.Name, i), Type: r.Value(p.Type), Place: params[i]}
		if expr, whole := f.Location(p, pc); expr != nil && !whole {
			// The compiler knows best: it passes generic functions more than their parameters.
			if loc, err := r.evaluate(expr, fr, r.Info.SizeOf(p.Type)); err == nil && location.Check(loc, r.conv) == nil {
				out[i].Place = Place{Loc: loc}
			}
		}
		out[i].Place.Loc = signed(out[i].Place.Loc, out[i].Type)
	}
	return out
}

// GoName is a parameter's name as a script can write it: that of one without a name is argN.
func GoName(name string, i int) string {
	if name == "" || name == "_" || strings.HasPrefix(name, "~p") {
		return "arg" + strconv.Itoa(i)
	}
	return strings.TrimPrefix(name, "~")
}

// GoResults are what a Go function returns when it is at a return instruction: one value, or a struct of several.
func (r *Reader) GoResults(f *dwarfinfo.Func, version int) (types.Type, Place) {
	_, places, _ := r.goLayout(f, version)
	switch len(f.Results) {
	case 0:
		return nil, Place{Why: "it returns nothing"}
	case 1:
		t := r.Value(f.Results[0].Type)
		places[0].Loc = signed(places[0].Loc, t)
		return t, places[0]
	}
	var fields []types.Field
	var parts []location.Location
	offset := 0
	for i := range f.Results {
		p := &f.Results[i]
		field := types.Field{Name: GoName(p.Name, i), Type: r.Value(p.Type), Offset: offset, Why: places[i].Why}
		size := types.AlignUp(r.Info.SizeOf(p.Type), word)
		if places[i].Loc == nil { // zeros in its place
			for range size / word {
				parts = append(parts, location.Const{})
			}
		} else {
			parts = append(parts, padded(places[i].Loc, size)...)
		}
		fields = append(fields, field)
		offset += size
	}
	return types.NewStruct("results of "+f.Name, false, offset, 0, func() []types.Field { return fields }), Place{Loc: location.Pieces{Parts: parts}}
}

// padded are the parts of a location, so many bytes with what lies behind: padding, which means nothing.
func padded(l location.Location, size int) []location.Location {
	parts := []location.Location{l}
	if p, ok := l.(location.Pieces); ok {
		parts = append([]location.Location{}, p.Parts...)
	}
	for _, p := range parts {
		size -= p.Bytes()
	}
	switch last := parts[len(parts)-1].(type) {
	case location.Register:
		last.Size += size
		parts[len(parts)-1] = last
	case location.Memory:
		last.Size += size
		parts[len(parts)-1] = last
	}
	return parts
}

// goLayout places parameters and results. end is where the arguments on the stack end.
func (r *Reader) goLayout(f *dwarfinfo.Func, version int) (params, results []Place, end int) {
	c := &goCall{abi: abiOf(r.Arch, version), sp: r.conv.SP}
	c.stack = c.abi.returns
	place := func(list []dwarfinfo.Param) []Place {
		out := make([]Place, len(list))
		for i := range list {
			out[i] = r.goPlace(c, list[i].Type)
		}
		return out
	}
	if strings.Contains(f.Name, "[go.shape.") { // its dictionary of types comes first, of methods behind the receiver
		if strings.Contains(f.Name, "].") && len(f.Params) > 0 {
			first := place(f.Params[:1])
			c.ints++
			params = append(first, place(f.Params[1:])...)
		} else {
			c.ints++
			params = place(f.Params)
		}
	} else {
		params = place(f.Params)
	}
	c.stack = types.AlignUp(c.stack, word)
	c.ints, c.floats = 0, 0
	results = place(f.Results)
	return params, results, c.stack
}

// goPlace places a value: in registers if there are enough for all of it, else on the stack.
func (r *Reader) goPlace(c *goCall, id dwarfinfo.TypeID) Place {
	size := r.Info.SizeOf(id)
	budget := 256
	parts, ok := r.goParts(nil, id, 0, &budget)
	if ok && size > 0 && len(parts) > 0 {
		ints, floats := 0, 0
		for _, p := range parts {
			if p.float {
				floats++
			} else {
				ints++
			}
		}
		if c.ints+ints <= len(c.abi.ints) && c.floats+floats <= c.abi.floats {
			return c.registers(parts, size)
		}
	}
	if size == 0 {
		return Place{Why: "it has no size"}
	}
	budget = 256
	c.stack = types.AlignUp(c.stack, r.goAlign(id, 0, &budget))
	at := location.Address{Base: location.Register{Name: c.sp, Size: word}, Offset: int64(c.stack)}
	c.stack += size
	return Place{Loc: location.Memory{At: at, Size: size, User: true}}
}

// registers puts the parts of a value into the next registers, each with the padding that follows it.
func (c *goCall) registers(parts []goPart, size int) Place {
	var locs []location.Location
	why := ""
	for i, p := range parts {
		end := size
		if i+1 < len(parts) {
			end = parts[i+1].offset
		}
		if p.float {
			why = "a part of it is in a register of floating-point numbers, which programs cannot read"
			c.floats++
			continue
		}
		locs = append(locs, location.Register{Name: c.abi.ints[c.ints], Size: min(end-p.offset, word)})
		c.ints++
	}
	switch {
	case why != "":
		return Place{Why: why}
	case len(locs) == 1:
		return Place{Loc: locs[0]}
	}
	return Place{Loc: location.Pieces{Parts: locs}}
}

// Kinds of Go's types, by reflect's numbers.
const goString = 24

// goParts are the numbers and pointers in a value; ok is false if it never goes into registers.
func (r *Reader) goParts(parts []goPart, id dwarfinfo.TypeID, offset int, budget *int) (out []goPart, ok bool) {
	if *budget--; *budget < 0 {
		return parts, false
	}
	t := r.Info.Plain(id)
	switch t.Kind {
	case dwarfinfo.KindStruct:
		for _, m := range r.Info.Members(t) {
			if parts, ok = r.goParts(parts, m.Type, offset+m.Offset, budget); !ok {
				return parts, false
			}
		}
		return parts, true
	case dwarfinfo.KindArray:
		switch dims := t.Dims(); {
		case len(dims) == 1 && dims[0] == 0:
			return parts, true
		case len(dims) == 1 && dims[0] == 1:
			return r.goParts(parts, t.Elem, offset, budget)
		}
		return parts, false
	case dwarfinfo.KindFloat:
		if strings.HasPrefix(t.Name, "complex") {
			half := t.Size / 2
			return append(parts, goPart{offset, half, true}, goPart{offset + half, half, true}), true
		}
		return append(parts, goPart{offset, t.Size, true}), true
	}
	size := r.Info.SizeOf(t.ID)
	return append(parts, goPart{offset, size, false}), size > 0 && size <= word
}

// goAlign is the alignment of a type.
func (r *Reader) goAlign(id dwarfinfo.TypeID, depth int, budget *int) int {
	if *budget--; *budget < 0 || depth > maxDepth {
		return word
	}
	t := r.Info.Plain(id)
	switch t.Kind {
	case dwarfinfo.KindStruct:
		align := 1
		for _, m := range r.Info.Members(t) {
			align = max(align, r.goAlign(m.Type, depth+1, budget))
		}
		return align
	case dwarfinfo.KindArray:
		return r.goAlign(t.Elem, depth+1, budget)
	}
	return max(1, min(r.Info.SizeOf(t.ID), word))
}
