package main

import (
	"fmt"
	"strings"

	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/check"
)

const introduction = `# Reference

<!-- Made from the tables in lang/builtin by "go generate ./lang/builtin". Do not edit. -->

The kinds of probes, and the variables and functions that every script has. [language.md](language.md) describes the language;
[compatibility.md](compatibility.md) says where gotrace differs, [limits.md](limits.md) what has a limit.

`

// reference is the text of docs/reference.md.
func reference() string {
	var b strings.Builder
	b.WriteString(introduction)
	b.WriteString("## Probes\n\n")
	for _, k := range builtin.KindsWith(builtin.Anything) {
		probe(&b, k)
	}
	for _, g := range builtin.Groups {
		var there []*builtin.Builtin
		for _, e := range g.Builtins {
			if e.There() {
				there = append(there, e)
			}
		}
		if len(there) == 0 {
			continue
		}
		fmt.Fprintf(&b, "## %s\n\n", g.Title)
		for _, e := range there {
			entry(&b, e)
		}
	}
	configuration(&b)
	planned(&b)
	return b.String()
}

// probe describes a kind of probe.
func probe(b *strings.Builder, k *builtin.ProbeKind) {
	fmt.Fprintf(b, "### %s\n\n%s. Written `%s`", k.Name, sentence(k.Help), k.Point)
	if len(k.Aliases) > 0 {
		fmt.Fprintf(b, ", also `%s`", strings.Join(k.Aliases, "`, `"))
	}
	b.WriteString(".")
	if has := available(k); len(has) > 0 {
		fmt.Fprintf(b, " It has %s.", strings.Join(has, ", "))
	}
	if k.User {
		b.WriteString(" Pointers are user space's unless something says otherwise.")
	}
	if k.Listed {
		b.WriteString(" `gotrace -l` lists it.")
	}
	example(b, k.Example)
}

// available names the builtins that only some kinds have and this one is among.
func available(k *builtin.ProbeKind) []string {
	var names []string
	for _, e := range builtin.Table {
		if e.There() && e.Probe != builtin.Anything && k.Has(e.Probe) {
			names = append(names, "`"+e.Name+"`")
		}
	}
	return names
}

// entry describes a builtin.
func entry(b *strings.Builder, e *builtin.Builtin) {
	fmt.Fprintf(b, "### %s\n\n%s.", heading(e), sentence(e.Help))
	switch {
	case e.Type != nil:
		fmt.Fprintf(b, " Type: `%s`.", e.Type)
	case e.Result != "":
		fmt.Fprintf(b, " Type: %s.", e.Result)
	}
	facts(b, e)
	if e.Name == "nsecs" {
		b.WriteString("\n")
		for _, c := range builtin.Clocks {
			fmt.Fprintf(b, "\n- `%s(%s)`: %s", e.Name, c.Name, c.Help)
			if c.Kernel != nil {
				fmt.Fprintf(b, "; needs Linux %d.%d", c.Kernel.Major, c.Kernel.Minor)
			}
		}
	}
	example(b, e.Example)
}

// facts are the sentences about a builtin's limits.
func facts(b *strings.Builder, e *builtin.Builtin) {
	if e.Probe != builtin.Anything {
		var kinds []string
		for _, k := range builtin.KindsWith(e.Probe) {
			kinds = append(kinds, k.Name)
		}
		fmt.Fprintf(b, " Only in %s probes.", strings.Join(kinds, ", "))
	}
	if e.Stable == builtin.Constant {
		b.WriteString(" Known when the script is compiled.")
	}
	if e.Aggregate {
		b.WriteString(" Only assigned to a map.")
	}
	if e.Unsafe {
		b.WriteString(" Needs `--unsafe`.")
	}
	if e.Kernel != nil {
		fmt.Fprintf(b, " Needs Linux %d.%d (%s).", e.Kernel.Major, e.Kernel.Minor, e.Kernel.What)
	}
}

// heading is how a builtin is written.
func heading(e *builtin.Builtin) string {
	call := e.Name + "(" + e.Args + ")"
	switch {
	case e.Variable && e.Function:
		return e.Name + ", " + call
	case e.Function:
		return call
	}
	return e.Name
}

func example(b *strings.Builder, script string) {
	fmt.Fprintf(b, "\n\n    %s\n\n", strings.ReplaceAll(script, "\n", "\n    "))
}

// sentence begins a text with a capital letter.
func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// configuration lists the settings.
func configuration(b *strings.Builder) {
	b.WriteString("## Configuration\n\nThe block `config = { NAME = VALUE; … }` at the head of a script sets these, and so does the environment, which counts more: " +
		"`BPFTRACE_NAME` or `GOTRACE_NAME`, in capitals. Names of older versions are understood, and so are the other settings of bpftrace, which do nothing here.\n\n" +
		"| setting | what it is, and what it is without a setting |\n|---|---|\n")
	for _, s := range check.Settings() {
		fmt.Fprintf(b, "| `%s` | %s |\n", s.Name, s.Help)
	}
	b.WriteString("\n")
}

// planned lists what is not there yet.
func planned(b *strings.Builder) {
	b.WriteString("## Planned\n\nThese names are kept for what is to come. A script that uses one gets an error that says so, with its place.\n\n")
	b.WriteString("| name | what it is |\n|---|---|\n")
	for _, k := range builtin.ProbeKinds {
		if k.Planned {
			fmt.Fprintf(b, "| `%s` probe | %s |\n", k.Name, k.Help)
		}
	}
	for _, e := range builtin.Table {
		if !e.Planned {
			continue
		}
		help := e.Help
		if e.Unsafe {
			help += " (unsafe)"
		}
		fmt.Fprintf(b, "| `%s` | %s |\n", heading(e), help)
	}
}
