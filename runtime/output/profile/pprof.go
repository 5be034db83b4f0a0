package profile

import (
	"io"
	"slices"
	"strconv"
	"time"

	pprof "github.com/google/pprof/profile"
)

// WritePprof writes what `go tool pprof` reads. A map is a type of sample; the parts of a key that are no stacks are labels: key1, key2 … by
// their place.
func WritePprof(out io.Writer, p *Profile) error {
	b := &pprofBuilder{
		functions: map[pprof.Function]*pprof.Function{}, locations: map[location]*pprof.Location{}, mappings: map[string]*pprof.Mapping{},
		out: &pprof.Profile{TimeNanos: time.Now().UnixNano(), Comments: []string{p.Title}},
	}
	for _, m := range p.Maps {
		name := m.Name
		if name == "" {
			name = "samples"
		}
		b.out.SampleType = append(b.out.SampleType, &pprof.ValueType{Type: name, Unit: m.Unit})
	}
	if len(p.Maps) == 0 {
		b.out.SampleType = []*pprof.ValueType{{Type: "samples", Unit: "count"}}
	}
	for i, m := range p.Maps {
		for _, s := range m.Samples {
			b.sample(i, len(p.Maps), &s)
		}
	}
	if err := b.out.CheckValid(); err != nil {
		return err
	}
	return b.out.Write(out)
}

// location is what makes one of an address: inlined functions are lines of the location that they are in.
type location struct {
	addr         uint64
	module, name string
	file         string
	line         int
}

type pprofBuilder struct {
	out       *pprof.Profile
	functions map[pprof.Function]*pprof.Function
	locations map[location]*pprof.Location
	mappings  map[string]*pprof.Mapping
}

func (b *pprofBuilder) sample(which, types int, s *Sample) {
	out := &pprof.Sample{Value: make([]int64, types)}
	out.Value[which] = s.Value
	for i, l := range s.Labels {
		if out.Label == nil {
			out.Label = map[string][]string{}
		}
		out.Label["key"+strconv.Itoa(i+1)] = []string{l}
	}
	for _, f := range slices.Backward(s.Frames) { // pprof has the innermost first
		out.Location = append(out.Location, b.location(&f))
	}
	b.out.Sample = append(b.out.Sample, out)
}

func (b *pprofBuilder) location(f *Frame) *pprof.Location {
	key := location{f.Addr, b.module(f), f.Title(), f.File, f.Line}
	l := b.locations[key]
	if l == nil {
		l = &pprof.Location{
			ID: uint64(len(b.out.Location) + 1), Address: f.Addr, Mapping: b.mapping(key.module),
			Line: []pprof.Line{{Function: b.function(f), Line: int64(f.Line)}},
		}
		b.locations[key] = l
		b.out.Location = append(b.out.Location, l)
	}
	return l
}

func (b *pprofBuilder) module(f *Frame) string {
	if f.Kernel {
		return "[kernel]"
	}
	return f.Module
}

func (b *pprofBuilder) function(f *Frame) *pprof.Function {
	key := pprof.Function{Name: f.Title(), SystemName: f.Title(), Filename: f.File}
	fn := b.functions[key]
	if fn == nil {
		fn = &pprof.Function{ID: uint64(len(b.out.Function) + 1), Name: key.Name, SystemName: key.SystemName, Filename: key.Filename}
		b.functions[key] = fn
		b.out.Function = append(b.out.Function, fn)
	}
	return fn
}

// mapping is a file. Where it lay is not told: it lay elsewhere in each process.
func (b *pprofBuilder) mapping(file string) *pprof.Mapping {
	if file == "" {
		return nil
	}
	m := b.mappings[file]
	if m == nil {
		m = &pprof.Mapping{ID: uint64(len(b.out.Mapping) + 1), File: file, HasFunctions: true}
		b.mappings[file] = m
		b.out.Mapping = append(b.out.Mapping, m)
	}
	return m
}
