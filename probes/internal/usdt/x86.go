package usdt

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang/location"
)

// x86Registers are the names of registers and of their parts in AT&T's syntax, without the %.
var x86Registers = func() map[string]location.Register {
	m := map[string]location.Register{}
	for _, r := range []string{"ax", "bx", "cx", "dx"} {
		m[r[:1]+"l"] = location.Register{Name: r, Size: 1}
		m[r[:1]+"h"] = location.Register{Name: r, From: 1, Size: 1}
	}
	for _, r := range []string{"ax", "bx", "cx", "dx", "si", "di", "bp", "sp"} {
		m["r"+r] = location.Register{Name: r, Size: 8}
		m["e"+r] = location.Register{Name: r, Size: 4}
		m[r] = location.Register{Name: r, Size: 2}
		if r[1] != 'x' {
			m[r+"l"] = location.Register{Name: r, Size: 1}
		}
	}
	for n := 8; n < 16; n++ {
		r := "r" + strconv.Itoa(n)
		for suffix, size := range map[string]int{"": 8, "d": 4, "w": 2, "b": 1, "l": 1} {
			m[r+suffix] = location.Register{Name: r, Size: size}
		}
	}
	m["rip"] = location.Register{Name: "ip", Size: 8}
	return m
}()

// x86Operand is $CONSTANT, %REGISTER, or OFFSET(BASE,INDEX,SCALE) with all parts optional, where the offset may be SYMBOL+NUMBER.
func (c *Code) x86Operand(text string, size int, signed bool) (location.Location, error) {
	if number, ok := strings.CutPrefix(text, "$"); ok {
		return constant(number, size, signed)
	}
	if name, ok := strings.CutPrefix(text, "%"); ok {
		if strings.Contains(name, ":") {
			return nil, fmt.Errorf("it is relative to a segment register")
		}
		r, err := x86Register(name)
		if err != nil {
			return nil, err
		}
		return sized(r, size, signed)
	}
	offset, inner, ok := strings.Cut(text, "(")
	at := location.Address{}
	if ok {
		inner, ok = strings.CutSuffix(inner, ")")
		if !ok {
			return nil, fmt.Errorf("a bracket is not closed")
		}
		if err := x86Base(&at, inner); err != nil {
			return nil, err
		}
	}
	if err := c.x86Offset(&at, offset, ok); err != nil {
		return nil, err
	}
	return location.Memory{At: at, Size: size, Signed: signed, User: true}, nil
}

func x86Register(name string) (location.Register, error) {
	r, ok := x86Registers[name]
	if !ok {
		return r, fmt.Errorf("%%%.20s is no register that programs can read", name)
	}
	return r, nil
}

// x86Base reads BASE,INDEX,SCALE.
func x86Base(at *location.Address, text string) error {
	parts := strings.Split(text, ",")
	if len(parts) > 3 {
		return fmt.Errorf("%.40q is no address", text)
	}
	for i, part := range parts {
		part = strings.TrimSpace(part)
		if i == 2 {
			n, err := strconv.ParseInt(part, 0, 64)
			if err != nil || n != 1 && n != 2 && n != 4 && n != 8 {
				return fmt.Errorf("%.40q is no scale of an index", part)
			}
			at.Scale = n
			continue
		}
		if part == "" {
			continue // as in (,%rax,8)
		}
		name, ok := strings.CutPrefix(part, "%")
		if !ok {
			return fmt.Errorf("%.40q is no register", part)
		}
		r, err := x86Register(name)
		if err != nil {
			return err
		}
		if i == 0 {
			at.Base = r
		} else {
			at.Index, at.Scale = r, 1
		}
	}
	return nil
}

// x86Offset reads what stands before the brackets: a number, or a symbol with a number. What lies at a symbol is found from the
// instruction on, wherever the program was loaded: the probe is where the instruction pointer is.
func (c *Code) x86Offset(at *location.Address, text string, brackets bool) error {
	if text == "" && brackets {
		return nil
	}
	if n, err := strconv.ParseInt(text, 0, 64); err == nil {
		at.Offset = n
		return nil
	}
	name, number := text, int64(0)
	if before, after, ok := strings.Cut(text, "+"); ok && isNumber(before) { // "4+symbol"
		number, _ = strconv.ParseInt(before, 0, 64)
		name = after
	} else if i := strings.LastIndexAny(text, "+-"); i > 0 && isNumber(text[i:]) {
		number, _ = strconv.ParseInt(text[i:], 0, 64)
		name = text[:i]
	}
	name, _, _ = strings.Cut(name, "@") // symbol@GOTPCREL and the like hold the variable's address, which is no argument of ours
	addr, ok := c.Symbol(name)
	if !ok {
		return fmt.Errorf("the file does not say where the variable %.100q is: it has no symbol of that name, or was stripped", name)
	}
	ip := location.Register{Name: "ip", Size: location.WordSize}
	offset := int64(addr-c.Address) + number
	switch base, isReg := at.Base.(location.Register); {
	case at.Base == nil && at.Index == nil, isReg && base.Name == "ip":
		at.Base, at.Offset = ip, offset
	case at.Index == nil: // an element of a variable: symbol(%rax)
		at.Index, at.Scale, at.Base, at.Offset = at.Base, 1, ip, offset
	case at.Base == nil:
		at.Base, at.Offset = ip, offset
	default:
		at.Base, at.Offset = location.Address{Base: ip, Index: at.Base, Scale: 1}, offset
	}
	return nil
}

func isNumber(text string) bool {
	_, err := strconv.ParseInt(text, 0, 64)
	return err == nil
}
