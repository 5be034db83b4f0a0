package source

import (
	"sort"
)

// maxNear is the longest name that near names are looked for: longer ones are not typed.
const maxNear = 100

// MaxDistance is how many characters at most are inserted, dropped, changed or swapped in a near name.
const MaxDistance = 3

// Nearest returns up to three candidates that are close to a name, the closest first.
func Nearest(name string, candidates []string) []string {
	if len(name) > maxNear {
		return nil
	}
	type near struct {
		name string
		d    int
	}
	limit := max(1, min(MaxDistance, len(name)/3))
	var found []near
	for _, c := range candidates {
		if d := distance(name, c, limit); d <= limit {
			found = append(found, near{c, d})
		}
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].d < found[j].d })
	var out []string
	for _, f := range found[:min(3, len(found))] {
		out = append(out, f.name)
	}
	return out
}

// distance is the number of characters to insert, drop, change or swap with the next between two names; any
// number above limit if it is more than that.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	var rows [3][maxNear + MaxDistance + 1]int // b is no longer than that: a is a name that near ones are looked for
	before, prev, row := rows[0][:len(b)+1], rows[1][:len(b)+1], rows[2][:len(b)+1]
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		best := row[0]
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			best = min(best, row[j])
		}
		if best > limit {
			return limit + 1
		}
		before, prev, row = prev, row, before
	}
	return prev[len(b)]
}

// Plural is the ending of a noun that is counted.
func Plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}
