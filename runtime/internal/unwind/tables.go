// Package unwind keeps the tables by which programs follow stacks of processes: where a process has its code, and the rules of the files
// that the code is from (see layout.MapUnwindRanges). A process is looked at when a program asks for it, or as the kernel tells what
// processes do that start later.
package unwind

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/internal/procevents"
	"github.com/gotrace/gotrace/internal/symbols"
)

// Tables are the tables of all processes and files. Its methods may be called from several goroutines.
type Tables struct {
	kernel kernelMaps
	only   uint32

	reading sync.Mutex // of watch; taken before mu
	watch   *procevents.Watch

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

// New keeps the tables in two maps of the kernel, and watches what processes do: only that with the id only, unless it is 0.
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
	t.reading.Lock()
	defer t.reading.Unlock()
	t.watch.Close()
}

// Request has a process looked at soon.
func (t *Tables) Request(pid uint32) {
	select {
	case t.requests <- pid:
	default: // too many at a time
	}
}

// work looks at the processes that are asked for.
func (t *Tables) work() {
	for {
		select {
		case pid := <-t.requests:
			t.Look(pid)
		case <-t.done:
			return
		}
	}
}

// Look makes the tables of a process as it is now. One that has ended has none.
func (t *Tables) Look(pid uint32) {
	now := monotonic()
	var maps []mapping
	err := symbols.Mappings(int(pid), func(m symbols.Mapping) bool {
		if m.Exec {
			maps = append(maps, mapping{Mapping: m})
		}
		return len(maps) < maxRanges
	})
	if err != nil || len(maps) == 0 {
		return
	}
	for i := range maps {
		t.files.find(pid, &maps[i])
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.process(pid); p.looked <= now { // else it has executed another program meanwhile
		t.forget(p)
		p.looked = now
		for i := range maps {
			t.add(p, &maps[i])
		}
		t.flush()
	}
	for i := range maps {
		maps[i].release()
	}
}

// targetTime is how long New's caller waits for the processes that run a traced file.
const targetTime = 500 * time.Millisecond

// LookFor looks at the processes that have one of some files mapped, so that their tables are there when they are traced first. Those for
// which the time is too short are known later.
func (t *Tables) LookFor(paths []string) {
	wanted := map[string]bool{}
	for _, path := range paths {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			wanted[real] = true
		}
	}
	if len(wanted) == 0 {
		return
	}
	begin := time.Now()
	for _, pid := range running() {
		found := false
		_ = symbols.Mappings(int(pid), func(m symbols.Mapping) bool { // one that has ended has none
			found = m.Exec && wanted[m.Path]
			return !found
		})
		switch {
		case found && time.Since(begin) < targetTime:
			t.Look(pid)
		case found:
			t.Request(pid)
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

// events takes in what processes have done. Files that are new are read before the tables are locked: that takes its time.
func (t *Tables) events() {
	t.reading.Lock()
	defer t.reading.Unlock()
	var list []event
	t.watch.Read(func(e *procevents.Event) {
		if t.only == 0 || e.PID == t.only {
			list = append(list, event{e.Kind, e.Time, e.PID, e.Parent, mapping{Mapping: e.Mapping}})
		}
	})
	for i := range list {
		if e := &list[i]; e.kind == procevents.Map && t.knows(e.pid) {
			t.files.find(e.pid, &e.mapping)
		}
		t.mu.Lock()
		t.event(&list[i])
		list[i].mapping.release()
		t.mu.Unlock()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.flush()
}

// event is what a process has done.
type event struct {
	kind        procevents.Kind
	time        uint64
	pid, parent uint32
	mapping     mapping
}

func (t *Tables) knows(pid uint32) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.processes[pid] != nil
}

func (t *Tables) event(e *event) {
	p := t.processes[e.pid]
	if p != nil && p.looked >= e.time { // it was looked at since
		return
	}
	switch e.kind {
	case procevents.Fork:
		if parent := t.processes[e.parent]; parent != nil {
			t.copy(e.pid, parent)
		}
	case procevents.Exec:
		p = t.process(e.pid)
		t.forget(p)
		p.looked = e.time
	case procevents.Map:
		if p != nil {
			t.add(p, &e.mapping)
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
