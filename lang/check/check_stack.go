package check

import (
	"errors"
	"slices"
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// stackResults checks the arguments of functions that are about stacks and names of code.
func stackResults() map[string]func(c *checker, e *ast.Call) types.Type {
	return map[string]func(c *checker, e *ast.Call) types.Type{
		"kaddr": (*checker).kaddr,
		"dw_ustack": func(c *checker, e *ast.Call) types.Type {
			if c.out.Config.UnstableDWUstack == "error" && c.final {
				c.report(errForbiddenUnwind(e))
			}
			return c.stack(e)
		},
		"kstack": (*checker).stack,
		"ustack": (*checker).stack,
		"ksym":   symbol(types.Symbol{}),
		"uaddr":  (*checker).uaddr,
		"usym":   symbol(types.UserSymbol{}),
	}
}

// stackType is the type of kstack and ustack without arguments.
func stackType(user bool) func(*checker, *Prog) (types.Type, string) {
	return func(c *checker, _ *Prog) (types.Type, string) {
		return types.Stack{User: user, Mode: shownMode(c.out.Config.StackMode, user), Limit: types.DefaultFrames}, ""
	}
}

func errForbiddenUnwind(n source.Node) source.Diagnostic {
	return source.Errorf(n, "bad-setting", "the setting unstable_dw_ustack forbids dw_ustack")
}

// dwStackType is the type of dw_ustack without arguments.
func dwStackType(c *checker, p *Prog) (types.Type, string) {
	if c.out.Config.UnstableDWUstack == "error" {
		return nil, "the setting unstable_dw_ustack forbids it"
	}
	return stackType(true)(c, p)
}

// shownMode is how a stack is shown that is to be shown in a mode: the kernel's code lies in no file with a build id.
func shownMode(mode string, user bool) string {
	if mode == types.StackBuildID && !user {
		return types.StackRaw
	}
	return mode
}

// stack is kstack([mode], [frames]) and ustack([mode], [frames]).
func (c *checker) stack(e *ast.Call) types.Type {
	user := e.Name != "kstack"
	t := types.Stack{User: user, Mode: c.out.Config.StackMode, Limit: types.DefaultFrames}
	numbers := 0
	if len(e.Args) > 0 {
		mode, isMode := c.stackMode(e.Args[0])
		switch {
		case isMode && mode == "":
			return nil
		case isMode:
			t.Mode, numbers = mode, 1
		case len(e.Args) > 1:
			c.report(errStackMode(e.Args[0]))
			return nil
		}
	}
	if len(e.Args) > numbers {
		n, ok := c.constNumber(e, numbers)
		if !ok {
			return nil
		}
		if n < 1 || n > types.MaxFrames {
			c.report(source.Errorf(e.Args[numbers], "out-of-range", "a stack has from 1 to %d frames", types.MaxFrames))
			return nil
		}
		t.Limit = int(n)
	}
	if t.Mode != shownMode(t.Mode, user) && c.final {
		c.report(source.Warningf(e, "stack-mode", "build_id is for user stacks: this one is shown as addresses").WithHint("use ustack(build_id), or kstack(raw)"))
	}
	t.Mode = shownMode(t.Mode, user)
	return t
}

// stackMode says whether an argument is the name of a mode. A name that is nothing else, either, is reported, and the mode "".
func (c *checker) stackMode(e ast.Expr) (mode string, ok bool) {
	id, ok := e.(*ast.Ident)
	if !ok {
		return "", false
	}
	if slices.Contains(types.StackModes, id.Name) {
		return id.Name, true
	}
	if _, _, known := c.builtinType(id.Name, c.p.Prog); known {
		return "", false
	}
	if _, _, known := c.env.EnumConst(id.Name); known || c.c.Callable(id.Name) != nil {
		return "", false
	}
	c.report(errStackMode(e))
	return "", true
}

func errStackMode(e ast.Expr) source.Diagnostic {
	d := source.Errorf(e, "stack-mode", "the modes of a stack are %s", strings.Join(types.StackModes, ", "))
	if id, ok := e.(*ast.Ident); ok {
		return withNear(d, "", source.Nearest(id.Name, types.StackModes))
	}
	return d.WithHint("the mode comes before the number of frames: kstack(perf, 5)")
}

// symbol is ksym(address) and usym(address).
func symbol(result types.Type) func(c *checker, e *ast.Call) types.Type {
	return func(c *checker, e *ast.Call) types.Type {
		t := c.value(e.Args[0])
		if t == nil {
			return nil
		}
		if !types.Of(types.Value(t)).Numeric {
			c.reportNumber(errArgType(e.Args[0], e.Name, "an address", t), e.Args[0])
			return nil
		}
		return result
	}
}

// length is len(@map) and len(stack).
func (c *checker) length(e *ast.Call) types.Type {
	if ref, ok := e.Args[0].(*ast.MapRef); ok && !ref.Indexed {
		if m := c.mapUse(ref); !m.keyless || !types.Is(m.Value, types.KindStack) {
			return c.mapLen(e)
		}
	}
	switch t := c.value(e.Args[0]).(type) {
	case nil:
		return nil
	case types.Stack:
		return types.TypeInt64
	default:
		c.report(errArgType(e.Args[0], e.Name, "a map or a stack", t))
		return nil
	}
}

// kaddr is kaddr(name), a constant.
func (c *checker) kaddr(e *ast.Call) types.Type {
	name, ok := c.constText(e, 0)
	if !ok {
		return nil
	}
	addr, err := c.env.KernelAddress(name)
	if err != nil {
		c.report(errNoSymbol(e.Args[0], err))
		return nil
	}
	c.p.Consts[e] = types.Const{Int: addr, Unsigned: true}
	return types.TypeUint64
}

// uaddr is uaddr(name): a pointer to an integer of the symbol's size, to 64 bits if it has another one.
func (c *checker) uaddr(e *ast.Call) types.Type {
	name, ok := c.constText(e, 0)
	if !ok {
		return nil
	}
	b := builtin.Find(e.Name)
	if !c.p.Kind.Has(b.Probe) {
		c.report(source.Errorf(e, "builtin-not-here", "%s() is only available in %s probes", e.Name, kindList(builtin.KindsWith(b.Probe))))
		return nil
	}
	_, size, err := c.env.SymbolFrom(&c.p.Targets[0], name)
	if err != nil {
		c.report(errNoSymbol(e.Args[0], err))
		return nil
	}
	elem := types.TypeUint64
	if size == 1 || size == 2 || size == 4 {
		elem.Bits = int(8 * size)
	}
	return types.Pointer{Elem: elem, Space: types.SpaceUser}
}

func errNoSymbol(e ast.Expr, err error) source.Diagnostic {
	d := source.Errorf(e, "unknown-symbol", "%v", err)
	var missing *NotFoundError
	if errors.As(err, &missing) {
		return withNear(d, "", missing.Near)
	}
	return d
}
