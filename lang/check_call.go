package lang

// call checks a function call.
func (c *checker) call(e *Call) Type {
	f := functions[e.Name]
	if f == nil {
		return c.callBuiltin(e)
	}
	if len(e.Args) < f.least || f.most >= 0 && len(e.Args) > f.most {
		c.report(errArgCount(e, f.least, f.most))
		return nil
	}
	return f.check(c, e)
}

// callBuiltin is a builtin variable written as a call: pid().
func (c *checker) callBuiltin(e *Call) Type {
	t, why, ok := c.builtinType(e.Name, c.p.Prog)
	switch {
	case !ok:
		c.report(errUnknownFunc(e, e.Name, Nearest(e.Name, sorted(builtinNames()))))
		for _, a := range e.Args {
			c.expr(a)
		}
		return nil
	case len(e.Args) > 0:
		c.report(errArgCount(e, 0, 0))
		return nil
	case t == nil:
		c.report(Errorf(e, "builtin-not-here", "%s", why))
		return nil
	}
	if b := builtins[e.Name]; b != nil && b.value != nil {
		c.p.Consts[e] = b.value(c, c.p.Prog)
	}
	return t
}

// literalText is the text of a string that must be written in the script.
func (c *checker) literalText(e *Call, arg Expr) (string, bool) {
	if c.value(arg) == nil {
		return "", false
	}
	k, ok := c.p.Consts[arg]
	if !ok || k.Str == nil {
		c.report(Errorf(arg, "argument-type", "%s() takes a string constant here", e.Name))
		return "", false
	}
	return *k.Str, true
}

func checkPrintf(c *checker, e *Call) Type {
	text, ok := c.literalText(e, e.Args[0])
	known := ok
	for _, a := range e.Args[1:] {
		if t := c.value(a); t == nil {
			known = false
		}
	}
	if ok {
		known = c.checkFormat(e, text) && known
	}
	if !known {
		return nil
	}
	return None{}
}

// checkFormat compares the conversions of a format with the arguments.
func (c *checker) checkFormat(e *Call, text string) bool {
	items, err := ParseFormat(text)
	if err != nil {
		c.report(Errorf(e.Args[0], "bad-format", "%v", err))
		return false
	}
	args := e.Args[1:]
	n := 0
	good := true
	for _, it := range items {
		if it.Verb == "" {
			continue
		}
		if n < len(args) {
			good = c.checkConversion(it, args[n]) && good
		}
		n++
	}
	if n != len(args) {
		c.report(Errorf(e, "argument-count", "the format has %d conversion%s, and there are %d argument%s", n, plural(n), len(args), plural(len(args))))
		return false
	}
	return good
}

func (c *checker) checkConversion(it FormatItem, arg Expr) bool {
	t := c.p.Types[arg]
	if t == nil {
		return true // reported already, or not known yet
	}
	ok := true
	switch it.Verb {
	case "s":
		ok = printsAsText(t)
	case "r", "rx", "rh":
		c.report(errUnsupported(arg, "%"+it.Verb))
		return false
	default:
		ok = isNumeric(t)
	}
	if !ok {
		c.report(Errorf(arg, "bad-format", "%%%s can not print a %s", it.Verb, t))
	}
	return ok
}

// printsAsText says whether %s can print a value.
func printsAsText(t Type) bool {
	switch t := t.(type) {
	case String, Symbol, Timestamp, Bool:
		return true
	case Array:
		return t.Elem.Size() == 1
	case Int:
		return t.Enum != nil
	}
	return false
}

func checkPrint(c *checker, e *Call) Type {
	ref, isMap := e.Args[0].(*MapRef)
	if !isMap || ref.Indexed {
		return c.printValue(e)
	}
	m := c.mapUse(ref)
	c.checkDefined(ref, m)
	good := true
	for _, a := range e.Args[1:] {
		if c.integer(a) == nil {
			good = false
			continue
		}
		if k, ok := c.constInt(a); !ok || int64(k.Int) < 0 {
			c.report(Errorf(a, "argument-type", "print() takes a constant number here, not negative"))
			good = false
		}
	}
	if len(e.Args) > 1 && m.keyless && c.final {
		c.report(Errorf(e, "argument-count", "@%s has no keys: top and div are for maps with keys", m.Name))
		return nil
	}
	if !good {
		return nil
	}
	return None{}
}

func (c *checker) printValue(e *Call) Type {
	if len(e.Args) > 1 {
		c.report(Errorf(e, "argument-count", "print() takes top and div for whole maps only"))
		return nil
	}
	t := c.value(e.Args[0])
	if t == nil {
		return nil
	}
	return None{}
}

