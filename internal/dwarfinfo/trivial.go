package dwarfinfo

import (
	"debug/dwarf"
	"strings"
)

// attrDefaulted is DW_AT_defaulted.
const attrDefaulted = dwarf.Attr(0x8b)

// ByReference says whether functions of C++ get a pointer to a value of a type, and return it in memory: where it, or what is in it, has a destructor or a
// copy constructor of its own, or virtual functions (Itanium C++ ABI, section 1.1, "non-trivial for the purposes of calls"). Some compilers note it.
func (i *Info) ByReference(t *Type) bool {
	found := false
	_ = protect(i.Path, func() error {
		budget := 1000
		found = i.byReference(t, &budget)
		return nil
	})
	return found
}

func (i *Info) byReference(t *Type, budget *int) bool {
	if *budget--; *budget < 0 || t.Kind != KindStruct && t.Kind != KindUnion || t.GoKind != 0 {
		return false
	}
	if t.convention != 0 {
		return t.convention == passByReference
	}
	found := false
	u := &Unit{info: i, src: t.ID.src}
	t.ID.src.children(t.ID.off, func(e *dwarf.Entry) step {
		switch e.Tag {
		case dwarf.TagSubprogram:
			found = i.isOwn(t, u, e)
		case dwarf.TagMember, dwarf.TagInheritance:
			if e.Val(dwarf.AttrExternal) == nil {
				found = i.byReference(i.Plain(u.typeOf(e.Val(dwarf.AttrType))), budget)
			}
		}
		if found {
			return stop
		}
		return next
	})
	return found
}

// isOwn says whether a method is a virtual one, or a destructor or copy constructor that the compiler did not make by itself.
func (i *Info) isOwn(t *Type, u *Unit, e *dwarf.Entry) bool {
	if n, ok := e.Val(dwarf.AttrVirtuality).(int64); ok && n != 0 {
		return true
	}
	artificial, _ := e.Val(dwarf.AttrArtificial).(bool)
	if artificial || e.Val(attrDefaulted) != nil {
		return false
	}
	name, _ := e.Val(dwarf.AttrName).(string)
	plain, _, _ := strings.Cut(t.Name, "<")
	switch {
	case strings.HasPrefix(name, "~"):
		return true
	case name != plain && name != t.Name:
		return false
	}
	var params []TypeID
	u.src.children(e.Offset, func(p *dwarf.Entry) step {
		if own, _ := p.Val(dwarf.AttrArtificial).(bool); p.Tag == dwarf.TagFormalParameter && !own {
			params = append(params, u.typeOf(p.Val(dwarf.AttrType)))
		}
		return next
	})
	if len(params) == 0 {
		return false
	}
	ref := i.Plain(params[0])
	return ref.Kind == KindReference && i.Plain(ref.Elem).ID == t.ID
}
