package dwarfargs

import (
	"fmt"
	"strings"

	"github.com/gotrace/gotrace/internal/dwarfinfo"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/types"
)

// Arg is a parameter of a function at a place.
type Arg struct {
	Name  string
	Type  types.Type
	Place Place
}

// Args are the parameters of a C, C++ or Rust function when the program is at an address in it. At the entry they are where the
// calling convention has them, unless the compiler made a convention of its own for the function, which its debugging information tells.
// framed says that the function has set up its frame pointer before that address.
func (r *Reader) Args(f *dwarfinfo.Func, pc uint64, framed bool) []Arg {
	fr := &frame{pc: pc, entry: pc == f.Low, base: f.FrameBase()}
	switch {
	case fr.entry:
		fr.cfa = location.Address{Base: location.Register{Name: r.conv.SP, Size: word}, Offset: int64(r.conv.StackArgs)}
	case framed && r.Arch == "amd64": // the caller's frame pointer and the return address lie below
		fr.cfa = location.Address{Base: location.Register{Name: "bp", Size: word}, Offset: 2 * word}
	}
	rules := r.CArgs(f)
	out := make([]Arg, len(f.Params))
	for i := range f.Params {
		p := &f.Params[i]
		name := p.Name
		if name == "" {
			name = fmt.Sprintf("arg%d", i)
		}
		out[i] = Arg{Name: name, Type: r.Value(p.Type), Place: r.place(f, p, fr, rules[i])}
		out[i].Place.Loc = signed(out[i].Place.Loc, out[i].Type)
	}
	return out
}

// place is where a parameter lies. rule is where the calling convention has it at the entry.
func (r *Reader) place(f *dwarfinfo.Func, p *dwarfinfo.Param, fr *frame, rule Place) Place {
	if p.Const != nil {
		return Place{Loc: location.Const{Value: *p.Const}}
	}
	expr, whole := f.Location(p, fr.pc)
	switch own := isCopy(f) || f.Rust && !whole; {
	case fr.entry && (!own || f.Rust && expr == nil):
		// What serves the whole function is a place in its frame that its first instructions fill. A list may have, at the entry, what
		// the first statements make of a parameter, when they need no instruction.
		return rule
	case expr == nil:
		return Place{Why: errOptimised.Error()}
	}
	loc, err := r.evaluate(expr, fr, r.Info.SizeOf(p.Type))
	if err == nil {
		err = location.Check(loc, r.conv)
	}
	if err != nil {
		return Place{Why: err.Error()}
	}
	return Place{Loc: loc}
}

// isCopy says whether a function is one that the compiler made of another (GCC's .isra, .constprop, .part), which can have arguments of its own.
func isCopy(f *dwarfinfo.Func) bool {
	return strings.Contains(f.Symbol, ".isra") || strings.Contains(f.Symbol, ".constprop") || strings.Contains(f.Symbol, ".part")
}

// signed notes at a location the sign of the number there.
func signed(l location.Location, t types.Type) location.Location {
	i, ok := t.(types.Int)
	if !ok || !i.Signed {
		return l
	}
	switch l := l.(type) {
	case location.Register:
		l.Signed = true
		return l
	case location.Memory:
		l.Signed = true
		return l
	}
	return l
}
