package runtime

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/codegen/layout"
)

// loopStopper ends loops that run in the kernel. It writes one word that they look at, through mapped memory: an update of the
// map would write the exit code, too, which exit() may be writing.
type loopStopper struct {
	mu     sync.Mutex
	memory *ebpf.Memory // nil for a script without loops
	ended  bool
}

// open maps the memory that programs look at, if they do.
func (l *loopStopper) open(globals *ebpf.Map) error {
	if globals.Flags()&unix.BPF_F_MMAPABLE == 0 {
		return nil
	}
	var err error
	if l.memory, err = globals.Memory(); err != nil {
		return fmt.Errorf("mapping the state of the programs: %w", err)
	}
	return nil
}

// write sets layout.GlobalExiting.
func (l *loopStopper) write(value uint64) {
	if l.memory == nil {
		return
	}
	var b [8]byte
	binary.NativeEndian.PutUint64(b[:], value)
	_, _ = l.memory.WriteAt(b[:], layout.GlobalExiting) // within the bounds that initGlobals has checked
}

// end stops the loops of all programs but END.
func (l *loopStopper) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.write(layout.GlobalExit)
}

// StopLoops ends the loops that run in the kernel at this moment, those of a BEGIN that Attach waits for too. It may be called from any
// goroutine until Close; once Run has begun to finish, and END is to run, it does nothing.
func (s *Session) StopLoops() {
	s.loops.mu.Lock()
	defer s.loops.mu.Unlock()
	if !s.loops.ended {
		s.loops.write(layout.GlobalStop)
	}
}
