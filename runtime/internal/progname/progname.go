// Package progname makes the names under which programs are seen in the kernel (bpftool prog, perf, /proc/kallsyms).
package progname

import (
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/lang"
)

// longest is the longest name that the kernel takes for a program, and wholeLongest for a function (KSYM_NAME_LEN, 128 before Linux 6.1).
const (
	longest      = unix.BPF_OBJ_NAME_LEN - 1
	wholeLongest = 127
)

// Of are the names of a program, the n-th of a script. One has as many characters as the kernel takes: the kind of its probe and where that is, as
// "kprobe_vfs_read"; where there is no room for the kind its short form stands for it, as in "t_sched_switch". The other is that of the program's
// function, all of the probe's name and the number: by it bpftool and perf show the program, and fentry:bpf:NAME finds it.
func Of(p *lang.Prog, n int) (short, function string) {
	number := "_" + strconv.Itoa(n)
	whole := identifier(wholeName(p))
	function = whole[:min(len(whole), wholeLongest-len(number))] + number
	place, last := places(p)
	kinds := []string{p.Kind.Name}
	if len(p.Kind.Aliases) > 0 && len(p.Kind.Aliases[0]) < len(p.Kind.Name) {
		kinds = append(kinds, p.Kind.Aliases[0])
	}
	for _, place := range []string{place, last} {
		for _, kind := range kinds {
			if short = join(kind, place); len(short) <= longest {
				return short, function
			}
		}
	}
	return short[:longest], function
}

// Describe is the type of a program's function.
func Describe(function string) *btf.Func {
	context := btf.FuncParam{Name: "ctx", Type: &btf.Int{Name: "unsigned long", Size: 8}}
	result := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	return &btf.Func{Name: function, Type: &btf.FuncProto{Return: result, Params: []btf.FuncParam{context}}, Linkage: btf.StaticFunc}
}

// wholeName is the full name of a program's probe. One that several targets share has what the script says.
func wholeName(p *lang.Prog) string {
	if len(p.Targets) == 1 || len(p.Probe.Points) == 0 {
		return p.Targets[0].Name
	}
	return strings.Join(append([]string{p.Kind.Name}, p.Probe.Points[0].Parts...), ":")
}

// places are where a program's probe is and the last part of that that is a word. One that several targets share has what the script says.
func places(p *lang.Prog) (place, last string) {
	var parts []string
	if len(p.Targets) == 1 {
		parts = strings.Split(p.Targets[0].Name, ":")
		if len(parts) > 1 {
			parts = parts[1:]
		} else if strings.EqualFold(parts[0], p.Kind.Name) { // BEGIN
			return "", ""
		}
	} else if len(p.Probe.Points) > 0 {
		parts = p.Probe.Points[0].Parts
	}
	var names []string
	for _, part := range parts {
		if !strings.Contains(part, "/") && part != "" { // a path says less than what is in the file
			names = append(names, part)
		}
	}
	if len(names) == 0 {
		return "", ""
	}
	last = names[len(names)-1]
	for _, n := range names {
		if n[0] > '9' {
			last = n
		}
	}
	return strings.Join(names, "_"), last
}

// join makes a name of characters that the kernel allows (bpf_obj_name_cpy, kernel/bpf/syscall.c; btf_name_valid_identifier, kernel/bpf/btf.c).
func join(kind, place string) string {
	if place == "" {
		return kind
	}
	return kind + "_" + identifier(place)
}

// identifier replaces the characters that C's names do not have, each by a '_': others the kernel does not take.
func identifier(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '_'
	}, name)
}
