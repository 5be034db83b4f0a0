package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/gotrace/gotrace/runtime/output"
	"github.com/gotrace/gotrace/runtime/output/profile"
	"github.com/gotrace/gotrace/runtime/value"
)

// history is a map with all that was printed of it.
type history struct {
	name    string
	emptied bool // the script empties it
	stacks  bool // it is a flame graph
	last    *mapView
	when    float64 // of the last print that showed anything
	ended   bool    // that was the one at the end of the run
	unit    string
	hist    bool
	grows   bool
	prints  []snapshot
	dropped int
}

// snapshot is what one print showed.
type snapshot struct {
	time   float64
	hists  []keyed[[]value.Row]
	values []keyed[float64]
}

// keyed is a value with the text of its key.
type keyed[T any] struct {
	key   string
	value T
}

// Bounds of what is kept of a map.
const (
	maxRows      = 20000 // of a table
	maxCharts    = 200   // histograms
	maxPrints    = 1000
	maxHistKeys  = 24  // of one print
	maxValueKeys = 100 // of one print
)

// history is that of a map.
func (s *Sink) history(name string) *history {
	i := slices.IndexFunc(s.maps, func(h *history) bool { return h.name == name })
	if i < 0 {
		s.maps = append(s.maps, &history{name: name})
		i = len(s.maps) - 1
	}
	return s.maps[i]
}

// add takes a map that is printed. The values are read now: they are the session's again later.
func (s *Sink) add(m *output.Map) {
	h, now := s.history(m.Name), s.elapsed()
	if h.last == nil {
		h.unit = "count"
		if !m.Codec.Value.Grows() {
			h.unit = profile.UnitOf(m.Name)
		}
		h.grows = m.Codec.Value.Grows()
	}
	if !s.ended || len(m.Elements) > 0 {
		h.note(now, m)
	}
	if len(m.Elements) == 0 && h.last != nil {
		return
	}
	h.when, h.ended = now, s.ended
	switch s.profile.Add(m) {
	case profile.Taken:
		h.stacks = true
		h.last = &mapView{Name: "@" + m.Name, Kind: "flame"}
		if m.Codec.JSONType() == "hist" {
			h.last = viewOf(m, h.unit, s.started)
		}
	case profile.NotAdditive:
		h.last = viewOf(m, h.unit, s.started)
		h.last.Note = "Its values cannot be added up, as those of callers have to be, so there is no flame graph. "
	case profile.NoStacks:
		h.last = viewOf(m, h.unit, s.started)
	}
}

// note keeps what a print showed, for pictures over time. Elements come in the order of their values, the largest last.
func (h *history) note(now float64, m *output.Map) {
	snap := snapshot{time: now}
	switch c := m.Codec; {
	case c.JSONType() == "hist":
		h.hist = true
		for _, e := range largest(m.Elements, maxHistKeys) {
			snap.hists = append(snap.hists, keyed[[]value.Row]{keyText(c, e.Key), c.Value.Rows(e.Value)})
		}
	case c.Value.IsNumber():
		for _, e := range largest(m.Elements, maxValueKeys) {
			snap.values = append(snap.values, keyed[float64]{keyText(c, e.Key), toFloat(c.Value.Decode(e.Value))})
		}
	default:
		return
	}
	h.prints = append(h.prints, snap)
	if len(h.prints) > maxPrints {
		h.prints = h.prints[1:]
		h.dropped++
	}
}

// largest are the last n elements, the last first.
func largest(elems []value.Raw, n int) []value.Raw {
	out := slices.Clone(elems[max(0, len(elems)-n):])
	slices.Reverse(out)
	return out
}

func toFloat(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case uint64:
		return float64(v)
	case float64:
		if v-v == 0 {
			return v
		}
	}
	return 0
}

// view is what the page shows of the map, nil if it was never printed.
func (h *history) view() *mapView {
	v := h.last
	if v == nil {
		return nil
	}
	if !h.ended {
		v.When = fmt.Sprintf("as it was printed last, after %.3g s", h.when)
	}
	if len(h.prints) > 1 {
		v.Grids = append(v.Grids, h.grids()...)
	}
	if h.dropped > 0 {
		v.Note += fmt.Sprintf("Of the prints over time the first %d are not shown. ", h.dropped)
	}
	return v
}

// grids are the prints as pictures over time: one for each key of a histogram, one for all keys of numbers.
func (h *history) grids() []grid {
	times := make([]float64, len(h.prints))
	for i, p := range h.prints {
		times[i] = p.time
	}
	grows := h.grows && !h.emptied
	if !h.hist {
		g := grid{Times: times, Unit: h.unit, Grows: grows}
		rows := table[string]{columns: len(times)}
		for i, p := range h.prints {
			for _, kv := range p.values {
				rows.set(kv.key, i, kv.value)
			}
		}
		rows.sortBy(func(a, b string) int { return cmp.Compare(rows.total(b), rows.total(a)) })
		g.Rows, g.Cells = rows.keys, rows.cells()
		return []grid{g}
	}
	var order []string
	byKey := map[string]*table[value.Row]{}
	for i, p := range h.prints {
		for _, kv := range p.hists {
			t := byKey[kv.key]
			if t == nil {
				t = &table[value.Row]{columns: len(times)}
				byKey[kv.key] = t
				order = append(order, kv.key)
			}
			for _, r := range kv.value {
				n := float64(r.Count)
				r.Count = 0
				t.set(r, i, n)
			}
		}
	}
	var out []grid
	for _, key := range order {
		t := byKey[key]
		t.sortBy(func(a, b value.Row) int { return cmp.Compare(a.Lo, b.Lo) })
		g := grid{Title: key, Times: times, Unit: "count", Hist: true, Grows: grows, Cells: t.cells()}
		for _, r := range t.keys {
			g.Rows = append(g.Rows, r.Label)
		}
		out = append(out, g)
	}
	return out
}

// table has numbers by key and column.
type table[K comparable] struct {
	columns int
	keys    []K
	numbers map[K][]*float64
}

func (t *table[K]) set(key K, column int, n float64) {
	if t.numbers == nil {
		t.numbers = map[K][]*float64{}
	}
	row := t.numbers[key]
	if row == nil {
		row = make([]*float64, t.columns)
		t.numbers[key] = row
		t.keys = append(t.keys, key)
	}
	row[column] = &n
}

func (t *table[K]) total(key K) (sum float64) {
	for _, n := range t.numbers[key] {
		if n != nil {
			sum += *n
		}
	}
	return sum
}

func (t *table[K]) sortBy(compare func(a, b K) int) { slices.SortStableFunc(t.keys, compare) }

func (t *table[K]) cells() [][]*float64 {
	out := make([][]*float64, 0, len(t.keys))
	for _, k := range t.keys {
		out = append(out, t.numbers[k])
	}
	return out
}
