package pass

import (
	"slices"

	"github.com/gotrace/gotrace/codegen/internal/ir"
)

// reversePostorder returns the reachable blocks, each before its successors (loops aside). The side that is visited
// last comes first: Then edges that are unlikely end up behind everything else.
func reversePostorder(f *ir.Func) []*ir.Block {
	seen := make([]bool, f.BlockIDs())
	post := make([]*ir.Block, 0, len(f.Blocks))
	type frame struct {
		b    *ir.Block
		edge int // the next one to follow
	}
	stack := append(make([]frame, 0, len(f.Blocks)), frame{f.Blocks[0], 0}) // in a long function nearly all are on it
	seen[f.Blocks[0].ID] = true
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		to := edgeTo(top.b, top.edge)
		if to == nil {
			post = append(post, top.b)
			stack = stack[:len(stack)-1]
			continue
		}
		top.edge++
		if !seen[to.ID] {
			seen[to.ID] = true
			stack = append(stack, frame{to, 0})
		}
	}
	for i, j := 0, len(post)-1; i < j; i, j = i+1, j-1 {
		post[i], post[j] = post[j], post[i]
	}
	return post
}

// edgeTo is where edge i of a block leads, nil if it has no more: as Block.Edges, without memory for a list.
func edgeTo(b *ir.Block, i int) *ir.Block {
	switch t := &b.Term; {
	case i == 0 && (t.Kind == ir.TermJump || t.Kind == ir.TermBranch):
		return t.Then.To
	case i == 1 && t.Kind == ir.TermBranch:
		return t.Else.To
	}
	return nil
}

// unreachable removes the blocks that nothing jumps to.
func unreachable(f *ir.Func, _ *Options) {
	seen := make([]bool, f.BlockIDs())
	for _, b := range reversePostorder(f) {
		seen[b.ID] = true
	}
	kept := f.Blocks[:0]
	for _, b := range f.Blocks {
		if seen[b.ID] {
			kept = append(kept, b)
		}
	}
	f.Blocks = kept
}

// context makes one OpCtx, at the function's start, of all.
func context(f *ir.Func, _ *Options) {
	var first *ir.Value
	r := &replacements{f: f}
	for _, b := range f.Blocks {
		kept := b.Values[:0]
		for _, v := range b.Values {
			switch {
			case v.Op != ir.OpCtx:
				kept = append(kept, v)
			case first == nil:
				first = v
			default:
				r.put(v, first)
			}
		}
		b.Values = kept
	}
	if first == nil {
		return
	}
	entry := f.Blocks[0]
	first.Block = entry
	entry.Values = append([]*ir.Value{first}, entry.Values...)
	r.apply(f)
}

// predecessors counts the edges into each block, by id.
func predecessors(f *ir.Func) []int {
	n := make([]int, f.BlockIDs())
	for _, b := range f.Blocks {
		for _, e := range b.Edges() {
			n[e.To.ID]++
		}
	}
	return n
}

// merge appends a block to the only one that jumps to it, skips empty blocks that only jump on, and
// drops parameters that are the same on every edge.
func merge(f *ir.Func, o *Options) {
	for skipEmpty(f) || dropParams(f) {
	}
	unreachable(f, o)
	preds := predecessors(f)
	r := &replacements{f: f}
	for _, b := range f.Blocks {
		for b.Term.Kind == ir.TermJump && preds[b.Term.Then.To.ID] == 1 && b.Term.Then.To != b && b.Term.Then.To != f.Blocks[0] {
			absorb(b, b.Term.Then.To, r)
		}
	}
	r.apply(f)
	unreachable(f, o)
}

// absorb appends block c to b, which alone jumps to it.
func absorb(b, c *ir.Block, r *replacements) {
	for i, p := range c.Params {
		r.put(p, b.Term.Then.Args[i])
	}
	for _, v := range c.Values {
		v.Block = b
	}
	b.Values = append(b.Values, c.Values...)
	b.Term = c.Term
	c.Values, c.Params = nil, nil
	c.Term = ir.Term{Kind: ir.TermJump, Then: ir.Edge{To: c}} // nobody comes here
}

// skipEmpty lets edges to a block that does nothing but jump on go to where it jumps.
func skipEmpty(f *ir.Func) bool {
	changed := false
	for _, b := range f.Blocks {
		for _, e := range b.Edges() {
			t := e.To
			if len(t.Values) > 0 || len(t.Params) > 0 || t.Term.Kind != ir.TermJump || t.Term.Then.To == t {
				continue
			}
			next := t.Term.Then
			if b.Term.Kind == ir.TermBranch && b.Term.Then.To == b.Term.Else.To {
				continue
			}
			e.To, e.Args = next.To, append([]*ir.Value(nil), next.Args...)
			changed = true
		}
		if foldSameTarget(b) {
			changed = true
		}
	}
	return changed
}

// foldSameTarget turns a branch with two equal edges into a jump.
func foldSameTarget(b *ir.Block) bool {
	t := &b.Term
	if t.Kind != ir.TermBranch || t.Then.To != t.Else.To {
		return false
	}
	for i, a := range t.Then.Args {
		if t.Else.Args[i] != a {
			return false
		}
	}
	b.Term = ir.Term{Kind: ir.TermJump, Then: t.Then, Pos: t.Pos}
	return true
}

