package lang

// results checks the arguments of the builtin functions: a call's type, nil if there is a mistake or something is not known yet.
var results map[string]func(c *checker, e *Call) Type

// The table refers to functions that look into it: Go wants that cycle broken here.
func init() {
	results = map[string]func(c *checker, e *Call) Type{
		"printf": (*checker).printf,
		"print":  (*checker).print,
		"exit":   (*checker).exit,
		"time":   (*checker).time,

		"count": aggregation(AggCount),
		"sum":   aggregation(AggSum),
		"avg":   aggregation(AggAvg),
		"min":   aggregation(AggMin),
		"max":   aggregation(AggMax),
		"stats": aggregation(AggStats),
		"hist":  (*checker).hist,
		"lhist": (*checker).lhist,

		"delete":  (*checker).delete,
		"clear":   (*checker).wholeMap,
		"zero":    (*checker).wholeMap,
		"len":     (*checker).mapLen,
		"has_key": (*checker).hasKey,

		"str":      (*checker).str,
		"strftime": (*checker).strftime,
		"nsecs":    (*checker).nsecs,
	}
}
