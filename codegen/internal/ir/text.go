package ir

import (
	"fmt"
	"strings"
)

// String is the program as text, one operation a line: what -d ir shows and golden files hold.
func (p *Program) String() string {
	parts := make([]string, len(p.Funcs))
	for i, f := range p.Funcs {
		parts[i] = f.String()
	}
	return strings.Join(parts, "\n")
}

// String is the function as text.
func (f *Func) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "func %s", f.Name)
	if f.Global != nil {
		fmt.Fprintf(&s, " global%d", f.Global)
	}
	s.WriteByte('\n')
	for _, sl := range f.Slots {
		fmt.Fprintf(&s, "  slot s%d %d ; %s\n", sl.ID, sl.Size, sl.Name)
	}
	for _, b := range f.Blocks {
		fmt.Fprintf(&s, "%s(%s):\n", b.label(), values(b.Params))
		for _, v := range b.Values {
			fmt.Fprintf(&s, "  %s\n", v.text())
		}
		fmt.Fprintf(&s, "  %s\n", b.Term.text())
	}
	return s.String()
}

func (b *Block) label() string { return fmt.Sprintf("b%d.%s", b.ID, b.Name) }

func (v *Value) String() string { return fmt.Sprintf("v%d", v.ID) }

func values(vs []*Value) string {
	parts := make([]string, len(vs))
	for i, v := range vs {
		parts[i] = v.String()
	}
	return strings.Join(parts, ", ")
}

// text is the operation: result, name with its modifiers, operands.
func (v *Value) text() string {
	var s strings.Builder
	if v.HasResult() {
		fmt.Fprintf(&s, "%s = ", v)
	}
	s.WriteString(v.Op.String())
	if v.W32 {
		s.WriteString("32")
	}
	switch v.Op {
	case OpZext, OpSext, OpBswap:
		fmt.Fprintf(&s, "%d", v.Imm)
	case OpLoad, OpStore, OpAtomicAdd, OpAtomicFetch, OpXchg:
		fmt.Fprintf(&s, "%d", v.Size*8)
	}
	if v.Pure {
		s.WriteString(".pure")
	}
	switch v.Op {
	case OpConst:
		fmt.Fprintf(&s, " %d", v.Imm)
	case OpCmp:
		fmt.Fprintf(&s, " %s %s", v.Cond, values(v.Args))
	case OpLoad, OpStore, OpAtomicAdd, OpAtomicFetch, OpXchg:
		fmt.Fprintf(&s, " [%s%+d]", v.Args[0], v.Off)
		if len(v.Args) > 1 {
			fmt.Fprintf(&s, ", %s", v.Args[1])
		}
	case OpSlot:
		fmt.Fprintf(&s, " s%d%+d", v.Slot.ID, v.Off)
	case OpMapValue:
		fmt.Fprintf(&s, " %s%+d", v.Sym, v.Off)
	case OpMapPtr, OpFuncPtr:
		fmt.Fprintf(&s, " %s", v.Sym)
	case OpCall, OpGlobal:
		fmt.Fprintf(&s, " %s(%s)", v.Sym, values(v.Args))
	case OpHelper, OpKfunc:
		fmt.Fprintf(&s, " %d(%s)", v.Imm, values(v.Args))
	default:
		if len(v.Args) > 0 {
			fmt.Fprintf(&s, " %s", values(v.Args))
		}
	}
	return s.String()
}

func (t *Term) text() string {
	switch t.Kind {
	case TermJump:
		return "jump " + t.Then.text()
	case TermBranch:
		name := "branch"
		if t.Unlikely {
			name = "branch.unlikely"
		}
		return fmt.Sprintf("%s %s %s, %s ? %s : %s", name, t.Cond, t.X, t.Y, t.Then.text(), t.Else.text())
	case TermReturn:
		return fmt.Sprintf("return %s", t.X)
	}
	return "none"
}

func (e *Edge) text() string { return fmt.Sprintf("%s(%s)", e.To.label(), values(e.Args)) }
