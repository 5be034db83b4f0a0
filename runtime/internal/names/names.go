// Package names gives the values of a session the names of their addresses, and finds the stacks that programs have numbered.
package names

import (
	"cmp"
	"strconv"
	"sync"

	"github.com/gotrace/gotrace/internal/symbolizer"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/types"
	"github.com/gotrace/gotrace/runtime/value"
)

// Names implements value.Symbols. Its methods may be called from several goroutines.
type Names struct {
	sym     *symbolizer.Symbolizer
	targets *targets
	find    func(id uint64) ([]byte, error)

	mu     sync.Mutex
	traces recent // the stacks that were asked for lately
}

// New names addresses of the kernel and of processes. debugInfo is where
// debug files are. find gives the bytes of a stack by its number.
func New(c *lang.Checked, debugInfo []string, find func(id uint64) ([]byte, error)) *Names {
	opts := symbolizer.Options{Demangle: c.Config.Demangle, Lines: c.Config.DebugInfo, DebugInfo: debugInfo}
	n := &Names{sym: symbolizer.New(opts), targets: newTargets(c.Progs), find: find}
	if usesProcesses(c) {
		n.sym.Watch()
	}
	return n
}

// usesProcesses says whether a script has addresses of processes.
func usesProcesses(c *lang.Checked) bool {
	for _, p := range c.Progs {
		for _, t := range p.Types {
			if stack, ok := t.(types.Stack); ok && stack.User || types.Is(t, types.KindUserSymbol) {
				return true
			}
		}
	}
	return false
}

// Close gives back what is open.
func (n *Names) Close() error { return n.sym.Close() }

// Seen is told of a user stack that is new: its process is looked at while it is there, unless that was done and it is what it was.
func (n *Names) Seen(id uint64, pid uint32) {
	if n.sym.Settled(pid) {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if t, ok := n.stack(id); ok && t.PID != 0 {
		t.View = n.sym.See(t.PID, cmp.Or(t.Time, symbolizer.Now), t.Addrs...)
		n.traces.put(id, t)
	}
}

// Stack is the stack that has a number.
func (n *Names) Stack(id uint64) (value.Trace, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	t, ok := n.stack(id)
	if ok && t.View == nil && t.PID != 0 {
		t.View = n.sym.SeeAgain(t.PID, cmp.Or(t.Time, symbolizer.Now), t.Addrs...)
		n.traces.put(id, t)
	}
	return t, ok
}

// stack is the one that has a number, as far as it is kept or in the store.
func (n *Names) stack(id uint64) (value.Trace, bool) {
	if t, ok := n.traces.get(id); ok {
		return t, true
	}
	b, err := n.find(id)
	if err != nil || b == nil {
		return value.Trace{}, false
	}
	t := value.ParseTrace(false, b)
	n.traces.put(id, t)
	return t, true
}

// Kernel names an address of the kernel.
func (n *Names) Kernel(addr uint64) value.Frame { return frame(n.sym.Kernel(addr, false)) }

// User names an address of a process.
func (n *Names) User(pid uint32, addr uint64) value.Frame {
	frames := n.sym.See(pid, symbolizer.Now, addr).Name(addr, false)
	f := frame(frames[len(frames)-1])
	if f.Name == "" {
		if name, ok := n.targets.lookup(addr); ok {
			f.Name = name
		}
	}
	return f
}

// Frames names the addresses of a stack.
func (n *Names) Frames(t *value.Trace) []value.Frame {
	out := make([]value.Frame, 0, len(t.Addrs))
	caller := false // the first address is where the program was, the others are those that calls return to
	for _, addr := range t.Addrs {
		out, caller = n.At(out, t, addr, caller)
	}
	return out
}

// At adds the frames of one address of a stack. With caller it is one that a call returns to; called says whether the next address is, too.
func (n *Names) At(dst []value.Frame, t *value.Trace, addr uint64, caller bool) (frames []value.Frame, called bool) {
	if !t.User {
		dst = append(dst, frame(n.sym.Kernel(addr, caller)))
	} else {
		var room [8]symbolizer.Frame
		for _, f := range n.view(t).Append(room[:0], addr, caller) {
			dst = append(dst, frame(f))
		}
	}
	return dst, !interrupted[dst[len(dst)-1].Name]
}

// interrupted are functions that no call has called: the address above them on the stack is that of the instruction which was
// interrupted, for a signal.
var interrupted = map[string]bool{"__restore_rt": true, "__kernel_rt_sigreturn": true}

func (n *Names) view(t *value.Trace) symbolizer.View {
	if v, ok := t.View.(symbolizer.View); ok {
		return v
	}
	return n.sym.See(t.PID, cmp.Or(t.Time, symbolizer.Now), t.Addrs...)
}

// BuildIDs adds a line for each address: the build id of its file and the offset in it, or the address.
func (n *Names) BuildIDs(dst []byte, t *value.Trace) []byte {
	v := n.view(t)
	for _, addr := range t.Addrs {
		if id, off, ok := v.BuildID(addr); ok {
			dst = strconv.AppendUint(append(append(dst, id...), " 0x"...), off, 16)
		} else {
			dst = strconv.AppendUint(dst, addr, 16)
		}
		dst = append(dst, '\n')
	}
	return dst
}

func frame(f symbolizer.Frame) value.Frame { return value.Frame(f) }
