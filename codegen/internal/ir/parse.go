package ir

import (
	"fmt"
	"strconv"
	"strings"
)

// Parse reads the text form that Program.String writes, so that passes are tested text to text.
// Anything after a semicolon is a comment; the one of a slot's line is its name. Errors name the line.
func Parse(text string) (*Program, error) {
	p := &parser{prog: &Program{}}
	for i, line := range strings.Split(text, "\n") {
		if err := p.line(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	if err := p.endFunc(); err != nil {
		return nil, err
	}
	if len(p.prog.Funcs) == 0 {
		return nil, fmt.Errorf("no function")
	}
	return p.prog, nil
}

// parser holds the function that is being read. Values and blocks can be named before the line that
// defines them; what is named and never defined is an error at the function's end.
type parser struct {
	prog    *Program
	fn      *Func
	block   *Block
	values  map[string]*Value
	blocks  map[string]*Block
	defined map[any]bool
}

func (p *parser) line(line string) error {
	line, comment, _ := strings.Cut(line, ";")
	line = strings.TrimSpace(line)
	word, rest, _ := strings.Cut(line, " ")
	switch {
	case line == "":
		return nil
	case word == "func":
		if err := p.endFunc(); err != nil {
			return err
		}
		name, sizes, isGlobal := strings.Cut(rest, " global")
		p.fn = &Func{Name: name}
		if isGlobal {
			global, err := parseSizes(sizes)
			if err != nil {
				return err
			}
			p.fn.Global = global
		}
		p.prog.Funcs = append(p.prog.Funcs, p.fn)
		p.values, p.blocks, p.defined, p.block = map[string]*Value{}, map[string]*Block{}, map[any]bool{}, nil
		return nil
	case p.fn == nil:
		return fmt.Errorf("%q stands before a function", line)
	case word == "slot":
		return p.slot(rest, strings.TrimSpace(comment))
	case strings.HasSuffix(line, ":"):
		return p.label(strings.TrimSuffix(line, ":"))
	case p.block == nil || p.block.Term.Kind != TermNone:
		return fmt.Errorf("%q stands outside of a block", line)
	case word == "jump" || word == "return" || strings.HasPrefix(word, "branch"):
		return p.term(word, rest)
	}
	return p.operation(line)
}

// parseSizes reads "[0 16]".
func parseSizes(text string) ([]int, error) {
	sizes := []int{}
	for _, word := range strings.Fields(strings.Trim(text, "[]")) {
		n, err := strconv.Atoi(word)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%q is no number of bytes", word)
		}
		sizes = append(sizes, n)
	}
	return sizes, nil
}

// endFunc checks that everything that was named was defined.
func (p *parser) endFunc() error {
	for name, v := range p.values {
		if !p.defined[v] {
			return fmt.Errorf("%s is used and not defined", name)
		}
	}
	for name, b := range p.blocks {
		if !p.defined[b] {
			return fmt.Errorf("block %s does not exist", name)
		}
	}
	if p.fn == nil {
		return nil
	}
	if len(p.fn.Blocks) == 0 {
		return fmt.Errorf("function %s has no blocks", p.fn.Name)
	}
	for _, b := range p.fn.Blocks {
		for _, v := range b.Values {
			if v.ID < 0 {
				v.ID = p.fn.nextValue
				p.fn.nextValue++
			}
		}
	}
	return nil
}

// slot reads "s0 16".
func (p *parser) slot(rest, name string) error {
	var id, size int
	if _, err := fmt.Sscanf(rest, "s%d %d", &id, &size); err != nil {
		return fmt.Errorf("slot %q: %w", rest, err)
	}
	if id != len(p.fn.Slots) {
		return fmt.Errorf("slot s%d is number %d", id, len(p.fn.Slots))
	}
	p.fn.NewSlot(name, size)
	return nil
}

// label reads "b1.name(v1, v2)".
func (p *parser) label(text string) error {
	name, params, err := cutParens(text)
	if err != nil {
		return err
	}
	b, err := p.blockOf(name)
	if err != nil {
		return err
	}
	if p.defined[b] {
		return fmt.Errorf("block %s is there twice", name)
	}
	p.defined[b] = true
	p.fn.Blocks = append(p.fn.Blocks, b)
	p.block = b
	for _, n := range params {
		v, err := p.define(n)
		if err != nil {
			return err
		}
		v.Op = OpParam
		b.Params = append(b.Params, v)
	}
	if len(p.fn.Blocks) == 1 {
		p.fn.Params = len(b.Params)
	}
	return nil
}

// number reads the number after a prefix letter: "v12", "b3", "s0".
func number(text, prefix string) (int, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(text, prefix))
	if err != nil || n < 0 || !strings.HasPrefix(text, prefix) {
		return 0, fmt.Errorf("%q is not %s and a number", text, prefix)
	}
	return n, nil
}

