package names

import "github.com/gotrace/gotrace/runtime/value"

// recent keeps the stacks that were asked for lately: of two halves the newer takes what is used, and when it is full the older one is given
// up. What is not there is read from the store of stacks in the kernel, which has them all.
type recent struct{ newer, older map[uint64]value.Trace }

func (r *recent) get(id uint64) (value.Trace, bool) {
	if t, ok := r.newer[id]; ok {
		return t, true
	}
	t, ok := r.older[id]
	if ok {
		r.put(id, t)
	}
	return t, ok
}

func (r *recent) put(id uint64, t value.Trace) {
	if _, ok := r.newer[id]; !ok && len(r.newer) >= value.MaxOrdered {
		r.older, r.newer = r.newer, r.older
		clear(r.newer)
	}
	if r.newer == nil {
		r.newer = map[uint64]value.Trace{}
	}
	r.newer[id] = t
}
