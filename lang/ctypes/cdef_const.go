package ctypes

import (
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang/literal"
	"github.com/gotrace/gotrace/lang/types"
)

// constant is the value of an integer constant expression of C, macros replaced.
func (c *Types) constant(tokens []CToken, mode cMode) (int64, error) {
	v, err := c.constantValue(tokens, mode)
	return int64(v.n), err
}

func (c *Types) constantValue(tokens []CToken, mode cMode) (cValue, error) {
	p := &cParser{Types: c, tokens: tokens, mode: mode}
	v, err := p.condExpr()
	if err == nil && p.peek().Kind != cEnd {
		err = CErrorf(p.peek(), "a constant ends before %s", p.peek())
	}
	return v, err
}

// cPrecedence are the binary operators of constant expressions, the higher the tighter.
var cPrecedence = map[string]int{
	"||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, ">": 7, "<=": 7, ">=": 7,
	"<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10,
}

// condExpr reads `a ? b : c` or less.
func (p *cParser) condExpr() (cValue, error) {
	if p.depth++; p.depth > cMaxDepth {
		return cValue{}, CErrorf(p.peek(), "this nests too deep")
	}
	defer func() { p.depth-- }()
	x, err := p.constExpr(0)
	if err != nil || !p.accept("?") {
		return x, err
	}
	holds := x.n != 0
	y := x
	if !p.peek().is(":") { // GNU C: a ?: b
		if y, err = p.idle(!holds, p.condExpr); err != nil {
			return y, err
		}
	}
	if err := p.expect(":"); err != nil {
		return y, err
	}
	z, err := p.idle(holds, p.condExpr)
	if err != nil {
		return z, err
	}
	y, z = common(y, z)
	if holds {
		return y, nil
	}
	return z, nil
}

// idle reads an operand. If it decides nothing, a division by zero in it is no mistake.
func (p *cParser) idle(decided bool, read func() (cValue, error)) (cValue, error) {
	if decided {
		p.unused++
		defer func() { p.unused-- }()
	}
	return read()
}

// constExpr reads operators of more than a precedence.
func (p *cParser) constExpr(least int) (cValue, error) {
	x, err := p.constUnary()
	if err != nil {
		return x, err
	}
	for {
		op := p.peek()
		prec := cPrecedence[op.Text]
		if op.Kind != CPunct || prec == 0 || prec <= least {
			return x, nil
		}
		p.next()
		decided := op.Text == "||" && x.n != 0 || op.Text == "&&" && x.n == 0
		y, err := p.idle(decided, func() (cValue, error) { return p.constExpr(prec) })
		if err != nil {
			return x, err
		}
		if (op.Text == "/" || op.Text == "%") && y.n == 0 && p.unused > 0 {
			continue
		}
		if x, err = cBinary(op, x, y, p.mode); err != nil {
			return x, err
		}
	}
}

// cMaxDepth bounds how deep C definitions nest.
const cMaxDepth = 200

func (p *cParser) constUnary() (cValue, error) {
	if p.depth++; p.depth > cMaxDepth {
		return cValue{}, CErrorf(p.peek(), "this nests too deep")
	}
	defer func() { p.depth-- }()
	t := p.next()
	switch {
	case t.Kind == cNumber:
		v, err := cInteger(t)
		if p.mode == cInIf { // a number that fits 64 bits with a sign has one, however it is written
			v.unsigned = strings.ContainsAny(t.Text, "uU") || int64(v.n) < 0
		}
		return p.wide(v), err
	case t.Kind == cChar:
		v, err := cCharacter(t)
		return p.wide(v), err
	case t.Kind == CWord:
		return p.constName(t)
	case t.is("("):
		if p.mode != cInIf && p.beginsType() {
			return p.constCast()
		}
		v, err := p.condExpr()
		if err == nil {
			err = p.expect(")")
		}
		return v, err
	case t.is("-"), t.is("+"), t.is("~"), t.is("!"):
		v, err := p.constUnary()
		switch t.Text {
		case "-":
			v.n = -v.n
		case "~":
			v.n = ^v.n
		case "!":
			v = p.mode.integer(types.Truth(v.n == 0))
		}
		return v.cut(), err
	}
	return cValue{}, CErrorf(t, "%s is no constant", t)
}

// wide makes 64 bits of a number where the rules ask for that.
func (p *cParser) wide(v cValue) cValue {
	switch p.mode {
	case cInIf:
		v.bits = 64
	case cWide: // only what C has in 64 bits without a sign stays so
		v.bits, v.unsigned = 64, v.unsigned && v.bits == 64
	}
	return v
}

