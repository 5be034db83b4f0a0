package dwarfinfo

import (
	"debug/dwarf"
	"slices"
)

// Func is a function with code of its own.
type Func struct {
	Name    string // as in the source: "add"
	Linkage string // as its symbol is named, if that differs
	// Symbol is how the program's symbol is named, if the caller knows it.
	Symbol    string
	Low, High uint64 // its code, from its entry on, as in the ELF file
	Params    []Param
	Results   []Param // Go: what it returns, by name
	Result    TypeID  // what it returns; void if Void
	Void      bool
	Variadic  bool // it has more parameters than are named
	Go, Rust  bool

	unit      *Unit
	frameBase []byte
}

// Param is a parameter.
type Param struct {
	Name string
	Type TypeID
	// Const is set where the compiler found that it always has this value, and passes it no more.
	Const *int64

	loc  []byte // an expression, or
	list int64  // the offset of a list of them, -1 for none
}

// maxOrigins bounds how far an entry's origin is followed.
const maxOrigins = 8

// FuncAt finds the function that begins at an address; ok is false if the debugging information does not know of one.
func (i *Info) FuncAt(addr uint64) (f *Func, ok bool) {
	_ = protect(i.Path, func() error {
		for _, u := range i.units {
			if !u.contains(addr) {
				continue
			}
			b := u.body()
			b.readFuncs()
			if off, found := b.funcs[addr]; found {
				f, ok = b.function(off), true
				return nil
			}
		}
		return nil
	})
	return f, ok
}

// Entries are the addresses at which functions begin, in no order.
func (i *Info) Entries() []uint64 {
	var out []uint64
	_ = protect(i.Path, func() error {
		for _, u := range i.units {
			b := u.body()
			b.readFuncs()
			for addr := range b.funcs {
				out = append(out, addr)
			}
		}
		return nil
	})
	return out
}

// IsInlined says whether a function of a name has no code of its own anywhere: the compiler put it into its callers.
func (i *Info) IsInlined(name string) bool {
	found := false
	_ = protect(i.Path, func() error {
		for _, u := range i.units {
			b := u.body()
			b.readFuncs()
			if b.inlined[name] {
				found = true
				break
			}
		}
		return nil
	})
	return found
}

// readFuncs finds the functions of a unit once.
func (u *Unit) readFuncs() {
	if u.funcs != nil {
		return
	}
	u.funcs, u.inlined = map[uint64]dwarf.Offset{}, map[string]bool{}
	concrete := map[dwarf.Offset]bool{}
	u.src.children(u.cu.Offset, func(e *dwarf.Entry) step {
		switch e.Tag {
		case dwarf.TagNamespace, dwarf.TagModule, dwarf.TagStructType, dwarf.TagClassType:
			return descend
		case dwarf.TagSubprogram:
			if low, ok := lowPC(u, e); ok {
				u.funcs[low] = e.Offset
				if origin, ok := e.Val(dwarf.AttrAbstractOrigin).(dwarf.Offset); ok {
					concrete[origin] = true
				}
			} else if n, ok := e.Val(dwarf.AttrInline).(int64); ok && n != 0 {
				if name, ok := e.Val(dwarf.AttrName).(string); ok {
					u.inlined[name] = true
				}
			}
		}
		return next
	})
	for off := range concrete {
		if e := u.src.entry(off); e != nil {
			name, _ := e.Val(dwarf.AttrName).(string)
			delete(u.inlined, name)
		}
	}
}

// lowPC is where the code of an entry begins: of code in several places, the first that is told, where it is entered.
func lowPC(u *Unit, e *dwarf.Entry) (uint64, bool) {
	if low, ok := e.Val(dwarf.AttrLowpc).(uint64); ok {
		return low, true
	}
	if e.Val(dwarf.AttrRanges) == nil || u.skeleton != nil {
		return 0, false
	}
	if entry, ok := e.Val(dwarf.AttrEntrypc).(uint64); ok {
		return entry, true
	}
	ranges, err := u.src.data.Ranges(e)
	if err != nil || len(ranges) == 0 {
		return 0, false
	}
	return ranges[0][0], true
}

