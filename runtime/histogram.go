package runtime

import (
	"strconv"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/types"
)

// histBar is the width of the longest bar of a histogram, in characters.
const histBar = 52

// histRow is one printed line of a histogram.
type histRow struct {
	label string
	count uint64
}

// histRows are the rows from the first to the last bucket that counted something.
func histRows(t types.Agg, words []uint64, div int64) []histRow {
	first, last := histSpan(words)
	rows := make([]histRow, 0, last-first+1)
	for i := first; i <= last; i++ {
		row := histRow{count: words[i]}
		if t.Kind == types.AggHist {
			row.label = histLabel(i, t.Bits)
			row.count /= uint64(div)
		} else {
			row.label = lhistLabel(i, t)
		}
		rows = append(rows, row)
	}
	return rows
}

// histSpan finds the first and the last bucket that counted something: first is behind last if none did.
func histSpan(words []uint64) (first, last int) {
	first, last = 0, len(words)-1
	for first <= last && words[first] == 0 {
		first++
	}
	for last >= first && words[last] == 0 {
		last--
	}
	return first, last
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

// appendHistogram writes the rows, one a line.
func appendHistogram(dst []byte, rows []histRow) []byte {
	var most uint64
	for _, r := range rows {
		most = max(most, r.count)
	}
	for _, r := range rows {
		dst = appendHistRow(dst, r, most)
	}
	return dst
}

func appendHistRow(dst []byte, r histRow, most uint64) []byte {
	const labelWidth, countWidth = 16, 8
	dst = append(dst, r.label...)
	dst = appendRepeated(dst, ' ', labelWidth-len(r.label))
	count := strconv.FormatUint(r.count, 10)
	dst = appendRepeated(dst, ' ', countWidth-len(count))
	dst = append(dst, count...)
	bar := 0
	if most > 0 {
		// In single precision, as bpftrace computes it, so that the bars are the same to the character.
		bar = int(float32(r.count) / float32(most) * histBar)
	}
	dst = append(dst, " |"...)
	dst = appendRepeated(dst, '@', bar)
	dst = appendRepeated(dst, ' ', histBar-bar)
	return append(dst, "|\n"...)
}
