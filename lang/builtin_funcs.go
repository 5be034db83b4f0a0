package lang

// function is a builtin function.
type function struct {
	doc      string
	min, max int  // number of arguments; max is -1 for no limit
	effect   bool // it does something, so that a call without a use of its value makes sense
	// result checks the arguments and gives the type of the value, nil if there is a mistake or something is not known yet.
	result func(c *checker, e *Call) Type
}

// functions is the table of builtin functions.
var functions map[string]*function

// The table refers to functions that look into it: Go wants that cycle broken here.
func init() {
	functions = map[string]*function{
		"printf": {doc: "prints text", min: 1, max: -1, effect: true, result: (*checker).printf},
		"print":  {doc: "prints a value or a map", min: 1, max: 3, effect: true, result: (*checker).print},
		"exit":   {doc: "ends the trace", max: 1, effect: true, result: (*checker).exit},
		"time":   {doc: "prints the time of day", max: 1, effect: true, result: (*checker).time},

		"count": {doc: "counts calls", effect: true, result: aggregation(AggCount)},
		"sum":   {doc: "adds up", min: 1, max: 1, effect: true, result: aggregation(AggSum)},
		"avg":   {doc: "averages", min: 1, max: 1, effect: true, result: aggregation(AggAvg)},
		"min":   {doc: "keeps the smallest", min: 1, max: 1, effect: true, result: aggregation(AggMin)},
		"max":   {doc: "keeps the largest", min: 1, max: 1, effect: true, result: aggregation(AggMax)},
		"stats": {doc: "counts, averages and adds up", min: 1, max: 1, effect: true, result: aggregation(AggStats)},
		"hist":  {doc: "makes a histogram by powers of two", min: 1, max: 2, effect: true, result: (*checker).hist},
		"lhist": {doc: "makes a histogram of equal steps", min: 4, max: 4, effect: true, result: (*checker).lhist},

		"delete":  {doc: "deletes an element of a map", min: 1, max: -1, effect: true, result: (*checker).delete},
		"clear":   {doc: "deletes all elements of a map", min: 1, max: 1, effect: true, result: (*checker).wholeMap},
		"zero":    {doc: "sets all elements of a map to 0", min: 1, max: 1, effect: true, result: (*checker).wholeMap},
		"len":     {doc: "counts the elements of a map", min: 1, max: 1, result: (*checker).mapLen},
		"has_key": {doc: "says whether a map has an element", min: 2, max: -1, result: (*checker).hasKey},

		"str":      {doc: "reads a string", min: 1, max: 2, result: (*checker).str},
		"strftime": {doc: "formats a time", min: 2, max: 2, result: (*checker).strftime},
		"nsecs":    {doc: "reads a clock", max: 1, result: (*checker).nsecs},
	}
}

// otherFunctions are functions of bpftrace that gotrace has not, so that the message can say so.
var otherFunctions = map[string]bool{
	"bswap": true, "buf": true, "cat": true, "cgroup_path": true, "cgroupid": true, "errorf": true, "fail": true,
	"join": true, "jstack": true, "kaddr": true, "kptr": true, "kstack": true, "ksym": true, "macaddr": true, "ntop": true,
	"offsetof": true, "override": true, "path": true, "percpu_kaddr": true, "pton": true, "reg": true, "signal": true,
	"skboutput": true, "skb_output": true, "socket_cookie": true, "strcap": true, "strcontains": true, "strerror": true,
	"strlen": true, "strncmp": true, "strstr": true, "system": true, "tseries": true, "uaddr": true, "uptr": true,
	"ustack": true, "usym": true, "unwatch": true, "warnf": true, "find": true, "is_array": true, "is_err": true,
	"is_integer": true, "is_literal": true, "is_ptr": true, "is_str": true, "is_unsigned_integer": true, "assert": true,
	"assert_str": true, "clamp": true, "debugf": true, "getopt": true, "memcmp": true, "ppid": true, "syscall_name": true,
	"static_assert": true,
}

// otherBuiltins are variables of bpftrace that gotrace has not.
var otherBuiltins = map[string]bool{
	"kstack": true, "ustack": true, "username": true, "numaid": true, "ppid": true, "pgid": true, "iter": true,
}
