package layout

import "github.com/gotrace/gotrace/lang/types"

// The words of an interval of tseries(). Interval n, counted from the beginning of time, is kept in place n modulo the number of intervals,
// until a later one takes the place.
const (
	SeriesEpoch  = 0 // n+1; 0 where there is nothing
	SeriesNumber = 1 // the last value, the sum, or the code of the extreme (see ExtremeCode); when merged the result
	SeriesMeta   = 2 // when the last value came; how many values a sum is of
	SeriesWords  = 3
)

// SeriesExtreme is the aggregation whose codes a tseries() of extremes keeps.
func SeriesExtreme(a types.Agg) types.Agg { return types.Agg{Kind: a.Of, Signed: a.Signed} }

// mergeSeries makes one series of those of several CPUs. A CPU may still have an older interval in the place of a newer one: the newest counts.
func mergeSeries(a types.Agg, values [][]byte) []byte {
	merged := make([]byte, Word(AggWords(a)))
	for at := 0; at < AggWords(a); at += SeriesWords {
		for _, b := range values {
			if len(b) >= Word(at+SeriesWords) {
				mergeInterval(a, merged[Word(at):], b[Word(at):])
			}
		}
		if of := merged[Word(at):]; word(of, SeriesEpoch) != 0 {
			putWord(of, SeriesNumber, seriesNumber(a, of))
		}
	}
	return merged
}

func mergeInterval(a types.Agg, to, from []byte) {
	switch old, own := word(to, SeriesEpoch), word(from, SeriesEpoch); {
	case own > old:
		copy(to[:Word(SeriesWords)], from)
		return
	case own < old || own == 0:
		return
	}
	x, y := word(to, SeriesNumber), word(from, SeriesNumber)
	switch a.Of {
	case types.AggSum, types.AggAvg:
		putWord(to, SeriesNumber, x+y)
		putWord(to, SeriesMeta, word(to, SeriesMeta)+word(from, SeriesMeta))
	case types.AggMin, types.AggMax:
		putWord(to, SeriesNumber, max(x, y))
	default:
		if word(from, SeriesMeta) > word(to, SeriesMeta) {
			copy(to[:Word(SeriesWords)], from)
		}
	}
}

// seriesNumber is what the merged words of an interval stand for.
func seriesNumber(a types.Agg, of []byte) uint64 {
	n := word(of, SeriesNumber)
	switch a.Of {
	case types.AggAvg:
		return quotient(n, word(of, SeriesMeta), a.Signed)
	case types.AggMin, types.AggMax:
		return n ^ ExtremeCode(SeriesExtreme(a))
	}
	return n
}
