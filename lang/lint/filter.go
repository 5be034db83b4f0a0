package lint

import (
	"fmt"
	"math/big"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/check"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// truth is what is known of a condition.
type truth uint8

const (
	unknown truth = iota
	always
	never
)

// not is the truth of the opposite.
func (t truth) not() truth {
	switch t {
	case always:
		return never
	case never:
		return always
	}
	return unknown
}

func truthOf(b bool) truth {
	if b {
		return always
	}
	return never
}

// filter warns of a filter that is always true or always false. Parameters of the script and what the machine decides are not known here:
// with other ones it may be different.
func (l *linter) filter(p *check.Prog, f ast.Expr) {
	j := judge{p}
	switch j.truth(f) {
	case always:
		l.warn(source.Warningf(f, "constant-filter", "this filter is always true").WithHint("%s", j.why(f)))
	case never:
		l.warn(source.Warningf(f, "constant-filter", "this filter is always false: the probe never does anything").WithHint("%s", j.why(f)))
	}
}

// judge finds what is known of conditions in a program.
type judge struct{ p *check.Prog }

// why says in what a filter is decided.
func (j judge) why(f ast.Expr) string {
	why := ""
	ast.Inspect(f, func(n source.Node) bool {
		b, ok := n.(*ast.Binary)
		if !ok || why != "" {
			return why == ""
		}
		if t, isInt := j.p.Types[b.X].(types.Int); isInt && !isLiteral(b.X) && j.byRange(b) != unknown {
			why = ofType(b, t)
		}
		return true
	})
	if why == "" {
		return "what it compares does not depend on the event"
	}
	return why
}

// ofType says why the type of what is compared decides the comparison.
func ofType(b *ast.Binary, t types.Int) string {
	least, most := limits(t)
	if !t.Signed && t.Bits == 64 {
		return fmt.Sprintf("%s is a %s, which is never negative: (int64)%s can be", text(b.X), t, text(b.X))
	}
	return fmt.Sprintf("%s is a %s: it is from %d to %d", text(b.X), t, least, most)
}

func (j judge) truth(e ast.Expr) truth {
	if isLiteral(e) {
		if k, ok := j.p.Consts[e]; ok && k.Str == nil {
			return truthOf(k.Int != 0)
		}
		return unknown
	}
	switch e := e.(type) {
	case *ast.Unary:
		if e.Op == "!" {
			return j.truth(e.X).not()
		}
	case *ast.Binary:
		return j.binary(e)
	}
	return unknown
}

func (j judge) binary(e *ast.Binary) truth {
	switch e.Op {
	case "||":
		return j.either(e)
	case "&&":
		return j.both(e)
	}
	return j.byRange(e)
}

func (j judge) either(e *ast.Binary) truth {
	x, y := j.truth(e.X), j.truth(e.Y)
	switch {
	case x == always || y == always || j.differ(e.X, e.Y, "!="):
		return always
	case x == never && y == never:
		return never
	}
	return unknown
}

func (j judge) both(e *ast.Binary) truth {
	x, y := j.truth(e.X), j.truth(e.Y)
	switch {
	case x == never || y == never || j.differ(e.X, e.Y, "=="):
		return never
	case x == always && y == always:
		return always
	}
	return unknown
}

// differ says whether two conditions compare the same by an operator with constants that differ: x != 1 || x != 2 is always true.
func (j judge) differ(x, y ast.Expr, op string) bool {
	a, ok := x.(*ast.Binary)
	b, both := y.(*ast.Binary)
	if !ok || !both || a.Op != op || b.Op != op || !isLiteral(a.Y) || !isLiteral(b.Y) || !steady(a.X) || text(a.X) != text(b.X) {
		return false
	}
	ka, okA := j.p.Consts[a.Y]
	kb, okB := j.p.Consts[b.Y]
	switch {
	case !okA || !okB:
		return false
	case ka.Str != nil && kb.Str != nil:
		return *ka.Str != *kb.Str
	}
	return ka.Str == nil && kb.Str == nil && ka.Int != kb.Int
}

// steady says whether an expression has the same value when it is computed again.
func steady(e ast.Expr) bool {
	ok := true
	ast.Inspect(e, func(n source.Node) bool {
		switch n := n.(type) {
		case *ast.Call, *ast.IncDec, *ast.BlockExpr:
			ok = false
		case *ast.Ident:
			ok = ok && n.Name != "rand" && n.Name != "nsecs" && n.Name != "elapsed"
		}
		return ok
	})
	return ok
}

// byRange says what a comparison of an integer with a literal gives by the integer's type alone.
func (j judge) byRange(e *ast.Binary) truth {
	x, isInt := j.p.Types[e.X].(types.Int)
	k, isConst := j.p.Consts[e.Y]
	if _, known := j.p.Consts[e.X]; known || !isInt || !isConst || k.Str != nil || !isLiteral(e.Y) || x.Enum != nil {
		return unknown
	}
	v := number(k, j.p.Types[e.Y])
	common := types.AsInt(types.CommonType(x, j.p.Types[e.Y]))
	if x.Bits == 64 && (x.Signed || common.Signed) || v.Sign() < 0 && !common.Signed {
		return unknown
	}
	least, most := limits(x)
	return compare(e.Op, least.Cmp(v), most.Cmp(v))
}

// compare gives what a comparison is for all values from one that stands to the other side as least does to one as most does.
func compare(op string, least, most int) truth {
	switch op {
	case "<":
		return pick(most < 0, least >= 0)
	case "<=":
		return pick(most <= 0, least > 0)
	case ">":
		return pick(least > 0, most <= 0)
	case ">=":
		return pick(least >= 0, most < 0)
	case "==":
		return pick(false, least > 0 || most < 0)
	case "!=":
		return pick(least > 0 || most < 0, false)
	}
	return unknown
}

func pick(yes, no bool) truth {
	switch {
	case yes:
		return always
	case no:
		return never
	}
	return unknown
}

// limits are the least and the greatest number of a type.
func limits(t types.Int) (least, most *big.Int) {
	bits := uint(t.Bits)
	if !t.Signed {
		return new(big.Int), new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), bits), big.NewInt(1))
	}
	half := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return new(big.Int).Neg(half), new(big.Int).Sub(half, big.NewInt(1))
}

func number(k types.Const, t types.Type) *big.Int {
	if types.AsInt(t).Signed {
		return big.NewInt(int64(k.Int))
	}
	return new(big.Int).SetUint64(k.Int)
}

// isLiteral says whether an expression is made of literals alone.
func isLiteral(e ast.Expr) bool {
	ok := true
	ast.Inspect(e, func(n source.Node) bool {
		switch n.(type) {
		case *ast.IntLit, *ast.StrLit, *ast.BoolLit, *ast.Unary, *ast.Binary, *ast.Ternary, *ast.Cast, *ast.TypeName:
		default:
			ok = false
		}
		return ok
	})
	return ok
}

// text is an expression as a script writes it.
func text(e ast.Expr) string {
	p := &ast.Printer{}
	p.Expr(e, 0)
	return p.Out.String()
}
