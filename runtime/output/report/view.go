package report

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gotrace/gotrace/runtime/output"
	"github.com/gotrace/gotrace/runtime/value"
)

// viewOf is what the page shows of a map as it is now, in a run that has started then.
func viewOf(m *output.Map, unit string, started time.Time) *mapView {
	v := &mapView{Name: "@" + m.Name}
	c := m.Codec
	switch c.JSONType() {
	case "hist":
		v.Kind = "hist"
		v.Hists = histViews(m)
		v.leftOut(len(m.Elements)-len(v.Hists), "histograms")
		return v
	case "tseries":
		v.Kind = "series"
		v.Grids = []grid{seriesGrid(m, unit, started)}
		return v
	}
	if !c.Keyed {
		v.Kind = "value"
		for _, e := range m.Elements {
			v.Text = string(c.Value.AppendText(nil, e.Value))
		}
	} else {
		v.Kind = "table"
	}
	v.Columns = columns(m, unit)
	elems := m.Elements
	if n := len(elems); n > maxRows {
		elems = elems[n-maxRows:]
		v.leftOut(n-maxRows, "elements")
	}
	for _, e := range elems {
		v.Rows = append(v.Rows, cells(c, e))
	}
	if c.Value.IsNumber() || c.JSONType() != "map" {
		slices.Reverse(v.Rows) // the largest come first
	}
	return v
}

func (v *mapView) leftOut(n int, what string) {
	if n > 0 {
		v.Note += fmt.Sprintf("%d smaller %s are not in this page. ", n, what)
	}
}

// columns are those of a map's table.
func columns(m *output.Map, unit string) []column {
	var out []column
	keys := m.Codec.KeyParts(nil, nil)
	for i, p := range keys {
		name := p.Name
		switch {
		case name == "" && len(keys) == 1:
			name = "key"
		case name == "":
			name = "key " + strconv.Itoa(i+1)
		}
		out = append(out, column{Name: name, Number: p.Number(), Key: true})
	}
	switch c := m.Codec; c.JSONType() {
	case "stats":
		if _, isStats := c.Value.Decode(nil).(value.Stats); isStats {
			return append(out, column{Name: "count", Number: true}, column{Name: "average", Number: true, Unit: unit}, column{Name: "total", Number: true, Unit: unit})
		}
		return append(out, column{Name: "average", Number: true, Unit: unit})
	case "quantiles":
		out = append(out, column{Name: "count", Number: true})
		for _, q := range []string{"p50", "p90", "p99", "p99.9", "max"} {
			out = append(out, column{Name: q, Number: true, Unit: unit})
		}
		return out
	}
	parts := m.Codec.Value.Parts(nil)
	for i, p := range parts {
		name := p.Name
		switch {
		case name == "" && len(parts) == 1:
			name = "value"
		case name == "":
			name = "value." + strconv.Itoa(i)
		}
		col := column{Name: name, Number: p.Number()}
		if len(parts) == 1 {
			col.Unit = unit
		}
		out = append(out, col)
	}
	return out
}

// cells are the row of an element, one for each of columns.
func cells(c *value.MapCodec, e value.Raw) []cell {
	var out []cell
	for _, p := range c.KeyParts(nil, e.Key) {
		out = append(out, cellOf(&p))
	}
	switch v := c.Value.Decode(e.Value).(type) {
	case value.Stats:
		return append(out, numberCell(v.Count), numberCell(v.Average), numberCell(v.Total))
	case value.Quantiles:
		out = append(out, numberCell(v.Count))
		for _, n := range []int64{v.P50, v.P90, v.P99, v.P999, v.Max} {
			if n < 0 {
				out = append(out, textCell("<0"))
			} else {
				out = append(out, numberCell(n))
			}
		}
		return out
	}
	for _, p := range c.Value.Parts(e.Value) {
		out = append(out, cellOf(&p))
	}
	return out
}

// cellOf is a part of a key or a value as a cell.
func cellOf(p *value.Part) cell {
	v := p.Codec.Decode(p.Bytes)
	if s, isStack := v.(value.Stack); isStack {
		return textCell(strings.Join(stackNames(&s), "\n"))
	}
	if p.Number() {
		return numberCell(v)
	}
	return textCell(p.Text())
}

// stackNames are the functions of a stack, the innermost first.
func stackNames(s *value.Stack) []string {
	if s.Lost {
		return []string{"[no room for this stack]"}
	}
	out := make([]string, 0, len(s.Frames))
	for _, f := range s.Frames {
		name := f.Name
		if name == "" {
			name = "0x" + strconv.FormatUint(f.Addr, 16)
		}
		out = append(out, name)
	}
	return out
}

// numberCell is a number; one that a double cannot hold is a text.
func numberCell(v any) cell {
	const exact = 1 << 53
	switch n := v.(type) {
	case int64:
		if -exact <= n && n <= exact {
			return strconv.AppendInt(nil, n, 10)
		}
	case uint64:
		if n <= exact {
			return strconv.AppendUint(nil, n, 10)
		}
	}
	return textCell(fmt.Sprint(v))
}

func textCell(s string) cell {
	b, _ := json.Marshal(s) // no string is an error
	return b
}

// keyText is a key in one line.
func keyText(c *value.MapCodec, key []byte) string {
	var list []string
	for _, p := range c.KeyParts(nil, key) {
		s, isStack := p.Codec.Decode(p.Bytes).(value.Stack)
		if !isStack {
			list = append(list, p.Text())
			continue
		}
		const shown = 3
		names := stackNames(&s)
		list = append(list, strings.Join(names[:min(shown, len(names))], " ← "))
	}
	return strings.Join(list, ", ")
}

// histViews are the histograms of a map, those that count the most first.
func histViews(m *output.Map) []histView {
	var out []histView
	for _, e := range largest(m.Elements, maxCharts) {
		v := histView{Key: keyText(m.Codec, e.Key)}
		for _, r := range m.Codec.Value.Rows(e.Value) {
			v.Rows = append(v.Rows, bar{r.Label, r.Count})
			v.Total += r.Count
		}
		out = append(out, v)
	}
	return out
}

// seriesGrid is a map of series: a row for each key.
func seriesGrid(m *output.Map, unit string, started time.Time) grid {
	g := grid{Unit: unit}
	rows := map[string]value.Series{}
	starts := map[int64]bool{}
	for _, e := range m.Elements {
		s, _ := m.Codec.Value.Decode(e.Value).(value.Series)
		key := keyText(m.Codec, e.Key)
		rows[key] = s
		g.Rows = append(g.Rows, key)
		for _, p := range s {
			starts[p.Start.UnixNano()] = true
		}
	}
	times := make([]int64, 0, len(starts))
	for t := range starts {
		times = append(times, t)
	}
	slices.Sort(times)
	index := map[int64]int{}
	for i, t := range times {
		index[t] = i
		g.Times = append(g.Times, seconds(time.Unix(0, t).Sub(started)))
	}
	for _, key := range g.Rows {
		line := make([]*float64, len(times))
		for _, p := range rows[key] {
			if p.Value != nil {
				n := toFloat(p.Value)
				line[index[p.Start.UnixNano()]] = &n
			}
		}
		g.Cells = append(g.Cells, line)
	}
	return g
}
