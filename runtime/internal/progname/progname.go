// Package progname makes the names under which programs are seen in the kernel (bpftool prog, perf, /proc/kallsyms).
package progname

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/lang"
)

// longest is the longest name that the kernel takes.
const longest = unix.BPF_OBJ_NAME_LEN - 1

// Of are a program's name, in as many characters as the kernel takes, and its whole name, which the types of a program may tell: the kind of its
// probe and where that is, as "kprobe_vfs_read". Where there is no room for the kind its short form stands for it, as in "t_sched_switch".
func Of(p *lang.Prog) (short, whole string) {
	place, last := places(p)
	kinds := []string{p.Kind.Name}
	if len(p.Kind.Aliases) > 0 && len(p.Kind.Aliases[0]) < len(p.Kind.Name) {
		kinds = append(kinds, p.Kind.Aliases[0])
	}
	whole = join(kinds[0], place)
	for _, place := range []string{place, last} {
		for _, kind := range kinds {
			if short = join(kind, place); len(short) <= longest {
				return short, whole
			}
		}
	}
	return short[:longest], whole
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

// join makes a name of characters that the kernel allows (bpf_obj_name_cpy, kernel/bpf/syscall.c; btf_name_valid_identifier).
func join(kind, place string) string {
	if place == "" {
		return kind
	}
	return kind + "_" + strings.Map(func(r rune) rune {
		if r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '_'
	}, place)
}
