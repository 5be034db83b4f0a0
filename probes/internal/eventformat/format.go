// Package eventformat reads the format files of tracepoints. It imports lang/types.
package eventformat

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang/types"
)

// Field is a field of a tracepoint's record, a line "field:" of its format file.
type Field struct {
	Decl         string // as C declares it: "const char * filename", "char comm[16]", "__data_loc char[] name"
	Name         string
	Offset, Size int // bytes
	Signed       bool
	Common       bool   // one of those that every event has
	CType        string // "const char *": without brackets

	dims string // what is between an array's brackets
	loc  string // "__data_loc" or "__rel_loc"
}

// Parse reads the format file of a tracepoint (Documentation/trace/events.rst) and returns its fields. It fails on
// lines that begin as fields and are not.
func Parse(r io.Reader) ([]Field, error) {
	var out []Field
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxFormatLine)
	common := true // until the empty line in the middle of the fields
	for s.Scan() {
		line := strings.TrimSpace(s.Text())
		switch {
		case line == "" && len(out) > 0:
			common = false
		case strings.HasPrefix(line, "print fmt:"):
			return out, nil
		case strings.HasPrefix(line, "field:"):
			f, err := parseFieldLine(line)
			if err != nil {
				return nil, err
			}
			f.Common = common && strings.HasPrefix(f.Name, "common_")
			out = append(out, f)
		}
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("reading the format file: %w", err)
	}
	return out, nil
}

// maxFormatLine bounds lines: how an event is printed is a single one, of tens of kilobytes for some.
const maxFormatLine = 4 << 20

// maxRecord bounds offsets: a record is at most PERF_MAX_TRACE_SIZE bytes (include/linux/trace_events.h).
const maxRecord = 8192

func parseFieldLine(line string) (Field, error) {
	var f Field
	// The declaration may hold no semicolon; the others are numbers.
	for _, part := range strings.Split(strings.TrimSuffix(line, ";"), ";") {
		key, value, ok := strings.Cut(strings.TrimSpace(part), ":")
		if !ok {
			return f, fmt.Errorf("format line %q: no value for %q", line, key)
		}
		var err error
		switch key {
		case "field":
			f.Decl = strings.TrimSpace(value)
		case "offset":
			f.Offset, err = strconv.Atoi(value)
		case "size":
			f.Size, err = strconv.Atoi(value)
		case "signed":
			f.Signed = value == "1"
		}
		if err != nil {
			return f, fmt.Errorf("format line %q: %w", line, err)
		}
	}
	f.split()
	if f.Name == "" || f.Offset < 0 || f.Size < 0 || f.Offset > maxRecord || f.Size > maxRecord {
		return f, fmt.Errorf("format line %q: not a field", line)
	}
	return f, nil
}

// split takes the declaration apart.
func (f *Field) split() {
	decl := f.Decl
	for _, loc := range []string{"__data_loc", "__rel_loc"} {
		if rest, ok := strings.CutPrefix(decl, loc+" "); ok {
			f.loc, decl = loc, rest
		}
	}
	// "char comm[16]", and "char[] name" after __data_loc.
	if open := strings.IndexByte(decl, '['); open >= 0 {
		if end := strings.LastIndexByte(decl, ']'); end > open {
			f.dims = strings.TrimSpace(decl[open+1 : end])
			if f.dims == "" {
				f.dims = "0"
			}
			decl = decl[:open] + decl[end+1:]
		}
	}
	decl = strings.TrimSpace(decl)
	i := strings.LastIndexAny(decl, " *\t")
	f.CType, f.Name = strings.TrimSpace(decl[:i+1]), decl[i+1:]
}

// dataLocLen is the room for a string whose length only the record tells.
const dataLocLen = 1024

// Arg is the language's view of a field.
func (f *Field) Arg() types.Field {
	out := types.Field{Name: f.Name, Offset: f.Offset, DataLoc: f.loc == "__data_loc", RelLoc: f.loc == "__rel_loc"}
	switch {
	case f.loc != "" && isChar(f.CType):
		out.Type = types.String{Len: dataLocLen}
	case f.loc != "":
		out.Type = types.Array{Elem: elementType(f.CType)}
	case f.dims != "":
		out.Type = f.array()
	case strings.Contains(f.CType, "*") && f.Size == 8:
		out.Type = types.Pointer{Elem: pointeeType(f.CType)}
	default:
		out.Type = plainType(f.CType, f.Size, f.Signed)
	}
	return out
}

func isChar(typ string) bool { return strings.TrimPrefix(typ, "const ") == "char" }

// pointeeType is what a pointer in a record points to: characters, or something the format file does not describe.
func pointeeType(typ string) types.Type {
	base := strings.TrimSpace(strings.Replace(typ, "*", "", 1))
	base = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(base, "const "), " const"))
	switch {
	case strings.Contains(base, "*"):
		return types.Pointer{Elem: pointeeType(base)}
	case base == "char":
		return types.Int{Bits: 8, Signed: true}
	}
	return types.Void{}
}

// array is the type of a field with brackets. Their text may be an expression; the size of the field is sure.
func (f *Field) array() types.Type {
	n, err := strconv.Atoi(f.dims)
	if isChar(f.CType) || err != nil || n <= 0 || f.Size%n != 0 {
		n = f.Size
		if size := elementType(f.CType).Size(); err != nil && f.Size%size == 0 {
			n = f.Size / size
		}
	}
	if n == 0 {
		return types.Array{Elem: elementType(f.CType)}
	}
	return types.Array{Elem: plainType(f.CType, f.Size/n, f.Signed || isChar(f.CType)), Len: n}
}

// elementTypes are the types that arrays of an unknown length are made of.
var elementTypes = map[string]types.Int{
	"char": {Bits: 8, Signed: true}, "u8": {Bits: 8}, "__u8": {Bits: 8}, "unsigned char": {Bits: 8}, "uint8_t": {Bits: 8},
	"s8": {Bits: 8, Signed: true}, "__s8": {Bits: 8, Signed: true},
	"u16": {Bits: 16}, "__u16": {Bits: 16}, "unsigned short": {Bits: 16}, "uint16_t": {Bits: 16}, "__le16": {Bits: 16},
	"short": {Bits: 16, Signed: true}, "s16": {Bits: 16, Signed: true},
	"u32": {Bits: 32}, "__u32": {Bits: 32}, "unsigned int": {Bits: 32}, "uint32_t": {Bits: 32}, "__le32": {Bits: 32},
	"int": {Bits: 32, Signed: true}, "s32": {Bits: 32, Signed: true},
	"u64": {Bits: 64}, "__u64": {Bits: 64}, "unsigned long": {Bits: 64}, "uint64_t": {Bits: 64},
	"unsigned long long": {Bits: 64}, "long": {Bits: 64, Signed: true}, "s64": {Bits: 64, Signed: true},
}

// elementType is a type by its name, bytes if the name is not known.
func elementType(typ string) types.Int {
	if t, ok := elementTypes[strings.TrimPrefix(typ, "const ")]; ok {
		return t
	}
	return types.Int{Bits: 8}
}

// plainType is an integer of a size, or bytes where there is no such integer.
func plainType(typ string, size int, signed bool) types.Type {
	switch size {
	case 1, 2, 4, 8:
		if typ == "bool" && size == 1 {
			return types.Bool{}
		}
		return types.Int{Bits: size * 8, Signed: signed}
	}
	return types.Array{Elem: types.Int{Bits: 8}, Len: size}
}
