package check

import (
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/ctypes"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// call checks a call. Builtin variables can be called, too: pid() is pid.
func (c *checker) call(e *ast.Call) types.Type {
	if f := c.funcs[e.Name]; f != nil {
		return c.callFunc(e, f)
	}
	b := builtin.Find(e.Name)
	if !b.There() || !b.Function || b.Keyword {
		return c.callVariable(e)
	}
	if len(e.Args) < b.Min || b.Max >= 0 && len(e.Args) > b.Max {
		d := errArgCount(e, b.Min, b.Max)
		if b.Max != 0 {
			d = d.WithHint("it is called %s(%s)", writtenName(e.Name), b.Args)
		}
		c.report(d)
		return nil
	}
	if b.Unsafe && !c.opts.Unsafe {
		c.report(errUnsafe(e))
		return nil
	}
	if !c.p.Kind.Has(b.Probe) {
		c.report(source.Errorf(e, "builtin-not-here", "%s", notInKind(e.Name+"()", b, c.p.Kind)))
		return nil
	}
	before := c.mistakes + len(c.diags)
	t := results[e.Name](c, e)
	if c.pinned() && c.mistakes+len(c.diags) == before {
		c.pinnedCall(e)
	}
	return t
}

func (c *checker) callVariable(e *ast.Call) types.Type {
	t, why, ok := c.builtinType(e.Name, c.p.Prog)
	if !ok {
		if d := c.c.Callable(e.Name); d != nil {
			return c.callDefine(e, d)
		}
	}
	switch {
	case ok && t == nil:
		c.report(source.Errorf(e, "builtin-not-here", "%s", why))
		return nil
	case ok && len(e.Args) > 0:
		c.report(errArgCount(e, 0, 0))
		return nil
	case ok:
		c.setBuiltin(e, e.Name)
		return t
	case builtin.Find(e.Name) != nil:
		c.report(errUnsupported(e, e.Name+"()"))
		return nil
	}
	c.report(errUnknownFunc(e, e.Name, c.nearest(e.Name, c.callable)))
	return nil
}

// callDefine computes a macro of C. Its arguments are constants, because it makes text of them.
func (c *checker) callDefine(e *ast.Call, d *ctypes.CDefine) types.Type {
	name := ctypes.CToken{Kind: ctypes.CWord, Text: e.Name}
	tokens := []ctypes.CToken{name, {Kind: ctypes.CPunct, Text: "("}}
	for i, arg := range e.Args {
		t := c.value(arg)
		if t == nil {
			return nil
		}
		k, ok := c.p.Consts[arg]
		if !ok {
			c.report(errNotConstant(arg, e.Name, "a constant"))
			return nil
		}
		if i > 0 {
			tokens = append(tokens, ctypes.CToken{Kind: ctypes.CPunct, Text: ","})
		}
		k.Unsigned = !types.AsInt(t).Signed
		tokens = append(tokens, ctypes.ConstTokens(k)...)
	}
	tokens, err := c.c.Expand(append(tokens, ctypes.CToken{Kind: ctypes.CPunct, Text: ")"}))
	if err != nil {
		return c.defined(e, types.Const{}, err)
	}
	k, err := c.c.ConstantTokens(name, tokens)
	return c.defined(e, k, err)
}

// constNumber is the value of an argument that must be a constant integer.
func (c *checker) constNumber(e *ast.Call, i int) (n int64, ok bool) {
	t := c.value(e.Args[i])
	if t == nil {
		return 0, false
	}
	k, ok := c.constInt(e.Args[i])
	if !ok || !types.Is(t, types.KindInt) {
		c.reportNumber(errNotConstant(e.Args[i], e.Name, "an integer"), e.Args[i])
		return 0, false
	}
	if !integer(k, t).IsInt64() {
		c.report(source.Errorf(e.Args[i], "out-of-range", "%d is too large here", k.Int))
		return 0, false
	}
	return int64(k.Int), true
}

// constText is the value of an argument that must be a constant string.
func (c *checker) constText(e *ast.Call, i int) (s string, ok bool) {
	t := c.value(e.Args[i])
	if t == nil {
		return "", false
	}
	k := c.p.Consts[e.Args[i]]
	if k.Str == nil {
		c.report(errNotConstant(e.Args[i], e.Name, "a string"))
		return "", false
	}
	return *k.Str, true
}

func (c *checker) exit(e *ast.Call) types.Type {
	if len(e.Args) > 0 {
		c.integer(e.Args[0])
	}
	return types.None{}
}

// maxStr is the largest buffer of str(), in bytes, the NUL included.
func (c *checker) maxStr() int { return c.out.Config.MaxStrlen }

// str reads a string at an address. The type is as short as a constant length allows.
func (c *checker) str(e *ast.Call) types.Type {
	size, sized := c.maxStr(), true
	if len(e.Args) > 1 {
		size, sized = c.strLength(e)
	}
	if p, skip := paramOf(e.Args[0]); p != nil && p.N > 0 {
		if !sized {
			return nil
		}
		return c.strParam(e, p, skip, c.textLength(e, size))
	}
	t := c.value(e.Args[0])
	if t == nil || !sized {
		return nil
	}
	switch t := t.(type) {
	case types.Pointer, types.Int:
		return types.String{Len: size}
	case types.String:
		if k := c.p.Consts[e.Args[0]]; k.Str != nil {
			return c.cutText(e, *k.Str, c.textLength(e, size))
		}
		return types.String{Len: min(size, t.Len)}
	case types.Array:
		if t.Elem.Size() == 1 {
			if t.Len > 0 {
				size = min(size, t.Len+1)
			}
			return types.String{Len: size}
		}
	}
	c.report(errArgType(e.Args[0], "str", "an address", t))
	return nil
}

// macaddr takes an array of six bytes, or the address of one.
func (c *checker) macaddr(e *ast.Call) types.Type {
	t := c.value(e.Args[0])
	switch t := t.(type) {
	case nil:
		return nil
	case types.Pointer, types.Int:
		return types.MAC{}
	case types.String: // an array of characters, which has a NUL behind it then
		if _, constant := c.p.Consts[e.Args[0]]; !constant && t.Len == macLen+1 {
			return types.MAC{}
		}
	case types.Array:
		if t.Elem.Size() == 1 && t.Len == macLen {
			return types.MAC{}
		}
	}
	c.report(errArgType(e.Args[0], e.Name, "an array of six bytes or its address", t))
	return nil
}

// macLen is ETH_ALEN (include/uapi/linux/if_ether.h).
const macLen = 6

// strLength is the size of the buffer, the NUL included, that the second argument of str() asks for.
func (c *checker) strLength(e *ast.Call) (size int, ok bool) {
	if c.integer(e.Args[1]) == nil {
		return 0, false
	}
	size = c.maxStr()
	k, isConst := c.constInt(e.Args[1])
	if !isConst {
		return size, true
	}
	if int64(k.Int) < 0 {
		c.report(source.Errorf(e.Args[1], "out-of-range", "a length is not negative"))
		return 0, false
	}
	return int(max(1, min(k.Int, uint64(size)))), true
}

// textLength is how many characters str() takes of a text that is known: as many as its second argument says, of which size is the
// buffer for a text that is read.
func (c *checker) textLength(e *ast.Call, size int) int {
	if len(e.Args) > 1 {
		if k, ok := c.constInt(e.Args[1]); ok {
			return int(min(k.Int, uint64(c.maxStr()-1)))
		}
	}
	return size - 1
}

// paramOf is the positional parameter in $1, $1 + n and n + $1, and that n; nil for other expressions.
func paramOf(e ast.Expr) (p *ast.Param, skip ast.Expr) {
	b, ok := e.(*ast.Binary)
	if !ok || b.Op != "+" {
		p, _ = e.(*ast.Param)
		return p, nil
	}
	if p, ok := b.X.(*ast.Param); ok {
		return p, b.Y
	}
	if p, ok := b.Y.(*ast.Param); ok {
		if n, ok := b.X.(*ast.IntLit); ok {
			return p, n
		}
	}
	return nil, nil
}

// strParam is str($1), the text of the parameter, or str($1 + n), the text after n characters, which may be none.
func (c *checker) strParam(e *ast.Call, p *ast.Param, skip ast.Expr, length int) types.Type {
	text := c.paramText(p)
	c.p.Types[p] = c.strConst(p, text)
	if skip != nil {
		if c.integer(skip) == nil {
			return nil
		}
		k, isConst := c.constInt(skip)
		if !isConst || int64(k.Int) < 0 {
			c.report(source.Errorf(skip, "out-of-range", "how many characters of a parameter are left out is a constant, and not negative"))
			return nil
		}
		text = text[min(k.Int, uint64(len(text))):]
		c.p.Types[e.Args[0]] = c.strConst(e.Args[0], text)
	}
	return c.cutText(e, text, length)
}

// cutText is what str() gives of a text that is known: as many characters as it takes. That it cuts is told. How many these are may be known
// only when the script runs.
func (c *checker) cutText(e *ast.Call, text string, most int) types.Type {
	delete(c.p.Consts, e)
	if len(e.Args) > 1 {
		if _, ok := c.constInt(e.Args[1]); !ok {
			return types.String{Len: min(len(text)+1, c.maxStr())}
		}
	}
	if len(text) <= most {
		return c.strConst(e, text)
	}
	c.report(WarnCutText(e, text, most, most == c.maxStr()-1))
	return c.strConst(e, text[:most])
}

// notNumber is the mistake of a parameter that is a text where a number is needed; ok is false if e is none.
func (c *checker) notNumber(e ast.Expr) (d source.Diagnostic, ok bool) {
	p, isParam := e.(*ast.Param)
	if !isParam || c.p.Consts[e].Str == nil {
		return source.Diagnostic{}, false
	}
	return source.Errorf(e, "bad-parameter", "$%d is %q, which is not a number", p.N, c.paramText(p)).WithHint("str($%d) takes it as text", p.N), true
}

// reportNumber reports what is wrong with the use of a value as a number: that it is a parameter which is none, or else d.
func (c *checker) reportNumber(d source.Diagnostic, operands ...ast.Expr) {
	for _, e := range operands {
		if own, ok := c.notNumber(e); ok {
			d = own
		}
	}
	c.report(d)
}

func (c *checker) nsecs(e *ast.Call) types.Type {
	if len(e.Args) == 0 {
		return types.TypeUint64
	}
	if id, ok := e.Args[0].(*ast.Ident); ok {
		if builtin.FindClock(id.Name) != nil {
			return types.TypeUint64
		}
		c.report(errUnknownClock(id))
		return nil
	}
	if t := c.value(e.Args[0]); t != nil {
		c.report(errArgType(e.Args[0], "nsecs", "the name of a clock", t))
	}
	return nil
}

func (c *checker) time(e *ast.Call) types.Type {
	if len(e.Args) > 0 {
		c.constText(e, 0)
	}
	return types.None{}
}

func (c *checker) strftime(e *ast.Call) types.Type {
	format, ok := c.constText(e, 0)
	t := c.integer(e.Args[1])
	if !ok || t == nil {
		return nil
	}
	if !types.Is(types.Value(t), types.KindInt) {
		c.report(errArgType(e.Args[1], "strftime", "a time in nanoseconds", t))
		return nil
	}
	if k, isConst := c.constInt(e.Args[1]); isConst && integer(k, t).Sign() < 0 {
		c.report(source.Errorf(e.Args[1], "out-of-range", "a time is not negative"))
		return nil
	}
	return types.Timestamp{Format: format, Mode: clockOf(e.Args[1])}
}

// clockOf is the clock whose time an expression is, as far as the text tells: nsecs(mode).
func clockOf(e ast.Expr) string {
	mode := ""
	ast.Inspect(e, func(n source.Node) bool {
		if call, ok := n.(*ast.Call); ok && call.Name == "nsecs" && len(call.Args) == 1 {
			if id, ok := call.Args[0].(*ast.Ident); ok {
				mode = id.Name
			}
		}
		return true
	})
	if mode == builtin.Clocks[0].Name {
		return ""
	}
	return mode
}
