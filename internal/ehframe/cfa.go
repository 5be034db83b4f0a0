package ehframe

import "bytes"

// Numbers of registers in DWARF on x86-64.
const (
	regRBP, regRSP, regRA = 6, 7, 16
)

// where says where the value of a caller's register is.
type where uint8

const (
	same      where = iota // in the register still
	atCFA                  // in memory, so far from the CFA
	atRBP                  // in memory, so far from where the frame pointer points to now
	undefined              // nowhere
	elsewhere              // where rules cannot say
)

// saved is a caller's register.
type saved struct {
	where  where
	offset int64
}

// state is what the instructions have said up to an address.
type state struct {
	kind    Kind // of the CFA
	offset  int64
	rbp, ra saved
}

// rule is the row that a state gives.
func (s *state) rule(signal bool) Rule {
	switch {
	case signal:
		// Code to which the handler of a signal returns: the kernel's frame lies at the stack pointer (struct rt_sigframe,
		// arch/x86/include/asm/sigframe.h), and the C library says of each register that it is there.
		return Rule(Signal)
	case s.ra.where == undefined:
		return Rule(End)
	case s.kind == PLT:
		return newRule(PLT, wordSize, s.offset*wordSize)
	case s.kind == Unsupported || s.ra.where != atCFA || s.ra.offset != -wordSize:
		return Rule(Unsupported)
	}
	switch s.rbp.where {
	case atCFA:
		if s.kind == Deref || s.rbp.offset == 0 {
			return Rule(Unsupported)
		}
	case atRBP:
		// Functions that align their stack save it where it points to.
		if s.kind != Deref || s.rbp.offset != 0 {
			return Rule(Unsupported)
		}
	case elsewhere:
		return Rule(Unsupported)
	case same, undefined:
		if s.kind == Deref {
			return Rule(Unsupported)
		}
	}
	return newRule(s.kind, s.offset, s.rbp.offset)
}

// Instructions, DW_CFA_*. The first three have an operand in their low six bits.
const (
	cfaAdvance = 0x40
	cfaOffset  = 0x80
	cfaRestore = 0xc0

	cfaNop, cfaSetLoc, cfaAdvance1, cfaAdvance2, cfaAdvance4                  = 0, 1, 2, 3, 4
	cfaOffsetExt, cfaRestoreExt, cfaUndefined, cfaSameValue, cfaRegister      = 5, 6, 7, 8, 9
	cfaRemember, cfaRestoreState, cfaDefCFA, cfaDefRegister, cfaDefOffset     = 10, 11, 12, 13, 14
	cfaDefExpression, cfaExpression, cfaOffsetExtSF, cfaDefCFASF, cfaDefOffSF = 15, 16, 17, 18, 19
	cfaValOffset, cfaValOffsetSF, cfaValExpression, cfaArgsSize, cfaNegOffset = 20, 21, 22, 0x2e, 0x2f
)

// machine runs instructions.
type machine struct {
	cie    *cie
	state  state
	stack  []state // of DW_CFA_remember_state
	pc     uint64
	emit   func(pc uint64, s *state) // called with each state before the address changes
	broken bool                      // something that has no meaning: what follows is not known
}

// maxRemembered bounds the stack of states. Compilers remember one or two.
const maxRemembered = 64

// run runs the instructions in r.
func (m *machine) run(r *reader, section uint64) {
	for r.left() > 0 && r.err == nil && !m.broken {
		op := r.u8()
		arg := uint64(op & 0x3f)
		switch op & 0xc0 {
		case cfaAdvance:
			m.advance(arg)
		case cfaOffset:
			m.save(arg, saved{atCFA, int64(r.uleb()) * m.cie.dataAlign})
		case cfaRestore:
			m.restore(arg)
		default:
			m.other(op, r, section)
		}
	}
	m.broken = m.broken || r.err != nil
}

