package user

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/gotrace/gotrace/internal/dwarfinfo"
	"github.com/gotrace/gotrace/internal/symbols"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/types"
	"github.com/gotrace/gotrace/probes/internal/dwarfargs"
)

// debugInfo is the debugging information of a binary, read once; the error says why there is none.
type debugInfo struct {
	reader *dwarfargs.Reader
	err    error
}

func (e *Programs) debugInfo(path string) *debugInfo {
	if d, ok := e.debug[path]; ok {
		return d
	}
	d := &debugInfo{}
	info, err := dwarfinfo.Open(path, symbols.DebugDirs(e.opts.DebugInfo, path))
	if d.err = err; err == nil {
		d.reader = dwarfargs.New(info, e.opts.Arch)
		if b, err := e.Binary(path); err == nil && b.IsGoProgram() {
			d.reader.Go = e.goInterfaces(b)
		}
	}
	e.debug[path] = d
	return d
}

// debugFunc is what the debugging information says of the function that a target is in, and the address of the target.
func (e *Programs) debugFunc(t *lang.Target) (*dwarfargs.Reader, *dwarfinfo.Func, uint64, error) {
	b, err := e.Binary(t.Path)
	if err != nil {
		return nil, nil, 0, err
	}
	pc, err := e.targetAddress(b, t)
	if err != nil {
		return nil, nil, 0, err
	}
	d := e.debugInfo(t.Path)
	switch {
	case d.err != nil:
		return nil, nil, 0, d.err
	case t.I386:
		return nil, nil, 0, errors.New("gotrace does not read the arguments of 32-bit code by name")
	}
	s, ok := b.Enclosing(pc)
	if !ok {
		return nil, nil, 0, fmt.Errorf("no function of %s has the address %#x", t.Path, pc)
	}
	f, ok := d.reader.Info.FuncAt(s.Address)
	if !ok {
		return nil, nil, 0, fmt.Errorf("the debugging information of %s knows no function %s", d.reader.Info.Path, s.Name)
	}
	f.Symbol = s.Name
	return d.reader, f, pc, nil
}

// Args are the parameters of a function by name and type, and the type of what it returns, as debugging information has them.
func (e *Programs) Args(t *lang.Target) (*types.Struct, types.Type, error) {
	if t.Kind.Name == "usdt" {
		return nil, nil, nil // they have no names
	}
	r, f, pc, err := e.debugFunc(t)
	if err != nil {
		t.ArgsWhy = err.Error()
		return nil, nil, nil
	}
	version := 0
	if t.Go {
		if version = e.goVersion(e.binaries[t.Path]); f.Go {
			place := r.GoID(version)
			t.GoID = &lang.ArgPlace{Loc: place.Loc, Text: "goid", Why: place.Why}
		}
	}
	if t.Kind.Return {
		return nil, uprobeResult(r, f, t, version), nil
	}
	var args []dwarfargs.Arg
	switch {
	case t.Go && (!f.Go || t.Func == "" || t.Offset != 0):
		t.ArgsWhy = errGoArgs.Error()
		return nil, nil, nil
	case t.Go:
		args = r.GoArgs(f, pc, version)
	default:
		args = r.Args(f, pc, e.framed(t, f, pc))
	}
	if len(args) == 0 {
		t.ArgsWhy = "it has no parameters"
		return nil, nil, nil
	}
	var fields []types.Field
	offset := 0
	for _, a := range args {
		fields = append(fields, types.Field{Name: a.Name, Type: a.Type, Offset: offset, Loc: a.Place.Loc, Why: a.Place.Why})
		offset = types.AlignUp(offset+max(a.Type.Size(), 1), 8)
	}
	return types.NewArgs("args of "+f.Name, offset, fields), nil, nil
}

// uprobeResult is the type of what a function returns; the target gets where it lies. One that returns nothing, as functions in
// assembly say, has the register: scripts read it.
func uprobeResult(r *dwarfargs.Reader, f *dwarfinfo.Func, t *lang.Target, version int) types.Type {
	switch {
	case t.Go && len(f.Results) == 0, !t.Go && f.Void:
		return nil
	case t.Go:
		typ, place := r.GoResults(f, version)
		t.Result = &lang.ArgPlace{Loc: place.Loc, Text: "the result of " + f.Name, Why: place.Why}
		if place.Loc == nil {
			return nil
		}
		return typ
	}
	place := r.CResult(f)
	t.Result = &lang.ArgPlace{Loc: place.Loc, Text: "the result of " + f.Name, Why: place.Why}
	if place.Loc == nil {
		return nil
	}
	return r.Value(f.Result)
}

// Lines are the parameters with their types as C has them.
func (e *Programs) Lines(t *lang.Target) ([]string, error) {
	if t.Kind.Name == "usdt" {
		return staticLines(t)
	}
	r, f, pc, err := e.debugFunc(t)
	if err != nil {
		return nil, nil // nothing is known of them
	}
	if t.Go {
		return e.goLines(r, f, t, pc), nil
	}
	if t.Kind.Return {
		if f.Void {
			return []string{"void"}, nil
		}
		return []string{r.Info.C(f.Result) + " retval"}, nil
	}
	var out []string
	for i, a := range r.Args(f, pc, e.framed(t, f, pc)) {
		line := r.Info.C(f.Params[i].Type) + " " + a.Name
		if a.Place.Loc == nil {
			line += " (cannot be read: " + a.Place.Why + ")"
		}
		out = append(out, line)
	}
	if f.Variadic {
		out = append(out, "...")
	}
	return out, nil
}

// TargetType finds a type that the program of a target defines, for casts.
func (e *Programs) TargetType(t *lang.Target, keyword, name string) (types.Type, bool) {
	if t.Path == "" {
		return nil, false
	}
	d := e.debugInfo(t.Path)
	if d.err != nil {
		return nil, false
	}
	return d.reader.Find(keyword, name)
}

// frameSetup are the instructions that set up a frame pointer: push %rbp; mov %rsp,%rbp. Code for branch tracking has endbr64 before them.
var frameSetup, endbr64 = []byte{0x55, 0x48, 0x89, 0xe5}, []byte{0xf3, 0x0f, 0x1e, 0xfa}

// framed says whether a function of x86-64 has set up its frame pointer before an address in it, and has not given it back, as it has before its return.
func (e *Programs) framed(t *lang.Target, f *dwarfinfo.Func, pc uint64) bool {
	b, err := e.Binary(t.Path)
	if err != nil || e.opts.Arch != "amd64" || pc <= f.Low || pc-f.Low > maxFunction {
		return false
	}
	code, err := codeAt(b, f.Low, pc-f.Low)
	if err != nil || uint64(len(code)) <= pc-f.Low {
		return false
	}
	const ret = 0xc3
	before, at := code[:pc-f.Low], code[pc-f.Low]
	return bytes.HasPrefix(bytes.TrimPrefix(before, endbr64), frameSetup) && at != ret
}
