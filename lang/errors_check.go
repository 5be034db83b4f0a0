package lang

import "strings"

// withNear adds a hint with near names, if there are any.
func withNear(d Diagnostic, prefix string, near []string) Diagnostic {
	if len(near) == 0 {
		return d
	}
	for i := range near {
		near[i] = prefix + near[i]
	}
	return d.WithHint("did you mean %s?", strings.Join(near, ", "))
}

// withoutTypes says with a mistake about a type that the kernel's types cannot be read, where that is so: it may be the cause.
func (c *checker) withoutTypes(d Diagnostic) Diagnostic {
	if why := c.env.Kernel().TypesErr; why != nil {
		if err := why(); err != nil {
			return d.WithHint("the kernel's types are not known here: %v", err)
		}
	}
	return d
}

func errUnknownSetting(s *Setting, near []string) Diagnostic {
	return withNear(Errorf(s, "unknown-setting", "there is no setting %s", s.Name), "", near)
}

func errUnsupported(n Node, what string) Diagnostic {
	return Errorf(n, "unsupported", "%s is not supported yet", what)
}

// otherProviders are bpftrace's probe types that gotrace has not got.
var otherProviders = map[string]string{
	"fentry": "fentry", "f": "fentry", "kfunc": "fentry", "fexit": "fexit", "fr": "fexit", "kretfunc": "fexit",
	"usdt": "usdt", "U": "usdt", "hardware": "hardware", "h": "hardware", "software": "software", "s": "software",
	"iter": "iter", "it": "iter", "watchpoint": "watchpoint", "w": "watchpoint",
	"asyncwatchpoint": "asyncwatchpoint", "aw": "asyncwatchpoint", "self": "self", "bench": "bench", "test": "test",
}

func errUnknownProvider(ap *AttachPoint) Diagnostic {
	if name := otherProviders[ap.Provider]; name != "" {
		return errUnsupported(ap, "the probe type "+name)
	}
	var names []string
	for _, k := range ProbeKinds {
		names = append(names, k.Name)
	}
	return withNear(Errorf(ap, "unknown-probe-type", "there is no probe type %s", ap.Provider), "", Nearest(ap.Provider, names))
}

func errUndefinedVar(v *Var, near []string) Diagnostic {
	return withNear(Errorf(v, "undefined-variable", "$%s is used before it is assigned", writtenName(v.Name)), "$", near)
}

func warnOutside(v *Var, first Pos) Diagnostic {
	name := writtenName(v.Name)
	return Warningf(v, "outside-block", "$%s is assigned in an inner block only (line %d): newer bpftraces do not know it here", name, first.Line).
		WithHint("declare it before that block: let $%s;", name)
}

func errUndefinedMap(m *MapRef, near []string) Diagnostic {
	return withNear(Errorf(m, "undefined-map", "@%s is never assigned", m.Name), "@", near)
}

func warnUndefinedMap(m *MapRef, near []string) Diagnostic {
	return withNear(Warningf(m, "undefined-map", "@%s is never assigned: it is 0", m.Name), "@", near)
}

func errUnknownIdent(n Node, name string, near []string) Diagnostic {
	return withNear(Errorf(n, "unknown-name", "there is no builtin or constant %s", name), "", near)
}

func errUnknownFunc(n Node, name string, near []string) Diagnostic {
	return withNear(Errorf(n, "unknown-function", "there is no function %s()", name), "", near)
}

func errTypeMismatch(n Node, what string, have, got Type, since Pos) Diagnostic {
	d := Errorf(n, "type-mismatch", "%s is a %s and can not hold a %s", what, have, got)
	if since.Line > 0 {
		return d.WithHint("it got its type at line %d, column %d", since.Line, since.Column)
	}
	return d
}

func errNoValue(n Node) Diagnostic {
	return Errorf(n, "no-value", "this has no value")
}

func errOperands(e *Binary, x, y Type) Diagnostic {
	return Errorf(e, "bad-operands", "%s can not be applied to %s and %s", e.Op, x, y)
}

// errPointerOperands is about arithmetic that pointers do not have: they are moved by integers, and have distances.
func errPointerOperands(e *Binary, x, y Type) Diagnostic {
	d := errOperands(e, x, y)
	if _, both := y.(Pointer); both && e.Op == "-" {
		if _, both = x.(Pointer); both {
			return d.WithHint("only pointers of the same type have a distance: cast one")
		}
	}
	return d.WithHint("to compute with the address, cast it: (uint64)…")
}

func errDivisionByZero(divisor Node) Diagnostic {
	return Errorf(divisor, "division-by-zero", "division by zero")
}

func errArgCount(c *Call, least, most int) Diagnostic {
	switch {
	case least == most && least == 0:
		return Errorf(c, "argument-count", "%s() takes no arguments", c.Name)
	case least == most:
		return Errorf(c, "argument-count", "%s() takes %d argument%s, not %d", c.Name, least, plural(least), len(c.Args))
	case most < 0:
		return Errorf(c, "argument-count", "%s() takes at least %d argument%s, not %d", c.Name, least, plural(least), len(c.Args))
	}
	return Errorf(c, "argument-count", "%s() takes %d to %d arguments, not %d", c.Name, least, most, len(c.Args))
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

func errArgType(n Node, call, want string, got Type) Diagnostic {
	return Errorf(n, "argument-type", "%s() takes %s here, not a %s", call, want, got)
}