// blockOf is the block of a label such as "b1.name".
func (p *parser) blockOf(label string) (*Block, error) {
	if b := p.blocks[label]; b != nil {
		return b, nil
	}
	num, name, _ := strings.Cut(label, ".")
	id, err := number(num, "b")
	if err != nil {
		return nil, err
	}
	b := &Block{ID: id, Name: name, Func: p.fn}
	p.blocks[label] = b
	p.fn.nextBlock = max(p.fn.nextBlock, id+1)
	return b, nil
}

// value is the value of a name such as "v1".
func (p *parser) value(name string) (*Value, error) {
	if v := p.values[name]; v != nil {
		return v, nil
	}
	id, err := number(name, "v")
	if err != nil {
		return nil, err
	}
	v := &Value{ID: id}
	p.values[name] = v
	p.fn.nextValue = max(p.fn.nextValue, id+1)
	return v, nil
}

// define is the value of a name that is defined here, in the current block.
func (p *parser) define(name string) (*Value, error) {
	v, err := p.value(name)
	if err != nil {
		return nil, err
	}
	if p.defined[v] {
		return nil, fmt.Errorf("%s is defined twice", name)
	}
	p.defined[v] = true
	v.Block = p.block
	return v, nil
}

func (p *parser) list(names []string) ([]*Value, error) {
	var out []*Value
	for _, n := range names {
		v, err := p.value(n)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// operation reads "v3 = add v1, v2" or an operation without a result.
func (p *parser) operation(line string) error {
	name, text, hasResult := strings.Cut(line, " = ")
	var v *Value
	if hasResult {
		var err error
		if v, err = p.define(name); err != nil {
			return err
		}
	} else {
		// Values without a result have no name in the text: they get the next free number at the end.
		text = line
		v = &Value{ID: -1, Block: p.block}
	}
	word, rest, _ := strings.Cut(text, " ")
	if err := v.parseName(word); err != nil {
		return err
	}
	if hasResult != v.HasResult() {
		return fmt.Errorf("%s: a result where there is none, or none where there is one", v.Op)
	}
	if err := p.operands(v, strings.TrimSpace(rest)); err != nil {
		return fmt.Errorf("%s: %w", v.Op, err)
	}
	p.block.Values = append(p.block.Values, v)
	return nil
}

// parseName reads an operation's name with its modifiers: "add32", "load8.pure", "zext16".
func (v *Value) parseName(word string) error {
	word, v.Pure = strings.CutSuffix(word, ".pure")
	name := strings.TrimRight(word, "0123456789")
	bits, _ := strconv.Atoi(word[len(name):])
	for op := range ops {
		if ops[op].name == name {
			v.Op = Op(op)
		}
	}
	switch v.Op {
	case OpInvalid, OpParam:
		return fmt.Errorf("no operation %q", word)
	case OpZext, OpSext, OpBswap:
		v.Imm = int64(bits)
	case OpLoad, OpStore, OpAtomicAdd, OpAtomicFetch, OpXchg:
		v.Size = uint8(bits / 8)
	default:
		v.W32 = bits == 32
		if bits != 0 && !v.W32 {
			return fmt.Errorf("no operation %q", word)
		}
	}
	return nil
}

// operands reads what follows an operation's name.
func (p *parser) operands(v *Value, rest string) (err error) {
	switch v.Op {
	case OpConst:
		v.Imm, err = strconv.ParseInt(rest, 10, 64)
		return err
	case OpCmp:
		word, args, _ := strings.Cut(rest, " ")
		if v.Cond, err = parseCond(word); err != nil {
			return err
		}
		rest = args
	case OpLoad, OpStore, OpAtomicAdd, OpAtomicFetch, OpXchg:
		addr, more, ok := strings.Cut(strings.TrimPrefix(rest, "["), "]")
		if !ok {
			return fmt.Errorf("no address in %q", rest)
		}
		if addr, v.Off, err = cutOffset(addr); err != nil {
			return err
		}
		rest = addr + more
	case OpSlot:
		name, off, err := cutOffset(rest)
		if err != nil {
			return err
		}
		id, err := number(name, "s")
		if err != nil || id >= len(p.fn.Slots) {
			return fmt.Errorf("no slot %s", name)
		}
		v.Slot, v.Off = p.fn.Slots[id], off
		return nil
	case OpMapValue:
		v.Sym, v.Off, err = cutOffset(rest)
		return err
	case OpMapPtr, OpFuncPtr:
		v.Sym = rest
		return nil
	case OpCall, OpGlobal:
		name, args, err := cutParens(rest)
		if err != nil {
			return err
		}
		v.Sym = name
		v.Args, err = p.list(args)
		return err
	case OpHelper, OpKfunc:
		id, args, err := cutParens(rest)
		if err != nil {
			return err
		}
		if v.Imm, err = strconv.ParseInt(id, 10, 64); err != nil {
			return err
		}
		v.Args, err = p.list(args)
		return err
	}
	v.Args, err = p.list(splitList(rest))
	return err
}

// term reads the end of a block.
func (p *parser) term(word, rest string) (err error) {
	t := &p.block.Term
	switch word {
	case "return":
		t.Kind = TermReturn
		t.X, err = p.value(rest)
	case "jump":
		t.Kind = TermJump
		t.Then, err = p.edge(rest)
	case "branch", "branch.unlikely":
		t.Kind, t.Unlikely = TermBranch, word == "branch.unlikely"
		err = p.branch(t, rest)
	default:
		err = fmt.Errorf("no operation %q", word)
	}
	return err
}

// branch reads "eq v1, v2 ? b1.x() : b2.y(v3)".
func (p *parser) branch(t *Term, rest string) (err error) {
	test, edges, ok := strings.Cut(rest, " ? ")
	then, els, ok2 := strings.Cut(edges, " : ")
	cond, args, _ := strings.Cut(test, " ")
	if !ok || !ok2 {
		return fmt.Errorf("branch without targets: %q", rest)
	}
	if t.Cond, err = parseCond(cond); err != nil {
		return err
	}
	xy, err := p.list(splitList(args))
	if err != nil || len(xy) != 2 {
		return fmt.Errorf("branch on %q", args)
	}
	t.X, t.Y = xy[0], xy[1]
	if t.Then, err = p.edge(then); err != nil {
		return err
	}
	t.Else, err = p.edge(els)
	return err
}

func (p *parser) edge(text string) (e Edge, err error) {
	name, args, err := cutParens(text)
	if err != nil {
		return e, err
	}
	if e.To, err = p.blockOf(name); err != nil {
		return e, err
	}
	e.Args, err = p.list(args)
	return e, err
}

func parseCond(word string) (Cond, error) {
	for c, name := range condNames {
		if name == word && c != 0 {
			return Cond(c), nil
		}
	}
	return 0, fmt.Errorf("no comparison %q", word)
}

// cutParens splits "name(a, b)".
func cutParens(text string) (name string, args []string, err error) {
	name, rest, ok := strings.Cut(text, "(")
	if !ok || !strings.HasSuffix(rest, ")") {
		return "", nil, fmt.Errorf("%q has no list in parentheses", text)
	}
	return name, splitList(strings.TrimSuffix(rest, ")")), nil
}

// cutOffset splits "name+8" at the last sign.
func cutOffset(text string) (name string, off int32, err error) {
	i := strings.LastIndexAny(text, "+-")
	if i < 0 {
		return "", 0, fmt.Errorf("%q has no offset", text)
	}
	n, err := strconv.ParseInt(text[i:], 10, 32)
	return text[:i], int32(n), err
}

func splitList(text string) []string {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	parts := strings.Split(text, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}
