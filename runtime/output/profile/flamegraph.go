package profile

import (
	"cmp"
	_ "embed" // the parts of the page
	"encoding/json"
	"html"
	"io"
	"slices"
	"strings"
)

//go:embed page/flame.html
var pageHTML string

//go:embed page/flame.css
var pageCSS string

//go:embed page/flame.js
var pageJS string

// pageData is what the script of the page draws. Nodes of a tree are in the order in which a walk comes to them, the children of one
// by name, so that depth and value say where each is.
type pageData struct {
	Title string     `json:"title"`
	Names []string   `json:"names"`
	Kinds []int      `json:"kinds"` // of the names: one of the kinds below
	Maps  []pageTree `json:"maps"`
}

type pageTree struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit"`
	Node  []int   `json:"node"`  // index in Names
	Depth []int   `json:"depth"` // 0 is the root
	Value []int64 `json:"value"` // with that of all children
}

// Kinds of names.
const (
	kindUser = iota
	kindKernel
	kindInlined
	kindLabel
)

// node is a node of a tree.
type node struct {
	name     int
	value    int64
	children map[int]*node
}

// WriteFlameGraph writes a page with a flame graph, which needs no other file.
func WriteFlameGraph(out io.Writer, p *Profile) error {
	data := pageData{Title: p.Title, Names: []string{"all"}, Kinds: []int{kindLabel}, Maps: []pageTree{}}
	index := map[nameKey]int{}
	for _, m := range p.Maps {
		data.Maps = append(data.Maps, data.tree(m, index))
	}
	text, err := json.Marshal(&data) // escapes what would end the script
	if err != nil {
		return err
	}
	_, err = strings.NewReplacer("{{title}}", html.EscapeString(p.Title), "{{css}}", pageCSS, "{{js}}", pageJS, "{{data}}", string(text)).
		WriteString(out, pageHTML)
	return err
}

type nameKey struct {
	name string
	kind int
}

// tree makes the tree of a map. Values below zero, which have no width, are left out.
func (d *pageData) tree(m *Map, index map[nameKey]int) pageTree {
	root := &node{}
	for _, s := range m.Samples {
		if s.Value <= 0 {
			continue
		}
		n := root
		n.value += s.Value
		for _, key := range path(&s) {
			n = n.child(d.index(key, index))
			n.value += s.Value
		}
	}
	t := pageTree{Name: "@" + m.Name, Unit: m.Unit}
	t.add(root, 0, d.Names)
	return t
}

// path is what a sample's place in the tree is made of, from the root on.
func path(s *Sample) []nameKey {
	var out []nameKey
	for _, l := range s.Labels {
		out = append(out, nameKey{l, kindLabel})
	}
	for _, f := range s.Frames {
		kind := kindUser
		switch {
		case f.Inlined:
			kind = kindInlined
		case f.Kernel:
			kind = kindKernel
		}
		out = append(out, nameKey{f.Title(), kind})
	}
	return out
}

func (d *pageData) index(key nameKey, index map[nameKey]int) int {
	i, ok := index[key]
	if !ok {
		i = len(d.Names)
		index[key] = i
		d.Names, d.Kinds = append(d.Names, key.name), append(d.Kinds, key.kind)
	}
	return i
}

func (n *node) child(name int) *node {
	c := n.children[name]
	if c == nil {
		if n.children == nil {
			n.children = map[int]*node{}
		}
		c = &node{name: name}
		n.children[name] = c
	}
	return c
}

func (t *pageTree) add(n *node, depth int, names []string) {
	t.Node, t.Depth, t.Value = append(t.Node, n.name), append(t.Depth, depth), append(t.Value, n.value)
	children := make([]*node, 0, len(n.children))
	for _, c := range n.children {
		children = append(children, c)
	}
	slices.SortFunc(children, func(a, b *node) int {
		return cmp.Or(cmp.Compare(names[a.name], names[b.name]), cmp.Compare(a.name, b.name))
	})
	for _, c := range children {
		t.add(c, depth+1, names)
	}
}
