package profile

import (
	"compress/gzip"
	"io"
	"slices"
	"strings"
	"time"
)

// WritePprof writes what `go tool pprof` reads (github.com/google/pprof/proto/profile.proto). A map is a type of sample, or two if its values
// have a count and a total; the parts of a key that are no stacks are labels. It is written by hand, because the library for it costs every
// start of gotrace a millisecond; the tests read it back with that.
func WritePprof(out io.Writer, p *Profile) error {
	z := gzip.NewWriter(out)
	b := &pprofBuilder{
		frames: p.Frames, known: map[group]uint64{},
		strings: map[string]uint64{}, functions: map[function]uint64{}, locations: map[location]uint64{}, mappings: map[string]uint64{},
	}
	b.text("") // the string 0 is none
	types := 0
	for _, m := range p.Maps {
		for _, t := range m.Types {
			b.sampleType(typeTitle(m, t), t.Unit)
		}
		types += len(m.Types)
	}
	if len(p.Maps) == 0 {
		b.sampleType("samples", "count")
	}
	first := 0
	for _, m := range p.Maps {
		for i := range m.Samples {
			b.sample(m, &m.Samples[i], first, types)
			if err := b.flush(z, 1<<16); err != nil {
				return err
			}
		}
		first += len(m.Types)
	}
	b.out.number(profileTime, uint64(time.Now().Add(-p.Duration).UnixNano()))
	b.out.number(profileDuration, uint64(p.Duration))
	b.out.number(profileComment, b.text(p.Title))
	for _, s := range b.table {
		b.out.bytes(profileString, []byte(s))
	}
	if err := b.flush(z, 0); err != nil {
		return err
	}
	return z.Close()
}

// typeTitle is the name of a type of sample: "off_ns", "samples" for a map without a name, "off_ns_count" and "off_ns_total".
func typeTitle(m *Map, t Type) string {
	switch {
	case m.Name == "" && t.Name == "":
		return "samples"
	case m.Name == "" || t.Name == "":
		return m.Name + t.Name
	}
	return m.Name + "_" + t.Name
}

// Numbers of fields in profile.proto.
const (
	profileSampleType, profileSample, profileMapping, profileLocation, profileFunction = 1, 2, 3, 4, 5
	profileString, profileTime, profileDuration, profileComment                        = 6, 9, 10, 13

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

// location is what makes one of an address: the functions that are there, which are its lines; function is what makes one of these.
type (
	location struct {
		module string
		addr   uint64
		lines  string // the ids of functions and the lines in them, as they are written
	}
	function struct{ name, file string }
)

// group is the frames of one address by the first and the last of them, which say what address it is, and their number.
type group struct {
	first, last uint32
	n           int
}

type pprofBuilder struct {
	frames    []Frame
	out       message
	table     []string
	strings   map[string]uint64
	functions map[function]uint64 // ids, from 1 on
	locations map[location]uint64
	mappings  map[string]uint64
	stack     []uint32         // of the sample, the innermost first
	known     map[group]uint64 // the locations of frames
	lines     message

	sampled, locationIDs, values, label message // memory of the last sample's
}

// flush writes what there is, if it is more than so many bytes.
func (b *pprofBuilder) flush(w io.Writer, more int) error {
	if len(b.out) <= more {
		return nil
	}
	_, err := w.Write(b.out)
	b.out = b.out[:0]
	return err
}

// text is the number of a string, which has to be UTF-8.
func (b *pprofBuilder) text(s string) uint64 {
	n, ok := b.strings[s]
	if !ok {
		n = uint64(len(b.table))
		b.strings[s] = n
		b.table = append(b.table, strings.ToValidUTF8(s, "\uFFFD"))
	}
	return n
}

func (b *pprofBuilder) sampleType(name, unit string) {
	var m message
	m.number(typeName, b.text(name))
	m.number(typeUnit, b.text(unit))
	b.out.bytes(profileSampleType, m)
}

// sample adds a sample of a map, whose first type is the one with this number, of all types of the profile.
func (b *pprofBuilder) sample(m *Map, s *Sample, first, types int) {
	b.stack = b.stack[:0]
	for f := range s.All() {
		b.stack = append(b.stack, f)
	}
	slices.Reverse(b.stack)
	out, locations, values := b.sampled[:0], b.locationIDs[:0], b.values[:0]
	for rest := b.stack; len(rest) > 0; {
		n := b.inlined(rest)
		locations.varint(b.location(rest[:n]))
		rest = rest[n:]
	}
	for i := range types {
		n := int64(0)
		if i >= first && i < first+len(s.Values) {
			n = s.Values[i-first]
		}
		values.varint(uint64(n))
	}
	out.bytes(sampleLocations, locations)
	out.bytes(sampleValues, values)
	for i, l := range s.Labels {
		label := b.label[:0]
		label.number(labelKey, b.text(m.Keys[i]))
		label.number(labelText, b.text(l))
		out.bytes(sampleLabel, label)
		b.label = label
	}
	b.sampled, b.locationIDs, b.values = out, locations, values
	b.out.bytes(profileSample, out)
}

// inlined is how many of the frames are at one address: those that were inlined, and the function that they are in.
func (b *pprofBuilder) inlined(frames []uint32) int {
	for i, f := range frames {
		if frame := &b.frames[f]; !frame.Inlined || i+1 < len(frames) && b.frames[frames[i+1]].Addr != frame.Addr {
			return i + 1
		}
	}
	return len(frames)
}

// location is the address of frames, the innermost first.
func (b *pprofBuilder) location(frames []uint32) uint64 {
	key := group{frames[0], frames[len(frames)-1], len(frames)}
	id, ok := b.known[key]
	if !ok {
		id = b.newLocation(frames)
		b.known[key] = id
	}
	return id
}

func (b *pprofBuilder) newLocation(frames []uint32) uint64 {
	b.lines = b.lines[:0]
	for _, i := range frames {
		f := &b.frames[i]
		var line message
		line.number(lineFunction, b.function(function{f.Title(), f.File}))
		line.number(lineNumber, uint64(max(0, f.Line)))
		b.lines.bytes(locationLine, line)
	}
	last := &b.frames[frames[len(frames)-1]]
	key := location{last.Module, last.Addr, string(b.lines)}
	if last.Kernel {
		key.module = "[kernel]"
	}
	id, ok := b.locations[key]
	if !ok {
		id = uint64(len(b.locations) + 1)
		b.locations[key] = id
		var m message
		m.number(locationID, id)
		m.number(locationMapping, b.mapping(key.module))
		m.number(locationAddress, key.addr)
		b.out.bytes(profileLocation, append(m, b.lines...))
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
