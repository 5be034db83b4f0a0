package codegen

import (
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// paramVars are what the command line, the script and the environment set.
var paramVars = map[string]variable{
	// config is the record of the settings.
	"config": func(l *lowerer, _ source.Node, t types.Type) operand {
		record, _ := t.(types.Tuple)
		p := l.temp("config", t.Size())
		l.zero(p, t.Size())
		for i, s := range l.k.checked.Settings {
			o := operand{typ: s.Type, lit: s.Value.Str}
			if s.Value.Str == nil {
				o.val = l.b.Const(int64(s.Value.Int))
			}
			l.storeOperand(p.at(record.Offset(i)), record.Elems[i], o, true)
		}
		p.exact = true
		return operand{typ: t, mem: p}
	},
}
