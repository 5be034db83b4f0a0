package ldcache

import (
	"encoding/binary"
	"slices"
	"testing"
)

// libraryCache makes an ld.so.cache.
func libraryCache(libs []Library) []byte {
	le := binary.LittleEndian
	out := append([]byte(cacheMagic), make([]byte, cacheHeader-len(cacheMagic))...)
	le.PutUint32(out[len(cacheMagic):], uint32(len(libs)))
	at := cacheHeader + cacheEntry*len(libs)
	var text []byte
	for _, l := range libs {
		entry := make([]byte, cacheEntry)
		le.PutUint32(entry[4:], uint32(at+len(text)))
		text = append(append(text, l.Name...), 0)
		le.PutUint32(entry[8:], uint32(at+len(text)))
		text = append(append(text, l.Path...), 0)
		out = append(out, entry...)
	}
	return append(out, text...)
}

var sampleLibraries = []Library{
	{"libssl.so.3", "/lib/libssl.so.3"}, {"libssl.so.10", "/lib/libssl.so.10"}, {"libcrypt.so.1", "/lib/libcrypt.so.1"},
	{"libc.so.6", "/lib/libc.so.6"}, {"libfoo.so", "/lib/libfoo.so"}, {"libfoo.so.1", "/lib/libfoo.so.1"},
}

func TestParse(t *testing.T) {
	cache := libraryCache(sampleLibraries)
	for _, old := range []string{"", "ld.so-1.7.0\x00\x00\x00\x00\x00"} {
		got, err := Parse(append([]byte(old), cache...))
		if err != nil || !slices.Equal(got, sampleLibraries) {
			t.Errorf("got %v, %v", got, err)
		}
	}
	for n := range len(cache) {
		if got, err := Parse(cache[:n]); err == nil {
			t.Fatalf("%d bytes of %d are taken for %v", n, len(cache), got)
		}
	}
}

func TestMatch(t *testing.T) {
	for name, want := range map[string][]string{
		"libssl":      {"libssl.so.10", "libssl.so.3"},
		"libssl.so.3": {"libssl.so.3"},
		"libc":        {"libc.so.6"},
		"libc.so":     {"libc.so.6"},
		"libfoo":      {"libfoo.so", "libfoo.so.1"},
		"libnone":     nil,
	} {
		var got []string
		for _, l := range Match(sampleLibraries, name) {
			got = append(got, l.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s means %v, want %v", name, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(libraryCache(sampleLibraries))
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = Parse(data) })
}
