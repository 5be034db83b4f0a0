package lang

// function is a function of the language.
type function struct {
	doc         string
	least, most int  // number of arguments; most -1: any
	effect      bool // it changes or prints something
	// check finds the type of the result, nil if a mistake was reported or something is not known yet. The arguments
	// are not checked before.
	check func(c *checker, e *Call) Type
}

// functions is the table of functions.
var functions map[string]*function

func init() {
	functions = map[string]*function{
		"printf":   {doc: "print formatted text", least: 1, most: -1, effect: true, check: checkPrintf},
		"print":    {doc: "print a value or a map", least: 1, most: 3, effect: true, check: checkPrint},
		"str":      {doc: "read a string", least: 1, most: 2, check: checkStr},
		"count":    {doc: "count", least: 0, most: 0, check: aggregation(AggCount)},
		"sum":      {doc: "sum", least: 1, most: 1, check: aggregation(AggSum)},
		"avg":      {doc: "average", least: 1, most: 1, check: aggregation(AggAvg)},
		"min":      {doc: "least value", least: 1, most: 1, check: aggregation(AggMin)},
		"max":      {doc: "greatest value", least: 1, most: 1, check: aggregation(AggMax)},
		"stats":    {doc: "count, average and sum", least: 1, most: 1, check: aggregation(AggStats)},
		"hist":     {doc: "histogram with buckets of powers of two", least: 1, most: 2, check: checkHist},
		"lhist":    {doc: "histogram with buckets of one size", least: 4, most: 4, check: checkLHist},
		"delete":   {doc: "delete an element of a map", least: 1, most: -1, effect: true, check: checkDelete},
		"has_key":  {doc: "whether a map has a key", least: 2, most: -1, check: checkHasKey},
		"clear":    {doc: "delete all elements of a map", least: 1, most: 1, effect: true, check: checkWholeMap},
		"zero":     {doc: "set all values of a map to 0", least: 1, most: 1, effect: true, check: checkWholeMap},
		"len":      {doc: "number of elements of a map", least: 1, most: 1, check: checkLen},
		"exit":     {doc: "end the trace", least: 0, most: 1, effect: true, check: checkExit},
		"time":     {doc: "print the time", least: 0, most: 1, effect: true, check: checkTime},
		"strftime": {doc: "format a time", least: 2, most: 2, check: checkStrftime},
		"nsecs":    {doc: "read a clock", least: 0, most: 1, check: checkNsecs},
	}
}

// clockModes are the arguments of nsecs().
var clockModes = []string{"monotonic", "boot", "tai", "sw_tai"}
