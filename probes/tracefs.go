package probes

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang"
)

// tracefsPlaces are where tracefs is found, the usual place first.
var tracefsPlaces = []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}

// tracefs is the directory of the tracing file system. Where it is not mounted and we may, it is mounted.
func (e *Env) tracefs() (string, error) {
	e.tracefsOnce.Do(func() { e.tracefsPath, e.tracefsErr = findTracefs() })
	return e.tracefsPath, e.tracefsErr
}

func findTracefs() (string, error) {
	for _, p := range tracefsPlaces {
		if exists(p + "/events") {
			return p, nil
		}
	}
	if os.Geteuid() == 0 && mountTracefs(tracefsPlaces[0]) == nil && exists(tracefsPlaces[0]+"/events") {
		return tracefsPlaces[0], nil
	}
	if _, err := os.Stat(tracefsPlaces[0] + "/events"); errors.Is(err, os.ErrPermission) {
		return "", fmt.Errorf("reading %s: permission denied: run gotrace as root", tracefsPlaces[0])
	}
	return "", fmt.Errorf("tracefs is not mounted: run: mount -t tracefs tracefs %s", tracefsPlaces[0])
}

// events returns the names "category:event" of the tracepoints that match, sorted.
func (e *Env) events(category, event string) ([][2]string, error) {
	dir, err := e.tracefs()
	if err != nil {
		return nil, err
	}
	dir += "/events"
	if !isPattern(category) && !isPattern(event) {
		if !strings.Contains(category+event, "/") && exists(filepath.Join(dir, category, event, "format")) {
			return [][2]string{{category, event}}, nil
		}
		return nil, nil
	}
	categories, err := subdirs(dir)
	if err != nil {
		return nil, fmt.Errorf("listing tracepoints: %w", err)
	}
	var out [][2]string
	for _, c := range categories {
		if !match(category, c) {
			continue
		}
		names, err := subdirs(filepath.Join(dir, c))
		if err != nil {
			return nil, fmt.Errorf("listing tracepoints: %w", err)
		}
		for _, n := range names {
			if match(event, n) {
				out = append(out, [2]string{c, n})
			}
		}
	}
	return out, nil
}

// subdirs are the names of the directories in a directory, sorted.
func subdirs(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out, nil
}

// eventField is a line "field:" of an event's format file.
type eventField struct {
	decl         string // "const char * filename"
	offset, size int
	signed       bool
}

// ParseFormat reads the format file of a tracepoint (Documentation/trace/events.rst) and returns its fields. It fails on
// lines that begin as fields and are not.
func ParseFormat(r io.Reader) ([]lang.Field, error) {
	var out []lang.Field
	s := bufio.NewScanner(r)
	for s.Scan() {
		line := strings.TrimSpace(s.Text())
		if strings.HasPrefix(line, "print fmt:") {
			break
		}
		if !strings.HasPrefix(line, "field:") {
			continue
		}
		f, err := parseFieldLine(line)
		if err != nil {
			return nil, err
		}
		out = append(out, f.field())
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("reading the format file: %w", err)
	}
	return out, nil
}

func parseFieldLine(line string) (eventField, error) {
	var f eventField
	for _, part := range strings.Split(strings.TrimSuffix(line, ";"), ";") {
		key, value, ok := strings.Cut(strings.TrimSpace(part), ":")
		if !ok {
			return f, fmt.Errorf("format line %q: no value for %q", line, key)
		}
		var err error
		switch key {
		case "field":
			f.decl = value
		case "offset":
			f.offset, err = strconv.Atoi(value)
		case "size":
			f.size, err = strconv.Atoi(value)
		case "signed":
			f.signed = value == "1"
		}
		if err != nil {
			return f, fmt.Errorf("format line %q: %w", line, err)
		}
	}
	// A record is at most PERF_MAX_TRACE_SIZE bytes (include/linux/trace_events.h).
	if f.decl == "" || f.offset < 0 || f.size < 0 || f.offset+f.size > maxRecord {
		return f, fmt.Errorf("format line %q: not a field", line)
	}
	return f, nil
}

const maxRecord = 8192

// dataLocLen is the room for a string whose length only the record tells.
const dataLocLen = 1024

// field is the language's view of a field of a record.
func (f eventField) field() lang.Field {
	decl := strings.TrimSpace(f.decl)
	dataLoc := strings.HasPrefix(decl, "__data_loc ")
	decl = strings.TrimPrefix(strings.TrimPrefix(decl, "__data_loc "), "__rel_loc ")
	typ, name, dims := splitDecl(decl)
	out := lang.Field{Name: name, Offset: f.offset, DataLoc: dataLoc}
	switch {
	case dataLoc && isChar(typ):
		out.Type = lang.String{Len: dataLocLen}
	case dataLoc:
		out.Type = lang.Array{Elem: plainType(typ, 1, false), Len: 0}
	case strings.Contains(typ, "*") && dims == "" && f.size == 8:
		out.Type = lang.Pointer{Elem: pointeeType(typ)}
	case dims != "":
		out.Type = arrayType(typ, dims, f)
	default:
		out.Type = plainType(typ, f.size, f.signed)
	}
	return out
}

// splitDecl splits a declaration into type, name and array brackets.
func splitDecl(decl string) (typ, name, dims string) {
	if i := strings.IndexByte(decl, '['); i >= 0 {
		j := strings.LastIndexByte(decl, ']')
		if j < i {
			j = len(decl) - 1
		}
		dims = decl[i+1 : j]
		if dims == "" {
			dims = "0"
		}
		// "char comm[16]" and, for __data_loc, "char[] name".
		if rest := strings.TrimSpace(decl[j+1:]); rest != "" {
			return strings.TrimSpace(decl[:i]), rest, dims
		}
		decl = decl[:i]
	}
	decl = strings.TrimSpace(decl)
	i := strings.LastIndexAny(decl, " *")
	return strings.TrimSpace(decl[:i+1]), decl[i+1:], dims
}

func isChar(typ string) bool {
	typ = strings.TrimPrefix(typ, "const ")
	return typ == "char"
}

// pointeeType is what a pointer in a record points to: characters, or something the format file does not describe.
func pointeeType(typ string) lang.Type {
	base := strings.TrimSpace(strings.Replace(typ, "*", "", 1))
	base = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(base, "const "), " const"))
	switch {
	case strings.Contains(base, "*"):
		return lang.Pointer{Elem: pointeeType(base)}
	case base == "char":
		return lang.Int{Bits: 8, Signed: true}
	}
	return lang.Void{}
}

func arrayType(typ, dims string, f eventField) lang.Type {
	n, err := strconv.Atoi(strings.TrimSpace(dims))
	if isChar(typ) || err != nil || n <= 0 || f.size%n != 0 {
		n = f.size
	}
	if n == 0 {
		return lang.Array{Elem: lang.Int{Bits: 8, Signed: isChar(typ)}}
	}
	return lang.Array{Elem: plainType(typ, f.size/n, f.signed || isChar(typ)), Len: n}
}

// plainType is an integer of a size, or bytes where there is no such integer.
func plainType(typ string, size int, signed bool) lang.Type {
	switch size {
	case 1, 2, 4, 8:
		if typ == "bool" {
			return lang.Bool{}
		}
		return lang.Int{Bits: size * 8, Signed: signed}
	}
	return lang.Array{Elem: lang.Int{Bits: 8}, Len: size}
}
