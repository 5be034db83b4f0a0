package check

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// effectResults are the functions that change what is traced.
func effectResults() map[string]func(c *checker, e *ast.Call) types.Type {
	return map[string]func(c *checker, e *ast.Call) types.Type{
		"override":      (*checker).override,
		"signal":        (*checker).signal,
		"signal_thread": (*checker).signal,
		"write_user":    (*checker).writeUser,
	}
}

// MaxSignal is the largest number of a signal (_NSIG, include/uapi/asm-generic/signal.h).
const MaxSignal = 64

// Signals of POSIX that have no name of their own in the kernel; the C library leaves out the first two.
const (
	firstRealtime = 34
	lastRealtime  = MaxSignal
)

// SignalNumber is the number of a signal by its name, in capitals or not, with SIG before it or not; 0 if there is none.
func SignalNumber(name string) int {
	name = strings.ToUpper(name)
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	for base, first := range map[string]int{"SIGRTMIN": firstRealtime, "SIGRTMAX": lastRealtime} {
		if rest, ok := strings.CutPrefix(name, base); ok {
			n, err := strconv.Atoi(rest)
			switch at := first + n; {
			case rest == "":
				return first
			case err == nil && (rest[0] == '+' || rest[0] == '-') && at >= firstRealtime && at <= lastRealtime:
				return at
			}
			return 0
		}
	}
	return int(unix.SignalNum(name))
}

// signalNames are the names of the signals, for what is near to a mistake.
func signalNames() []string {
	var names []string
	for n := range MaxSignal {
		if name := unix.SignalName(unix.Signal(n)); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// signal takes the name or the number of a signal.
func (c *checker) signal(e *ast.Call) types.Type {
	arg := e.Args[0]
	t := c.value(arg)
	k, isConst := c.p.Consts[arg]
	switch {
	case t == nil:
		return nil
	case isConst && k.Str != nil:
		n := SignalNumber(*k.Str)
		if n == 0 {
			d := source.Errorf(arg, "unknown-name", "there is no signal %s", source.CutText(*k.Str))
			c.report(withNear(d, "", source.Nearest(strings.ToUpper(*k.Str), signalNames())))
		}
	case !types.Is(types.Value(t), types.KindInt):
		c.report(errArgType(arg, e.Name, "the name of a signal known at compile time, or a number", t))
		return nil
	case isConst && (int64(k.Int) < 1 || k.Int > MaxSignal):
		c.report(source.Errorf(arg, "out-of-range", "there is no signal %d: they are numbered from 1 to %d", int64(k.Int), MaxSignal))
	}
	return types.None{}
}

// override takes what the traced functions are to return. The kernel must let errors be injected into all of them.
func (c *checker) override(e *ast.Call) types.Type {
	if c.integer(e.Args[0]) == nil {
		return nil
	}
	kernel := c.env.Kernel()
	if v, ok := kernel.Setting("BPF_KPROBE_OVERRIDE"); ok && v != "y" {
		c.report(source.Errorf(e, "builtin-not-here", "override() needs a kernel that is built with CONFIG_BPF_KPROBE_OVERRIDE, and this one is not"))
		return nil
	}
	for i := range c.p.Targets {
		if why := kernel.NotInjectable(c.p.Targets[i].Func, c.p.Targets[i].Offset); why != "" {
			c.report(source.Errorf(e, "builtin-not-here", "override() is not possible at %s: %s", c.p.Targets[i].Name, why))
			return nil
		}
	}
	return types.None{}
}

// writeUser writes what a value holds, or what a pointer points to.
func (c *checker) writeUser(e *ast.Call) types.Type {
	dst, src, length := c.value(e.Args[0]), c.value(e.Args[1]), c.integer(e.Args[2])
	if dst == nil || src == nil || length == nil {
		return nil
	}
	if !types.Is(dst, types.KindPointer) && !types.Is(types.Value(dst), types.KindInt) {
		c.report(errArgType(e.Args[0], e.Name, "the address to write to", dst))
		return nil
	}
	if !types.InMemory(src) && !types.Is(src, types.KindPointer) {
		c.report(errArgType(e.Args[1], e.Name, "text, an array, a struct or a pointer", src))
		return nil
	}
	k, isConst := c.constInt(e.Args[2])
	switch {
	case !isConst:
	case int64(k.Int) < 1 || int64(k.Int) > maxStrlenLimit:
		c.report(source.Errorf(e.Args[2], "out-of-range", "a length is a number from 1 to %d", maxStrlenLimit))
		return nil
	case types.InMemory(src) && int(k.Int) > src.Size():
		c.report(source.Errorf(e.Args[2], "out-of-range", "there are %d bytes to write, not %d", src.Size(), k.Int))
		return nil
	}
	return types.Bool{}
}
