package codegen

import (
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// variable lowers a builtin variable; t is the type that the checker gave it.
type variable func(l *lowerer, n source.Node, t types.Type) operand

// callee lowers the call of a builtin function. A call without a value returns an operand of type None.
type callee func(l *lowerer, c *ast.Call) operand

// The builtins, one table for each group of them: a new one is an entry in its group's file and one in package lang.
var (
	variableGroups []map[string]variable
	callGroups     []map[string]callee
)

// The tables refer to functions that, through expressions, refer to the tables: Go wants that cycle broken here.
func init() {
	variableGroups = []map[string]variable{taskVars, timeVars, machineVars, contextVars}
	callGroups = []map[string]callee{outputFuncs, mapFuncs, timeFuncs, stringFuncs}
}

// nothing is the result of a call without a value.
var nothing = operand{typ: types.None{}}

// builtinVar lowers a builtin variable.
func (l *lowerer) builtinVar(e *ast.Ident) operand {
	return l.namedVar(e.Name, e, l.typeOf(e))
}

func (l *lowerer) namedVar(name string, n source.Node, t types.Type) operand {
	for _, group := range variableGroups {
		if f, ok := group[name]; ok {
			return f(l, n, t)
		}
	}
	for _, numbered := range []struct {
		prefix string
		f      func(l *lowerer, n source.Node, t types.Type, i int) operand
	}{{"sarg", stackArg}, {"arg", probeArg}} {
		if digits, ok := strings.CutPrefix(name, numbered.prefix); ok {
			if i, err := strconv.Atoi(digits); err == nil {
				return numbered.f(l, n, t, i)
			}
		}
	}
	l.fail(n, "", "internal: no code for the builtin %s", name)
	return operand{typ: t, val: l.b.Const(0)}
}

// call lowers a function call. Builtin variables can be written as calls, too: pid().
func (l *lowerer) call(c *ast.Call) operand {
	for _, group := range callGroups {
		if f, ok := group[c.Name]; ok {
			return f(l, c)
		}
	}
	return l.namedVar(c.Name, c, l.typeOf(c))
}
