package profile

import (
	"slices"

	"github.com/gotrace/gotrace/runtime/output"
	"github.com/gotrace/gotrace/runtime/value"
)

// Collector makes a profile of maps. Each stack is named once, when the first map with it comes, and each frame is kept once.
type Collector struct {
	Profile Profile

	frames    map[Frame]uint32
	stacks    map[stackKey][]uint32
	addresses map[addressKey]named
	labels    map[string]string
	parts     []value.Part
	text      []byte
	ids       []uint32
	strings   slab[string]
	numbers   slab[int64]
	numbered  slab[uint32]
}

// addressKey is an address of a process as it was then, or of the kernel; named what stands there.
type (
	addressKey struct {
		view   any
		user   bool
		addr   uint64
		caller bool
	}
	named struct {
		frames []uint32
		called bool
	}
)

// stackKey is what stands for a stack: its number, and the part of a map's key that it is, because types of stacks differ in how many
// frames they show.
type stackKey struct {
	name string
	part int
	id   uint64
}

// maxStacks bounds the stacks that are known by number, and the addresses.
const maxStacks = 1 << 21

// Added says what became of a map.
type Added int

// What can become of a map.
const (
	Taken       Added = iota
	NoStacks          // no part of its key is a stack, or it has no elements
	NotAdditive       // its values cannot be added up
)

// Add takes a map, in the place of what was printed of it before.
func (c *Collector) Add(m *output.Map) Added {
	if c.frames == nil {
		c.frames, c.stacks, c.addresses, c.labels = map[Frame]uint32{}, map[stackKey][]uint32{}, map[addressKey]named{}, map[string]string{}
	}
	out, ok := c.newMap(m)
	switch {
	case !ok || len(m.Elements) == 0:
		return NoStacks
	case len(out.Types) == 0:
		return NotAdditive
	}
	out.Samples = make([]Sample, 0, len(m.Elements))
	for _, e := range m.Elements {
		out.Samples = append(out.Samples, c.sample(m, e))
	}
	i := slices.IndexFunc(c.Profile.Maps, func(have *Map) bool { return have.Name == m.Name })
	if i < 0 {
		c.Profile.Maps = append(c.Profile.Maps, out)
	} else {
		c.Profile.Maps[i] = out
	}
	return Taken
}

// newMap is a map without its samples. ok is false if its key has no stack.
func (c *Collector) newMap(m *output.Map) (out *Map, ok bool) {
	out = &Map{Name: m.Name}
	for i, p := range m.Codec.KeyParts(nil, nil) {
		if _, _, isStack := p.Codec.StackID(p.Bytes); isStack {
			ok = true
			continue
		}
		out.Keys = append(out.Keys, keyName(&p, i))
	}
	for _, measure := range m.Codec.Value.Measures() {
		t := Type{Name: measure.Name, Unit: "count"}
		if !measure.Count {
			t.Unit = UnitOf(m.Name)
		}
		out.Types = append(out.Types, t)
	}
	return out, ok
}

// sample takes an element apart.
func (c *Collector) sample(m *output.Map, e value.Raw) Sample {
	c.parts = m.Codec.KeyParts(c.parts[:0], e.Key)
	var s Sample
	labels := c.strings.room(len(c.parts))
	for i := range c.parts {
		p := &c.parts[i]
		id, user, isStack := p.Codec.StackID(p.Bytes)
		switch {
		case !isStack:
			labels = append(labels, c.label(p))
		case user:
			s.User = join(s.User, c.stack(stackKey{m.Name, i, id}, p))
		default:
			s.Kernel = join(s.Kernel, c.stack(stackKey{m.Name, i, id}, p))
		}
	}
	s.Labels = c.strings.keep(labels)
	s.Values = c.numbers.keep(m.Codec.Value.Measure(c.numbers.room(2), e.Value))
	return s
}

// join puts stacks together. What is shared stays as it is.
func join(a, b []uint32) []uint32 {
	if len(a) == 0 {
		return b
	}
	return slices.Concat(a, b)
}

// label is the text of a part of a key that is no stack. Equal ones are kept once.
func (c *Collector) label(p *value.Part) string {
	c.text = p.Codec.AppendText(c.text[:0], p.Bytes)
	s, ok := c.labels[string(c.text)]
	if !ok {
		s = string(c.text)
		c.labels[s] = s
	}
	return s
}

// stack are the frames of a stack, the outermost first.
func (c *Collector) stack(key stackKey, p *value.Part) []uint32 {
	if known, ok := c.stacks[key]; ok {
		return known
	}
	if len(c.stacks) >= maxStacks {
		clear(c.stacks)
	}
	out := c.named(p)
	slices.Reverse(out)
	c.stacks[key] = out
	return out
}

// lostStack stands for a stack for which there was no room.
var lostStack = value.Frame{Name: "[no room for this stack]"}

// named are the frames of a stack, the innermost first. Each address is named once, as far as it can be told from others.
func (c *Collector) named(p *value.Part) []uint32 {
	t, lost, by := p.Codec.Trace(p.Bytes)
	if by == nil {
		s, _ := p.Codec.Decode(p.Bytes).(value.Stack)
		out := make([]uint32, 0, len(s.Frames)+1)
		if s.Lost {
			out = append(out, c.frame(Frame{lostStack, !s.User}))
		}
		for _, f := range s.Frames {
			out = append(out, c.frame(Frame{f, !s.User}))
		}
		return out
	}
	if lost {
		return []uint32{c.frame(Frame{lostStack, !t.User})}
	}
	c.ids = c.ids[:0]
	caller := false
	for _, addr := range t.Addrs {
		at := c.address(&t, addr, caller, by)
		c.ids = append(c.ids, at.frames...)
		caller = at.called
	}
	return c.numbered.keep(append(c.numbered.room(len(c.ids)), c.ids...))
}

// address is what an address of a stack stands for.
func (c *Collector) address(t *value.Trace, addr uint64, caller bool, by value.Namer) named {
	key := addressKey{t.View, t.User, addr, caller}
	known := !t.User || t.View != nil
	if at, ok := c.addresses[key]; ok && known {
		return at
	}
	frames, called := by.At(nil, t, addr, caller)
	at := named{called: called}
	for _, f := range frames {
		at.frames = append(at.frames, c.frame(Frame{f, !t.User}))
	}
	if known {
		if len(c.addresses) >= maxStacks {
			clear(c.addresses)
		}
		c.addresses[key] = at
	}
	return at
}

func (c *Collector) frame(f Frame) uint32 {
	i, ok := c.frames[f]
	if !ok {
		i = uint32(len(c.Profile.Frames))
		c.frames[f] = i
		c.Profile.Frames = append(c.Profile.Frames, f)
	}
	return i
}

// keyName is the name of a part of a key: what the script calls it, or its place.
func keyName(p *value.Part, i int) string {
	if p.Name != "" {
		return p.Name
	}
	return "key" + string(appendNumber(nil, int64(i+1)))
}

// slab gives out slices of a few large pieces of memory.
type slab[T any] struct{ free []T }

// slabSize is how many a piece has.
const slabSize = 4096

// room is an empty slice with room for n.
func (s *slab[T]) room(n int) []T {
	if n > len(s.free) {
		s.free = make([]T, max(n, slabSize))
	}
	return s.free[:0:n]
}

// keep takes what was put into the last room.
func (s *slab[T]) keep(used []T) []T {
	s.free = s.free[len(used):]
	return used[:len(used):len(used)]
}
