package codegen

import (
	"github.com/gotrace/gotrace/lang"
)

// stringFuncs make strings.
var stringFuncs = map[string]callee{
	// str(pointer, length) reads a string. Where its destination is known, lowerer.store reads it straight there.
	"str": func(l *lowerer, c *lang.Call) operand {
		t := l.typeOf(c)
		p := l.temp("str", t.Size())
		l.storeStr(p, t.Size(), c, true)
		p.exact = true
		return operand{typ: t, mem: p}
	},
}
