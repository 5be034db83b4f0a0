// Package capture writes the packets that skboutput() sends to files.
package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/perf"

	"github.com/gotrace/gotrace/codegen/layout"
)

// defaultPages is the size of a CPU's buffer in pages where the script does not say it: room for some packets of 64 KB.
const defaultPages = 128

// Capture reads what programs send and writes it, in a goroutine of its own.
type Capture struct {
	reader *perf.Reader
	calls  []*layout.Capture
	files  map[string]*file
	boot   time.Time // when CLOCK_BOOTTIME was 0
	ended  chan struct{}
	lost   uint64
	err    error
}

// New opens the files, which are emptied, and begins to read. The buffer of a CPU has so many pages, 0 for the default.
func New(m *ebpf.Map, calls []*layout.Capture, pages int, boot time.Time) (*Capture, error) {
	c := &Capture{calls: calls, files: map[string]*file{}, boot: boot, ended: make(chan struct{})}
	for _, call := range calls {
		if c.files[call.Path] != nil {
			continue
		}
		f, err := create(call.Path)
		if err != nil {
			return nil, errors.Join(&FileError{call, err}, c.closeFiles())
		}
		c.files[call.Path] = f
	}
	if pages == 0 {
		pages = defaultPages
	}
	var err error
	if c.reader, err = perf.NewReader(m, pages*os.Getpagesize()); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the buffers for packets: %w", err), c.closeFiles())
	}
	go c.run()
	return c, nil
}

// FileError is a file that cannot be written.
type FileError struct {
	Call *layout.Capture
	Err  error
}

func (e *FileError) Error() string {
	return fmt.Sprintf("writing packets to %s: %v", e.Call.Path, e.Err)
}

// Unwrap gives the reason.
func (e *FileError) Unwrap() error { return e.Err }

// run writes packets until Close.
func (c *Capture) run() {
	defer close(c.ended)
	var rec perf.Record
	for {
		switch err := c.reader.ReadInto(&rec); {
		case err != nil: // ErrFlushed: all is read
			if !errors.Is(err, perf.ErrFlushed) {
				c.err = errors.Join(c.err, err)
			}
			return
		case rec.LostSamples > 0:
			c.lost += rec.LostSamples
		default:
			c.write(rec.RawSample, rec.Remaining == 0)
		}
	}
}

// write writes a packet. Of a file that cannot be written only the first error counts.
func (c *Capture) write(rec []byte, last bool) {
	if len(rec) < layout.CaptureHeader {
		return
	}
	id := binary.NativeEndian.Uint64(rec[layout.CaptureID:])
	if id >= uint64(len(c.calls)) {
		return
	}
	call := c.calls[id]
	f := c.files[call.Path]
	length := min(binary.NativeEndian.Uint64(rec[layout.CaptureLength:]), 1<<31-1)
	data := rec[layout.CaptureHeader:]
	data = data[:min(uint64(len(data)), length)] // what follows fills the record up to a multiple of 8
	if len(data) <= call.Offset || f.failed {
		return // nothing is left of it
	}
	at := c.boot.Add(time.Duration(binary.NativeEndian.Uint64(rec[layout.CaptureTime:])))
	err := f.packet(at, data[call.Offset:], int(length)-call.Offset)
	if err == nil && last {
		err = f.flush()
	}
	if err != nil {
		f.failed = true
		c.err = errors.Join(c.err, &FileError{call, err})
	}
}

// Close writes what has come until now, and ends. It gives how many packets found no room in the buffers.
func (c *Capture) Close() (lost uint64, err error) {
	err = c.reader.Flush()
	if err == nil {
		<-c.ended
	}
	return c.lost, errors.Join(err, c.err, c.reader.Close(), c.closeFiles())
}

func (c *Capture) closeFiles() error {
	var errs []error
	for _, f := range c.files {
		errs = append(errs, f.close())
	}
	return errors.Join(errs...)
}
