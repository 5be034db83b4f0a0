package report

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/runtime/output/profile"
)

// document is the data of the page.
type document struct {
	Title    string     `json:"title"`
	Started  string     `json:"started"`
	Seconds  float64    `json:"seconds"`
	Version  string     `json:"version"`
	Kernel   string     `json:"kernel"`
	File     string     `json:"file"`
	Script   []string   `json:"script"` // lines
	Attached int        `json:"attached"`
	Probes   []probe    `json:"probes"`
	Lost     uint64     `json:"lost"` // events
	Problems []problem  `json:"problems"`
	Log      []entry    `json:"log"`
	Dropped  int        `json:"dropped"` // entries of the log
	Maps     []*mapView `json:"maps"`
}

// probe is an attach point of the script.
type probe struct {
	Text  string `json:"text"`
	Place string `json:"place"`
	Line  int    `json:"line"`
	Count int    `json:"count"`
}

// mapView is what the page shows of a map.
type mapView struct {
	Name    string     `json:"name"`
	Kind    string     `json:"kind"` // "value", "table", "hist", "series", "flame"
	When    string     `json:"when"` // of the print that is shown
	Note    string     `json:"note"` // what is not shown
	Text    string     `json:"text"` // of a value
	Columns []column   `json:"columns"`
	Rows    [][]cell   `json:"rows"`
	Hists   []histView `json:"hists"`
	Grids   []grid     `json:"grids"`
	Trees   []int      `json:"trees"` // of the flame graphs
}

// column is one of a table: a part of the key, or of the value.
type column struct {
	Name   string `json:"name"`
	Number bool   `json:"number"`
	Unit   string `json:"unit"`
	Key    bool   `json:"key"`
}

// cell is a number or a text, as JSON. Numbers that a script of the page would round are texts.
type cell = json.RawMessage

// histView is a histogram.
type histView struct {
	Key   string `json:"key"`
	Total uint64 `json:"total"`
	Rows  []bar  `json:"rows"`
}

type bar struct {
	Label string `json:"label"`
	Count uint64 `json:"count"`
}

// grid is a number for each of some rows at each of some times, nil where there is none.
type grid struct {
	Title string       `json:"title"`
	Rows  []string     `json:"rows"`
	Times []float64    `json:"times"` // seconds of the run
	Cells [][]*float64 `json:"cells"` // by row
	Unit  string       `json:"unit"`
	Hist  bool         `json:"hist"`  // the rows are buckets, the lowest first
	Grows bool         `json:"grows"` // each number has those before it in it
}

// document is all that was collected.
func (s *Sink) document(trees *profile.Trees) *document {
	d := &document{
		Title: s.info.Title, Started: s.started.Format(time.RFC3339), Seconds: seconds(s.took), Version: s.info.Version, Kernel: s.info.Kernel,
		Attached: s.attached, Lost: s.lost, Problems: s.problems, Log: s.log.entries, Dropped: s.log.dropped,
		Probes: []probe{}, Maps: []*mapView{}, Script: []string{},
	}
	if d.Problems == nil {
		d.Problems = []problem{}
	}
	if d.Log == nil {
		d.Log = []entry{}
	}
	if src := s.info.Script; src != nil {
		d.File = src.Name
		d.Script = strings.Split(strings.TrimSuffix(string(src.Text), "\n"), "\n")
	}
	for _, p := range s.points {
		at := source.Diagnostic{Span: p.Span}
		one := probe{Text: p.Text, Place: place(at, s.info.Script), Count: p.Probes}
		if inScript(at, s.info.Script) {
			one.Line = p.Span.Pos.Line
		}
		d.Probes = append(d.Probes, one)
	}
	for _, h := range s.maps {
		if v := h.view(); v != nil {
			v.Trees = treesOf(trees, h)
			d.Maps = append(d.Maps, v)
		}
	}
	return d
}

// treesOf are the flame graphs of a map.
func treesOf(trees *profile.Trees, h *history) []int {
	out := []int{}
	for i := range trees.List {
		if h.stacks && trees.List[i].Map == h.name {
			out = append(out, i)
		}
	}
	return out
}
