package pass

import (
	"fmt"
	"maps"

	"github.com/gotrace/gotrace/codegen/internal/ir"
)

// Check follows an allocation along every path through the function, knowing only which value each register and word of the
// frame holds, and reports an operand that is not where it should be. It is for tests, and shares nothing with
// the allocator but its result.
func (a *Allocation) Check() error {
	in := map[*ir.Block]holds{}
	entry := holds{}
	for i, p := range a.f.Blocks[0].Params {
		entry[Register(i+1)] = p
	}
	if err := entry.move(a.entry); err != nil {
		return fmt.Errorf("at the entry: %w", err)
	}
	in[a.f.Blocks[0]] = entry
	work := []*ir.Block{a.f.Blocks[0]}
	for len(work) > 0 {
		b := work[0]
		work = work[1:]
		h := maps.Clone(in[b])
		if err := a.checkBlock(b, h); err != nil {
			return fmt.Errorf("block %d: %w", b.ID, err)
		}
		for i, e := range b.Edges() {
			out := maps.Clone(h)
			if err := a.checkEdge(b, i, e, out); err != nil {
				return fmt.Errorf("edge from %d to %d: %w", b.ID, e.To.ID, err)
			}
			if out.meet(in[e.To]) {
				in[e.To] = out
				work = append(work, e.To)
			}
		}
	}
	return nil
}

// holds is what places hold.
type holds map[Loc]*ir.Value

// meet keeps what holds on another path, too; it says whether that is news.
func (h holds) meet(old holds) bool {
	if old == nil {
		return true
	}
	for l, v := range h {
		if old[l] != v {
			delete(h, l)
		}
	}
	return len(h) < len(old)
}

// define makes a place the only one that holds v.
func (h holds) define(v *ir.Value, l Loc) {
	for o, x := range h {
		if x == v {
			delete(h, o)
		}
	}
	h[l] = v
}

func (h holds) move(moves []Move) error {
	for _, m := range moves {
		switch {
		case !m.To.InReg() && !m.To.InFrame():
			return fmt.Errorf("a move to nowhere")
		case m.To.InFrame() && !m.From.InReg():
			return fmt.Errorf("a move to memory that is not from a register")
		case !m.From.InReg() && !m.From.InFrame():
			if m.Value == nil || !m.Value.Remat() {
				return fmt.Errorf("%v is computed again", m.Value)
			}
			h[m.To] = m.Value
		case m.Value != nil && h[m.From] != m.Value:
			return fmt.Errorf("%v is not in %v but %v", m.Value, m.From, h[m.From])
		default:
			h[m.To] = h[m.From]
		}
	}
	return nil
}

func (a *Allocation) checkBlock(b *ir.Block, h holds) error {
	i := a.first[b.ID]
	for _, v := range b.Values {
		i++
		if err := a.checkValue(v, i, h); err != nil {
			return fmt.Errorf("%s %s: %w", v, v.Op, err)
		}
	}
	i++
	if err := h.move(a.before[i]); err != nil {
		return err
	}
	var err error
	termOperands(&b.Term, func(x *ir.Value, n need) {
		if e := a.checkUse(x, n, i, h); e != nil {
			err = e
		}
	})
	return err
}

func (a *Allocation) checkValue(v *ir.Value, i int, h holds) error {
	if err := h.move(a.before[i]); err != nil {
		return err
	}
	to, defined := a.Defined(v, i)
	var err error
	operands(v, func(x *ir.Value, n need) {
		if e := a.checkUse(x, n, i, h); e != nil {
			err = e
		}
		if n == inRegLate && defined && a.Used(x, i) == to {
			err = fmt.Errorf("the result overwrites %s", x)
		}
	})
	if v.IsCall() {
		for r := range regLost {
			delete(h, Register(r))
		}
	}
	switch {
	case defined && v.HasResult() && !to.InReg():
		return fmt.Errorf("the result is not in a register")
	case defined && v.HasResult():
		h.define(v, to)
	}
	return err
}

func (a *Allocation) checkUse(x *ir.Value, n need, i int, h holds) error {
	if !placed(x, n) {
		return nil
	}
	l := a.Used(x, i)
	switch {
	case n != anywhere && !l.InReg():
		return fmt.Errorf("%s is not in a register", x)
	case h[l] != x:
		return fmt.Errorf("%s is not in %v but %v", x, l, h[l])
	}
	return nil
}

// checkEdge makes the moves of an edge and calls its arguments by the names of the parameters.
func (a *Allocation) checkEdge(b *ir.Block, i int, e *ir.Edge, h holds) error {
	if err := h.move(a.edges[edgeKey{b, i}]); err != nil {
		return err
	}
	in := map[Loc]*ir.Value{}
	for k, p := range e.To.Params {
		l := a.at(p, a.start(e.To))
		if h[l] != e.Args[k] {
			return fmt.Errorf("%s for %s is not in %v but %v", e.Args[k], p, l, h[l])
		}
		in[l] = p
	}
	for l, p := range in {
		h.define(p, l)
	}
	return nil
}
