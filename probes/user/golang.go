package user

import (
	"errors"
	"fmt"

	"github.com/gotrace/gotrace/internal/dwarfinfo"
	"github.com/gotrace/gotrace/internal/symbols"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/types"
	"github.com/gotrace/gotrace/probes/internal/dwarfargs"
	"github.com/gotrace/gotrace/probes/internal/insn"
)

// Go programs are probed in other ways than C's. A return probe of the kernel puts an address of its own (the trampoline of uretprobes) on the stack, which
// Go's runtime finds when it grows the stack, collects garbage or takes samples: it ends the program. So each return instruction is probed, where
// the results lie already and the stack pointer is what it was at the entry. A function that finds its stack too small has it grown and begins again: the
// entry's probe is behind that test, so that a call is one call.

// goFunction are the targets for a Go function's entry, or for its returns.
func (e *Programs) goFunction(b *symbols.Binary, s symbols.Symbol, t lang.Target) ([]lang.Target, error) {
	if t.Offset != 0 {
		return []lang.Target{t}, nil
	}
	code, err := functionCode(b, s)
	if err != nil {
		return nil, err
	}
	version := e.goVersion(b)
	if !t.Kind.Return {
		t.FuncOffset = insn.AfterStackCheck(e.opts.Arch, code)
		t.Address = s.Address + t.FuncOffset
		t.ArgN = []lang.ArgPlace{}
		for i, p := range dwarfargs.GoRegisters(e.opts.Arch, version) {
			t.ArgN = append(t.ArgN, lang.ArgPlace{Loc: p.Loc, Text: fmt.Sprintf("word %d", i), Why: p.Why})
		}
		return []lang.Target{t}, nil
	}
	returns := insn.FindReturns(e.opts.Arch, code)
	switch {
	case !returns.Whole:
		return nil, errors.New("not all of its instructions are known, so that a return could be missed: probe addresses of its returns with uprobe")
	case len(returns.Offsets) == 0 && returns.Leaves:
		return nil, errors.New("it has no return instruction: it ends by a jump to another function, which returns in its place")
	case len(returns.Offsets) == 0:
		return nil, errors.New("it has no return instruction: it never returns")
	}
	if returns.Leaves {
		t.Note = s.Name + " also ends by a jump to another function, which returns in its place: that is not seen here"
	}
	t.Result = &lang.ArgPlace{Text: "the result of " + s.Name, Why: "only its debugging information would say where it is: this program was built by an old version of Go"}
	if places := dwarfargs.GoRegisters(e.opts.Arch, version); len(places) > 0 && !isMemory(places[0].Loc) {
		t.Result = &lang.ArgPlace{Loc: places[0].Loc}
	}
	var out []lang.Target
	for i, off := range returns.Offsets {
		one := t
		one.Address, one.FuncOffset, one.Further = s.Address+off, off, i > 0
		if i > 0 {
			one.Note = ""
		}
		out = append(out, one)
	}
	return out, nil
}

func isMemory(l location.Location) bool {
	_, ok := l.(location.Memory)
	return ok
}

// maxFunction bounds the code of a function that is looked through.
const maxFunction = 16 << 20

// functionCode is a function's code.
func functionCode(b *symbols.Binary, s symbols.Symbol) ([]byte, error) {
	if s.Size > maxFunction {
		return nil, fmt.Errorf("it has %d bytes of code: functions of up to %d are looked through", s.Size, maxFunction)
	}
	code, err := codeAt(b, s.Address, s.Size-1)
	if err != nil {
		return nil, err
	}
	return code[:min(uint64(len(code)), s.Size)], nil
}

// goVersion is the minor version of Go that a binary was built with, 0 if it does not tell.
func (e *Programs) goVersion(b *symbols.Binary) int {
	v, ok := e.goVersions[b.Path]
	if !ok {
		v = b.GoVersion()
		e.goVersions[b.Path] = v
	}
	return v
}

// goTextTypes are errors that begin with their text, by the names of the tables that make errors of them.
var goTextTypes = []string{"*errors.errorString", "*fmt.wrapError", "*fmt.wrapErrors"}

// goNameEncoding is the minor version of Go since which the names of types are as codegen reads them.
const goNameEncoding = 17

// goInterfaces says how the text of interfaces is found in a program's memory, nil where it cannot be: types of a position-independent program lie nobody
// knows where.
func (e *Programs) goInterfaces(b *symbols.Binary) *types.GoInterface {
	if version := e.goVersion(b); b.Movable || version != 0 && version < goNameEncoding {
		return nil
	}
	names := []string{"runtime.types"}
	for _, t := range goTextTypes {
		names = append(names, "go:itab."+t+",error")
	}
	words, err := b.Words(names, location.WordSize)
	base := words[names[0]]
	if err != nil || base.Address == 0 {
		return nil
	}
	g := &types.GoInterface{Types: base.Address}
	for _, name := range names[1:] {
		if w := words[name]; w.Word != 0 {
			g.Texts = append(g.Texts, w.Word)
		}
	}
	return g
}

// errGoArgs says why the arguments of Go code are not known in the middle of a function.
var errGoArgs = errors.New("Go's arguments are known at the entry of a function alone")

// goLines are the parameters or the results of a Go function with their types.
func (e *Programs) goLines(r *dwarfargs.Reader, f *dwarfinfo.Func, t *lang.Target, pc uint64) []string {
	var out []string
	if t.Kind.Return {
		for i := range f.Results {
			name := "retval"
			if len(f.Results) > 1 {
				name += "." + dwarfargs.GoName(f.Results[i].Name, i)
			}
			out = append(out, r.Info.C(f.Results[i].Type)+" "+name)
		}
		return out
	}
	for i, a := range r.GoArgs(f, pc, e.goVersion(e.binaries[t.Path])) {
		line := r.Info.C(f.Params[i].Type) + " " + a.Name
		if a.Place.Loc == nil {
			line += " (cannot be read: " + a.Place.Why + ")"
		}
		out = append(out, line)
	}
	return out
}
