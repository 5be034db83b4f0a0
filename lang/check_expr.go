package lang

import "strings"

// expr finds the type of an expression and notes it. nil means that it is not known yet or, in the last
// round, that a mistake is already reported.
func (c *checker) expr(e Expr) Type {
	t := c.exprType(e)
	if t == nil {
		delete(c.p.Types, e)
		return nil
	}
	c.p.Types[e] = t
	return t
}

func (c *checker) exprType(e Expr) Type {
	switch e := e.(type) {
	case *IntLit:
		return c.intConst(e, e.Value)
	case *StrLit:
		return c.strConst(e, e.Value)
	case *BoolLit:
		c.p.Consts[e] = Const{Int: truth(e.Value)}
		return Bool{}
	case *Param:
		return c.param(e)
	case *Ident:
		return c.ident(e)
	case *Var:
		return c.variable(e)
	case *MapRef:
		return c.mapRef(e)
	case *Unary:
		return c.unary(e)
	case *IncDec:
		return c.incDec(e)
	case *Binary:
		return c.binary(e)
	case *Ternary:
		return c.ternary(e)
	case *Cast:
		return c.cast(e)
	case *FieldExpr:
		return c.field(e)
	case *TupleIndex:
		return c.tupleIndex(e)
	case *Index:
		return c.index(e)
	case *Call:
		return c.call(e)
	case *TupleExpr:
		return c.tuple(e)
	case *Sizeof:
		return c.sizeof(e)
	case *Offsetof:
		return c.offsetof(e)
	case *BlockExpr:
		return c.blockExpr(e)
	case *Comptime:
		t := c.expr(e.X)
		if k, ok := c.p.Consts[e.X]; ok {
			c.p.Consts[e] = k
		} else if t != nil {
			c.report(Errorf(e, "not-constant", "this is not known at compile time"))
			return nil
		}
		return t
	case *RecordExpr:
		c.report(errUnsupported(e, "a record"))
	case *TypeExpr:
		c.report(errUnsupported(e, "a type as a value"))
	case *Typeinfo:
		c.report(errUnsupported(e, "typeinfo"))
	}
	return nil
}

