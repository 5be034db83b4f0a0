package codegen

import (
	"fmt"
	"strings"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/types"
)

// A probe often reads an element of a map twice: in its filter, and in its body. What was read is kept by map and
// key, along every path of the program like the values of $variables (see flow.go), until the program itself changes the map.

// recall is what a read of `@m[k]` gave before on this path.
func (l *lowerer) recall(ref *ast.MapRef) (*ir.Value, bool) {
	sig, ok := l.signature(ref)
	if !ok {
		return nil, false
	}
	v, ok := l.fn.reads[sig]
	return v, ok
}

// remember keeps what a read of `@m[k]` gave.
func (l *lowerer) remember(ref *ast.MapRef, v *ir.Value) {
	sig, ok := l.signature(ref)
	if !ok {
		return
	}
	if l.fn.reads == nil {
		l.fn.reads = map[string]*ir.Value{}
	}
	l.fn.reads[sig] = v
}

// forget drops what was read of a map.
func (l *lowerer) forget(m *lang.Map) {
	for sig := range l.fn.reads {
		if strings.HasPrefix(sig, mapName(m)+"[") {
			delete(l.fn.reads, sig)
		}
	}
}

func (l *lowerer) copyReads() map[string]*ir.Value {
	c := make(map[string]*ir.Value, len(l.fn.reads))
	for k, v := range l.fn.reads {
		c[k] = v
	}
	return c
}

// commonReads are those that all edges to a join have in common.
func (j *join) commonReads() map[string]*ir.Value {
	out := map[string]*ir.Value{}
	for k, v := range j.edges[0].reads {
		same := true
		for _, e := range j.edges[1:] {
			same = same && e.reads[k] == v
		}
		if same {
			out[k] = v
		}
	}
	return out
}

// signature names an element such that equal names on a path mean the same element; ok is
// false for keys that are not that simple.
func (l *lowerer) signature(ref *ast.MapRef) (sig string, ok bool) {
	var b strings.Builder
	b.WriteString("@" + ref.Name + "[")
	for _, k := range ref.Keys {
		if !l.keySignature(&b, k) {
			return "", false
		}
		b.WriteByte(',')
	}
	return b.String(), true
}

func (l *lowerer) keySignature(b *strings.Builder, e ast.Expr) bool {
	if c, ok := l.constOf(e); ok {
		if c.Str != nil {
			fmt.Fprintf(b, "%q", *c.Str)
		} else {
			fmt.Fprintf(b, "%d", c.Int)
		}
		return true
	}
	switch e := e.(type) {
	case *ast.Ident:
		b.WriteString(e.Name)
		return builtin.Find(e.Name).Lasts()
	case *ast.Var:
		v := l.prog.Vars[e]
		c, ok := l.fn.vars[v]
		if !ok || v.Captured || types.InMemory(v.Type) {
			return false
		}
		fmt.Fprintf(b, "$%d", c.val.ID)
		return true
	case *ast.FieldExpr:
		x, ok := e.X.(*ast.Ident)
		fmt.Fprintf(b, "args.%s", e.Name)
		return ok && x.Name == "args" && !types.InMemory(l.typeOf(e))
	case *ast.Cast:
		fmt.Fprintf(b, "(%s)", l.typeOf(e))
		return l.keySignature(b, e.X)
	case *ast.TupleExpr:
		for _, x := range e.Elems {
			if !l.keySignature(b, x) {
				return false
			}
			b.WriteByte(',')
		}
		return true
	}
	return false
}
