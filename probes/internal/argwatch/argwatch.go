// Package argwatch learns the addresses that a function of a program is called with, and has each of them watched. It imports lang/location.
//
// Breakpoints of the processor are set by user space, which has to hear of the call first. So a small program of our own at the function's entry
// sends the argument to us and, if nothing may be missed, stops the process until the breakpoint is there.
package argwatch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/lang/location"
)

// Options say what is watched, and how.
type Options struct {
	PID  int               // the process
	Arg  location.Location // of the argument, at the function's entry
	Conv *location.Convention
	Stop bool // stop the process at each call until the address is watched
	// Attach puts a program at the function's entry.
	Attach func(*ebpf.Program) (io.Closer, error)
	// Open has an address watched.
	Open func(address uint64) (io.Closer, error)
	// Failed is called, from another goroutine, when an address cannot be watched. Close gives the error.
	Failed func()
}

// ringSize is room for a few hundred calls that have not been looked at.
const ringSize = 64 << 10

// Watcher watches what a function is called with.
type Watcher struct {
	opts   Options
	probe  io.Closer
	reader *ringbuf.Reader
	ended  chan struct{}
	mu     sync.Mutex
	open   map[uint64]io.Closer
	err    error
}

// Start begins to watch.
func Start(opts Options) (*Watcher, error) {
	ring, err := ebpf.NewMap(&ebpf.MapSpec{Name: "argwatch", Type: ebpf.RingBuf, MaxEntries: ringSize})
	if err != nil {
		return nil, fmt.Errorf("creating a ring buffer for addresses: %w", err)
	}
	defer ring.Close()
	insns, err := program(&opts, ring.FD())
	if err != nil {
		return nil, err
	}
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: "argwatch", Type: ebpf.Kprobe, Instructions: insns, License: "GPL"})
	if err != nil {
		return nil, fmt.Errorf("loading the program that learns addresses: %w", err)
	}
	defer prog.Close()
	w := &Watcher{opts: opts, ended: make(chan struct{}), open: map[uint64]io.Closer{}}
	if w.reader, err = ringbuf.NewReader(ring); err != nil {
		return nil, fmt.Errorf("reading addresses: %w", err)
	}
	go w.run()
	if w.probe, err = opts.Attach(prog); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// program sends the argument. The signal goes first: SIGCONT, which follows when we have read the argument, takes it away even if it was not seen yet.
func program(o *Options, ring int) (asm.Instructions, error) {
	insns := asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1)}
	load, err := loadArg(o)
	if err != nil {
		return nil, err
	}
	insns = append(insns, load...)
	if o.Stop {
		insns = append(insns, asm.Mov.Imm(asm.R1, int32(unix.SIGSTOP)), asm.FnSendSignal.Call())
	}
	return append(insns,
		asm.LoadMapPtr(asm.R1, ring),
		asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, -8),
		asm.Mov.Imm(asm.R3, 8), asm.Mov.Imm(asm.R4, 0),
		asm.FnRingbufOutput.Call(),
		asm.Mov.Imm(asm.R0, 0), asm.Return()), nil
}

// loadArg leaves the argument in the last word of the frame.
func loadArg(o *Options) (asm.Instructions, error) {
	register := func(l location.Location) (int16, error) {
		r, ok := l.(location.Register)
		if !ok {
			return 0, fmt.Errorf("the argument lies at %v", l)
		}
		offset, ok := o.Conv.Register(r.Name)
		if !ok {
			return 0, fmt.Errorf("there is no register %s", r.Name)
		}
		return int16(offset), nil
	}
	if m, ok := o.Arg.(location.Memory); ok { // on the stack
		base, err := register(m.At.Base)
		return asm.Instructions{
			asm.LoadMem(asm.R3, asm.R6, base, asm.DWord),
			asm.Add.Imm(asm.R3, int32(m.At.Offset)),
			asm.StoreImm(asm.RFP, -8, 0, asm.DWord),
			asm.Mov.Reg(asm.R1, asm.RFP), asm.Add.Imm(asm.R1, -8),
			asm.Mov.Imm(asm.R2, 8),
			asm.FnProbeReadUser.Call(),
		}, err
	}
	offset, err := register(o.Arg)
	return asm.Instructions{asm.LoadMem(asm.R7, asm.R6, offset, asm.DWord), asm.StoreMem(asm.RFP, -8, asm.R7, asm.DWord)}, err
}

// run watches each new address. A call with NULL has nothing to be watched.
func (w *Watcher) run() {
	defer close(w.ended)
	for {
		rec, err := w.reader.Read()
		switch {
		case errors.Is(err, os.ErrClosed):
			return
		case err != nil: // the session ends, and Close lets the process go on
			w.mu.Lock()
			defer w.mu.Unlock()
			w.fail(fmt.Errorf("reading addresses: %w", err))
			return
		case len(rec.RawSample) >= 8:
			w.watch(binary.NativeEndian.Uint64(rec.RawSample))
		}
		w.resume()
	}
}

// fail ends the session. The caller holds mu.
func (w *Watcher) fail(err error) {
	w.err = err
	w.opts.Failed()
}

func (w *Watcher) watch(address uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.open[address]; ok || address == 0 || w.err != nil {
		return
	}
	c, err := w.opts.Open(address)
	if err != nil {
		w.fail(fmt.Errorf("watching %#x: %w", address, err))
		return
	}
	w.open[address] = c
}

// resume lets the process go on. If it is gone there is nothing to do.
func (w *Watcher) resume() {
	if w.opts.Stop {
		_ = unix.Kill(w.opts.PID, unix.SIGCONT)
	}
}

// Close ends watching. A process that was stopped goes on.
func (w *Watcher) Close() error {
	var errs []error
	if w.probe != nil {
		errs = append(errs, w.probe.Close())
	}
	errs = append(errs, w.reader.Close())
	<-w.ended
	w.resume()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.open {
		errs = append(errs, c.Close())
	}
	return errors.Join(append(errs, w.err)...)
}
