package vmtest

import (
	"bytes"
	"strings"
	"testing"
)

func TestArchive(t *testing.T) {
	var buf bytes.Buffer
	a := newArchive(&buf)
	a.file("/etc/a", 0o644, []byte("hello"))
	a.link("bin/sh", "busybox")
	a.dir("etc")
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	if buf.Len()%4 != 0 {
		t.Errorf("archive of %d bytes is not a multiple of four", buf.Len())
	}
	var names []string
	for b := buf.Bytes(); len(b) > 0; {
		name, rest := nextEntry(t, b)
		names = append(names, name)
		b = rest
	}
	if got, want := strings.Join(names, " "), "etc etc/a bin bin/sh TRAILER!!!"; got != want {
		t.Errorf("entries %q, want %q", got, want)
	}
}

// nextEntry reads an entry as the kernel does: header, name and data, each padded to four bytes.
func nextEntry(t *testing.T, b []byte) (name string, rest []byte) {
	t.Helper()
	if !bytes.HasPrefix(b, []byte("070701")) || len(b) < 110 {
		t.Fatalf("no header in %q", b[:min(len(b), 110)])
	}
	size, nameLen := hexField(t, b, 6), hexField(t, b, 11)
	name = strings.TrimRight(string(b[110:110+nameLen]), "\x00")
	at := (110 + nameLen + 3) / 4 * 4
	return name, b[(at+size+3)/4*4:]
}

// hexField reads field n of a header.
func hexField(t *testing.T, b []byte, n int) int {
	t.Helper()
	v := 0
	for _, c := range string(b[6+8*n : 14+8*n]) {
		i := strings.IndexRune("0123456789ABCDEF", c)
		if i < 0 {
			t.Fatalf("field %d: %q is no hexadecimal digit", n, c)
		}
		v = v<<4 | i
	}
	return v
}
