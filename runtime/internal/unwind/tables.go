// Package unwind keeps the tables by which programs follow stacks of processes: where a process has its code, and the rules of the files
// that the code is from (see layout.MapUnwindRanges). A process is looked at when a program asks for it, or as the kernel tells what
// processes do that start later.
package unwind

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/internal/procevents"
	"github.com/gotrace/gotrace/internal/symbols"
)

// Tables are the tables of all processes and files. Its methods may be called from several goroutines.
type Tables struct {
	kernel kernelMaps
	watch  *procevents.Watch
	only   uint32

	mu        sync.Mutex
	processes map[uint32]*process
	dirty     map[*process]bool // their ranges have changed and are to be written
	files     files
	lost      Losses

	requests chan uint32
	done     chan struct{}
	working  sync.WaitGroup
}

// Losses are what the tables had no room for.
type Losses struct {
	Processes uint64
	Files     []string // the first few
	FileCount uint64
}

// maxLostFiles is how many names of files are kept for the message.
const maxLostFiles = 3

// maxRequests is how many processes wait to be looked at. Programs ask again for those that are not taken.
const maxRequests = 4096

// New keeps the tables in two maps of the kernel, and watches what processes do: only that with the id only, unless it is 0. The processes
// that run already are looked at one after the other, those that are asked for first.
func New(ranges, rows *ebpf.Map, only int) *Tables {
	t := &Tables{
		only:      uint32(only),
		kernel:    kernelMaps{ranges: ranges, rows: rows},
		watch:     procevents.Open(1),
		processes: map[uint32]*process{},
		dirty:     map[*process]bool{},
		requests:  make(chan uint32, maxRequests),
		done:      make(chan struct{}),
	}
	t.files = files{t: t, byID: map[fileID]*file{}}
	t.watch.Wait(t.events)
	if only != 0 {
		t.Look(uint32(only))
	}
	t.working.Go(t.work)
	return t
}

// Close ends what New began. The maps stay as they are.
func (t *Tables) Close() {
	if t == nil {
		return
	}
	close(t.done)
	t.working.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watch.Close()
}

// Request has a process looked at soon.
func (t *Tables) Request(pid uint32) {
	select {
	case t.requests <- pid:
	default: // too many at a time
	}
}

// work looks at the processes that are asked for, and at the others when there is nothing else to do.
func (t *Tables) work() {
	var others []uint32
	if t.only == 0 {
		others = running()
	}
	idle := make(chan struct{})
	close(idle)
	for {
		next := idle
		if len(others) == 0 {
			next = nil
		}
		select { // what is asked for comes first
		case pid := <-t.requests:
			t.Look(pid)
			continue
		default:
		}
		select {
		case pid := <-t.requests:
			t.Look(pid)
		case <-next:
			t.lookOnce(others[0])
			others = others[1:]
		case <-t.done:
			return
		}
	}
}

// running are the processes that run.
func running() (pids []uint32) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1) // what cannot be read is asked for when it is seen
	for _, name := range names {
		if pid, err := strconv.ParseUint(name, 10, 32); err == nil {
			pids = append(pids, uint32(pid))
		}
	}
	slices.Sort(pids)
	return pids
}

// lookOnce looks at a process that is not known.
func (t *Tables) lookOnce(pid uint32) {
	t.mu.Lock()
	known := t.processes[pid] != nil
	t.mu.Unlock()
	if !known {
		t.Look(pid)
	}
}

// Look makes the tables of a process as it is now. One that has ended has none.
func (t *Tables) Look(pid uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := monotonic()
	var maps []symbols.Mapping
	err := symbols.Mappings(int(pid), func(m symbols.Mapping) bool {
		if m.Exec {
			maps = append(maps, m)
		}
		return len(maps) < maxRanges
	})
	if err != nil || len(maps) == 0 {
		return
	}
	p := t.process(pid)
	t.forget(p)
	p.looked = now
	for i := range maps {
		t.add(p, &maps[i])
	}
	t.flush()
}

// Losses says what found no room.
func (t *Tables) Losses() Losses {
	if t == nil {
		return Losses{}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lost
}

func (t *Tables) loseFile(path string) {
	t.lost.FileCount++
	if len(t.lost.Files) < maxLostFiles {
		t.lost.Files = append(t.lost.Files, path)
	}
}

// events takes in what processes have done.
func (t *Tables) events() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watch.Read(t.event)
	t.flush()
}

func (t *Tables) event(e *procevents.Event) {
	if t.only != 0 && e.PID != t.only {
		return
	}
	p := t.processes[e.PID]
	if p != nil && p.looked >= e.Time { // it was looked at since
		return
	}
	switch e.Kind {
	case procevents.Fork:
		if parent := t.processes[e.Parent]; parent != nil {
			t.copy(e.PID, parent)
		}
	case procevents.Exec:
		p = t.process(e.PID)
		t.forget(p)
		p.looked = e.Time
	case procevents.Map:
		if p != nil {
			t.add(p, &e.Mapping)
		}
	case procevents.Exit:
		if p != nil {
			t.remove(p)
		}
	}
}

func monotonic() uint64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(fmt.Sprintf("CLOCK_MONOTONIC: %v", err)) // every kernel has it
	}
	return uint64(ts.Nano())
}
