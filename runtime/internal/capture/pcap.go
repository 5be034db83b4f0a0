package capture

import (
	"bufio"
	"encoding/binary"
	"errors"
	"os"
	"time"
)

// A capture file (pcap, version 2.4) is a header of 24 bytes, and for each packet a header of 16 bytes and its bytes. Numbers are in the order
// of the machine that writes; the first of them tells it, and that times are nanoseconds.
const (
	magicNano  = 0xa1b23c4d
	linkRaw    = 101 // LINKTYPE_RAW: packets begin with an IPv4 or IPv6 header
	mostBytes  = 65535
	headSize   = 24
	packetHead = 16
)

// file is a capture file.
type file struct {
	f      *os.File
	w      *bufio.Writer
	failed bool
}

func create(path string) (*file, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, errors.Unwrap(err) // the path is in the message
	}
	c := &file{f: f, w: bufio.NewWriterSize(f, 1<<16)}
	head := make([]byte, headSize)
	binary.NativeEndian.PutUint32(head, magicNano)
	binary.NativeEndian.PutUint16(head[4:], 2)
	binary.NativeEndian.PutUint16(head[6:], 4)
	binary.NativeEndian.PutUint32(head[16:], mostBytes)
	binary.NativeEndian.PutUint32(head[20:], linkRaw)
	if _, err = c.w.Write(head); err == nil {
		err = c.w.Flush() // an empty file is none
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return c, nil
}

// packet writes what there is of a packet that has so many bytes.
func (c *file) packet(at time.Time, data []byte, length int) error {
	var head [packetHead]byte
	binary.NativeEndian.PutUint32(head[:], uint32(at.Unix()))
	binary.NativeEndian.PutUint32(head[4:], uint32(at.Nanosecond()))
	binary.NativeEndian.PutUint32(head[8:], uint32(len(data)))
	binary.NativeEndian.PutUint32(head[12:], uint32(max(length, len(data))))
	if _, err := c.w.Write(head[:]); err != nil {
		return err
	}
	_, err := c.w.Write(data)
	return err
}

func (c *file) flush() error { return c.w.Flush() }

// close writes what is left. What was told before is not told again.
func (c *file) close() error {
	err := c.w.Flush()
	if c.failed {
		err = nil
	}
	return errors.Join(err, c.f.Close())
}
