package builtin

import (
	"strings"
	"testing"
)

// TestTable finds builtins whose row lacks something, or contradicts itself.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, b := range Table {
		if seen[b.Name] {
			t.Errorf("%s has two rows", b.Name)
		}
		seen[b.Name] = true
		if b.Help == "" || strings.HasSuffix(b.Help, ".") {
			t.Errorf("%s: the help is one line without a full stop, not %q", b.Name, b.Help)
		}
		if b.There() && !strings.Contains(b.Example, strings.TrimSuffix(b.Name, "N")) {
			t.Errorf("%s: the example does not use it: %q", b.Name, b.Example)
		}
		if !b.Variable && !b.Function {
			t.Errorf("%s is neither a variable nor a function", b.Name)
		}
		if b.Variable && b.There() && b.Type == nil && b.Result == "" {
			t.Errorf("%s: nothing says what its type is", b.Name)
		}
		if b.Aggregate && !b.Effect || b.Ends && !b.Effect || b.PerTarget && b.Variable && b.Stable != Constant || b.Args != "" && !b.Function {
			t.Errorf("%s: the facts exclude each other: %+v", b.Name, b)
		}
		if (b.Map != MapValue) != strings.HasPrefix(b.Args, "@map") && b.Map != MapPrints && b.There() {
			t.Errorf("%s(%s): what does it do to the map?", b.Name, b.Args)
		}
	}
}

func TestArity(t *testing.T) {
	for _, tt := range []struct {
		args     string
		min, max int
	}{
		{"", 0, 0}, {"a", 1, 1}, {"a, b", 2, 2}, {"[a]", 0, 1}, {"a, [b], [c]", 1, 3}, {"a, [b], …", 1, -1}, {"a, b, …", 2, -1},
	} {
		if least, most := arity(tt.args); least != tt.min || most != tt.max {
			t.Errorf("%q takes %d to %d arguments", tt.args, least, most)
		}
	}
}

func TestFind(t *testing.T) {
	for name, want := range map[string]string{
		"pid": "pid", "arg0": "argN", "arg12": "argN", "sarg3": "sargN", "arg01": "", "arg": "", "argN": "", "nothing": "", "pid1": "",
	} {
		got := ""
		if b := Find(name); b != nil {
			got = b.Name
		}
		if got != want {
			t.Errorf("Find(%q) is %q, want %q", name, got, want)
		}
	}
}

func TestPlain(t *testing.T) {
	for name, want := range map[string]string{
		"__builtin_pid": "pid", "__builtin_arg0": "arg0", "pid": "pid", "__builtin_nothing": "__builtin_nothing", "__builtin_": "__builtin_",
	} {
		if got := Plain(name); got != want {
			t.Errorf("Plain(%q) is %q, want %q", name, got, want)
		}
	}
}

// TestKinds finds kinds of probes whose row lacks something, and names that stand for two.
func TestKinds(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range ProbeKinds {
		for _, n := range append([]string{k.Name}, k.Aliases...) {
			if seen[n] {
				t.Errorf("%s stands for two kinds", n)
			}
			seen[n] = true
			if FindKind(n) != k || (ProbeKindByName(n) == k) != k.There() {
				t.Errorf("%s is not found by its name %s", k.Name, n)
			}
		}
		if k.Help == "" || k.Point == "" || k.There() && k.Example == "" {
			t.Errorf("%s lacks its help, its attach point or its example", k.Name)
		}
		if (k.Once || k.Attach == AttachNever) && !k.Planned && !(k.Once && k.Attach == AttachNever) {
			t.Errorf("%s: what runs once is never attached, and nothing else", k.Name)
		}
		if k.Timed && k.Attach != AttachLast {
			t.Errorf("%s: timers begin when all is in place", k.Name)
		}
	}
	if got := len(KindsWith(HasReturn)); got != 3 {
		t.Errorf("%d kinds have a retval", got)
	}
}
