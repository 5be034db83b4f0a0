package capture

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gotrace/gotrace/codegen/layout"
)

// record is what a program sends for a packet, with the bytes that fill it up.
func record(id, ns, length uint64, data string) []byte {
	b := make([]byte, layout.CaptureHeader)
	binary.NativeEndian.PutUint64(b[layout.CaptureID:], id)
	binary.NativeEndian.PutUint64(b[layout.CaptureTime:], ns)
	binary.NativeEndian.PutUint64(b[layout.CaptureLength:], length)
	return append(append(b, data...), 0, 0, 0)
}

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.pcap")
	f, err := create(path)
	if err != nil {
		t.Fatal(err)
	}
	c := &Capture{calls: []*layout.Capture{{Path: path}, {Path: path, Offset: 2}}, files: map[string]*file{path: f}, boot: time.Unix(1000, 0)}
	c.write(record(0, 5, 4, "abcd"), false)
	c.write(record(1, 1e9, 100, "0123456"), true) // cut by the kernel
	c.write(record(1, 0, 2, "xx"), true)          // nothing is left behind the offset
	c.write(record(7, 0, 2, "xx"), true)          // no such call
	c.write([]byte("short"), true)
	got, err := os.ReadFile(path) // the second was the last for now: it is there
	if err != nil {
		t.Fatal(err)
	}
	u32 := func(off int) uint32 { return binary.NativeEndian.Uint32(got[off:]) }
	if len(got) != headSize+packetHead+4+packetHead+8 {
		t.Fatalf("the file has %d bytes: %x", len(got), got)
	}
	for _, want := range []struct {
		off int
		n   uint32
	}{
		{0, magicNano}, {20, linkRaw},
		{24, 1000}, {28, 5}, {32, 4}, {36, 4},
		{44, 1001}, {48, 0}, {52, 8}, {56, 98},
	} {
		if got := u32(want.off); got != want.n {
			t.Errorf("at %d is %#x, want %#x", want.off, got, want.n)
		}
	}
	if s := string(got[40:44]) + "|" + string(got[60:65]); s != "abcd|23456" {
		t.Errorf("packets: %q", s)
	}
	if err := c.closeFiles(); err != nil {
		t.Error(err)
	}
}

func TestWriteFails(t *testing.T) {
	if _, err := create("/no/such/folder/x"); err == nil || err.Error() != "no such file or directory" {
		t.Errorf("the error is %v", err)
	}
	f, err := create("/dev/full")
	if err == nil {
		t.Errorf("/dev/full could be written: %v", f.close())
	}
}