// checkStr is str(pointer) and str(pointer, length).
func checkStr(c *checker, e *Call) Type {
	size := c.out.Config.MaxStrlen
	if len(e.Args) == 2 {
		if c.integer(e.Args[1]) == nil {
			return nil
		}
		if k, ok := c.constInt(e.Args[1]); ok {
			if int64(k.Int) < 0 {
				c.report(Errorf(e.Args[1], "out-of-range", "a length is not negative"))
				return nil
			}
			size = int(min(k.Int+1, uint64(size)))
		}
	}
	if text, ok := c.constString(e.Args[0]); ok {
		if len(e.Args) == 2 && len(text) > size-1 {
			text = text[:size-1]
		}
		return c.strConst(e, text)
	}
	t := c.value(e.Args[0])
	switch t := t.(type) {
	case nil:
		return nil
	case String:
		return String{Len: min(max(t.Len, 1), size)}
	case Pointer, Int, Array:
		return String{Len: size}
	}
	c.report(errArgType(e.Args[0], "str", "a pointer", t))
	return nil
}

// constString is str() of a positional parameter, or of a constant string: str($1), str($1 + 2).
func (c *checker) constString(e Expr) (string, bool) {
	switch e := e.(type) {
	case *Param:
		if e.N == 0 {
			return "", false
		}
		c.value(e)
		return c.paramText(e), true
	case *Binary:
		p, ok := e.X.(*Param)
		if !ok || e.Op != "+" || p.N == 0 {
			return "", false
		}
		c.value(p)
		c.integer(e.Y)
		k, isConst := c.constInt(e.Y)
		text := c.paramText(p)
		if !isConst {
			return "", false
		}
		if k.Int > uint64(len(text)) {
			c.report(Errorf(e.Y, "out-of-range", "the parameter has %d characters", len(text)))
			return "", true
		}
		c.p.Types[e] = typeInt64
		return text[k.Int:], true
	}
	return "", false
}

// aggregation is a function that makes the value of a map.
func aggregation(kind AggKind) func(*checker, *Call) Type {
	return func(c *checker, e *Call) Type {
		a := Agg{Kind: kind}
		if len(e.Args) > 0 {
			t := c.integer(e.Args[0])
			if t == nil {
				return nil
			}
			a.Signed = asInt(t).Signed
		}
		return c.aggregate(e, a)
	}
}

// aggregate checks that an aggregation is assigned to a map.
func (c *checker) aggregate(e *Call, a Agg) Type {
	if !c.p.assignsTo(e) {
		c.report(Errorf(e, "aggregation-use", "%s() is only for assigning to a map: @ = %s(…)", e.Name, e.Name))
		return nil
	}
	return a
}

// assignsTo says whether a call is the right side of an assignment to a map.
func (p *progState) assignsTo(e *Call) bool {
	found := false
	Inspect(p.Probe.Body, func(n Node) bool {
		if s, ok := n.(*Assign); ok && s.Value == Expr(e) && s.Op == "=" {
			_, found = s.Target.(*MapRef)
		}
		return !found
	})
	return found
}

// maxHistBits is the finest histogram, as in bpftrace.
const maxHistBits = 5

func checkHist(c *checker, e *Call) Type {
	t := c.integer(e.Args[0])
	a := Agg{Kind: AggHist}
	if len(e.Args) == 2 {
		k, ok := c.numberArg(e, 1)
		if !ok {
			return nil
		}
		if k < 0 || k > maxHistBits {
			c.report(Errorf(e.Args[1], "out-of-range", "hist() takes 0 to %d bits, not %d", maxHistBits, k))
			return nil
		}
		a.Bits = int(k)
	}
	if t == nil {
		return nil
	}
	a.Signed = asInt(t).Signed
	return c.aggregate(e, a)
}

// maxLHistBuckets is the most buckets of a linear histogram, as in bpftrace.
const maxLHistBuckets = 1000

func checkLHist(c *checker, e *Call) Type {
	t := c.integer(e.Args[0])
	lo, ok1 := c.numberArg(e, 1)
	hi, ok2 := c.numberArg(e, 2)
	step, ok3 := c.numberArg(e, 3)
	if t == nil || !ok1 || !ok2 || !ok3 {
		return nil
	}
	switch {
	case step <= 0:
		c.report(Errorf(e.Args[3], "out-of-range", "the step of lhist() is 1 or more, not %d", step))
	case lo < 0:
		c.report(Errorf(e.Args[1], "out-of-range", "the least value of lhist() is 0 or more, not %d", lo))
	case lo > hi:
		c.report(Errorf(e.Args[1], "out-of-range", "the least value of lhist() is above the greatest: %d > %d", lo, hi))
	case hi-lo < step:
		c.report(Errorf(e.Args[3], "out-of-range", "the step of lhist() is larger than its range"))
	case (hi-lo)/step > maxLHistBuckets:
		c.report(Errorf(e, "out-of-range", "lhist() has at most %d buckets, not %d", maxLHistBuckets, (hi-lo)/step))
	default:
		return c.aggregate(e, Agg{Kind: AggLHist, Signed: asInt(t).Signed, Min: lo, Max: hi, Step: step})
	}
	return nil
}

