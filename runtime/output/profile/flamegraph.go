package profile

import (
	"bufio"
	"cmp"
	"encoding/json"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/gotrace/gotrace/runtime/output/page"
)

// Trees is what the page of a flame graph draws: a tree for each number of each map.
type Trees struct {
	Title string
	Names []name // sorted
	List  []Tree
}

// name is what a node is called, and what that is.
type name struct {
	text string
	kind int
}

// Kinds of names.
const (
	kindUser = iota
	kindKernel
	kindInlined
	kindLabel
)

// Tree is a tree of the values of samples. Its nodes are in the order in which a walk comes to them, the children of one by name, so that depth
// and value say where each is.
type Tree struct {
	Map   string // without '@'
	Title string
	Unit  string
	Keys  []string // what the levels below the root are, before those of the stacks
	// Below are how many samples are left out, because their values are not above 0: they have no width.
	Below int
	Node  []int32 // index in Names
	Depth []int32 // 0 is the root
	Value []int64 // with that of all children
}

// WriteFlameGraph writes a page with a flame graph.
func WriteFlameGraph(out io.Writer, p *Profile) error {
	w := bufio.NewWriterSize(out, 1<<16)
	graph := page.Page{
		Title:   p.Title,
		Styles:  []string{"base.css", "flame.css"},
		Scripts: []string{"base.js", "trees.js", "flame.js", "flamepage.js"},
		Data:    []page.Data{{ID: "flame", Write: NewTrees(p).WriteJSON}},
	}
	if err := graph.Write(w); err != nil {
		return err
	}
	return w.Flush()
}

// NewTrees makes the trees of a profile.
func NewTrees(p *Profile) *Trees {
	b := newTreeBuilder(p)
	t := &Trees{Title: p.Title, Names: b.names}
	for _, m := range p.Maps {
		paths, counted := b.paths(m)
		for i := range slices.Backward(m.Types) { // the total before the count
			tree := Tree{Map: m.Name, Title: m.Title(i), Unit: m.Types[i].Unit, Keys: m.Keys}
			tree.grow(m, i, paths, counted)
			t.List = append(t.List, tree)
		}
	}
	return t
}

// treeBuilder knows the names by their numbers.
type treeBuilder struct {
	names  []name
	frames []int32 // the name of each frame of the profile
	labels map[string]int32
}

// newTreeBuilder numbers the names, in their order: nodes that are sorted by number are sorted by name.
func newTreeBuilder(p *Profile) *treeBuilder {
	index := map[name]int32{}
	of := make([]name, len(p.Frames))
	for i := range p.Frames {
		of[i] = nameOf(&p.Frames[i])
		index[of[i]] = 0
	}
	labels := map[string]int32{}
	for _, m := range p.Maps {
		for _, s := range m.Samples {
			for _, l := range s.Labels {
				labels[l] = 0
				index[name{l, kindLabel}] = 0
			}
		}
	}
	b := &treeBuilder{names: make([]name, 0, len(index)+1), frames: make([]int32, len(p.Frames)), labels: labels}
	for n := range index {
		b.names = append(b.names, n)
	}
	slices.SortFunc(b.names, func(x, y name) int { return cmp.Or(cmp.Compare(x.text, y.text), cmp.Compare(x.kind, y.kind)) })
	b.names = slices.Insert(b.names, 0, name{"all", kindLabel})
	for i, n := range b.names[1:] {
		index[n] = int32(i + 1)
	}
	for i, n := range of {
		b.frames[i] = index[n]
	}
	for l := range labels {
		labels[l] = index[name{l, kindLabel}]
	}
	return b
}

func nameOf(f *Frame) name {
	kind := kindUser
	switch {
	case f.Inlined:
		kind = kindInlined
	case f.Kernel:
		kind = kindKernel
	}
	return name{f.Title(), kind}
}