// dropParams removes parameters that get the same value from everywhere.
func dropParams(f *ir.Func) bool {
	in := map[*ir.Block][]*ir.Edge{}
	for _, b := range f.Blocks {
		for _, e := range b.Edges() {
			in[e.To] = append(in[e.To], e)
		}
	}
	r := &replacements{f: f}
	for _, b := range f.Blocks[1:] {
		for i := 0; i < len(b.Params); {
			same := onlyArg(in[b], i, b.Params[i], r)
			if same == nil {
				i++
				continue
			}
			r.put(b.Params[i], same)
			b.Params = append(b.Params[:i:i], b.Params[i+1:]...)
			for _, e := range in[b] {
				e.Args = append(e.Args[:i:i], e.Args[i+1:]...)
			}
		}
	}
	r.apply(f)
	return len(r.by) > 0
}

// onlyArg is the single value that parameter p gets on all edges, itself aside, nil if there are several.
func onlyArg(edges []*ir.Edge, i int, p *ir.Value, r *replacements) *ir.Value {
	var same *ir.Value
	for _, e := range edges {
		a := r.of(e.Args[i])
		if a == p || a == same {
			continue
		}
		if same != nil {
			return nil
		}
		same = a
	}
	return same
}

// coldStep is how many operations a block that is unlikely may be away from the others: jumps reach 32767 instructions.
const coldStep = 6000

// layout orders the blocks so that most jumps go to the next one and unlikely ones are at the end. Long functions have
// the unlikely ones in several places.
func layout(f *ir.Func, _ *Options) {
	cold := coldBlocks(f)
	var order, rest []*ir.Block
	size := 0
	for _, b := range reversePostorder(f) {
		if size += len(b.Values) + 1; size > coldStep {
			order, rest, size = append(order, rest...), nil, 0
		}
		if cold[b] {
			rest = append(rest, b)
		} else {
			order = append(order, b)
		}
	}
	f.Blocks = append(order, rest...)
}

// coldBlocks are those that are reached by unlikely paths only.
func coldBlocks(f *ir.Func) map[*ir.Block]bool {
	warm := map[*ir.Block]bool{}
	work := []*ir.Block{f.Blocks[0]}
	for len(work) > 0 {
		b := work[len(work)-1]
		work = work[:len(work)-1]
		if warm[b] {
			continue
		}
		warm[b] = true
		for i, e := range b.Edges() {
			if i == 0 && b.Term.Kind == ir.TermBranch && b.Term.Unlikely {
				continue
			}
			work = append(work, e.To)
		}
	}
	cold := map[*ir.Block]bool{}
	for _, b := range f.Blocks {
		if !warm[b] {
			cold[b] = true
		}
	}
	return cold
}

// dominators returns the immediate dominator of each block, by id (the entry's is itself), and the blocks in reverse
// postorder. It is the algorithm of Cooper, Harvey and Kennedy.
func dominators(f *ir.Func) (idom []*ir.Block, rpo []*ir.Block) {
	rpo = reversePostorder(f)
	num := make([]int, f.BlockIDs())
	for i, b := range rpo {
		num[b.ID] = i
	}
	preds := make([][]*ir.Block, f.BlockIDs())
	for _, b := range rpo {
		for _, e := range b.Edges() {
			preds[e.To.ID] = append(preds[e.To.ID], b)
		}
	}
	idom = make([]*ir.Block, f.BlockIDs())
	idom[rpo[0].ID] = rpo[0]
	for changed := true; changed; {
		changed = false
		for _, b := range rpo[1:] {
			var d *ir.Block
			// The last first: the nearest dominators of the path so far are near to those of the one before, however
			// many edges lead to the block.
			for _, p := range slices.Backward(preds[b.ID]) {
				switch {
				case idom[p.ID] == nil:
				case d == nil:
					d = p
				default:
					d = common(idom, num, d, p)
				}
			}
			if idom[b.ID] != d {
				idom[b.ID], changed = d, true
			}
		}
	}
	return idom, rpo
}

// common is the nearest block that dominates both.
func common(idom []*ir.Block, num []int, a, b *ir.Block) *ir.Block {
	for a != b {
		for num[a.ID] > num[b.ID] {
			a = idom[a.ID]
		}
		for num[b.ID] > num[a.ID] {
			b = idom[b.ID]
		}
	}
	return a
}

// domTree is the tree of the blocks' dominators.
type domTree struct {
	order       []*ir.Block // each block before those that it dominates, which follow on it
	first, last []int       // by block id: its place in order, and that of the last block that it dominates
}

func newDomTree(f *ir.Func) *domTree {
	idom, rpo := dominators(f)
	below := make([][]*ir.Block, f.BlockIDs())
	for _, b := range slices.Backward(rpo[1:]) {
		below[idom[b.ID].ID] = append(below[idom[b.ID].ID], b)
	}
	t := &domTree{first: make([]int, f.BlockIDs()), last: make([]int, f.BlockIDs())}
	for stack := []*ir.Block{rpo[0]}; len(stack) > 0; {
		b := stack[len(stack)-1]
		stack = append(stack[:len(stack)-1], below[b.ID]...)
		t.first[b.ID] = len(t.order)
		t.order = append(t.order, b)
	}
	for _, b := range slices.Backward(t.order) {
		t.last[b.ID] = max(t.last[b.ID], t.first[b.ID])
		up := idom[b.ID].ID
		t.last[up] = max(t.last[up], t.last[b.ID])
	}
	return t
}

// dominates says whether every path to b leads through a.
func (t *domTree) dominates(a, b *ir.Block) bool {
	return t.first[a.ID] <= t.first[b.ID] && t.first[b.ID] <= t.last[a.ID]
}

// edgeArguments are what edges bring to each block parameter.
func edgeArguments(f *ir.Func) map[*ir.Value][]*ir.Value {
	args := map[*ir.Value][]*ir.Value{}
	for _, b := range f.Blocks {
		for _, e := range b.Edges() {
			for i, p := range e.To.Params {
				args[p] = append(args[p], e.Args[i])
			}
		}
	}
	return args
}
