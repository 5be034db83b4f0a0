package profile

import (
	"compress/gzip"
	"io"
	"slices"
	"strconv"
	"time"
)

// WritePprof writes what `go tool pprof` reads (github.com/google/pprof/proto/profile.proto). A map is a type of sample; the parts of a key
// that are no stacks are labels: key1, key2 … by their place. It is written by hand, because the library for it costs every start of gotrace a
// millisecond; the tests read it back with that.
func WritePprof(out io.Writer, p *Profile) error {
	b := &pprofBuilder{strings: map[string]uint64{}, functions: map[function]uint64{}, locations: map[location]uint64{}, mappings: map[string]uint64{}}
	b.text("") // the string 0 is none
	for _, m := range p.Maps {
		name := m.Name
		if name == "" {
			name = "samples"
		}
		b.sampleType(name, m.Unit)
	}
	if len(p.Maps) == 0 {
		b.sampleType("samples", "count")
	}
	for i, m := range p.Maps {
		for _, s := range m.Samples {
			b.sample(i, len(p.Maps), &s)
		}
	}
	b.out.number(profileTime, uint64(time.Now().UnixNano()))
	b.out.number(profileComment, b.text(p.Title))
	for _, s := range b.table {
		b.out.bytes(profileString, []byte(s))
	}
	z := gzip.NewWriter(out)
	if _, err := z.Write(b.out); err != nil {
		return err
	}
	return z.Close()
}

// Numbers of fields in profile.proto.
const (
	profileSampleType, profileSample, profileMapping, profileLocation, profileFunction = 1, 2, 3, 4, 5
	profileString, profileTime, profileComment                                         = 6, 9, 13

	typeName, typeUnit                                         = 1, 2
	sampleLocations, sampleValues, sampleLabel                 = 1, 2, 3
	labelKey, labelText                                        = 1, 2
	mappingID, mappingFile, mappingHasFunctions                = 1, 5, 7
	locationID, locationMapping, locationAddress, locationLine = 1, 2, 3, 4
	lineFunction, lineNumber                                   = 1, 2
	functionID, functionName, functionSystemName, functionFile = 1, 2, 3, 4
	wireVarint, wireBytes                                      = 0, 2
)

// message is a message of protocol buffers.
type message []byte

func (m *message) varint(n uint64) {
	for ; n >= 0x80; n >>= 7 {
		*m = append(*m, byte(n)|0x80)
	}
	*m = append(*m, byte(n))
}

// number adds a field with a number; 0 is what is not there.
func (m *message) number(field int, n uint64) {
	if n != 0 {
		m.varint(uint64(field<<3 | wireVarint))
		m.varint(n)
	}
}

func (m *message) bytes(field int, b []byte) {
	m.varint(uint64(field<<3 | wireBytes))
	m.varint(uint64(len(b)))
	*m = append(*m, b...)
}

// location is what makes one of an address, function is what makes one.
type (
	location struct {
		addr   uint64
		module string
		function
		line int
	}
	function struct{ name, file string }
)

type pprofBuilder struct {
	out       message
	table     []string
	strings   map[string]uint64
	functions map[function]uint64 // ids, from 1 on
	locations map[location]uint64
	mappings  map[string]uint64
}

// text is the number of a string.
func (b *pprofBuilder) text(s string) uint64 {
	n, ok := b.strings[s]
	if !ok {
		n = uint64(len(b.table))
		b.strings[s] = n
		b.table = append(b.table, s)
	}
	return n
}

func (b *pprofBuilder) sampleType(name, unit string) {
	var m message
	m.number(typeName, b.text(name))
	m.number(typeUnit, b.text(unit))
	b.out.bytes(profileSampleType, m)
}

func (b *pprofBuilder) sample(which, types int, s *Sample) {
	var m, locations, values message
	for _, f := range slices.Backward(s.Frames) { // pprof has the innermost first
		locations.varint(b.location(&f))
	}
	for i := range types {
		n := int64(0)
		if i == which {
			n = s.Value
		}
		values.varint(uint64(n))
	}
	m.bytes(sampleLocations, locations)
	m.bytes(sampleValues, values)
	for i, l := range s.Labels {
		var label message
		label.number(labelKey, b.text("key"+strconv.Itoa(i+1)))
		label.number(labelText, b.text(l))
		m.bytes(sampleLabel, label)
	}
	b.out.bytes(profileSample, m)
}

func (b *pprofBuilder) location(f *Frame) uint64 {
	key := location{f.Addr, f.Module, function{f.Title(), f.File}, f.Line}
	if f.Kernel {
		key.module = "[kernel]"
	}
	id, ok := b.locations[key]
	if !ok {
		id = uint64(len(b.locations) + 1)
		b.locations[key] = id
		var m, line message
		line.number(lineFunction, b.function(key.function))
		line.number(lineNumber, uint64(f.Line))
		m.number(locationID, id)
		m.number(locationMapping, b.mapping(key.module))
		m.number(locationAddress, f.Addr)
		m.bytes(locationLine, line)
		b.out.bytes(profileLocation, m)
	}
	return id
}

func (b *pprofBuilder) function(key function) uint64 {
	id, ok := b.functions[key]
	if !ok {
		id = uint64(len(b.functions) + 1)
		b.functions[key] = id
		var m message
		m.number(functionID, id)
		m.number(functionName, b.text(key.name))
		m.number(functionSystemName, b.text(key.name))
		m.number(functionFile, b.text(key.file))
		b.out.bytes(profileFunction, m)
	}
	return id
}

// mapping is a file. Where it lay is not told: it lay elsewhere in each process.
func (b *pprofBuilder) mapping(file string) uint64 {
	if file == "" {
		return 0
	}
	id, ok := b.mappings[file]
	if !ok {
		id = uint64(len(b.mappings) + 1)
		b.mappings[file] = id
		var m message
		m.number(mappingID, id)
		m.number(mappingFile, b.text(file))
		m.number(mappingHasFunctions, 1)
		b.out.bytes(profileMapping, m)
	}
	return id
}