func truth(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// intConst is the type of a constant: int64, or uint64 if it is too large for that.
func (c *checker) intConst(e Expr, n uint64) Type {
	c.p.Consts[e] = Const{Int: n}
	if n > 1<<63-1 {
		return typeUint64
	}
	return typeInt64
}

func (c *checker) strConst(e Expr, s string) Type {
	c.p.Consts[e] = Const{Str: &s}
	return String{Len: len(s) + 1}
}

// param is $1 or $#: a number if it is written as one, else a string.
func (c *checker) param(e *Param) Type {
	if e.N == 0 {
		return c.intConst(e, uint64(len(c.opts.Params)))
	}
	text := ""
	if e.N <= len(c.opts.Params) {
		text = c.opts.Params[e.N-1]
	}
	if text == "" && e.N > len(c.opts.Params) {
		return c.intConst(e, 0)
	}
	if n, neg, ok := parseParam(text); ok {
		if neg {
			c.p.Consts[e] = Const{Int: -n}
			return typeInt64
		}
		return c.intConst(e, n)
	}
	return c.strConst(e, text)
}

// paramText is the text of a positional parameter, for str($1).
func (c *checker) paramText(e *Param) string {
	if e.N >= 1 && e.N <= len(c.opts.Params) {
		return c.opts.Params[e.N-1]
	}
	return ""
}

func (c *checker) ident(e *Ident) Type {
	if t, why, ok := c.builtinType(e.Name, c.p.Prog); ok {
		if t == nil {
			c.report(Errorf(e, "builtin-not-here", "%s", why))
			return nil
		}
		if b := builtins[e.Name]; b != nil && b.value != nil {
			c.p.Consts[e] = b.value(c, c.p.Prog)
		}
		return t
	}
	if k, ok, err := c.c.defined(e.Name); ok {
		return c.defined(e, k, err)
	}
	if t, n, ok := c.constOf(e.Name); ok {
		c.p.Consts[e] = Const{Int: uint64(n)}
		return t
	}
	if f := functions[e.Name]; f != nil {
		c.report(Errorf(e, "unknown-name", "%s is a function: write %s()", e.Name, e.Name))
		return nil
	}
	if otherBuiltins[e.Name] {
		c.report(errUnsupported(e, e.Name))
		return nil
	}
	c.report(errUnknownIdent(e, e.Name, Nearest(e.Name, sorted(builtinNames()))))
	return nil
}

// defined is a name that a #define gives a constant.
func (c *checker) defined(e *Ident, k Const, err error) Type {
	switch {
	case err != nil:
		c.report(Errorf(e, "c-definition", "%v", err))
		return nil
	case k.Str != nil:
		return c.strConst(e, *k.Str)
	}
	c.p.Consts[e] = k
	return typeInt64
}

func (c *checker) variable(e *Var) Type {
	v := c.find(e.Name)
	if v == nil || !v.seen {
		c.undefined(e)
		return nil
	}
	c.mention(v, e)
	return v.Type
}

func (c *checker) unary(e *Unary) Type {
	t := c.value(e.X)
	if t == nil {
		return nil
	}
	switch e.Op {
	case "!":
		if !isNumeric(t) {
			c.report(Errorf(e, "bad-operands", "! can not be applied to a %s", t))
			return nil
		}
		t = Bool{}
	case "*":
		return c.derefType(e, t)
	case "&":
		return c.addressOf(e, t)
	default:
		if !isInteger(t) {
			c.report(Errorf(e, "bad-operands", "%s can not be applied to a %s", e.Op, t))
			return nil
		}
		i := asInt(t)
		if e.Op == "-" && (isLiteral(e.X) || !i.Signed) {
			i = typeInt64
		}
		if _, isBool := t.(Bool); isBool {
			i = typeInt64
		}
		t = i
	}
	c.foldUnary(e, t)
	return t
}

func (c *checker) derefType(e *Unary, t Type) Type {
	switch t := t.(type) {
	case Pointer:
		if _, void := t.Elem.(Void); void {
			c.report(Errorf(e, "bad-operands", "what a void pointer points to has no type: cast it first"))
			return nil
		}
		return fieldValue(t.Elem)
	case Int:
		return Int{Bits: 64} // an address: the word there
	}
	c.report(Errorf(e, "bad-operands", "* can not be applied to a %s", t))
	return nil
}

func (c *checker) addressOf(e *Unary, t Type) Type {
	switch e.X.(type) {
	case *FieldExpr, *Index:
		if inKernelMemory(t) {
			return Pointer{Elem: t}
		}
	}
	c.report(errUnsupported(e, "the address of this"))
	return nil
}

// inKernelMemory says whether values of a type are not copied when they are mentioned.
func inKernelMemory(t Type) bool {
	switch t.(type) {
	case *Struct, Array, String:
		return true
	}
	return false
}

func (c *checker) incDec(e *IncDec) Type {
	switch target := e.Target.(type) {
	case *Var:
		v := c.find(target.Name)
		if v == nil || !v.seen {
			c.undefined(target)
			return nil
		}
		c.mention(v, target)
		c.grow(v, counted(e, v.Type))
		return c.countable(e, v.Type)
	case *MapRef:
		m := c.mapUse(target)
		m.assigned = true
		ok := c.keyOf(m, target, target.Keys)
		if m.Value == nil {
			m.Value, m.valuePos, c.changed = typeInt64, e.Pos, true
		}
		c.growMap(m, counted(e, m.Value))
		if !ok {
			return nil
		}
		return c.countable(e, m.Value)
	}
	c.report(Errorf(e, "bad-operands", "%s takes a variable or a map", e.Op))
	return nil
}

func (c *checker) countable(e *IncDec, t Type) Type {
	switch t.(type) {
	case Int, Pointer:
		return t
	case nil:
		return nil
	}
	c.report(Errorf(e, "bad-operands", "%s can not be applied to a %s", e.Op, t))
	return nil
}

func (c *checker) binary(e *Binary) Type {
	x, y := c.value(e.X), c.value(e.Y)
	if x == nil || y == nil {
		return nil
	}
	c.adapt(e.X, y)
	c.adapt(e.Y, x)
	var t Type
	switch e.Op {
	case "&&", "||":
		if !isNumeric(x) || !isNumeric(y) {
			c.report(errOperands(e, x, y))
			return nil
		}
		t = Bool{}
	case "==", "!=", "<", "<=", ">", ">=":
		if !comparable(e.Op, x, y) {
			c.report(errOperands(e, x, y))
			return nil
		}
		t = Bool{}
	default:
		if t = c.arithType(e, x, y); t == nil {
			return nil
		}
	}
	c.foldBinary(e, t)
	return t
}

// comparable says whether two values can be compared.
func comparable(op string, x, y Type) bool {
	if isNumeric(x) && isNumeric(y) {
		return true
	}
	if op != "==" && op != "!=" {
		return false
	}
	_, ok := widen(x, y)
	return ok
}

// arithType is the type in which an operation is done, and that of its result, as in bpftrace: 64 bits, signed if an operand is, except that
//
//   - a constant as written in the script takes the sign of the other operand, unless it is negative;
//   - a difference is signed;
//   - a shift has the sign of what is shifted.
func (c *checker) arithType(e *Binary, x, y Type) Type {
	px, isPX := x.(Pointer)
	py, isPY := y.(Pointer)
	switch {
	case isPX && isPY && e.Op == "-":
		return typeInt64
	case isPX && isInteger(y) && (e.Op == "+" || e.Op == "-"):
		return px
	case isPY && isInteger(x) && e.Op == "+":
		return py
	case !isInteger(x) && !isPX || !isInteger(y) && !isPY:
		c.report(errOperands(e, x, y))
		return nil
	case (e.Op == "/" || e.Op == "%") && c.isZero(e.Y):
		c.report(errDivisionByZero(e.Y))
		return nil
	}
	return arithResult(e.Op, c.signs(e.X, x), c.signs(e.Y, y))
}

// arithResult is the type of an operation on numbers of these signs.
func arithResult(op string, x, y sign) Type {
	switch {
	case op == "-":
		return typeInt64
	case op == "<<" || op == ">>":
		return Int{Bits: 64, Signed: x != signUnsigned}
	case x == signFlexible && y == signFlexible:
		return typeInt64
	}
	return Int{Bits: 64, Signed: x == signSigned || y == signSigned}
}

// signOf is the sign of a value that is no constant.
func signOf(t Type) sign {
	if asInt(t).Signed {
		return signSigned
	}
	return signUnsigned
}

// sign says what an operand asks of the type of an operation.
type sign uint8

const (
	signUnsigned sign = iota
	signSigned
	signFlexible // a constant of either sign
)

func (c *checker) signs(e Expr, t Type) sign {
	switch i := asInt(t); {
	case !i.Signed:
		return signUnsigned
	case isLiteral(e):
		if k, ok := c.constInt(e); ok && int64(k.Int) >= 0 {
			return signFlexible
		}
	}
	return signSigned
}

func (c *checker) isZero(e Expr) bool {
	k, ok := c.constInt(e)
	return ok && k.Int == 0
}

func (c *checker) ternary(e *Ternary) Type {
	c.condition(e.Cond)
	x := c.p.Types[e.Cond]
	if e.X != e.Cond { // a ?: b has one expression for both, checked once
		x = c.expr(e.X)
	}
	y := c.expr(e.Y)
	if x == nil || y == nil {
		return nil
	}
	_, nx := x.(None)
	_, ny := y.(None)
	if nx && ny {
		return None{}
	}
	x, y = plainValue(x), plainValue(y)
	t, ok := widen(x, y)
	if !ok || nx || ny {
		c.report(Errorf(e, "type-mismatch", "the two sides of ?: are a %s and a %s", x, y))
		return nil
	}
	switch {
	case isLiteral(e.X) && intFitsConst(c, y, e.X):
		t = y
	case isLiteral(e.Y) && intFitsConst(c, x, e.Y):
		t = x
	}
	c.foldTernary(e)
	return t
}

func intFitsConst(c *checker, t Type, e Expr) bool {
	k, _ := c.constInt(e)
	return intFits(t, k.Int)
}

// plainValue is an aggregation as a number.
func plainValue(t Type) Type {
	if a, ok := t.(Agg); ok {
		return Int{Bits: 64, Signed: a.Signed}
	}
	return t
}

func (c *checker) cast(e *Cast) Type {
	from := c.value(e.X)
	to := c.typeName(e.Type)
	if from == nil || to == nil {
		return nil
	}
	if p, ok := to.(Pointer); ok && p.Space == SpaceNone {
		// The address space of the value stays.
		if fp, ok := from.(Pointer); ok {
			p.Space = fp.Space
		}
		to = p
	}
	if !castable(from, to) {
		c.report(Errorf(e, "bad-cast", "a %s can not be cast to %s", from, to))
		return nil
	}
	if a, ok := to.(Array); ok && a.Len == 0 && a.Elem.Size() > 0 {
		to = Array{Elem: a.Elem, Len: from.Size() / a.Elem.Size()}
	}
	c.foldCast(e, to)
	return to
}

func castable(from, to Type) bool {
	switch to.(type) {
	case Int, Bool, Pointer:
		if isNumeric(from) {
			return true
		}
		_, isInt := to.(Int)
		_, isPtr := to.(Pointer)
		switch from.(type) {
		case Array, String:
			return isPtr || isInt && from.Size() <= 8
		}
		return false
	case Array, String:
		switch from.(type) {
		case Array, String, Int, Bool:
			return true
		}
	case *Struct:
		_, ok := from.(*Struct)
		return ok
	}
	return false
}

// fieldValue is the type a field has as a value: arrays of characters are strings.
func fieldValue(t Type) Type {
	if a, ok := t.(Array); ok && a.Len > 0 {
		if i, ok := a.Elem.(Int); ok && i.Bits == 8 && i.Signed && i.Enum == nil {
			return String{Len: a.Len}
		}
	}
	return t
}

func (c *checker) field(e *FieldExpr) Type {
	t := c.value(e.X)
	if t == nil {
		return nil
	}
	s, space := structBehind(t)
	if s == nil {
		c.report(Errorf(e, "no-field", "a %s has no fields", t).WithHint("cast it: ((struct NAME *)…)->%s", e.Name))
		return nil
	}
	f, ok := s.Field(e.Name)
	if !ok {
		var names []string
		for _, f := range s.Fields() {
			if f.Name != "" {
				names = append(names, f.Name)
			}
		}
		what := s.String()
		if s == c.p.Args {
			what = c.p.Targets[0].Name
		}
		c.report(withNear(Errorf(e, "unknown-field", "%s has no field %s", what, e.Name), "", Nearest(e.Name, names)))
		return nil
	}
	ft := fieldValue(f.Type)
	if p, ok := ft.(Pointer); ok && p.Space == SpaceNone && (space == SpaceKernel || space == SpaceUser) {
		p.Space = space
		return p
	}
	return ft
}

// structBehind is the struct that a value is or points to.
func structBehind(t Type) (*Struct, AddrSpace) {
	switch t := t.(type) {
	case *Struct:
		return t, SpaceNone
	case Pointer:
		if s, ok := t.Elem.(*Struct); ok {
			return s, t.Space
		}
	}
	return nil, SpaceNone
}

func (c *checker) tupleIndex(e *TupleIndex) Type {
	t := c.value(e.X)
	if t == nil {
		return nil
	}
	tt, ok := t.(Tuple)
	switch {
	case !ok:
		c.report(Errorf(e, "not-tuple", "a %s has no elements by number", t))
		return nil
	case e.N < 0 || e.N >= len(tt.Elems):
		c.report(Errorf(e, "out-of-range", "the tuple has %d elements, the last is .%d", len(tt.Elems), len(tt.Elems)-1))
		return nil
	}
	return tt.Elems[e.N]
}

func (c *checker) index(e *Index) Type {
	t := c.value(e.X)
	it := c.integer(e.I)
	if t == nil || it == nil {
		return nil
	}
	k, isConst := c.constInt(e.I)
	var elem Type
	switch t := t.(type) {
	case Array:
		elem = t.Elem
		if isConst && t.Len > 0 && (int64(k.Int) < 0 || k.Int >= uint64(t.Len)) {
			c.report(Errorf(e.I, "out-of-range", "index %d is out of an array of %d", int64(k.Int), t.Len))
			return nil
		}
	case String:
		elem = Int{Bits: 8, Signed: true}
		if isConst && (int64(k.Int) < 0 || k.Int >= uint64(t.Len)) {
			c.report(Errorf(e.I, "out-of-range", "index %d is out of a string of %d bytes", int64(k.Int), t.Len))
			return nil
		}
	case Pointer:
		elem = t.Elem
		if _, void := elem.(Void); void {
			c.report(Errorf(e, "bad-operands", "what a void pointer points to has no type: cast it first"))
			return nil
		}
	default:
		c.report(Errorf(e, "bad-operands", "a %s can not be indexed", t))
		return nil
	}
	return fieldValue(elem)
}

func (c *checker) tuple(e *TupleExpr) Type {
	t := Tuple{Elems: make([]Type, len(e.Elems))}
	known := true
	for i, x := range e.Elems {
		t.Elems[i] = plainValue(c.value(x))
		known = known && t.Elems[i] != nil
	}
	if !known {
		return nil
	}
	if len(t.Elems) == 0 {
		c.report(Errorf(e, "empty-tuple", "a tuple has at least one element"))
		return nil
	}
	return t
}

func (c *checker) blockExpr(e *BlockExpr) Type {
	c.scope = newScope(c.scope)
	defer func() { c.scope = c.scope.outer }()
	stmts := e.Body.Stmts
	for i, s := range stmts {
		x, ok := s.(*ExprStmt)
		if ok && i == len(stmts)-1 && x.NoSemi {
			return c.expr(x.X)
		}
		c.stmt(s)
	}
	return None{}
}

func (c *checker) sizeof(e *Sizeof) Type {
	var t Type
	if e.Type != nil {
		t = c.typeName(e.Type)
	} else {
		t = c.value(e.X)
	}
	if t == nil {
		return nil
	}
	c.p.Consts[e] = Const{Int: uint64(t.Size())}
	return typeUint64
}

func (c *checker) offsetof(e *Offsetof) Type {
	var t Type
	if e.Type != nil {
		t = c.typeName(e.Type)
	} else {
		t = c.value(e.X)
	}
	if t == nil {
		return nil
	}
	off := 0
	for _, name := range e.Fields {
		s, ok := t.(*Struct)
		if !ok {
			c.report(Errorf(e, "no-field", "a %s has no fields", t))
			return nil
		}
		f, ok := s.Field(name)
		if !ok {
			c.report(Errorf(e, "unknown-field", "%s has no field %s", s, name))
			return nil
		}
		off += f.Offset
		t = f.Type
	}
	c.p.Consts[e] = Const{Int: uint64(off)}
	return typeUint64
}

// baseTypes are the integer types by name, C's and bpftrace's.
var baseTypes = map[string]Type{
	"uint8": typeUint8, "uint16": Int{Bits: 16}, "uint32": typeUint32, "uint64": typeUint64,
	"int8": Int{Bits: 8, Signed: true}, "int16": Int{Bits: 16, Signed: true}, "int32": Int{Bits: 32, Signed: true}, "int64": typeInt64,
	"uint8_t": typeUint8, "uint16_t": Int{Bits: 16}, "uint32_t": typeUint32, "uint64_t": typeUint64,
	"int8_t": Int{Bits: 8, Signed: true}, "int16_t": Int{Bits: 16, Signed: true}, "int32_t": Int{Bits: 32, Signed: true}, "int64_t": typeInt64,
	"u8": typeUint8, "u16": Int{Bits: 16}, "u32": typeUint32, "u64": typeUint64,
	"s8": Int{Bits: 8, Signed: true}, "s16": Int{Bits: 16, Signed: true}, "s32": Int{Bits: 32, Signed: true}, "s64": typeInt64,
	"bool": Bool{}, "_Bool": Bool{}, "void": Void{},
	"char": Int{Bits: 8, Signed: true}, "signed char": Int{Bits: 8, Signed: true}, "unsigned char": typeUint8,
	"short": Int{Bits: 16, Signed: true}, "unsigned short": Int{Bits: 16},
	"int": Int{Bits: 32, Signed: true}, "unsigned int": typeUint32, "unsigned": typeUint32,
	"long": typeInt64, "unsigned long": typeUint64, "long long": typeInt64, "unsigned long long": typeUint64,
	"size_t": typeUint64, "ssize_t": typeInt64, "uintptr_t": typeUint64, "intptr_t": typeInt64,
}

// typeName is the type that is written, nil if there is none of that name.
func (c *checker) typeName(n *TypeName) Type {
	var t Type
	switch {
	case n.Of != nil:
		t = c.value(n.Of)
	case n.Keyword == "" && n.Name == "string":
		return c.stringType(n)
	default:
		t = c.namedType(n)
	}
	if t == nil {
		return nil
	}
	for range n.Stars {
		t = Pointer{Elem: t}
	}
	for i := len(n.Dims) - 1; i >= 0; i-- {
		t = Array{Elem: t, Len: max(n.Dims[i], 0)}
	}
	for range n.Outer {
		t = Pointer{Elem: t}
	}
	return t
}

func (c *checker) stringType(n *TypeName) Type {
	if len(n.Dims) == 1 && n.Dims[0] > 0 {
		return String{Len: n.Dims[0]}
	}
	return String{Len: c.out.Config.MaxStrlen}
}

func (c *checker) namedType(n *TypeName) Type {
	if n.Keyword == "" {
		if t, ok := baseTypes[n.Name]; ok {
			return t
		}
	}
	if t, ok := c.typeOf(n.Keyword, n.Name); ok {
		return t
	}
	if n.Keyword == "" {
		// bpftrace lets the keyword be left out.
		for _, kw := range []string{"struct", "union", "enum"} {
			if t, ok := c.typeOf(kw, n.Name); ok {
				return t
			}
		}
	}
	kw := n.Keyword
	if c.final {
		c.report(withNear(Errorf(n, "unknown-type", "there is no type %s", strings.TrimSpace(kw+" "+n.Name)), strings.TrimLeft(kw+" ", " "), c.env.Near(kw, n.Name)))
	}
	return nil
}
