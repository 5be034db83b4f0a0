package ctypes

import (
	"maps"
	"slices"

	"github.com/gotrace/gotrace/lang/kernel"
	"github.com/gotrace/gotrace/lang/types"
)

// Headers of the system are not read when a script includes them: what is in them is known from BTF and from the table of constants,
// and to read them takes longer than to compile most scripts. They are read when a script has a name that nobody else knows.
// What the reader cannot make sense of in them is left out, because a script uses little of a header.

// cSystem are the headers of the system that a script includes.
type cSystem struct {
	script *Types
	names  []string
	views  []*cView
	asked  map[string]bool // what none of the views knows
}

// cView is one way to read them: as programs see the system, or as the kernel's own code sees itself.
type cView struct {
	dirs    []string
	defines []string
	types   *Types // nil: not read yet
	done    int    // of the names
}

// NewCSystem are the headers of the system for the definitions of a script.
func NewCSystem(script *Types) *cSystem {
	s := &cSystem{script: script, asked: map[string]bool{}}
	s.views = append(s.views, &cView{dirs: script.headers.System, defines: []string{"_GNU_SOURCE"}})
	if len(script.headers.Kernel) > 0 {
		s.views = append(s.views, &cView{dirs: script.headers.Kernel, defines: []string{"__KERNEL__"}})
	}
	return s
}

// pending says whether the script includes headers of the system.
func (s *cSystem) pending() bool { return len(s.names) > 0 }

// has says whether a header is installed.
func (s *cSystem) has(name string) bool {
	for _, v := range s.views {
		if f, err := s.script.search(name, v.dirs, 0); f != nil && err == nil {
			return true
		}
	}
	return false
}

// add notes a header that the script includes. It says whether it is installed.
func (s *cSystem) add(name string) bool {
	if !s.has(name) {
		return false
	}
	s.names = append(s.names, name)
	clear(s.asked)
	return true
}

// read brings a view up to date.
func (s *cSystem) read(v *cView) *Types {
	if v.types == nil {
		c := New(s.script.machine, s.script.kernel, s.script.headers)
		c.EnumConst, c.searchDirs, c.maxMade = s.script.EnumConst, v.dirs, maxSystemExpansion
		c.defines = maps.Clone(s.script.defines) // such as _GNU_SOURCE
		for _, name := range v.defines {
			c.defines[name] = &CDefine{tokens: []CToken{{Kind: cNumber, Text: "1"}}}
		}
		v.types = c
	}
	for ; v.done < len(s.names); v.done++ {
		f, err := v.types.search(s.names[v.done], v.dirs, 0)
		if f == nil || err != nil {
			continue
		}
		_ = v.types.enter(CToken{}, f) // a header that cannot be read has no names
		v.types.unit()
	}
	return v.types
}

// includeSystem follows an #include within a header of the system.
func (c *Types) includeSystem(at CToken, name string, quoted, next bool) {
	dirs, first := c.searchDirs, 0
	switch {
	case next:
		first = at.File.next
	case quoted:
		if f, err := c.search(name, []string{c.dirOf(at.File)}, 0); f != nil && err == nil {
			_ = c.enter(at, f)
			return
		}
	}
	if f, err := c.search(name, dirs, first); f != nil && err == nil {
		_ = c.enter(at, f)
	}
}

// each asks the views, one after the other, until one knows an answer.
func (s *cSystem) each(key string, ask func(c *Types) bool) {
	if !s.pending() || s.asked[key] {
		return
	}
	for _, v := range s.views {
		if ask(s.read(v)) {
			return
		}
	}
	s.asked[key] = true
}

// find is a type.
func (s *cSystem) find(keyword, name string) (t types.Type, ok bool) {
	s.each(keyword+" "+name, func(c *Types) bool {
		t, ok = c.Own(keyword, name)
		return ok
	})
	return t, ok
}

// defined is a macro.
func (s *cSystem) defined(name string) (d *CDefine) {
	s.each("#"+name, func(c *Types) bool {
		if d = c.defines[name]; d != nil && d.undefined {
			d = nil
		}
		return d != nil
	})
	return d
}

// constant is an enumeration constant or a macro that stands for a number.
func (s *cSystem) constant(name string) (t types.Int, n int64, ok bool) {
	s.each("="+name, func(c *Types) bool {
		if k, found := c.consts[name]; found {
			t, n, ok = k.typ, k.value, true
			return true
		}
		d := c.defines[name]
		if d == nil || d.undefined || d.call {
			return false
		}
		tokens, err := c.Expand([]CToken{{Kind: CWord, Text: name}})
		if err != nil {
			return false
		}
		v, err := c.constantValue(tokens, cPlain)
		t, n, ok = types.Int{Bits: 64, Signed: !v.unsigned || v.bits < 64}, int64(v.n), err == nil
		return ok
	})
	return t, n, ok
}

// Text is a macro that stands for a string.
func (s *cSystem) Text(name string) (k types.Const, ok bool) {
	s.each("\""+name, func(c *Types) bool {
		d := c.defines[name]
		if d == nil || d.undefined || d.call {
			return false
		}
		var err error
		k, err = c.macroValue(name, d)
		ok = err == nil && k.Str != nil
		return ok
	})
	return k, ok
}

// HeaderConsts are the constants with an integer value that a header defines, and those that it includes. What cannot be read is left out.
func HeaderConsts(headers *Headers, arch, name string) map[string]int64 {
	none := func(string, string) (types.Type, bool) { return nil, false }
	s := NewCSystem(New(none, &kernel.Kernel{Arch: arch}, headers))
	s.names = []string{name}
	c := s.read(s.views[0])
	out := map[string]int64{}
	for name, k := range c.consts {
		out[name] = k.value
	}
	// To compute one defines others: those that the compiler predefines.
	for _, name := range slices.Sorted(maps.Keys(c.defines)) {
		if _, n, ok := s.constant(name); ok && len(c.defines[name].tokens) > 0 {
			out[name] = n
		}
	}
	return out
}
