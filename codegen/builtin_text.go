package codegen

import (
	"github.com/gotrace/gotrace/lang/ast"
)

// textFuncs make strings and look into them.
var textFuncs = map[string]callee{
	// str(pointer, length) reads a string. Where its destination is known, lowerer.store reads it straight there.
	"str": func(l *lowerer, c *ast.Call) operand {
		t := l.typeOf(c)
		p := l.temp("str", t.Size())
		l.storeStr(p, t.Size(), c, true)
		p.exact = true
		return operand{typ: t, mem: p}
	},
}
