package lang

// aggregation checks count(), sum(x) and the like.
func aggregation(kind AggKind) func(*checker, *Call) Type {
	return func(c *checker, e *Call) Type {
		a := Agg{Kind: kind}
		if !c.aggregated(e, &a) {
			return nil
		}
		return a
	}
}

// aggregated checks what all aggregations share: that the value goes straight into a map, and that the first argument is a number.
func (c *checker) aggregated(e *Call, a *Agg) bool {
	if c.aggregate != e {
		c.report(errLooseAggregation(e))
		return false
	}
	if len(e.Args) == 0 {
		return true
	}
	t := c.integer(e.Args[0])
	if t == nil {
		return false
	}
	if i, ok := plainValue(t).(Int); ok {
		a.Signed = i.Signed && !i.flexible()
	}
	return true
}

// maxHistBits is the greatest number of bits of hist(): 2^5 buckets for each power of two.
const maxHistBits = 5

func (c *checker) hist(e *Call) Type {
	a := Agg{Kind: AggHist}
	ok := c.aggregated(e, &a)
	a.Signed = true
	if len(e.Args) > 1 {
		n, isConst := c.constNumber(e, 1)
		if isConst && (n < 0 || n > maxHistBits) {
			c.report(Errorf(e.Args[1], "out-of-range", "hist() takes 0 to %d bits, not %d", maxHistBits, n))
			isConst = false
		}
		a.Bits, ok = int(n), ok && isConst
	}
	if !ok {
		return nil
	}
	return a
}

// maxLinear is the largest number of buckets of lhist(), as in bpftrace.
const maxLinear = 1000

func (c *checker) lhist(e *Call) Type {
	a := Agg{Kind: AggLHist}
	ok := c.aggregated(e, &a)
	a.Signed = true
	for i, dst := range []*int64{&a.Min, &a.Max, &a.Step} {
		n, isConst := c.constNumber(e, i+1)
		*dst, ok = n, ok && isConst
	}
	if !ok {
		return nil
	}
	switch {
	case a.Step <= 0:
		c.report(Errorf(e.Args[3], "out-of-range", "the step of lhist() is at least 1, not %d", a.Step))
		return nil
	case a.Max <= a.Min:
		c.report(Errorf(e.Args[2], "out-of-range", "the end of lhist() must be above its start %d, not %d", a.Min, a.Max))
		return nil
	case uint64(a.Step) > uint64(a.Max)-uint64(a.Min):
		c.report(Errorf(e.Args[3], "out-of-range", "the step of lhist() is at most its range %d, not %d", uint64(a.Max)-uint64(a.Min), a.Step))
		return nil
	case uint64(a.Max)-uint64(a.Min) > maxInt64:
		c.report(Errorf(e.Args[2], "out-of-range", "the range of lhist() is at most %d", uint64(maxInt64)))
		return nil
	case (a.Max-a.Min)/a.Step > maxLinear:
		c.report(Errorf(e, "out-of-range", "lhist() has at most %d buckets", maxLinear).WithHint("take a larger step"))
		return nil
	}
	return a
}
