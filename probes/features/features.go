// Package features finds out what this kernel, machine and process offer, feature by feature, with what each is needed for. It asks the kernel
// rather than its version, where the kernel can be asked.
package features

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/probes"
)

// Feature is something that is there or not.
type Feature struct {
	Group string
	Name  string
	There bool
	// Detail says what it is, or why it is not there; "" if there is no more to say.
	Detail string
	// For says what it is needed for, and what happens without it.
	For string
}

// Fact is something about the machine that has a value.
type Fact struct{ Name, Value string }

// System is what the machine is.
func System() []Fact {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return nil
	}
	text := func(b []byte) string { return unix.ByteSliceToString(b) }
	cpus := fmt.Sprint(runtime.NumCPU())
	if possible, err := ebpf.PossibleCPU(); err == nil {
		cpus += fmt.Sprintf(" of %d possible", possible)
	}
	return []Fact{
		{"kernel", text(u.Sysname[:]) + " " + text(u.Release[:]) + " " + text(u.Version[:])},
		{"architecture", text(u.Machine[:])},
		{"CPUs", cpus},
		{"lockdown", setting("/sys/kernel/security/lockdown")},
		{"unprivileged_bpf_disabled", setting("/proc/sys/kernel/unprivileged_bpf_disabled")},
		{"perf_event_paranoid", setting("/proc/sys/kernel/perf_event_paranoid")},
		{"kptr_restrict", setting("/proc/sys/kernel/kptr_restrict")},
		{"perf_event_max_sample_rate", setting("/proc/sys/kernel/perf_event_max_sample_rate")},
		{"bpf_jit_enable", setting("/proc/sys/net/core/bpf_jit_enable")},
	}
}

// setting reads a file of one line.
func setting(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(b))
}

// row is a feature with the question whether it is there.
type row struct {
	name, use string
	ask       func() (detail string, err error)
}

var groups = []struct {
	title string
	rows  []row
}{
	{"Privileges", []row{
		{"capabilities", "running any script: root, or CAP_BPF and CAP_PERFMON", plain(probes.CheckPrivileges)},
	}},
	{"Types and names", []row{
		{"BTF of the kernel", "structs by name, curtask, typed arguments; without it tracepoints and C definitions remain", file("/sys/kernel/btf/vmlinux")},
		{"kallsyms", "names of kernel functions in stacks, ksym() and kaddr()", addresses},
		{"tracefs", "tracepoints and the list of traceable functions", tracefs},
		{"traceable functions", "wildcards of kprobe and fentry that leave out what the kernel refuses", inTracefs("available_filter_functions")},
	}},
	{"Probes", []row{
		{"tracepoint", "tracepoint probes", try("tracepoint", "oom", "mark_victim")},
		{"raw tracepoint", "BEGIN, END, interval and rawtracepoint probes", try("rawtracepoint", "mark_victim")},
		{"kprobe", "kprobe and kretprobe probes", try("kprobe", "vprintk")},
		{"kprobe_multi", "attaching thousands of kprobes in a second; without it one by one", plain(features.HaveBPFLinkKprobeMulti)},
		{"kprobe_session", "kprobe and kretprobe of the same functions at half the price", plain(features.HaveBPFLinkKprobeSession)},
		{"fentry", "fentry and fexit probes", try("fentry", "bpf_fentry_test1")},
		{"iterators", "iter probes", try("iter", "task")},
		{"uprobe", "uprobe, uretprobe and usdt probes", uprobe},
		{"uprobe_multi", "attaching many uprobes at once; without it one by one", plain(features.HaveBPFLinkUprobeMulti)},
		{"perf events", "profile, software, hardware and watchpoint probes", try("software", "dummy", "1")},
		{"hardware counters", "hardware probes; profile uses a timer anyhow", counters},
		{"system calls", "tracepoint:syscalls:*; without them they are served from rawtracepoint:sys_enter and sys_exit", inTracefs("events/syscalls/enable")},
	}},
	{"Maps", []row{
		{"ring buffer", "all that a script prints", mapType(ebpf.RingBuf)},
		{"per-CPU hash", "aggregations by key", mapType(ebpf.PerCPUHash)},
		{"LRU hash", "let @x = lruhash(N)", mapType(ebpf.LRUHash)},
		{"stack traces", "kstack and ustack", mapType(ebpf.StackTrace)},
	}},
	{"Helpers", []row{
		{"for_each_map_elem", "for ($kv : @map) and len(@map); Linux 5.13", helper(asm.FnForEachMapElem)},
		{"loop", "while and for over a range; Linux 5.17", helper(asm.FnLoop)},
		{"map_lookup_percpu_elem", "reading an aggregation by key in a probe; Linux 5.19", helper(asm.FnMapLookupPercpuElem)},
		{"ktime_get_tai_ns", "nsecs(tai); Linux 6.1", helper(asm.FnKtimeGetTaiNs)},
		{"get_func_ip", "func; Linux 5.15", helperOf(ebpf.Kprobe, asm.FnGetFuncIp)},
		{"get_current_task_btf", "reading the current task without calls; Linux 5.11", helper(asm.FnGetCurrentTaskBtf)},
		{"send_signal", "signal(); Linux 5.3", helper(asm.FnSendSignal)},
		{"override_return", "override()", helperOf(ebpf.Kprobe, asm.FnOverrideReturn)},
		{"probe_write_user", "write_user()", helper(asm.FnProbeWriteUser)},
	}},
	{"Verifier", []row{
		{"a million instructions", "long probes; Linux 5.2", plain(features.HaveLargeInstructions)},
		{"bounded loops", "loops that are not unrolled; Linux 5.3", plain(features.HaveBoundedLoops)},
		{"atomic exchange", "min() and max() from probes that interrupt each other; Linux 5.12", plain(features.HaveV3ISA)},
		{"long jumps", "probes of more than 32,767 instructions in one piece; Linux 6.6", plain(features.HaveV4ISA)},
	}},
}

