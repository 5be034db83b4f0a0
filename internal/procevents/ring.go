package procevents

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ring is the buffer of an event of the kernel that counts nothing, but tells what the processes on one CPU do: executing programs,
// mapping code, forking and ending (perf_event_open(2)).
type ring struct {
	fd   int
	mem  []byte
	data []byte
}

// ringPages is the size of a ring: room for some thousand records.
const ringPages = 64

// sampleTime is PERF_SAMPLE_TIME: with PerfBitSampleIDAll it ends each record.
const sampleTime = 1 << 2

// openRing opens the ring of a CPU, which wakes who waits for it when it holds so many bytes.
func openRing(cpu, wakeup int) (*ring, error) {
	attr := unix.PerfEventAttr{
		Type:        unix.PERF_TYPE_SOFTWARE,
		Size:        uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Config:      unix.PERF_COUNT_SW_DUMMY,
		Sample_type: sampleTime,
		Bits: unix.PerfBitMmap | unix.PerfBitMmap2 | unix.PerfBitComm | unix.PerfBitCommExec | unix.PerfBitTask |
			unix.PerfBitSampleIDAll | unix.PerfBitUseClockID | unix.PerfBitWatermark,
		Clockid: unix.CLOCK_MONOTONIC,
		Wakeup:  uint32(wakeup),
	}
	fd, err := unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("opening an event for what processes map: %w", err)
	}
	size := (1 + ringPages) * os.Getpagesize()
	mem, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("mapping the buffer of an event: %w", err)
	}
	return &ring{fd: fd, mem: mem, data: mem[os.Getpagesize():]}, nil
}

func (r *ring) close() {
	_ = unix.Munmap(r.mem) // fails only for what is not mapped
	unix.Close(r.fd)
}

// headerSize is the size of struct perf_event_header: u32 type, u16 misc, u16 size.
const headerSize = 8

// read calls visit with each record that is there.
func (r *ring) read(visit func(kind uint32, misc uint16, body []byte)) {
	page := (*unix.PerfEventMmapPage)(unsafe.Pointer(&r.mem[0]))
	head, tail := atomic.LoadUint64(&page.Data_head), page.Data_tail
	var buf []byte
	for head-tail >= headerSize {
		h := r.bytes(&buf, tail, headerSize)
		kind, misc, size := binary.NativeEndian.Uint32(h), binary.NativeEndian.Uint16(h[4:]), uint64(binary.NativeEndian.Uint16(h[6:]))
		if size < headerSize || size > head-tail {
			break // cannot be: the kernel writes whole records
		}
		visit(kind, misc, r.bytes(&buf, tail, size)[headerSize:])
		tail += size
	}
	atomic.StoreUint64(&page.Data_tail, head)
	runtime.KeepAlive(r)
}

// bytes are n bytes of the ring, copied if they wrap around.
func (r *ring) bytes(buf *[]byte, at, n uint64) []byte {
	start := at % uint64(len(r.data))
	if start+n <= uint64(len(r.data)) {
		return r.data[start : start+n]
	}
	*buf = append(append((*buf)[:0], r.data[start:]...), r.data[:n-(uint64(len(r.data))-start)]...)
	return *buf
}
