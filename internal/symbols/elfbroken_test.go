package symbols

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/internal/symbols/symbolstest"
)

// sampleSections is where the section headers of the sample begin, each of 64 bytes: none, symbols, strings, names, note.
func sampleSections() int { return int(binary.LittleEndian.Uint64(symbolstest.ELF()[40:])) }

// Files that claim more than they hold: the claim alone must cost neither memory nor time.
func TestHugeSections(t *testing.T) {
	const huge = 4 << 30
	at := sampleSections()
	put32 := func(off int, v uint32) func([]byte) {
		return func(b []byte) { binary.LittleEndian.PutUint32(b[off:], v) }
	}
	put64 := func(off int, v uint64) func([]byte) {
		return func(b []byte) { binary.LittleEndian.PutUint64(b[off:], v) }
	}
	for name, change := range map[string]func([]byte){
		"symbols":          put64(at+64+32, huge),
		"strings":          put64(at+2*64+32, huge),
		"names":            put64(at+3*64+32, huge),
		"symbols nowhere":  put64(at+64+24, 1<<63),
		"compressed":       put64(at+64+8, uint64(elf.SHF_COMPRESSED)),
		"link":             put32(at+64+40, 77),
		"link to nothing":  func(b []byte) { put32(at+64+40, 2)(b); put32(at+2*64+4, uint32(elf.SHT_NOBITS))(b) },
		"many sections":    func(b []byte) { binary.LittleEndian.PutUint16(b[60:], 0); put64(at+32, 1<<26)(b) },
		"sections nowhere": put64(40, 1<<62),
		"programs nowhere": put64(32, 1<<62),
	} {
		t.Run(name, func(t *testing.T) {
			data := symbolstest.ELF()
			change(data)
			path := filepath.Join(t.TempDir(), "sparse")
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(path, 2*huge); err != nil {
				t.Fatal(err)
			}
			var err error
			grown := testing.Benchmark(func(b *testing.B) {
				b.ReportAllocs()
				for range b.N {
					if _, err = Open(path); b.N > 1 {
						return
					}
				}
			}).AllocedBytesPerOp()
			if !errors.Is(err, ErrNotBinary) {
				t.Errorf("%v; want an error", err)
			}
			if grown > 4*maxHeaders {
				t.Errorf("%d bytes of memory", grown)
			}
		})
	}
}

// A large section of notes costs nothing and is no mistake.
func TestHugeNote(t *testing.T) {
	data := symbolstest.ELF()
	binary.LittleEndian.PutUint64(data[sampleSections()+4*64+32:], 4<<30)
	b, err := ParseBinary(bytes.NewReader(data), int64(len(data)))
	if err != nil || b.buildID != "" {
		t.Errorf("%+v, %v", b, err)
	}
}

// What is no file is refused at once: a named pipe would wait for a writer.
func TestNoRegularFile(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{fifo: "a named pipe", "/dev/zero": "a device", "/etc": "a directory"} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", path, err, want)
		}
	}
}
