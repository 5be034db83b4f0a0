package usdt

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang/location"
)

// arm64Operand is CONSTANT, REGISTER, or [BASE], [BASE, OFFSET], [BASE, INDEX], [BASE, INDEX, SHIFT N].
func arm64Operand(text string, size int, signed bool) (location.Location, error) {
	if inner, ok := strings.CutPrefix(text, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		if !ok {
			return nil, fmt.Errorf("a bracket is not closed")
		}
		at, err := arm64Address(inner)
		if err != nil {
			return nil, err
		}
		return location.Memory{At: at, Size: size, Signed: signed, User: true}, nil
	}
	if r, ok := arm64Register(text); ok {
		return sized(r, size, signed)
	}
	if text == "xzr" || text == "wzr" {
		return location.Const{}, nil
	}
	return constant(strings.TrimPrefix(strings.TrimPrefix(text, "#"), "$"), size, signed)
}

// arm64Register is a register of 8 bytes, or the low half of one.
func arm64Register(name string) (location.Register, bool) {
	switch name {
	case "sp", "x29", "x30":
		return location.Register{Name: name, Size: 8}, true
	case "wsp":
		return location.Register{Name: "sp", Size: 4}, true
	case "fp":
		return location.Register{Name: "x29", Size: 8}, true
	case "lr":
		return location.Register{Name: "x30", Size: 8}, true
	case "":
		return location.Register{}, false
	}
	n, err := strconv.ParseUint(name[1:], 10, 8)
	if err != nil || n > 30 || name[1] == '0' && len(name) > 2 || name[0] != 'x' && name[0] != 'w' {
		return location.Register{}, false
	}
	r := location.Register{Name: "x" + name[1:], Size: 8}
	if name[0] == 'w' {
		r.Size = 4
	}
	return r, true
}

func arm64Address(text string) (location.Address, error) {
	parts := strings.Split(text, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	base, ok := arm64Register(parts[0])
	if !ok || len(parts) > 3 {
		return location.Address{}, fmt.Errorf("%.40q is no address that programs can compute", text)
	}
	at := location.Address{Base: base}
	if len(parts) == 1 {
		return at, nil
	}
	if index, ok := arm64Register(parts[1]); ok {
		at.Index, at.Scale = index, 1
		if len(parts) == 3 {
			return arm64Shift(at, index, parts[2])
		}
		return at, nil
	}
	n, err := strconv.ParseInt(strings.TrimPrefix(parts[1], "#"), 0, 64)
	if err != nil || len(parts) == 3 {
		return at, fmt.Errorf("%.40q is no address that programs can compute", text)
	}
	at.Offset = n
	return at, nil
}

// arm64Shift is what is done to an index: "lsl 3", "uxtw 2", "sxtw".
func arm64Shift(at location.Address, index location.Register, text string) (location.Address, error) {
	what, number, _ := strings.Cut(text, " ")
	shift := uint64(0)
	if number = strings.TrimPrefix(strings.TrimSpace(number), "#"); number != "" {
		var err error
		if shift, err = strconv.ParseUint(number, 0, 8); err != nil || shift > 4 {
			return at, fmt.Errorf("%.40q is no shift of an index", text)
		}
	}
	switch what {
	case "lsl", "sxtx", "uxtx":
	case "uxtw":
		index.Size, index.Signed = 4, false
	case "sxtw":
		index.Size, index.Signed = 4, true
	default:
		return at, fmt.Errorf("%.40q is no shift of an index", text)
	}
	at.Index, at.Scale = index, int64(1)<<shift
	return at, nil
}
