//go:build linux

package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
)

// program is a typical script. SEEK is a tracepoint with a number (args->offset), CHDIR one
// with a file name; the workload fires both.
type program struct{ name, text string }

// ownPrograms are those that the installed bpftrace does not take. The workload is a program of Go: its frames have no tables, so that a frame
// costs what finding that out costs.
var ownPrograms = []program{
	{"user stack as key", `SEEK { @[ustack] = count(); }`},
	{"the same by tables", `SEEK { @[dw_ustack] = count(); }`},
}

var programs = []program{
	{"filter that misses", `SEEK /args->offset == 7777777/ { @ = count(); }`},
	{"@ = count()", `SEEK { @ = count(); }`},
	{"@[pid] = count()", `SEEK { @[pid] = count(); }`},
	{"@[pid, comm] = count()", `SEEK { @[pid, comm] = count(); }`},
	{"@x[pid]++", `SEEK { @x[pid]++; }`},
	{"@x = nsecs", `SEEK { @x = nsecs; }`},
	{"sum + avg + max", `SEEK { @s = sum(args->offset); @a = avg(args->offset); @m = max(args->offset); }`},
	{"hist", `SEEK { @ = hist(args->offset); }`},
	{"hist by comm", `SEEK { @[comm] = hist(args->offset); }`},
	{"latency (enter + exit)", `SEEK { @start[tid] = nsecs; }
		tracepoint:syscalls:sys_exit_lseek /@start[tid]/ { @ns = hist(nsecs - @start[tid]); delete(@start[tid]); }`},
	{"parent's pid as key", `SEEK { @[((struct task_struct *)curtask)->real_parent->tgid] = count(); }`},
	{"four task fields", `SEEK { $t = (struct task_struct *)curtask; @ = sum($t->pid + $t->tgid + $t->prio + $t->static_prio); }`},
	{`comm == "..."`, `SEEK /comm == "no-such-comm"/ { @ = count(); }`},
	{"file name compared", `CHDIR /str(args->filename) == "/gotrace/other"/ { @ = count(); }`},
	{"file name as key", `CHDIR { @[str(args->filename)] = count(); }`},
	{"strlen", `CHDIR { @ = sum(strlen(str(args->filename))); }`},
	{"strncmp", `CHDIR /strncmp(str(args->filename), "/gotrace/other", 12) == 0/ { @ = count(); }`},
	{"strcontains", `CHDIR /strcontains(str(args->filename), "directory")/ { @ = count(); }`},
	{"strcontains, not constant", `CHDIR /strcontains(str(args->filename), comm)/ { @ = count(); }`},
	{"strstr", `CHDIR { @ = sum(strstr(str(args->filename), "such")); }`},
	{"str_concat", `CHDIR { @[str_concat(comm, str(args->filename))] = count(); }`},
	{"memcmp", `CHDIR /memcmp(str(args->filename), "/gotrace/no", 11) == 0/ { @ = count(); }`},
	{"stacks and comm as key", `SEEK { @[ustack, kstack, comm] = count(); }`},
	{"printf pid, comm, file", `CHDIR { printf("%d %s %s\n", pid, comm, str(args->filename)); }`},
}

// events is how often the workload fires each tracepoint in a round.
const events = 20000

// fire makes the system calls. They fail, which costs the least.
func fire() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	name, err := unix.BytePtrFromString("/gotrace/no/such/directory")
	if err != nil {
		panic(err) // a constant without NUL
	}
	for i := range events {
		unix.Syscall(unix.SYS_LSEEK, ^uintptr(0), uintptr(i), 0)
	}
	for range events {
		chdir(name)
	}
}

// benchPrograms measures instructions and nanoseconds of one firing, with the statistics' own cost taken off.
func benchPrograms(tools []tool, _ string, rounds int) error {
	restore, err := enableStats()
	if err != nil {
		return err
	}
	defer restore()
	own, err := ownCost()
	if err != nil {
		return err
	}
	fmt.Printf("\nprograms: instructions, nanoseconds a run (the statistics' own %.0f ns taken off)\n%-26s", own, "")
	for _, t := range tools {
		fmt.Printf(" %8s %8s", t.name, "ns")
	}
	fmt.Printf(" %8s\n", "less by")
	for _, p := range programs {
		if err := benchProgram(tools, p, own, rounds); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	for _, p := range ownPrograms {
		if err := benchProgram(tools[:1], p, own, rounds); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

func benchProgram(tools []tool, p program, own float64, rounds int) error {
	text := strings.NewReplacer("SEEK", "tracepoint:syscalls:sys_enter_lseek", "CHDIR", "tracepoint:syscalls:sys_enter_chdir").Replace(p.text)
	insns, ns := make([]int, len(tools)), make([]float64, len(tools))
	// One tool at a time: programs of both on one event would disturb each other.
	for i, t := range tools {
		s, err := startSession(t, text)
		if err != nil && i > 0 { // an older one may not have it
			ns[i] = math.NaN()
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		insns[i], ns[i], err = measure(s, own, rounds)
		if closeErr := s.close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	fmt.Printf("%-26s", p.name)
	for i := range tools {
		if math.IsNaN(ns[i]) {
			fmt.Printf(" %17s", "refused")
			continue
		}
		fmt.Printf(" %8d %8.1f", insns[i], ns[i])
	}
	fmt.Printf(" %8s\n", ratio(ns))
	return nil
}

// measure fires the workload and sums over the programs that ran about as often as it fired. The median
// of the rounds counts.
func measure(s *session, own float64, rounds int) (insns int, ns float64, err error) {
	fire() // caches, lazily made map elements
	var all []float64
	for range rounds {
		before, err := s.stats()
		if err != nil {
			return 0, 0, err
		}
		fire()
		after, err := s.stats()
		if err != nil {
			return 0, 0, err
		}
		insns, ns = 0, 0
		for id, a := range after {
			runs := a.runs - before[id].runs
			if runs < events/2 {
				continue // the interval, BEGIN, END
			}
			insns += a.insns
			ns += float64(a.ns-before[id].ns)/float64(runs) - own
		}
		all = append(all, ns)
	}
	return insns, median(all), nil
}

// statsFile switches the kernel's measuring of programs.
const statsFile = "/proc/sys/kernel/bpf_stats_enabled"

func enableStats() (restore func(), err error) {
	old, err := os.ReadFile(statsFile)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", statsFile, err)
	}
	if err := os.WriteFile(statsFile, []byte("1"), 0); err != nil {
		return nil, fmt.Errorf("switching statistics on: %w", err)
	}
	return func() { os.WriteFile(statsFile, old, 0) }, nil
}

// ownCost is what the kernel reports for a program that does nothing: the cost of measuring.
func ownCost() (float64, error) {
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type:         ebpf.TracePoint,
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
		License:      "GPL",
	})
	if err != nil {
		return 0, fmt.Errorf("loading an empty program: %w", err)
	}
	defer p.Close()
	l, err := link.Tracepoint("syscalls", "sys_enter_lseek", p, nil)
	if err != nil {
		return 0, fmt.Errorf("attaching an empty program: %w", err)
	}
	defer l.Close()
	var all []float64
	for range 5 {
		before, err := p.Stats()
		if err != nil {
			return 0, err
		}
		fire()
		after, err := p.Stats()
		if err != nil {
			return 0, err
		}
		all = append(all, float64(after.Runtime-before.Runtime)/float64(after.RunCount-before.RunCount))
	}
	return median(all), nil
}