// constName is the value of a name: an enumeration constant, sizeof and its like.
func (p *cParser) constName(t CToken) (cValue, error) {
	if p.mode == cInIf {
		if p.peek().is("(") {
			return cValue{}, CErrorf(t, "there is no macro %s for this #if", t.Text)
		}
		return cInt64(0), nil
	}
	switch t.Text {
	case "sizeof", "_Alignof", "__alignof__", "alignof", "__alignof":
		return p.sizeofExpr(t)
	case "offsetof", "__builtin_offsetof":
		return p.offsetofExpr(t)
	case "__extension__":
		return p.constUnary()
	}
	if typ, n, ok := p.ConstNamed(t.Text); ok {
		v := cValue{n: uint64(n), bits: 32}
		if typ.Bits == 64 || n > 1<<31-1 || n < -1<<31 {
			v.bits, v.unsigned = 64, !typ.Signed
			if n >= 0 && n <= 1<<32-1 && typ.Bits == 32 {
				v.bits = 32
			}
		}
		return p.wide(v), nil
	}
	err := &Error{At: t, text: t.String() + " is no constant"}
	return cValue{}, err
}

// ConstNamed is a constant that is no macro: of an enum, or of the machine.
func (c *Types) ConstNamed(name string) (types.Int, int64, bool) {
	if k, ok := c.consts[name]; ok {
		return k.typ, k.value, true
	}
	if c.EnumConst != nil {
		if t, n, ok := c.EnumConst(name); ok {
			return t, n, true
		}
	}
	if k, ok := numberLimits[name]; ok { // the table has some of them without their sign
		return types.Int{Bits: 64, Signed: !k.Unsigned}, int64(k.Int), true
	}
	if n, ok := c.tableConst(name); ok {
		return types.TypeInt64, n, true
	}
	if c.System != nil {
		return c.System.constant(name)
	}
	return types.Int{}, 0, false
}

// constCast reads a cast, after its parenthesis.
func (p *cParser) constCast() (cValue, error) {
	at := p.peek()
	t, err := p.typeName()
	if err == nil {
		err = p.expect(")")
	}
	if err != nil {
		return cValue{}, err
	}
	v, err := p.constUnary()
	if err != nil {
		return v, err
	}
	switch t := t.Type.(type) {
	case types.Int:
		if p.mode == cWide {
			v.n, v.unsigned = types.CutTo(v.n, t), t.Bits == 64 && !t.Signed
			return v, nil
		}
		return v.convert(t), nil
	case types.Bool:
		return p.mode.integer(types.Truth(v.n != 0)), nil
	case types.Pointer:
		return cValue{n: v.n, bits: 64, unsigned: p.mode == cPlain}, nil
	}
	return v, CErrorf(at, "a constant cannot be a %s", t.Type)
}

// sizeofExpr reads what follows sizeof or _Alignof.
func (p *cParser) sizeofExpr(word CToken) (cValue, error) {
	size := cValue{bits: 64, unsigned: p.mode == cPlain}
	if p.peek().is("(") {
		at := p.next()
		if p.beginsType() {
			t, err := p.typeName()
			if err == nil {
				err = p.expect(")")
			}
			if t = p.borrow(at, t); err == nil {
				err = p.sized(at, t)
			}
			size.n = uint64(t.size())
			if word.Text != "sizeof" {
				size.n = uint64(t.align)
			}
			return size, err
		}
		p.at--
	}
	v, err := p.idle(true, p.constUnary)
	size.n = uint64(v.size())
	return size, err
}

// offsetofExpr reads what follows offsetof.
func (p *cParser) offsetofExpr(word CToken) (cValue, error) {
	if err := p.expect("("); err != nil {
		return cValue{}, err
	}
	t, err := p.typeName()
	if t = p.borrow(word, t); err == nil {
		err = p.sized(word, t)
	}
	if err == nil {
		err = p.expect(",")
	}
	typ, off := t.Type, 0
	for err == nil {
		name := p.next()
		s, ok := typ.(*types.Struct)
		if !ok {
			return cValue{}, CErrorf(name, "a %s has no members", typ)
		}
		f, ok := p.fieldOf(s, name.Text)
		if !ok {
			return cValue{}, CErrorf(name, "%s has no member %s", s, name.Text)
		}
		typ, off = f.Type, off+f.Offset
		if !p.accept(".") {
			err = p.expect(")")
			break
		}
	}
	return cValue{n: uint64(off), bits: 64, unsigned: p.mode == cPlain}, err
}

// fieldOf finds a member while definitions are read.
func (c *Types) fieldOf(s *types.Struct, name string) (types.Field, bool) {
	for _, f := range c.fieldsOf(s) {
		if f.Name == name {
			return f, true
		}
		if inner, ok := f.Type.(*types.Struct); ok && f.Name == "" {
			if g, ok := c.fieldOf(inner, name); ok {
				g.Offset += f.Offset
				return g, true
			}
		}
	}
	return types.Field{}, false
}

// ConstTokens is a constant as C writes it.
func ConstTokens(k types.Const) []CToken {
	if k.Str != nil {
		return []CToken{{Kind: cString, Text: literal.Quote(*k.Str)}}
	}
	if n := int64(k.Int); n < 0 && !k.Unsigned {
		return []CToken{{Kind: CPunct, Text: "-"}, {Kind: cNumber, Text: strconv.FormatUint(-k.Int, 10)}}
	}
	return []CToken{{Kind: cNumber, Text: strconv.FormatUint(k.Int, 10)}}
}
