package check

import (
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/types"
)

// results checks the arguments of the builtin functions: a call's type, nil if there is a mistake or something is not known yet.
var results map[string]func(c *checker, e *ast.Call) types.Type

// The table refers to functions that look into it: Go wants that cycle broken here.
func init() {
	results = map[string]func(c *checker, e *ast.Call) types.Type{
		"printf": (*checker).printf,
		"print":  (*checker).print,
		"exit":   (*checker).exit,
		"time":   (*checker).time,

		"count": aggregation(types.AggCount),
		"sum":   aggregation(types.AggSum),
		"avg":   aggregation(types.AggAvg),
		"min":   aggregation(types.AggMin),
		"max":   aggregation(types.AggMax),
		"stats": aggregation(types.AggStats),
		"hist":  (*checker).hist,
		"lhist": (*checker).lhist,

		"delete":  (*checker).delete,
		"clear":   (*checker).wholeMap,
		"zero":    (*checker).wholeMap,
		"len":     (*checker).mapLen,
		"has_key": (*checker).hasKey,

		"macaddr":  (*checker).macaddr,
		"str":      (*checker).str,
		"strftime": (*checker).strftime,
		"nsecs":    (*checker).nsecs,
	}
}