// function reads a function.
func (u *Unit) function(off dwarf.Offset) *Func {
	e := u.src.entry(off)
	if e == nil {
		return nil
	}
	f := &Func{unit: u, Go: u.language() == langGo, Rust: u.language() == langRust}
	f.Low, _ = lowPC(u, e)
	switch high := e.Val(dwarf.AttrHighpc).(type) {
	case uint64:
		f.High = high
	case int64:
		f.High = f.Low + uint64(high)
	}
	f.frameBase, _ = e.Val(dwarf.AttrFrameBase).([]byte)
	f.Name, _ = u.inherited(e, dwarf.AttrName).(string)
	f.Linkage, _ = u.inherited(e, dwarf.AttrLinkageName).(string)
	if typ, ok := u.inherited(e, dwarf.AttrType).(dwarf.Offset); ok {
		f.Result = TypeID{u.src, typ}
	} else if sig, ok := u.inherited(e, dwarf.AttrType).(uint64); ok {
		f.Result = u.info.sigs[sig]
	} else {
		f.Void = true
	}
	f.readParams(e)
	return f
}

// inherited is an attribute of an entry, or of what that is an instance of.
func (u *Unit) inherited(e *dwarf.Entry, attr dwarf.Attr) any {
	for range maxOrigins {
		if v := e.Val(attr); v != nil {
			return v
		}
		off, ok := e.Val(dwarf.AttrAbstractOrigin).(dwarf.Offset)
		if !ok {
			if off, ok = e.Val(dwarf.AttrSpecification).(dwarf.Offset); !ok {
				return nil
			}
		}
		if e = u.src.entry(off); e == nil {
			return nil
		}
	}
	return nil
}

func (f *Func) readParams(e *dwarf.Entry) {
	u := f.unit
	u.src.children(e.Offset, func(e *dwarf.Entry) step {
		switch e.Tag {
		case dwarf.TagUnspecifiedParameters:
			f.Variadic = true
		case dwarf.TagFormalParameter:
			p := u.param(e)
			if out, _ := u.inherited(e, dwarf.AttrVarParam).(bool); out && f.Go {
				f.Results = append(f.Results, p)
			} else {
				f.Params = append(f.Params, p)
			}
		}
		return next
	})
	f.orderParams(e)
}

// orderParams puts the parameters of an instance of a function in the order of the function itself: what the compiler left out of a copy it
// lists at the end, or not at all.
func (f *Func) orderParams(e *dwarf.Entry) {
	off, ok := e.Val(dwarf.AttrAbstractOrigin).(dwarf.Offset)
	if !ok {
		return
	}
	var names []string
	f.unit.src.children(off, func(e *dwarf.Entry) step {
		if e.Tag == dwarf.TagFormalParameter {
			name, _ := f.unit.inherited(e, dwarf.AttrName).(string)
			names = append(names, name)
		}
		return next
	})
	rank := func(p Param) int {
		if i := slices.Index(names, p.Name); i >= 0 {
			return i
		}
		return len(names)
	}
	slices.SortStableFunc(f.Params, func(a, b Param) int { return rank(a) - rank(b) })
}

func (u *Unit) param(e *dwarf.Entry) Param {
	p := Param{list: -1}
	p.Name, _ = u.inherited(e, dwarf.AttrName).(string)
	p.Type = u.typeOf(u.inherited(e, dwarf.AttrType))
	if c, ok := e.Val(dwarf.AttrConstValue).(int64); ok {
		p.Const = &c
	}
	switch loc := e.AttrField(dwarf.AttrLocation); {
	case loc == nil:
	case loc.Class == dwarf.ClassExprLoc, loc.Class == dwarf.ClassBlock:
		p.loc, _ = loc.Val.([]byte)
	default:
		p.list = u.locList(loc)
	}
	return p
}

// typeOf is the type that an attribute refers to.
func (u *Unit) typeOf(v any) TypeID {
	switch v := v.(type) {
	case dwarf.Offset:
		return TypeID{u.src, v}
	case uint64:
		return u.info.sigs[v]
	}
	return TypeID{}
}