// paths are the names from the root to each sample, and the samples in the order of these.
func (b *treeBuilder) paths(m *Map) (paths [][]int32, order []int) {
	size := 0
	for i := range m.Samples {
		s := &m.Samples[i]
		size += len(s.Labels) + len(s.User) + len(s.Kernel)
	}
	memory := make([]int32, 0, size)
	paths = make([][]int32, len(m.Samples))
	order = make([]int, len(m.Samples))
	for i := range m.Samples {
		start := len(memory)
		for _, l := range m.Samples[i].Labels {
			memory = append(memory, b.labels[l])
		}
		for f := range m.Samples[i].All() {
			memory = append(memory, b.frames[f])
		}
		paths[i], order[i] = memory[start:], i
	}
	slices.SortFunc(order, func(x, y int) int { return slices.Compare(paths[x], paths[y]) })
	return paths, order
}

// grow adds the samples of a map to the tree, which has nothing yet, in the order of their paths: what a path has in common with the one before
// it is there already.
func (t *Tree) grow(m *Map, which int, paths [][]int32, order []int) {
	open := []int{0} // the nodes from the root to the last one added
	t.Node, t.Depth, t.Value = []int32{0}, []int32{0}, []int64{0}
	var last []int32
	for _, i := range order {
		n := m.Samples[i].Values[which]
		if n <= 0 {
			t.Below++
			continue
		}
		path, common := paths[i], 0
		for common < len(path) && common < len(last) && path[common] == last[common] {
			common++
		}
		open = open[:common+1]
		for _, at := range path[common:] {
			t.Node, t.Depth, t.Value = append(t.Node, at), append(t.Depth, int32(len(open))), append(t.Value, 0)
			open = append(open, len(t.Node)-1)
		}
		for _, at := range open {
			t.Value[at] = sum(t.Value[at], n)
		}
		last = path
	}
}

// sum is the sum of two numbers that are not below 0, or the greatest there is.
func sum(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// WriteJSON writes the trees for the page.
func (t *Trees) WriteJSON(out io.Writer) error {
	w := bufio.NewWriterSize(out, 1<<16)
	j := jsonWriter{w: w}
	j.raw(`{"title":`)
	j.text(t.Title)
	j.raw(`,"names":[`)
	for i, n := range t.Names {
		j.comma(i)
		j.text(n.text)
	}
	j.raw(`],"kinds":[`)
	for i, n := range t.Names {
		j.comma(i)
		j.number(int64(n.kind))
	}
	j.raw(`],"trees":[`)
	for i := range t.List {
		j.comma(i)
		j.tree(&t.List[i])
	}
	j.raw("]}")
	if j.err != nil {
		return j.err
	}
	return w.Flush()
}

// jsonWriter writes JSON: the arrays of a tree have millions of numbers.
type jsonWriter struct {
	w   *bufio.Writer // keeps its errors
	buf []byte
	err error
}

func (j *jsonWriter) raw(s string) { j.w.WriteString(s) }

func (j *jsonWriter) comma(i int) {
	if i > 0 {
		j.w.WriteByte(',')
	}
}

func (j *jsonWriter) text(s string) {
	b, err := json.Marshal(s) // escapes what would end the script
	j.err = cmp.Or(j.err, err)
	j.w.Write(b)
}

func (j *jsonWriter) number(n int64) {
	j.buf = strconv.AppendInt(j.buf[:0], n, 10)
	j.w.Write(j.buf)
}

func (j *jsonWriter) tree(t *Tree) {
	j.raw(`{"name":`)
	j.text(t.Title)
	j.raw(`,"unit":`)
	j.text(t.Unit)
	j.raw(`,"keys":[`)
	for i, k := range t.Keys {
		j.comma(i)
		j.text(k)
	}
	j.raw(`],"below":`)
	j.number(int64(t.Below))
	j.raw(`,"node":[`)
	numbers(j, t.Node)
	j.raw(`],"depth":[`)
	numbers(j, t.Depth)
	j.raw(`],"value":[`)
	numbers(j, t.Value)
	j.raw("]}")
}

func numbers[T int32 | int64](j *jsonWriter, list []T) {
	for i, n := range list {
		j.comma(i)
		j.number(int64(n))
	}
}
