package output

import (
	"bytes"
	"io"
)

// Buffering modes of the output: after every write, after every write that ends a line, or only
// when the buffer is full and at the end.
const (
	BufferNone = "none"
	BufferLine = "line"
	BufferFull = "full"
)

// outputBuffer is how much text is collected before it is written, in bytes.
const outputBuffer = 64 << 10

// buffer collects what a session prints. A batch of events is written at once: the
// session flushes when it has read all that is there, so a line is never late by more than the batch it came in.
type buffer struct {
	w    io.Writer
	mode string
	buf  []byte
	err  error // of the first write that failed; nothing is written after it
}

func newBuffer(w io.Writer, mode string) *buffer {
	return &buffer{w: w, mode: mode}
}

func (o *buffer) write(b []byte) error {
	if o.err != nil {
		return o.err
	}
	if o.buf == nil {
		o.buf = make([]byte, 0, outputBuffer)
	}
	if len(o.buf)+len(b) > cap(o.buf) {
		if err := o.drain(len(o.buf)); err != nil {
			return err
		}
	}
	o.buf = append(o.buf, b...)
	if o.mode == BufferNone {
		return o.drain(len(o.buf))
	}
	return nil
}

// flush writes what the mode asks for when there is nothing more to come for now.
func (o *buffer) flush() error {
	switch {
	case o.err != nil:
		return o.err
	case o.mode == BufferFull:
		return nil
	case o.mode == BufferLine:
		return o.drain(bytes.LastIndexByte(o.buf, '\n') + 1)
	}
	return o.drain(len(o.buf))
}

// drain writes the first n buffered bytes.
func (o *buffer) drain(n int) error {
	if o.err != nil || n == 0 {
		return o.err
	}
	_, o.err = o.w.Write(o.buf[:n])
	o.buf = o.buf[:copy(o.buf, o.buf[n:])]
	return o.err
}

// close writes everything.
func (o *buffer) close() error { return o.drain(len(o.buf)) }
