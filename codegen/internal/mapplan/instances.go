package mapplan

import (
	"github.com/gotrace/gotrace/codegen/layout"
)

// swapped says whether a map is kept twice. BEGIN and END run alone: what they do is no reason.
func (u *use) swapped() bool { return u.printed && u.emptied }

// swapMap makes a map one that is kept twice. It comes after splitMap.
func (p *Plan) swapMap(s *layout.MapSpec) {
	if !p.uses[s.Script.Name].swapped() {
		return
	}
	p.Swaps++
	s.Swap = p.Swaps
	if s.Script.Key == nil {
		// A power of two, so that the verifier sees from a mask that the offset of an instance is one of two.
		s.Half = layout.CeilPow2(s.ValueSize)
		s.ValueSize = 2 * s.Half
		return
	}
	s.Second = p.secondMap(s)
	if s.Short != nil {
		s.Short.Swap = s.Swap
		s.Short.Second = p.secondMap(s.Short)
		s.Second.Short = s.Short.Second
	}
}

// secondMap adds the second instance of a map with keys.
func (p *Plan) secondMap(s *layout.MapSpec) *layout.MapSpec {
	second := *s
	second.Name, second.IsSecond = s.Name+"/second", true
	return p.Add(&second)
}

// splitMap adds the map for the short keys of s, if it is to have one. Loops over a map see one kernel map only.
func (p *Plan) splitMap(s *layout.MapSpec) {
	m := s.Script
	size, ok := layout.ShortKeySize(m.Key)
	if !ok || p.uses[m.Name].iterated || m.Kind != "" {
		return
	}
	short := *s
	short.Name, short.IsShort = s.Name+"/short", true
	short.KeySize = size
	short.Flags = p.allocFlags(&short)
	s.Short = p.Add(&short)
}
