// Package procevents has the kernel tell what processes do: executing programs, mapping code, forking and ending. That is a few records a
// program, in a ring for each CPU.
package procevents

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/internal/symbols"
)

// Kind is what a process did.
type Kind uint8

// The kinds.
const (
	Exec Kind = iota + 1 // it executed a program
	Exit                 // it ended
	Fork                 // it was made, by Parent
	Map                  // it mapped code
)

// Event is what a process did.
type Event struct {
	Kind    Kind
	Time    uint64 // nanoseconds of CLOCK_MONOTONIC
	PID     uint32 // Fork: the child
	Parent  uint32 // Fork
	Mapping symbols.Mapping
}

// Watch is the rings of all CPUs. It has one reader at a time.
type Watch struct {
	rings  []*ring
	wake   int // ends the goroutine that waits
	events []Event
}

// HalfFull is the number of bytes in a ring at which it must be read, so that nothing is lost.
var HalfFull = ringPages * os.Getpagesize() / 2

// Open begins. Those who wait are woken when a ring holds so many bytes. Where the kernel allows no rings there are no events.
func Open(wakeup int) *Watch {
	w := &Watch{wake: -1}
	for cpu := range possibleCPUs() {
		r, err := openRing(cpu, wakeup)
		if errors.Is(err, unix.ENODEV) || errors.Is(err, unix.EINVAL) {
			continue // the CPU is off
		} else if err != nil {
			break
		}
		w.rings = append(w.rings, r)
	}
	return w
}

// Active says whether the kernel tells of anything.
func (w *Watch) Active() bool { return w != nil && len(w.rings) > 0 }

// Wait has a goroutine call read when there is something to read, until Close.
func (w *Watch) Wait(read func()) {
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil || len(w.rings) == 0 {
		return
	}
	w.wake = wake
	fds := []unix.PollFd{{Fd: int32(wake), Events: unix.POLLIN}}
	for _, r := range w.rings {
		fds = append(fds, unix.PollFd{Fd: int32(r.fd), Events: unix.POLLIN})
	}
	go wait(fds, read)
}

// wait waits for rings, until the first descriptor says that it is over.
func wait(fds []unix.PollFd, read func()) {
	for {
		if _, err := unix.Poll(fds, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		if fds[0].Revents != 0 {
			unix.Close(int(fds[0].Fd))
			return
		}
		read()
	}
}

// Close ends it. What Wait calls may still be called once.
func (w *Watch) Close() {
	if w == nil {
		return
	}
	if w.wake >= 0 {
		_, _ = unix.Write(w.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // an eventfd takes it
		w.wake = -1
	}
	for _, r := range w.rings {
		r.close()
	}
	w.rings = nil
}

// Read calls visit with the events that there are, in order.
func (w *Watch) Read(visit func(*Event)) {
	if w == nil {
		return
	}
	w.events = w.events[:0]
	for _, r := range w.rings {
		r.read(func(kind uint32, misc uint16, body []byte) {
			if e, ok := Parse(kind, misc, body); ok {
				w.events = append(w.events, e)
			}
		})
	}
	// Each ring is in order; a process moves from one to another.
	slices.SortStableFunc(w.events, func(a, b Event) int { return cmp.Compare(a.Time, b.Time) })
	for i := range w.events {
		visit(&w.events[i])
	}
}

// Types of records, from include/uapi/linux/perf_event.h, and PERF_RECORD_MISC_COMM_EXEC.
const (
	recordComm  = 3
	recordExit  = 4
	recordFork  = 7
	recordMmap2 = 10
	miscExec    = 1 << 13
)

// Parse reads a record without its header. The time is its last word. ok is false for what does not matter.
func Parse(kind uint32, misc uint16, b []byte) (e Event, ok bool) {
	const mmapFixed = 64 // bytes before the name
	if len(b) < 16 {
		return e, false
	}
	o := binary.NativeEndian
	e = Event{Time: o.Uint64(b[len(b)-8:]), PID: o.Uint32(b)}
	switch kind {
	case recordComm:
		e.Kind = Exec
		return e, misc&miscExec != 0
	case recordFork, recordExit: // pid, ppid, tid, ptid
		e.Parent = o.Uint32(b[4:])
		if e.Kind = Fork; kind == recordExit {
			e.Kind = Exit
			return e, o.Uint32(b[8:]) == e.PID
		}
		return e, e.Parent != e.PID
	case recordMmap2:
		if len(b) < mmapFixed+8 {
			return e, false
		}
		e.Kind = Map
		m := &e.Mapping
		m.Start, m.Offset = o.Uint64(b[8:]), o.Uint64(b[24:])
		m.End = m.Start + o.Uint64(b[16:])
		m.Device = fmt.Sprintf("%02x:%02x", o.Uint32(b[32:]), o.Uint32(b[36:]))
		m.Inode = o.Uint64(b[40:])
		m.Exec = o.Uint32(b[56:])&unix.PROT_EXEC != 0
		name, _, _ := bytes.Cut(b[mmapFixed:len(b)-8], []byte{0})
		if m.Path, m.Deleted = strings.CutSuffix(string(name), " (deleted)"); m.Path == "//anon" {
			m.Path = "" // as in /proc/PID/maps
		}
		return e, m.Exec && m.End > m.Start
	}
	return e, false
}

// maxCPUs bounds the list of CPUs.
const maxCPUs = 1 << 13

// possibleCPUs is how many CPUs there may be: those that are off are left out when their event is opened.
func possibleCPUs() int {
	data, err := os.ReadFile("/sys/devices/system/cpu/possible")
	if err != nil {
		return 1
	}
	text := strings.TrimSpace(string(data))
	last := text[strings.LastIndexAny(text, "-,")+1:]
	n, err := strconv.Atoi(last)
	if err != nil || n < 0 || n >= maxCPUs {
		return 1
	}
	return n + 1
}
