package pass

import (
	"github.com/gotrace/gotrace/codegen/internal/ir"
)

// Loc is where a value lies: in a register, in the frame, or, if it is cheap to compute, nowhere.
type Loc struct {
	Reg   int // -1: not in a register
	Frame int // bytes from R10, negative; 0: not in the frame
}

// InReg says whether it is a register.
func (l Loc) InReg() bool { return l.Reg >= 0 }

// InFrame says whether it is in the frame.
func (l Loc) InFrame() bool { return l.Reg < 0 && l.Frame != 0 }

// Register is the Loc of a register.
func Register(r int) Loc { return Loc{Reg: r} }

// Move copies Value from one place to another. Where From is neither a register nor the frame, the
// value is computed. As is what the value is called in its new place: itself, or the parameter of the block that an edge
// leads to; nil for one that is put aside for a moment.
type Move struct {
	Value, As *ir.Value
	To, From  Loc
}

// regSet is a set of registers.
type regSet uint16

func (s *regSet) add(r int)     { *s |= 1 << r }
func (s regSet) has(r int) bool { return s>>r&1 != 0 }

// room is where moves can put values aside: registers other than the busy ones, or words of the frame.
type room struct {
	busy  func() regSet
	frame func(i int) Loc
}

// Arguments orders the moves of a call's arguments to R1 … R5; see sequence. R0 is free for a circle: of the six registers that
// a call destroys at most five are targets, and one that only is a source is read before.
func Arguments(moves []Move) []Move {
	kept := regSet(1<<numRegs - 1<<regLost)
	return sequence(moves, room{busy: func() regSet { return kept }})
}

// sequence orders moves that happen all at once, so that none destroys what another still reads.
func sequence(moves []Move, r room) []Move {
	q := &sequencer{room: r}
	var computed [2][]Move // to memory, to registers
	for _, m := range moves {
		switch {
		case m.To == m.From && m.To.InReg():
			q.written.add(m.To.Reg)
		case m.To == m.From || !m.To.InReg() && !m.To.InFrame():
		case m.From.InReg() || m.From.InFrame():
			q.todo = append(q.todo, m)
		case m.To.InReg():
			computed[1] = append(computed[1], m)
		default:
			computed[0] = append(computed[0], m)
		}
	}
	for len(q.todo) > 0 {
		if i := q.ready(); i >= 0 {
			m := q.todo[i]
			q.todo = append(q.todo[:i:i], q.todo[i+1:]...)
			q.copy(m)
			continue
		}
		q.aside()
	}
	for _, m := range computed[0] {
		q.throughRegister(m)
	}
	q.out = append(q.out, computed[1]...)
	return q.out
}

type sequencer struct {
	room
	todo, out []Move
	written   regSet // registers that have the value they are to have
}

// ready finds a move whose target no other move reads, -1 if there is none. Moves to registers come first, so that
// there is one to lend if need be.
func (q *sequencer) ready() int {
	best := -1
	for i, x := range q.todo {
		read := false
		for j, y := range q.todo {
			read = read || i != j && y.From == x.To
		}
		if !read && (best < 0 || x.To.InReg() && !q.todo[best].To.InReg()) {
			best = i
		}
	}
	return best
}

// free is a register that holds nothing now, -1 if there is none.
func (q *sequencer) free() int {
	used := q.written | q.busy()
	for _, m := range q.todo {
		if m.From.InReg() {
			used.add(m.From.Reg)
		}
	}
	for r := range numRegs {
		if !used.has(r) {
			return r
		}
	}
	return -1
}

// aside opens a circle: every target is still to be read, so one of the sources is put aside.
func (q *sequencer) aside() {
	m := q.todo[0]
	temp := Loc{Reg: q.free()}
	if !temp.InReg() {
		temp = q.frame(0)
	}
	q.copy(Move{m.Value, nil, temp, m.From})
	if temp.InReg() {
		q.written &^= 1 << temp.Reg // the move that reads it keeps it
	}
	for i := range q.todo {
		if q.todo[i].From == m.From {
			q.todo[i].From = temp
		}
	}
}

// copy adds a move.
func (q *sequencer) copy(m Move) {
	if m.To.InFrame() && m.From.InFrame() {
		q.throughRegister(m)
		return
	}
	q.out = append(q.out, m)
	if m.To.InReg() {
		q.written.add(m.To.Reg)
	}
}

// throughRegister adds a move to memory that needs a register. If none is free one is lent, and gets its value back.
func (q *sequencer) throughRegister(m Move) {
	r := Register(q.free())
	via := []Move{{m.Value, nil, r, m.From}, {m.Value, m.As, m.To, r}}
	if r.InReg() {
		q.out = append(q.out, via...)
		return
	}
	r, kept := Register(0), q.frame(1)
	via[0].To, via[1].From = r, r
	q.out = append(q.out, Move{To: kept, From: r})
	q.out = append(q.out, via...)
	q.out = append(q.out, Move{To: r, From: kept})
}
