package ast

import "github.com/gotrace/gotrace/lang/source"

// Expr is an expression. Nodes are pointers, so that side tables can be keyed by them.
type Expr interface {
	source.Node
	expr()
}

type (
	// IntLit is an integer literal of any form; durations are in nanoseconds.
	IntLit struct {
		source.Span
		Text  string
		Value uint64
	}
	// StrLit is a string literal, escapes resolved. It may hold any byte.
	StrLit struct {
		source.Span
		Value string
	}
	// BoolLit is true or false.
	BoolLit struct {
		source.Span
		Value bool
	}
	// Ident is a bare name: a builtin, an enum constant, a macro.
	Ident struct {
		source.Span
		Name string
	}
	// Var is a scratch variable, named without its '$'.
	Var struct {
		source.Span
		Name string `parser:"@Var"`
	}
	// MapRef is `@name` or `@name[keys]`, named without its '@'. Indexed tells `@x` from `@x[…]`.
	MapRef struct {
		source.Span
		Name    string
		Keys    []Expr // one for a single key or a tuple expression; several for `@x[a, b]`
		Indexed bool
	}
	// Param is a positional parameter `$1`; N is 0 for `$#`.
	Param struct {
		source.Span
		N int
	}
	// Unary is a prefix operator: - ! ~ * & +.
	Unary struct {
		source.Span
		Op string
		X  Expr
	}
	// IncDec is ++ or --; Target is a *Var or a *MapRef.
	IncDec struct {
		source.Span
		Op     string
		Prefix bool
		Target Expr
	}
	// Binary is a left-associative infix operator.
	Binary struct {
		source.Span
		Op    string
		OpPos source.Pos
		X, Y  Expr
	}
	// Ternary is `cond ? x : y`. For `cond ?: y`, X is the same node as Cond. An if statement in the
	// place of an expression is a Ternary of two BlockExprs.
	Ternary struct {
		source.Span
		Cond, X, Y Expr
	}
	// Cast is `(type)x`.
	Cast struct {
		source.Span
		Type *TypeName
		X    Expr
		// Call is the call that a cast to string[N], buffer[N] or inet stands for where X is an address or a number, else nil. It has the same X.
		Call *Call
	}
	// FieldExpr is `x.name` or `x->name`; the two mean the same for pointers, as in bpftrace.
	FieldExpr struct {
		source.Span
		X     Expr
		Name  string
		Arrow bool
	}
	// TupleIndex is `x.0`.
	TupleIndex struct {
		source.Span
		X Expr
		N int
	}
	// Index is `x[i]` on an array or a pointer.
	Index struct {
		source.Span
		X, I Expr
	}
	// Call is `name(args)`.
	Call struct {
		source.Span
		Name string
		Args []Expr
		From []source.Span // of a call in a macro: the calls of macros that it comes from, the innermost first
	}
	// TupleExpr is `(a, b)`, with at least two elements, or one and a trailing comma, or none.
	TupleExpr struct {
		source.Span
		Elems []Expr
	}
	// Sizeof is sizeof(type) or sizeof(expr): one of the two is set.
	Sizeof struct {
		source.Span
		Type *TypeName
		X    Expr
	}
	// Offsetof is offsetof(type, field.path) or offsetof(expr, field.path).
	Offsetof struct {
		source.Span
		Type   *TypeName
		X      Expr
		Fields []string
	}
	// RecordExpr is `(name = x, …)`; Names and Elems go together.
	RecordExpr struct {
		source.Span
		Names []string
		Elems []Expr
	}
	// TypeExpr is a type handed to a macro: `typeof(uint64)` or `typeof(expr)` as an argument.
	TypeExpr struct {
		source.Span
		Type *TypeName
	}
	// Typeinfo is typeinfo(type) or typeinfo(expr): one of the two is set.
	Typeinfo struct {
		source.Span
		Type *TypeName
		X    Expr
	}
	// Comptime is `comptime x`: x must be known at compile time.
	Comptime struct {
		source.Span
		X Expr
	}
	// BlockExpr is `{ …; value }` used as an expression.
	BlockExpr struct {
		source.Span
		Body *Block
	}
)

func (*IntLit) expr()     {}
func (*StrLit) expr()     {}
func (*BoolLit) expr()    {}
func (*Ident) expr()      {}
func (*Var) expr()        {}
func (*MapRef) expr()     {}
func (*Param) expr()      {}
func (*Unary) expr()      {}
func (*IncDec) expr()     {}
func (*Binary) expr()     {}
func (*Ternary) expr()    {}
func (*Cast) expr()       {}
func (*FieldExpr) expr()  {}
func (*TupleIndex) expr() {}
func (*Index) expr()      {}
func (*Call) expr()       {}
func (*TupleExpr) expr()  {}
func (*Sizeof) expr()     {}
func (*Offsetof) expr()   {}
func (*RecordExpr) expr() {}
func (*TypeExpr) expr()   {}
func (*Typeinfo) expr()   {}
func (*Comptime) expr()   {}
func (*BlockExpr) expr()  {}

// NewCast makes a cast.
func NewCast(span source.Span, t *TypeName, x Expr) *Cast {
	c := &Cast{Span: span, Type: t, X: x}
	if t.Keyword != "" || t.Of != nil || t.Stars > 0 || t.Outer > 0 || len(t.Dims) > 1 || len(t.Dims) == 1 && t.Dims[0] < 1 {
		return c
	}
	call := func(name string, args ...Expr) {
		c.Call = &Call{Span: span, Name: name, Args: append([]Expr{x}, args...)}
	}
	sized := len(t.Dims) == 1
	switch {
	case t.Name == "string" && sized:
		call("str", &IntLit{Span: t.Span, Value: uint64(t.Dims[0])})
	case t.Name == "buffer" && sized:
		call("buf", &IntLit{Span: t.Span, Value: uint64(t.Dims[0])})
	case t.Name == "inet":
		call("ntop")
	}
	return c
}
