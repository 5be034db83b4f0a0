// Package syscalls knows the parameters of system calls, for kernels that have no tracepoints of them (CONFIG_FTRACE_SYSCALLS). It imports nothing of gotrace.
package syscalls

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// table has a line "name: parameter; …" for each system call of x86-64, as the tracepoints of Linux 6.18 describe them (gotrace -lv 't:syscalls:sys_enter_*').
// Names are those of the kernel's functions.
//
//go:embed table.txt
var table string

var calls = sync.OnceValue(func() map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(table) {
		name, params, _ := strings.Cut(strings.TrimSpace(line), ":")
		var list []string
		if params = strings.TrimSpace(params); params != "" {
			list = strings.Split(params, "; ")
		}
		out[name] = list
	}
	return out
})

// Names are the names of the calls, sorted.
func Names() []string {
	var out []string
	for name := range calls() {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// The names of tracepoints begin with these.
const (
	Enter = "sys_enter_"
	Exit  = "sys_exit_"
)

// Format is the format file that a tracepoint of a call has (trace_seq of kernel/trace/trace_syscalls.c), "" if there is no such call.
func Format(event string) string {
	const field, first = "\tfield:%s;\toffset:%d;\tsize:%d;\tsigned:%d;\n", 16
	var b strings.Builder
	fmt.Fprintf(&b, field+"\n", "unsigned short common_type", 0, 2, 0)
	fmt.Fprintf(&b, field, "int __syscall_nr", 8, 4, 1)
	if name, ok := strings.CutPrefix(event, Exit); ok {
		fmt.Fprintf(&b, field, "long ret", first, 8, 1)
		if _, ok := calls()[name]; !ok {
			return ""
		}
		return b.String()
	}
	params, ok := calls()[strings.TrimPrefix(event, Enter)]
	if !ok || !strings.HasPrefix(event, Enter) {
		return ""
	}
	for i, p := range params {
		fmt.Fprintf(&b, field, p, first+8*i, 8, 0)
	}
	return b.String()
}