// All asks for every feature.
func All() []Feature {
	var list []Feature
	for _, g := range groups {
		for _, r := range g.rows {
			detail, err := r.ask()
			f := Feature{Group: g.title, Name: r.name, There: err == nil, Detail: detail, For: r.use}
			if err != nil && !errors.Is(err, ebpf.ErrNotSupported) {
				f.Detail = firstLine(err)
			}
			list = append(list, f)
		}
	}
	return list
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

func plain(ask func() error) func() (string, error) {
	return func() (string, error) { return "", ask() }
}

func file(path string) func() (string, error) {
	return func() (string, error) {
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		return "", f.Close()
	}
}

// counters looks for a processor's counters, which have the processor's name: cpu, cpu_core, armv8_pmuv3_0.
func counters() (string, error) {
	for _, pattern := range []string{"cpu*", "arm*"} {
		if found, _ := filepath.Glob("/sys/bus/event_source/devices/" + pattern); len(found) > 0 {
			_, err := try("hardware", "cpu-cycles", "1000000000")()
			return filepath.Base(found[0]), err
		}
	}
	return "", errors.New("no such device in /sys/bus/event_source/devices")
}

// addresses says whether kallsyms shows them: it shows zeros to whom kptr_restrict keeps them from.
func addresses() (string, error) {
	b, err := os.ReadFile("/proc/kallsyms")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(b)) {
		if address, _, _ := strings.Cut(line, " "); strings.Trim(address, "0") != "" {
			return "", nil
		}
	}
	return "", errors.New("/proc/kallsyms shows no addresses: see kptr_restrict")
}

// try attaches a program that does nothing to a place where little happens.
func try(kind string, parts ...string) func() (string, error) {
	return func() (string, error) {
		e, err := probes.NewEnv(probes.EnvOptions{})
		if err != nil {
			return "", err
		}
		return "", e.Try(&ast.AttachPoint{Provider: kind, Parts: parts})
	}
}

func uprobe() (string, error) {
	e, err := probes.NewEnv(probes.EnvOptions{})
	if err != nil {
		return "", err
	}
	return "", e.TryUprobe()
}

func tracefs() (string, error) {
	dir, err := probes.Tracefs()
	return dir, err
}

func inTracefs(name string) func() (string, error) {
	return func() (string, error) {
		dir, err := probes.Tracefs()
		if err != nil {
			return "", err
		}
		return file(dir + "/" + name)()
	}
}

func mapType(t ebpf.MapType) func() (string, error) {
	return func() (string, error) { return "", features.HaveMapType(t) }
}

// helper asks for a helper of raw tracepoint programs, which have what all tracing programs have.
func helper(fn asm.BuiltinFunc) func() (string, error) { return helperOf(ebpf.RawTracepoint, fn) }

func helperOf(t ebpf.ProgramType, fn asm.BuiltinFunc) func() (string, error) {
	return func() (string, error) { return "", features.HaveProgramHelper(t, fn) }
}
