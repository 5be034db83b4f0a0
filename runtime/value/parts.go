package value

import "github.com/gotrace/gotrace/lang/types"

// Part is a part of a value: an element of a tuple, a member of a record, or a value that has no parts.
type Part struct {
	Name  string // of a member, "" if it has none
	Codec Codec
	Bytes []byte
}

// Parts takes a value apart. Those of tuples and records inside others are parts of their own; structs of C are not taken apart.
func (c Codec) Parts(b []byte) []Part { return c.appendParts(nil, "", b) }

func (c Codec) appendParts(dst []Part, name string, b []byte) []Part {
	b = atLeast(b, c.size)
	switch impl := c.impl.(type) {
	case *tupleCodec:
		for i, e := range impl.elems {
			dst = e.appendParts(dst, name, b[impl.offsets[i]:])
		}
		return dst
	case recordCodec:
		for _, m := range impl.members {
			dst = m.codec.appendParts(dst, m.name, from(b, m.off))
		}
		return dst
	}
	return append(dst, Part{name, c, b})
}

// KeyParts adds the parts of the key of an element. Their names are those of members, and otherwise those that the script has for what they
// are made of, as far as there are any.
func (c *MapCodec) KeyParts(dst []Part, key []byte) []Part {
	if !c.Keyed {
		return dst
	}
	first := len(dst)
	dst = c.Key.appendParts(dst, "", key)
	if parts := dst[first:]; len(parts) == len(c.KeyNames) {
		for i := range parts {
			if parts[i].Name == "" {
				parts[i].Name = c.KeyNames[i]
			}
		}
	}
	return dst
}

// Text is the text of a part.
func (p *Part) Text() string { return string(p.Codec.AppendText(nil, p.Bytes)) }

// Number says whether the part is a number that is shown as one, with its sign.
func (p *Part) Number() bool { return p.Codec.IsNumber() }

// IsNumber says whether values are shown as numbers: not by a name, and not as an address.
func (c Codec) IsNumber() bool {
	switch impl := c.impl.(type) {
	case intCodec:
		return impl.typ.Enum == nil
	case aggCodec:
		return impl.typ.Kind != types.AggStats
	case bitsCodec, floatCodec:
		return true
	}
	return false
}

// StackID is the number of a stack in the store of stacks, with what distinguishes two kinds of the same number. ok is false for what is no
// stack, and for one that lies in the record.
func (c Codec) StackID(b []byte) (id uint64, user, ok bool) {
	s, is := c.impl.(stackCodec)
	if !is || s.inline {
		return 0, false, false
	}
	return word(atLeast(b, c.size)), s.typ.User, true
}

// Measure is a number of a value that can be added to that of other values: what flame graphs and profiles show.
type Measure struct {
	Name  string // "count" or "total" of a value that has both, else ""
	Count bool   // it counts values; otherwise it has the unit of the values
}

// Measures are those of the values of a type; none if nothing of them can be added up: the greatest value of two stacks is not that of their
// caller.
func (c Codec) Measures() []Measure {
	switch impl := c.impl.(type) {
	case intCodec:
		if impl.typ.Enum == nil {
			return []Measure{{}}
		}
	case histCodec, quantilesCodec:
		return []Measure{{Count: true}}
	case aggCodec:
		switch impl.typ.Kind {
		case types.AggCount:
			return []Measure{{Count: true}}
		case types.AggSum:
			return []Measure{{}}
		case types.AggAvg, types.AggStats:
			return []Measure{{Name: "count", Count: true}, {Name: "total"}}
		}
	}
	return nil
}

// Measure adds the numbers of a value, one for each of Measures.
func (c Codec) Measure(dst []int64, b []byte) []int64 {
	b = atLeast(b, c.size)
	switch impl := c.impl.(type) {
	case intCodec:
		n, signed := impl.value(b)
		return append(dst, bounded(n, signed))
	case histCodec:
		return append(dst, bounded(impl.total(b)/uint64(impl.div), false))
	case quantilesCodec:
		return append(dst, bounded(impl.total(b), false))
	case aggCodec:
		signed := impl.typ.Signed
		switch impl.typ.Kind {
		case types.AggAvg, types.AggStats:
			return append(dst, bounded(impl.count(b), false), bounded(divide(impl.total(b), signed, impl.div), signed))
		}
		return append(dst, bounded(divide(impl.value(b), signed, impl.div), signed))
	}
	return dst
}

// bounded is a number, or the greatest int64 for one that is too large for it.
func bounded(n uint64, signed bool) int64 {
	if !signed && int64(n) < 0 {
		return 1<<63 - 1
	}
	return int64(n)
}

// Row is a bucket of a histogram with the label that its row has in the text.
type Row struct {
	Label string
	Bucket
}

// Rows are the buckets of hist() and lhist() as the text shows them, nil for other types.
func (c Codec) Rows(b []byte) []Row {
	hist, ok := c.impl.(histCodec)
	if !ok {
		return nil
	}
	var out []Row
	for _, n := range hist.buckets(atLeast(b, c.size)) {
		out = append(out, Row{hist.label(n), n})
	}
	return out
}

// Grows says whether values only become larger until their map is emptied: those of count(), hist() and lhist().
func (c Codec) Grows() bool {
	switch impl := c.impl.(type) {
	case histCodec:
		return true
	case aggCodec:
		return impl.typ.Kind == types.AggCount
	}
	return false
}
