package value

import (
	"math"
	"strconv"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/types"
)

// histBar is the width of the longest bar of a histogram, in characters.
const histBar = 52

// histCodec is for hist() and lhist(): a count for each bucket. div divides the counts of hist().
type histCodec struct {
	typ types.Agg
	div int64
}

// buckets are the buckets from the first to the last one that counted something.
func (c histCodec) buckets(b []byte) Histogram {
	first, last := 0, layout.AggWords(c.typ)-1
	for first <= last && word(b[layout.Word(first):]) == 0 {
		first++
	}
	for last >= first && word(b[layout.Word(last):]) == 0 {
		last--
	}
	out := make(Histogram, 0, last-first+1)
	for i := first; i <= last; i++ {
		n := Bucket{Count: word(b[layout.Word(i):])}
		if c.typ.Kind == types.AggHist {
			n.Lo, n.Hi = layout.HistRange(i, c.typ.Bits)
			n.Count /= uint64(c.div)
		} else {
			n.Lo, n.Hi = layout.LHistRange(i, c.typ)
		}
		out = append(out, n)
	}
	return out
}

func (c histCodec) decode(b []byte) any { return c.buckets(b) }

// appendJSON shows each bucket with the least and the greatest value that it counts. The first one of all has no least, the last
// one of lhist() no greatest value.
func (c histCodec) appendJSON(dst, b []byte) []byte {
	dst = append(dst, '[')
	for i, n := range c.buckets(b) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = c.appendBucketJSON(dst, n)
	}
	return append(dst, ']')
}

func (c histCodec) appendBucketJSON(dst []byte, n Bucket) []byte {
	dst = append(dst, '{')
	if n.Lo != math.MinInt64 {
		dst = append(appendJSONNumber(append(dst, `"min": `...), uint64(n.Lo), true), ", "...)
	}
	switch last := n.Hi == math.MaxInt64; {
	case !last:
		dst = append(appendJSONNumber(append(dst, `"max": `...), uint64(n.Hi-1), true), ", "...)
	case c.typ.Kind == types.AggHist: // whose end, 2^63, is no int64
		dst = append(appendJSONNumber(append(dst, `"max": `...), math.MaxInt64, true), ", "...)
	}
	return append(appendJSONNumber(append(dst, `"count": `...), n.Count, false), '}')
}

func (c histCodec) compare(a, b []byte) int {
	return compareInts(c.total(a), c.total(b), false)
}

// total is how many values were counted.
func (c histCodec) total(b []byte) (n uint64) {
	for i := range layout.AggWords(c.typ) {
		n += word(b[layout.Word(i):])
	}
	return n
}

// appendText writes a row for each bucket, one a line.
func (c histCodec) appendText(dst, b []byte) []byte {
	rows := c.buckets(b)
	var most uint64
	for _, r := range rows {
		most = max(most, r.Count)
	}
	for _, r := range rows {
		dst = appendHistRow(dst, c.label(r), r.Count, most)
	}
	return dst
}

// label names a bucket.
func (c histCodec) label(b Bucket) string {
	if c.typ.Kind == types.AggHist {
		return histLabel(layout.HistIndex(b.Lo, c.typ.Bits), c.typ.Bits)
	}
	return lhistLabel(layout.LHistIndex(b.Lo, c.typ), c.typ)
}

// histLabel names a bucket of a hist(): "(..., 0)", "[1]" for a single value, "[4, 8)".
func histLabel(index, bits int) string {
	if index == 0 {
		return "(..., 0)"
	}
	lo, hi := layout.HistRange(index, bits)
	if hi == lo+1 {
		return "[" + strconv.FormatInt(lo, 10) + "]"
	}
	return "[" + histBound(index, bits) + ", " + histBound(index+1, bits) + ")"
}

// histBound writes where a bucket begins. The unit is chosen by the power of two that the bucket's width is, so that
// fine buckets keep their digits.
func histBound(index, bits int) string {
	n := index - 1
	if n < 2<<bits {
		return strconv.Itoa(n)
	}
	power := n>>bits - 1
	factor := uint64(1<<bits + n&(1<<bits-1))
	unit := power / 10
	s := strconv.FormatUint(factor<<(power-10*unit), 10)
	if unit > 0 {
		s += string("KMGTPE"[unit-1])
	}
	return s
}

// lhistLabel names a bucket of an lhist(). Bounds that are whole multiples of 1024 are shortened when the step is one.
func lhistLabel(index int, t types.Agg) string {
	lo, hi := layout.LHistRange(index, t)
	switch {
	case index == 0:
		return "(..., " + lhistBound(hi, t.Step) + ")"
	case index == layout.LHistBuckets(t)-1:
		return "[" + lhistBound(lo, t.Step) + ", ...)"
	case t.Step == 1:
		return "[" + strconv.FormatInt(lo, 10) + "]"
	}
	return "[" + lhistBound(lo, t.Step) + ", " + lhistBound(hi, t.Step) + ")"
}

func lhistBound(n, step int64) string {
	const kilo, mega = 1 << 10, 1 << 20
	switch {
	case step%kilo != 0 || n == 0:
		return strconv.FormatInt(n, 10)
	case n%mega == 0:
		return strconv.FormatInt(n/mega, 10) + "M"
	case n%kilo == 0:
		return strconv.FormatInt(n/kilo, 10) + "K"
	}
	return strconv.FormatInt(n, 10)
}

func appendHistRow(dst []byte, label string, n, most uint64) []byte {
	const labelWidth, countWidth = 16, 8
	dst = append(dst, label...)
	dst = appendRepeated(dst, ' ', labelWidth-len(label))
	count := strconv.FormatUint(n, 10)
	dst = appendRepeated(dst, ' ', countWidth-len(count))
	dst = append(dst, count...)
	bar := 0
	if most > 0 {
		// In single precision, as bpftrace computes it, so that the bars are the same to the character.
		bar = int(float32(n) / float32(most) * histBar)
	}
	dst = append(dst, " |"...)
	dst = appendRepeated(dst, '@', bar)
	dst = appendRepeated(dst, ' ', histBar-bar)
	return append(dst, "|\n"...)
}
