package builtin

import (
	"slices"
	"strings"

	"github.com/gotrace/gotrace/lang/types"
)

// Builtin is a name that every script has: a variable, a function, or both. How the checker finds the type of its value, where
// that is not always the same, and how it is lowered is in the tables of those packages, by the same name.
type Builtin struct {
	Name string
	// Help is one line: what it is or does. Example is a complete script that uses it.
	Help, Example string

	// Variable says that the name alone is a value.
	Variable bool
	// Function says that it can be called. A variable that is no function can be called without arguments.
	Function bool
	// Args names the arguments of a function: "format, [step], value, …". Those in brackets can be left out; an ellipsis stands for more of
	// the last one. Min and Max are how many there can be, Max is -1 for no limit; they are found from Args.
	Args     string
	Min, Max int
	// Keyword says that the parser reads the call, because a type can be its argument.
	Keyword bool

	// Type is the type of the value, nil where it depends on the script, the probe or the kernel: then Result says on what.
	Type   types.Type
	Result string
	// Stable says how long the value stays the same. It is only said of values that cost no access to memory that can fail.
	Stable Stability
	// PerTarget says that it is another value at each target of a probe, which therefore needs a program for each.
	PerTarget bool

	// Probe is what a kind of probe must have so that it can be used.
	Probe Fact
	// Kernel is the Linux that it needs, nil if every one has it that gotrace runs on.
	Kernel *Need
	// Unsafe says that it changes the traced system, so that only --unsafe allows it.
	Unsafe bool

	// Effect says that it does something beside giving a value, so that a call as a statement makes sense.
	Effect bool
	// Ends says that the run, and the script, can end with it; GoesOn, that they need not.
	Ends, GoesOn bool
	// Aggregate says that it is only the value of an assignment to a map.
	Aggregate bool
	// Map is what it does to the map that its first argument names.
	Map MapUse

	// Planned says that the name is kept for what is not there yet.
	Planned bool
}

// Stability says how long a value stays the same.
type Stability uint8

// Stabilities.
const (
	Varies   Stability = iota
	PerRun             // the same each time it is read in one run of a program
	Constant           // known when the script is compiled
)

// MapUse is what a function does to a map.
type MapUse uint8

// What functions do to maps. MapValue is what any other expression does: it reads the value.
const (
	MapValue   MapUse = iota
	MapLooks          // looks for elements, not at their values
	MapReads          // reads an element
	MapRemoves        // takes an element away at once
	MapEmpties        // has user space take all elements away, or set them to zero
	MapPrints         // has user space print all of it; of an element it reads the value
)

// Need is what something needs of the kernel.
type Need struct {
	Major, Minor uint32
	What         string // the helper or feature that came with that version
	Hint         string // what to do where it is missing, "" for nothing
}

// Clock is an argument of nsecs().
type Clock struct {
	Name, Help string
	Kernel     *Need
}

// Clocks are the clocks of nsecs(), in order. The first is that of nsecs without an argument.
var Clocks = []*Clock{
	{Name: "boot", Help: "time since boot, suspended time included"},
	{Name: "monotonic", Help: "time since boot, suspended time left out"},
	{Name: "sw_tai", Help: "international atomic time, as user space knew it when the trace began"},
	{Name: "tai", Help: "international atomic time", Kernel: &Need{6, 1, "bpf_ktime_get_tai_ns", "use nsecs(sw_tai)"}},
}

// FindClock is the clock of a name, nil if there is none.
func FindClock(name string) *Clock {
	for _, c := range Clocks {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// ClockNames are the names of the clocks, in order.
func ClockNames() []string {
	var names []string
	for _, c := range Clocks {
		names = append(names, c.Name)
	}
	return names
}

// Group is a part of the table, as the reference has it.
type Group struct {
	Title    string
	Builtins []*Builtin
}

// Groups is the table of builtins. arg0, arg1, … and sarg0, sarg1, … are in it once each, as argN and sargN.
var Groups = []Group{
	{"The event", eventTable},
	{"The task", taskTable},
	{"The machine", machineTable},
	{"The kernel", kernelTable},
	{"Side effects", effectTable},
	{"Parameters and settings", paramTable},
	{"Time", timeTable},
	{"Output", outputTable},
	{"Maps", mapTable},
	{"Aggregations", aggregationTable},
	{"Text", textTable},
	{"Stacks and symbols", stackTable},
	{"Types", typeTable},
	{"Planned", plannedTable},
}

// Table has the rows of all groups.
var Table = func() []*Builtin {
	var all []*Builtin
	for _, g := range Groups {
		all = append(all, g.Builtins...)
	}
	for _, b := range all {
		b.Min, b.Max = arity(b.Args)
	}
	return all
}()

// arity is how many arguments a list of names asks for.
func arity(args string) (least, most int) {
	if args == "" {
		return 0, 0
	}
	for _, a := range strings.Split(args, ", ") {
		switch {
		case a == "…":
			return least, -1
		case strings.HasPrefix(a, "["):
			most++
		default:
			least, most = least+1, most+1
		}
	}
	return least, most
}

var byName = func() map[string]*Builtin {
	m := make(map[string]*Builtin, len(Table))
	for _, b := range Table {
		m[b.Name] = b
	}
	return m
}()

// Find is the builtin of a name, nil if there is none.
func Find(name string) *Builtin {
	word := strings.TrimRight(name, "0123456789")
	if n := name[len(word):]; n != "" && (len(n) == 1 || n[0] != '0') {
		if b := byName[word+"N"]; b != nil {
			return b
		}
	}
	if strings.HasSuffix(name, "N") {
		return nil
	}
	return byName[name]
}

// Plain is the name of a builtin that is spelled as the standard library of bpftrace spells it: pid for __builtin_pid. Other names stay.
func Plain(name string) string {
	if rest, ok := strings.CutPrefix(name, "__builtin_"); ok && Find(rest) != nil {
		return rest
	}
	return name
}

// There says that a script can use it. It is false for nil.
func (b *Builtin) There() bool { return b != nil && !b.Planned }

// HasEffect says that a call of it does something beside giving a value. It is false for nil.
func (b *Builtin) HasEffect() bool { return b.There() && b.Effect }

// Lasts says that the value stays the same during a run. It is false for nil.
func (b *Builtin) Lasts() bool { return b.There() && b.Stable != Varies }

// Names are the names of what a script can use, in order, arg0 to arg2 for all arguments.
func Names() []string {
	names := []string{"arg0", "arg1", "arg2"}
	for _, b := range Table {
		if b.There() && !strings.HasSuffix(b.Name, "N") {
			names = append(names, b.Name)
		}
	}
	slices.Sort(names)
	return names
}

// Functions are the names of what a script can call with arguments, in order.
func Functions() []string {
	var names []string
	for _, b := range Table {
		if b.There() && b.Function {
			names = append(names, b.Name)
		}
	}
	slices.Sort(names)
	return names
}

// Leaves says that nothing behind a call is reached.
func (b *Builtin) Leaves() bool { return b.Ends && !b.GoesOn }
