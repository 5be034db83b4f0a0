package builtin

import (
	"slices"
	"strings"
)

// Builtin is a name that every script has: a variable, a function, or both. What the checker and the code generator do for it
// is in their own tables, by the same name; everything that can be said without them is here.
type Builtin struct {
	Name string
	Help string // one line: what it is or does
	// Variable says that the name alone is a value.
	Variable bool
	// Function says that it can be called; Min and Max are how many arguments it takes, Max is -1 for no limit. A
	// variable that is no function can be called without arguments.
	Function bool
	Min, Max int
	// Effect says that it does something beside giving a value, so that a call as a statement makes sense.
	Effect bool
	// Aggregate says that it is only the value of an assignment to a map.
	Aggregate bool
	// Map is what it does to the map that its first argument names.
	Map MapUse
	// Planned says that bpftrace has it and gotrace has not, yet.
	Planned bool
}

// MapUse is what a function does to a map.
type MapUse uint8

// What functions do to maps. MapValue is what any other expression does: it reads the value.
const (
	MapValue   MapUse = iota
	MapLooks          // looks for elements, not at their values
	MapRemoves        // takes elements away, or sets them to zero
	MapPrints         // has user space print all of it; of an element it reads the value
)

// Builtins is the table of builtins. arg0, arg1, … and sarg0, sarg1, … are in it once each, as argN and sargN.
var Table = []*Builtin{
	{Name: "args", Help: "arguments of the probe", Variable: true},
	{Name: "argN", Help: "argument N of the traced function or event", Variable: true},
	{Name: "sargN", Help: "argument N on the stack of the traced function", Variable: true},
	{Name: "cgroup", Help: "id of the current cgroup", Variable: true},
	{Name: "comm", Help: "name of the current thread", Variable: true},
	{Name: "cpid", Help: "process id of the command of -c", Variable: true},
	{Name: "cpu", Help: "number of the CPU", Variable: true},
	{Name: "ctx", Help: "the program's context", Variable: true},
	{Name: "curtask", Help: "the current task", Variable: true},
	{Name: "elapsed", Help: "nanoseconds since gotrace started", Variable: true},
	{Name: "func", Help: "name of the traced function", Variable: true},
	{Name: "gid", Help: "group id", Variable: true},
	{Name: "jiffies", Help: "the kernel's tick counter", Variable: true},
	{Name: "ncpus", Help: "number of CPUs", Variable: true},
	{Name: "nsecs", Help: "nanoseconds since boot, or the time of another clock", Variable: true, Function: true, Max: 1},
	{Name: "pid", Help: "process id", Variable: true},
	{Name: "probe", Help: "name of the probe", Variable: true},
	{Name: "rand", Help: "a random number", Variable: true},
	{Name: "retval", Help: "value that the traced function returned", Variable: true},
	{Name: "tid", Help: "thread id", Variable: true},
	{Name: "uid", Help: "user id", Variable: true},
	{Name: "usermode", Help: "1 if the CPU was in user mode", Variable: true},

	{Name: "exit", Help: "ends the trace", Function: true, Max: 1, Effect: true},
	{Name: "print", Help: "prints a value or a map", Function: true, Min: 1, Max: 3, Effect: true, Map: MapPrints},
	{Name: "printf", Help: "prints text", Function: true, Min: 1, Max: -1, Effect: true},
	{Name: "time", Help: "prints the time of day", Function: true, Max: 1, Effect: true},

	{Name: "avg", Help: "averages", Function: true, Min: 1, Max: 1, Effect: true, Aggregate: true},
	{Name: "count", Help: "counts calls", Function: true, Effect: true, Aggregate: true},
	{Name: "hist", Help: "makes a histogram by powers of two", Function: true, Min: 1, Max: 2, Effect: true, Aggregate: true},
	{Name: "lhist", Help: "makes a histogram of equal steps", Function: true, Min: 4, Max: 4, Effect: true, Aggregate: true},
	{Name: "max", Help: "keeps the largest", Function: true, Min: 1, Max: 1, Effect: true, Aggregate: true},
	{Name: "min", Help: "keeps the smallest", Function: true, Min: 1, Max: 1, Effect: true, Aggregate: true},
	{Name: "stats", Help: "counts, averages and adds up", Function: true, Min: 1, Max: 1, Effect: true, Aggregate: true},
	{Name: "sum", Help: "adds up", Function: true, Min: 1, Max: 1, Effect: true, Aggregate: true},

	{Name: "clear", Help: "deletes all elements of a map", Function: true, Min: 1, Max: 1, Effect: true, Map: MapRemoves},
	{Name: "delete", Help: "deletes an element of a map", Function: true, Min: 1, Max: -1, Effect: true, Map: MapRemoves},
	{Name: "has_key", Help: "says whether a map has an element", Function: true, Min: 2, Max: -1, Map: MapLooks},
	{Name: "len", Help: "counts the elements of a map", Function: true, Min: 1, Max: 1, Map: MapLooks},
	{Name: "zero", Help: "sets all elements of a map to 0", Function: true, Min: 1, Max: 1, Effect: true, Map: MapRemoves},

	{Name: "str", Help: "reads a string", Function: true, Min: 1, Max: 2},
	{Name: "strftime", Help: "formats a time", Function: true, Min: 2, Max: 2},

	{Name: "iter", Variable: true, Planned: true},
	{Name: "kstack", Variable: true, Function: true, Planned: true},
	{Name: "numaid", Variable: true, Planned: true},
	{Name: "pgid", Variable: true, Planned: true},
	{Name: "ppid", Variable: true, Function: true, Planned: true},
	{Name: "username", Variable: true, Planned: true},
	{Name: "ustack", Variable: true, Function: true, Planned: true},
	{Name: "assert", Function: true, Planned: true},
	{Name: "assert_str", Function: true, Planned: true},
	{Name: "bswap", Function: true, Planned: true},
	{Name: "buf", Function: true, Planned: true},
	{Name: "cat", Function: true, Planned: true},
	{Name: "cgroup_path", Function: true, Planned: true},
	{Name: "cgroupid", Function: true, Planned: true},
	{Name: "clamp", Function: true, Planned: true},
	{Name: "debugf", Function: true, Planned: true},
	{Name: "errorf", Function: true, Planned: true},
	{Name: "fail", Function: true, Planned: true},
	{Name: "find", Function: true, Planned: true},
	{Name: "getopt", Function: true, Planned: true},
	{Name: "is_array", Function: true, Planned: true},
	{Name: "is_err", Function: true, Planned: true},
	{Name: "is_integer", Function: true, Planned: true},
	{Name: "is_literal", Function: true, Planned: true},
	{Name: "is_ptr", Function: true, Planned: true},
	{Name: "is_str", Function: true, Planned: true},
	{Name: "is_unsigned_integer", Function: true, Planned: true},
	{Name: "join", Function: true, Planned: true},
	{Name: "jstack", Function: true, Planned: true},
	{Name: "kaddr", Function: true, Planned: true},
	{Name: "kptr", Function: true, Planned: true},
	{Name: "ksym", Function: true, Planned: true},
	{Name: "macaddr", Function: true, Planned: true},
	{Name: "memcmp", Function: true, Planned: true},
	{Name: "ntop", Function: true, Planned: true},
	{Name: "offsetof", Function: true, Planned: true},
	{Name: "override", Function: true, Planned: true},
	{Name: "path", Function: true, Planned: true},
	{Name: "percpu_kaddr", Function: true, Planned: true},
	{Name: "pton", Function: true, Planned: true},
	{Name: "reg", Function: true, Planned: true},
	{Name: "signal", Function: true, Planned: true},
	{Name: "skb_output", Function: true, Planned: true},
	{Name: "skboutput", Function: true, Planned: true},
	{Name: "socket_cookie", Function: true, Planned: true},
	{Name: "static_assert", Function: true, Planned: true},
	{Name: "strcap", Function: true, Planned: true},
	{Name: "strcontains", Function: true, Planned: true},
	{Name: "strerror", Function: true, Planned: true},
	{Name: "strlen", Function: true, Planned: true},
	{Name: "strncmp", Function: true, Planned: true},
	{Name: "strstr", Function: true, Planned: true},
	{Name: "syscall_name", Function: true, Planned: true},
	{Name: "system", Function: true, Planned: true},
	{Name: "tseries", Function: true, Planned: true},
	{Name: "uaddr", Function: true, Planned: true},
	{Name: "unwatch", Function: true, Planned: true},
	{Name: "uptr", Function: true, Planned: true},
	{Name: "usym", Function: true, Planned: true},
	{Name: "warnf", Function: true, Planned: true},
}

var builtinsByName = func() map[string]*Builtin {
	m := make(map[string]*Builtin, len(Table))
	for _, b := range Table {
		m[b.Name] = b
	}
	return m
}()

// FindBuiltin is the builtin of a name, nil if there is none.
func Find(name string) *Builtin {
	word := strings.TrimRight(name, "0123456789")
	if n := name[len(word):]; n != "" && (len(n) == 1 || n[0] != '0') {
		if b := builtinsByName[word+"N"]; b != nil {
			return b
		}
	}
	if strings.HasSuffix(name, "N") {
		return nil
	}
	return builtinsByName[name]
}

// There says that a script can use it.
func (b *Builtin) There() bool { return b != nil && !b.Planned }

// BuiltinNames are the names of what a script can use, in order, arg0 to arg2 for all arguments.
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

// FunctionNames are the names of what a script can call with arguments, in order.
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
