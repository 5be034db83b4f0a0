package value

import (
	"math/bits"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/types"
)

// quantilesCodec is for quantiles(), which is a fine histogram. div divides the values.
type quantilesCodec struct {
	typ types.Agg
	div int64
}

// quantileNames are the quantiles that are shown, with how many of a thousand values are at most so large.
var quantileNames = []struct {
	name     string
	thousand uint64
}{
	{"p50", 500}, {"p90", 900}, {"p99", 990}, {"p99.9", 999}, {"max", 1000},
}

// quantile is the value that so many of a thousand are at most, 0 where nothing was counted. ok is false where it is below 0, which one bucket is for.
// A bucket stands for its middle.
func (c quantilesCodec) quantile(b []byte, thousand uint64) (n uint64, ok bool) {
	total := c.total(b)
	// The rank is total*thousand/1000, rounded up.
	hi, lo := bits.Mul64(total, thousand)
	rank, rest := bits.Div64(hi, lo, 1000)
	if rest > 0 {
		rank++
	}
	var seen uint64
	for i := range layout.AggWords(c.typ) {
		if seen += word(b[layout.Word(i):]); seen >= rank && total > 0 {
			return c.middle(i), i > 0
		}
	}
	return 0, true
}

// middle is the value that a bucket stands for.
func (c quantilesCodec) middle(i int) uint64 {
	if i == 0 {
		return 0
	}
	lo, hi := layout.HistRange(i, c.typ.Bits)
	return uint64(lo+(hi-1-lo)/2) / uint64(c.div)
}

func (c quantilesCodec) total(b []byte) (n uint64) {
	for i := range layout.AggWords(c.typ) {
		n += word(b[layout.Word(i):])
	}
	return n
}

func (c quantilesCodec) appendText(dst, b []byte) []byte {
	dst = appendDecimal(append(dst, "{ .count = "...), c.total(b), false)
	for _, q := range quantileNames {
		dst = append(append(append(dst, ", ."...), q.name...), " = "...)
		if n, ok := c.quantile(b, q.thousand); ok {
			dst = appendDecimal(dst, n, false)
		} else {
			dst = append(dst, "<0"...)
		}
	}
	return append(dst, " }"...)
}

// appendJSON has the quantiles, null for one that is below 0, and the buckets that counted something.
func (c quantilesCodec) appendJSON(dst, b []byte) []byte {
	dst = appendJSONNumber(append(dst, `{"count": `...), c.total(b), false)
	for _, q := range quantileNames {
		dst = append(append(append(dst, `, "`...), q.name...), `": `...)
		if n, ok := c.quantile(b, q.thousand); ok {
			dst = appendJSONNumber(dst, n, false)
		} else {
			dst = append(dst, "null"...)
		}
	}
	dst = append(dst, `, "buckets": [`...)
	for i, n := range c.buckets(b) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = histCodec{typ: types.Agg{Kind: types.AggHist, Bits: c.typ.Bits}}.appendBucketJSON(dst, n)
	}
	return append(dst, "]}"...)
}

// buckets are those that counted something.
func (c quantilesCodec) buckets(b []byte) Histogram {
	var out Histogram
	for i := range layout.AggWords(c.typ) {
		if n := word(b[layout.Word(i):]); n != 0 {
			lo, hi := layout.HistRange(i, c.typ.Bits)
			out = append(out, Bucket{lo, hi, n})
		}
	}
	return out
}

func (c quantilesCodec) decode(b []byte) any {
	q := Quantiles{Count: c.total(b), Buckets: c.buckets(b)}
	for i, dst := range []*int64{&q.P50, &q.P90, &q.P99, &q.P999, &q.Max} {
		n, ok := c.quantile(b, quantileNames[i].thousand)
		if *dst = int64(n); !ok {
			*dst = -1
		}
	}
	return q
}

// compare sorts by the 99th percentile: the slowest come last.
func (c quantilesCodec) compare(a, b []byte) int {
	const thousand = 990
	x, _ := c.quantile(a, thousand)
	y, _ := c.quantile(b, thousand)
	return compareInts(x, y, false)
}
