package probes

import (
	"fmt"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/types"
	"github.com/gotrace/gotrace/probes/internal/kbtf"
)

// signature is what the kernel's types know of a function.
type signature struct {
	id       kbtf.ID
	params   []parameter
	result   types.Type // Void: it returns nothing
	variadic bool
}

// parameter is one parameter of a function.
type parameter struct {
	name string
	typ  types.Type
	c    string // the type in C
}

// words is how many registers, or words of a tracing program's context, a parameter takes.
func (p *parameter) words() int { return max((p.typ.Size()+location.WordSize-1)/location.WordSize, 1) }

// words is the same for all parameters.
func (s *signature) words() int {
	n := 0
	for i := range s.params {
		n += s.params[i].words()
	}
	return n
}

// signature returns what is known of a target's function, nil if nothing is.
func (e *Env) signature(t *lang.Target) (*signature, error) {
	btf, params, result, err := e.kprobeParams(t)
	if err != nil || btf == nil {
		return nil, err
	}
	s := &signature{result: e.valueType(btf, result)}
	if s.id, err = btf.find(t.Func, kbtf.KindFunc); err != nil {
		return nil, err
	}
	for i, p := range params {
		if p.Type == 0 {
			s.variadic = true
			continue
		}
		name := p.Name
		if name == "" {
			name = fmt.Sprintf("arg%d", i)
		}
		param := parameter{name, e.valueType(btf, p.Type), btf.file.C(p.Type)}
		if t.ProgID != 0 && i == 0 {
			param.typ = e.kernelContext(param.typ)
		}
		s.params = append(s.params, param)
	}
	return s, nil
}

// valueType is the type of a parameter or result. A struct that the kernel itself only declares, some module may define.
func (e *Env) valueType(k *kernelTypes, id kbtf.ID) types.Type {
	t := k.convert(id)
	p, ok := t.(types.Pointer)
	if !ok || !types.Is(p.Elem, types.KindVoid) {
		return t
	}
	ptr, err := k.resolved(id)
	if err != nil || ptr.Kind != kbtf.KindPtr {
		return t
	}
	to, err := k.resolved(ptr.Ref)
	if err != nil || to.Kind != kbtf.KindFwd {
		return t
	}
	if ids, err := k.file.Find(to.Name, kbtf.KindStruct, kbtf.KindUnion); err == nil && len(ids) > 0 {
		p.Elem = k.convert(ids[0])
	} else if s, ok := e.Type("struct", to.Name); ok {
		p.Elem = s
	}
	return p
}

// resolved is a type without its typedefs and qualifiers.
func (k *kernelTypes) resolved(id kbtf.ID) (*kbtf.Type, error) {
	t, err := k.file.Type(id)
	for range convertDepth {
		if err != nil {
			return nil, err
		}
		switch t.Kind {
		case kbtf.KindTypedef, kbtf.KindConst, kbtf.KindVolatile, kbtf.KindRestrict, kbtf.KindTypeTag:
			t, err = k.file.Type(t.Ref)
		default:
			return t, nil
		}
	}
	return t, err
}

// signed says whether a value of a type is extended by its sign.
func signed(t types.Type) bool { return types.AsInt(t).Signed }

// kprobeArgs are the arguments where C has them when the function begins, by the calling convention, and, of a return, the type of the
// result. nil: the kernel's types do not tell, or the probe is somewhere in the middle of the function.
func kprobeArgs(e *Env, t *lang.Target) (*types.Struct, types.Type, error) {
	conv := location.Of(e.kernel.Arch, false)
	if _, err := e.vmlinux(); err != nil || conv == nil || t.Func == "" || t.Offset != 0 {
		return nil, nil, nil
	}
	s, err := e.signature(t)
	switch {
	case err != nil || s == nil:
		return nil, nil, err
	case !t.Kind.Return:
		return types.NewArgs(t.Func, 0, s.inRegisters(conv)), nil, nil
	case types.Is(s.result, types.KindVoid), s.result.Size() > location.WordSize, types.InMemory(s.result):
		return nil, nil, nil
	}
	return nil, s.result, nil
}

// inRegisters places the arguments: each in the next registers if all of it fits there, else on the stack. Large structs are
// on the stack, or behind a pointer on arm64.
func (s *signature) inRegisters(conv *location.Convention) []types.Field {
	var fields []types.Field
	register, stack, offset := 0, 0, 0
	for i := range s.params {
		p := &s.params[i]
		f := types.Field{Name: p.name, Type: p.typ, Offset: offset}
		size, n := p.typ.Size(), p.words()
		offset += location.WordSize * n
		switch {
		case n > 2 && conv.Return == "x0": // AAPCS64: the caller has a copy
			at := location.Address{Base: conv.Arg(register, false)}
			f.Loc = location.Memory{At: at, Size: size}
			register++
		case n <= 2 && register+n <= len(conv.Args):
			f.Loc = registers(conv.Args[register:register+n], size, signed(p.typ))
			register += n
		default:
			at := conv.StackArg(stack, false).(location.Memory).At
			f.Loc = location.Memory{At: at, Size: max(size, 1), Signed: signed(p.typ)}
			stack += n
			if n > 1 && conv.Return == "x0" {
				register = len(conv.Args) // AAPCS64: nothing behind it is in registers either
			}
		}
		fields = append(fields, f)
	}
	return fields
}

// registers are the locations of a value of one or two words.
func registers(names []string, size int, signed bool) location.Location {
	if len(names) == 1 {
		return location.Register{Name: names[0], Size: max(size, 1), Signed: signed}
	}
	low := location.Register{Name: names[0], Size: location.WordSize}
	high := location.Register{Name: names[1], Size: size - location.WordSize}
	return location.Pieces{Parts: []location.Location{low, high}, Signed: signed}
}