func (m *machine) other(op uint8, r *reader, section uint64) {
	data := m.cie.dataAlign
	switch op {
	case cfaNop:
	case cfaSetLoc:
		m.move(r.address(m.cie.encoding, section))
	case cfaAdvance1:
		m.advance(uint64(r.u8()))
	case cfaAdvance2:
		m.advance(uint64(r.u16()))
	case cfaAdvance4:
		m.advance(uint64(r.u32()))
	case cfaOffsetExt:
		m.save(r.uleb(), saved{atCFA, int64(r.uleb()) * data})
	case cfaOffsetExtSF:
		m.save(r.uleb(), saved{atCFA, r.sleb() * data})
	case cfaNegOffset:
		m.save(r.uleb(), saved{atCFA, -int64(r.uleb()) * data})
	case cfaRestoreExt:
		m.restore(r.uleb())
	case cfaUndefined:
		m.save(r.uleb(), saved{where: undefined})
	case cfaSameValue:
		m.save(r.uleb(), saved{where: same})
	case cfaRegister, cfaValOffset:
		m.save(r.uleb(), saved{where: elsewhere})
		r.uleb()
	case cfaValOffsetSF:
		m.save(r.uleb(), saved{where: elsewhere})
		r.sleb()
	case cfaRemember:
		if len(m.stack) >= maxRemembered {
			m.broken = true
			return
		}
		m.stack = append(m.stack, m.state)
	case cfaRestoreState:
		if len(m.stack) == 0 {
			m.broken = true
			return
		}
		m.state = m.stack[len(m.stack)-1]
		m.stack = m.stack[:len(m.stack)-1]
	case cfaDefCFA:
		m.defRegister(r.uleb())
		m.state.offset = int64(r.uleb())
	case cfaDefCFASF:
		m.defRegister(r.uleb())
		m.state.offset = r.sleb() * data
	case cfaDefRegister:
		m.defRegister(r.uleb())
	case cfaDefOffset:
		m.state.offset = int64(r.uleb())
	case cfaDefOffSF:
		m.state.offset = r.sleb() * data
	case cfaDefExpression:
		m.defExpression(r.take(r.uleb()))
	case cfaExpression:
		reg := r.uleb()
		m.save(reg, expression(r.take(r.uleb())))
	case cfaValExpression:
		m.save(r.uleb(), saved{where: elsewhere})
		r.take(r.uleb())
	case cfaArgsSize:
		r.uleb()
	default:
		m.broken = true
	}
}

func (m *machine) advance(n uint64) { m.move(m.pc + n*m.cie.codeAlign) }

func (m *machine) move(pc uint64) {
	if pc < m.pc {
		m.broken = true
		return
	}
	if pc > m.pc && m.emit != nil {
		m.emit(m.pc, &m.state)
	}
	m.pc = pc
}

// register is where a register's place is kept, nil for those that do not matter.
func (s *state) register(n uint64) *saved {
	switch n {
	case regRBP:
		return &s.rbp
	case regRA:
		return &s.ra
	}
	return nil
}

func (m *machine) save(reg uint64, to saved) {
	if s := m.state.register(reg); s != nil {
		*s = to
	}
}

func (m *machine) restore(reg uint64) {
	if s := m.state.register(reg); s != nil {
		*s = *m.cie.start.register(reg)
	}
}

func (m *machine) defRegister(reg uint64) {
	switch reg {
	case regRSP:
		m.state.kind = StackBased
	case regRBP:
		m.state.kind = FrameBased
	default:
		m.state.kind = Unsupported
	}
}

// Operations of expressions, DW_OP_*.
const (
	opDeref = 0x06
	opBreg  = 0x70 // and a register
)

// pltExpressions are what linkers write for the entries of a procedure linkage table: DW_OP_breg7 (rsp) 8, breg16 (rip) 0, lit15, and, a
// number, ge, lit3, shl, plus. The number is from which byte of an entry on the index of the function is on the stack.
var pltExpressions = [2][]byte{
	{opBreg + regRSP, 8, opBreg + regRA, 0, 0x3f, 0x1a},
	{0x2a, 0x33, 0x24, 0x22},
}

const opLit0 = 0x30

// defExpression recognises the expressions that linkers and compilers write for a CFA.
func (m *machine) defExpression(e []byte) {
	m.state.kind = Unsupported
	n := len(pltExpressions[0])
	if len(e) == n+1+len(pltExpressions[1]) && bytes.HasPrefix(e, pltExpressions[0]) && bytes.HasSuffix(e, pltExpressions[1]) {
		if lit := int64(e[n]) - opLit0; lit >= 0 && lit < 16 {
			m.state.kind, m.state.offset = PLT, lit
		}
		return
	}
	r := reader{data: e}
	if r.u8() != opBreg+regRBP {
		return
	}
	offset := r.sleb()
	if r.u8() == opDeref && r.err == nil && r.left() == 0 {
		m.state.kind, m.state.offset = Deref, offset
	}
}

// expression recognises the place of a register that is so far from where the frame pointer points to.
func expression(e []byte) saved {
	r := reader{data: e}
	if r.u8() != opBreg+regRBP {
		return saved{where: elsewhere}
	}
	offset := r.sleb()
	if r.err != nil || r.left() != 0 {
		return saved{where: elsewhere}
	}
	return saved{atRBP, offset}
}
