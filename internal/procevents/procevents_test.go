package procevents

import (
	"os"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The ring gives records that wrap around whole.
func TestRing(t *testing.T) {
	page := os.Getpagesize()
	mem, err := unix.Mmap(-1, 0, 2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	r := &ring{mem: mem, data: mem[page:]}
	put := func(at int, b ...byte) {
		for i, c := range b {
			r.data[(at+i)%len(r.data)] = c
		}
	}
	at := len(r.data) - 12
	put(at, 3, 0, 0, 0, 7, 0, 24, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
	header := mem[:page]
	head := (*[256]uint64)(unsafe.Pointer(&header[0]))
	head[1024/8], head[1032/8] = uint64(at+24), uint64(at)
	n := 0
	r.read(func(kind uint32, misc uint16, body []byte) {
		n++
		if kind != 3 || misc != 7 || len(body) != 16 || body[0] != 1 || body[15] != 16 {
			t.Errorf("%d %d % x", kind, misc, body)
		}
	})
	if n != 1 || head[1032/8] != uint64(at+24) {
		t.Errorf("%d records, read to %d", n, head[1032/8])
	}
}
