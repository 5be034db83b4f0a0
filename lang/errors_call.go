package lang

func errNotConstant(n Node, call, what string) Diagnostic {
	return Errorf(n, "not-constant", "%s() takes %s known at compile time here", call, what)
}

func errUnknownClock(id *Ident) Diagnostic {
	return withNear(Errorf(id, "unknown-name", "nsecs() has no clock %s", id.Name), "", Nearest(id.Name, clockModes))
}

func errFormatCount(e *Call, want, have int) Diagnostic {
	return Errorf(e, "format-arguments", "the format has %d conversion%s, but there %s %d argument%s",
		want, plural(want), areIs(have), have, plural(have))
}

func areIs(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// errPrinted is about a value that cannot be printed: it has none, or is too large.
func errPrinted(n Node, t Type) Diagnostic {
	if t.Size() > maxPrinted {
		return Errorf(n, "too-large", "this has %d bytes: a program can hold values of up to %d", t.Size(), maxPrinted).
			WithHint("read what you need of it through a pointer")
	}
	return Errorf(n, "print-type", "a %s cannot be printed", t)
}

func errConversion(n Node, conversion string, t Type) Diagnostic {
	if !printable(t) {
		return errPrinted(n, t)
	}
	return Errorf(n, "format-type", "%s can not print a %s", conversion, t).WithHint("%%s prints any value")
}

func errLooseAggregation(e *Call) Diagnostic {
	return Errorf(e, "aggregation-place", "%s() can only be assigned to a map", e.Name).WithHint("@name = %s(…);", e.Name)
}

func errNoNumber(m *MapRef, t Type) Diagnostic {
	return Errorf(m, "no-number", "@%s holds %s(), which is not one number", m.Name, t.(Agg).Kind).
		WithHint("print(@%s) shows it", m.Name)
}

func errKeyUse(ref *MapRef, m *mapState) Diagnostic {
	d := Errorf(ref, "map-key", "@%s has no key, but is used with one here", m.Name)
	if m.keyed {
		d = Errorf(ref, "map-key", "@%s has a key, but is used without one here", m.Name)
	}
	return d.WithHint("it is first used at line %d, column %d", m.first.Pos.Line, m.first.Pos.Column)
}

func errMapMismatch(n Node, m *mapState, t Type) Diagnostic {
	have, isAgg := m.Value.(Agg)
	if got, ok := t.(Agg); ok && isAgg && got.Kind == have.Kind {
		return Errorf(n, "type-mismatch", "@%s holds %s() with other arguments", m.Name, have.Kind).
			WithHint("it got its type at line %d, column %d", m.valuePos.Line, m.valuePos.Column)
	}
	return errTypeMismatch(n, "@"+m.Name, m.Value, t, m.valuePos)
}
