package kbtf

import (
	"bytes"
	"fmt"
	"io"
)

const (
	scanChunk = 32 << 10 // bytes read at a time while going through a section
	blockSize = 4 << 10  // bytes read at a time for single types and names
	maxBlocks = 256      // blocks kept
)

// blocks is a section of a file. Where the file is not mapped into memory, what was read of it lately is kept.
type blocks struct {
	r      io.ReaderAt
	off    int64
	size   int64
	mapped []byte // the section in memory, nil if it must be read
	kept   map[int64][]byte
}

// check says whether the section has n bytes at pos.
func (b *blocks) check(pos int64, n int) error {
	if pos < 0 || n < 0 || pos+int64(n) > b.size {
		return fmt.Errorf("%w: %d bytes at %d of a section of %d", ErrFormat, n, pos, b.size)
	}
	return nil
}

// read fills p from the bytes at pos, which are in the section.
func (b *blocks) read(p []byte, pos int64) error {
	if n, err := b.r.ReadAt(p, b.off+pos); n < len(p) {
		return fmt.Errorf("reading BTF: %w", err)
	}
	return nil
}

// from returns bytes of the section that begin at pos, as many as are at hand: one at least.
func (b *blocks) from(pos int64) ([]byte, error) {
	if err := b.check(pos, 1); err != nil {
		return nil, err
	}
	if b.mapped != nil {
		return b.mapped[pos:], nil
	}
	n := pos / blockSize
	data, ok := b.kept[n]
	if !ok {
		data = make([]byte, min(blockSize, b.size-n*blockSize))
		if err := b.read(data, n*blockSize); err != nil {
			return nil, err
		}
		if b.kept == nil || len(b.kept) >= maxBlocks {
			b.kept = map[int64][]byte{}
		}
		b.kept[n] = data
	}
	return data[pos-n*blockSize:], nil
}

// bytes returns the n bytes at pos. They must not be changed.
func (b *blocks) bytes(pos int64, n int) ([]byte, error) {
	if err := b.check(pos, n); err != nil || n == 0 {
		return nil, err
	}
	data, err := b.from(pos)
	if err != nil {
		return nil, err
	}
	if len(data) >= n {
		return data[:n], nil
	}
	out := make([]byte, n)
	return out, b.read(out, pos)
}

// text returns the string at pos.
func (b *blocks) text(pos int64) (string, error) {
	var out []byte
	for len(out) < maxString {
		data, err := b.from(pos)
		if err != nil {
			return "", err
		}
		if i := bytes.IndexByte(data[:min(maxString, len(data))], 0); i >= 0 {
			if out == nil {
				return string(data[:i]), nil
			}
			return string(append(out, data[:i]...)), nil
		}
		out = append(out, data...)
		pos += int64(len(data))
	}
	return "", fmt.Errorf("%w: a name of more than %d bytes", ErrFormat, maxString)
}

// window returns the section's bytes from pos on into buf, or all of them that there are where that costs nothing.
func (b *blocks) window(pos int64, buf []byte) ([]byte, error) {
	if b.mapped != nil {
		return b.mapped[pos:], nil
	}
	buf = buf[:min(int64(len(buf)), b.size-pos)]
	return buf, b.read(buf, pos)
}

// whole returns all of the section. It is kept: that costs less than to read it again for every search.
func (b *blocks) whole() ([]byte, error) {
	if b.mapped == nil {
		all := make([]byte, b.size)
		if err := b.read(all, 0); err != nil {
			return nil, err
		}
		b.mapped, b.kept = all, nil
	}
	return b.mapped, nil
}