// numberArg is an argument that must be a constant number.
func (c *checker) numberArg(e *Call, i int) (int64, bool) {
	if c.integer(e.Args[i]) == nil {
		return 0, false
	}
	k, ok := c.constInt(e.Args[i])
	if !ok {
		c.report(Errorf(e.Args[i], "not-constant", "%s() takes a constant number here", e.Name))
		return 0, false
	}
	return int64(k.Int), true
}

// mapArg is the map that a function is called with.
func (c *checker) mapArg(e *Call) (*mapState, *MapRef) {
	ref, ok := e.Args[0].(*MapRef)
	if !ok {
		t := c.expr(e.Args[0])
		if t != nil {
			c.report(errArgType(e.Args[0], e.Name, "a map", t))
		}
		return nil, nil
	}
	m := c.mapUse(ref)
	c.checkDefined(ref, m)
	return m, ref
}

// elementArg checks f(@m[key]), f(@m, key) and, where keyless is allowed, f(@m).
func (c *checker) elementArg(e *Call) bool {
	m, ref := c.mapArg(e)
	if m == nil {
		return false
	}
	keys := ref.Keys
	if len(e.Args) > 1 {
		if ref.Indexed {
			c.report(Errorf(e, "argument-count", "the key of @%s is given twice", m.Name))
			return false
		}
		keys = e.Args[1:]
	}
	return c.keyOf(m, ref, keys) && m.Value != nil
}

func checkDelete(c *checker, e *Call) Type {
	if ref, ok := e.Args[0].(*MapRef); ok {
		c.mapUse(ref).Deletes = true
	}
	if !c.elementArg(e) {
		return nil
	}
	return Bool{}
}

func checkHasKey(c *checker, e *Call) Type {
	if ref, ok := e.Args[0].(*MapRef); ok {
		c.mapUse(ref).Read = true
	}
	if !c.elementArg(e) {
		return nil
	}
	return Bool{}
}

func checkWholeMap(c *checker, e *Call) Type {
	m, ref := c.mapArg(e)
	if m == nil {
		return nil
	}
	if ref.Indexed {
		c.report(Errorf(e.Args[0], "argument-type", "%s() takes a whole map: use delete(@%s[…]) for one element", e.Name, m.Name))
		return nil
	}
	m.Deletes = m.Deletes || e.Name == "clear"
	return None{}
}

func checkLen(c *checker, e *Call) Type {
	m, ref := c.mapArg(e)
	if m == nil {
		return nil
	}
	if ref.Indexed {
		c.report(Errorf(e.Args[0], "argument-type", "len() takes a whole map"))
		return nil
	}
	m.Read = true
	return typeInt64
}

func checkExit(c *checker, e *Call) Type {
	if len(e.Args) == 1 && c.integer(e.Args[0]) == nil {
		return nil
	}
	return None{}
}

func checkTime(c *checker, e *Call) Type {
	if len(e.Args) == 1 {
		if _, ok := c.literalText(e, e.Args[0]); !ok {
			return nil
		}
	}
	return None{}
}

func checkStrftime(c *checker, e *Call) Type {
	format, ok := c.literalText(e, e.Args[0])
	t := c.integer(e.Args[1])
	if !ok || t == nil {
		return nil
	}
	return Timestamp{Format: format, Mode: clockMode(e.Args[1])}
}

// clockMode is the clock that a time is from, "" if it can not be told.
func clockMode(e Expr) string {
	if call, ok := e.(*Call); ok && call.Name == "nsecs" && len(call.Args) == 1 {
		if id, ok := call.Args[0].(*Ident); ok {
			return id.Name
		}
	}
	return ""
}

func checkNsecs(c *checker, e *Call) Type {
	if len(e.Args) == 0 {
		return typeUint64
	}
	id, ok := e.Args[0].(*Ident)
	if ok {
		for _, m := range clockModes {
			if id.Name == m {
				return typeUint64
			}
		}
	}
	c.report(Errorf(e.Args[0], "argument-type", "nsecs() takes monotonic, boot, tai or sw_tai"))
	return nil
}
