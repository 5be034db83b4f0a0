package codegen

import (
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/types"
)

// stringFuncs make strings, and values that are shown as text.
var stringFuncs = map[string]callee{
	// macaddr(bytes) copies six bytes to a word of the program's own: they may lie at any place, where larger accesses are not aligned.
	"macaddr": func(l *lowerer, c *ast.Call) operand {
		o := l.expr(c.Args[0])
		src := o.mem
		if !types.InMemory(o.typ) {
			src = l.pointee(o)
		}
		mac := types.Array{Elem: types.TypeUint8, Len: 6}
		m := l.mark()
		defer l.release(m)
		word := l.temp("mac", 8)
		l.zero(word, 8)
		l.storeOperand(word, mac, operand{typ: mac, mem: src}, true)
		return operand{typ: types.MAC{}, val: l.b.Load(8, word.base, word.off)}
	},
	// str(pointer, length) reads a string. Where its destination is known, lowerer.store reads it straight there.
	"str": func(l *lowerer, c *ast.Call) operand {
		t := l.typeOf(c)
		p := l.temp("str", t.Size())
		l.storeStr(p, t.Size(), c, true)
		p.exact = true
		return operand{typ: t, mem: p}
	},
}
