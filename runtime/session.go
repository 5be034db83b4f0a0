package runtime

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/codegen"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/probes"
	"github.com/gotrace/gotrace/runtime/internal/capture"
	"github.com/gotrace/gotrace/runtime/internal/names"
	"github.com/gotrace/gotrace/runtime/internal/unwind"
	"github.com/gotrace/gotrace/runtime/output"
	"github.com/gotrace/gotrace/runtime/value"
)

// Session is a script in the kernel. It is used from one goroutine, but for Snapshot, Failures, Signal and StopLoops, which any may call.
type Session struct {
	bp   *codegen.Blueprint
	opts Options

	maps       map[string]*ebpf.Map
	keyless    map[string][]byte // memory of the kernel maps that hold maps without keys
	scriptMaps map[*lang.Map]*scriptMap
	ctx        context.Context // of Open, then of Run: commands of the script end with it
	globals    []byte          // the memory of MapGlobals, nil if there is none
	mapped     [][]byte        // memory of maps
	swaps      swaps
	programs   []*loaded
	missed     error                    // the first of those that the script allows to be missing
	wildcards  map[source.Pos]*wildcard // whose targets have programs of their own, by place in the script
	links      probes.Links

	values *value.Env
	names  *names.Names
	unwind *unwind.Tables // nil for a script that needs none
	sink   output.Sink
	tellMu sync.Mutex // for tell, while progress is told from another goroutine
	events *events
	mapsMu sync.Mutex  // for whoever reads or changes scriptMaps and what belongs to them
	ring   *ringReader // nil for a script that sends no events
	poll   *poller
	pidfd  int         // of the traced process, -1 for none
	exited bool        // the script called exit()
	broken atomic.Bool // a program that this process runs in time could not be run; detaching tells why
	losses losses
	failed []output.Failure // what Failures gives after Close
	loops  loopStopper
	// packets writes what skboutput() sends, nil for a script without; unwatched are the addresses of watchpoints that the script took away.
	packets   *capture.Capture
	unwatched map[uint64]bool
	closed    bool
	// detached: the run is over, and what probes missed is known.
	detached bool
	// signals counts those that Signal was called for and loop has not seen yet.
	signals atomic.Int64
}

// loaded is a program in the kernel.
type loaded struct {
	number int // in the script, from 1 on
	spec   *codegen.Program
	prog   *ebpf.Program
	plan   plan // nil for BEGIN and END
	// links are also in the session's, which closes them.
	links probes.Links
	// returns is the program of the returns of the same functions, which is a part of this one; nil if there is none.
	returns *codegen.Program
	absent  bool          // it is a part of another, or missing, which the script allows
	took    time.Duration // to load
}

// Load puts the maps and programs of a blueprint into the kernel. A program that the verifier refuses gives an *Error
// at the line of the script it was made from.
func Load(bp *codegen.Blueprint, opts Options) (*Session, error) {
	s := &Session{bp: bp, opts: opts, pidfd: -1, ctx: opts.ctx}
	if s.ctx == nil {
		s.ctx = context.Background()
	}
	if s.sink = opts.Sink; s.sink == nil {
		s.sink = output.Discard
	}
	if err := s.load(); err != nil {
		return nil, errors.Join(s.located(explained(err)), s.Close())
	}
	return s, nil
}

func (s *Session) load() error {
	if err := s.openProcess(); err != nil {
		return err
	}
	if err := s.loadMaps(); err != nil {
		return err
	}
	if err := s.loadPrograms(); err != nil {
		return err
	}
	s.newValues()
	if ranges, rows := s.maps[layout.MapUnwindRanges], s.maps[layout.MapUnwindRows]; ranges != nil && rows != nil {
		s.unwind = unwind.New(ranges, rows, s.opts.PID)
		if s.opts.PID != 0 {
			s.unwind.Look(uint32(s.opts.PID))
		} else {
			s.unwind.LookFor(s.tracedFiles())
		}
	}
	var err error
	if s.events, err = s.newEvents(); err != nil {
		return err
	}
	if err := s.openCapture(); err != nil {
		return err
	}
	ringFD := -1
	if ring := s.maps[layout.MapEvents]; ring != nil {
		ringFD = ring.FD()
		if s.ring, err = newRingReader(ring); err != nil {
			return err
		}
	}
	if s.poll, err = newPoller(ringFD); err != nil || s.pidfd < 0 {
		return err
	}
	return s.poll.watch(s.pidfd)
}

func (s *Session) newValues() {
	s.names = names.New(s.bp.Checked, s.opts.DebugInfo, s.findStack)
	s.values = &value.Env{
		Symbols: s.names,
		Clock:   value.NewClock(),
		Trailer: s.bp.Checked.Config.StrTruncTrailer,

		KeyNames: names.OfKeys(s.bp.Checked.File),
	}
}

// tracedFiles are the programs and libraries that probes are in.
func (s *Session) tracedFiles() (paths []string) {
	for _, p := range s.bp.Programs {
		for i := range p.Prog.Targets {
			if t := &p.Prog.Targets[i]; t.Kind != nil && t.Kind.User && t.Path != "" && !slices.Contains(paths, t.Path) {
				paths = append(paths, t.Path)
			}
		}
	}
	return paths
}

// findStack reads a stack by its number.
func (s *Session) findStack(id uint64) ([]byte, error) {
	m := s.maps[layout.MapStacks]
	if m == nil {
		return nil, ebpf.ErrKeyNotExist
	}
	return m.LookupBytes(id)
}

// openCapture opens the files of skboutput().
func (s *Session) openCapture() error {
	m := s.maps[layout.MapPackets]
	if m == nil {
		return nil
	}
	var err error
	s.packets, err = capture.New(m, s.bp.Captures, s.bp.Checked.Config.PerfRBPages, s.values.Clock.Boot())
	var file *capture.FileError
	if errors.As(err, &file) {
		pos := file.Call.Pos
		return errorAt(source.Diagnostic{Span: source.Span{Pos: pos, EndPos: pos}, Code: "capture", Message: err.Error()}, err)
	}
	return err
}

// closeCapture writes the packets that there are to the files of skboutput(), and tells what was lost. All probes are detached.
func (s *Session) closeCapture() error {
	if s.packets == nil {
		return nil
	}
	lost, err := s.packets.Close()
	s.packets = nil
	if lost > 0 {
		message := times(lost, "packet of skboutput() was lost: a buffer was full", "packets of skboutput() were lost: a buffer was full")
		s.warn(source.Diagnostics{warning(s.bp.Captures[0].Pos, "runtime", message, "make it larger: config = { perf_rb_pages = 1024 }")})
	}
	return err
}

// ExitCode is what the script gave to exit(), else 0, or 1 if a test or benchmark failed.
func (s *Session) ExitCode() int { return s.events.exitCode }

// Close detaches and unloads everything. It may be called again.
func (s *Session) Close() error {
	if s.closed {
		return nil
	}
	errs := []error{s.detach()}
	s.mapsMu.Lock()
	defer s.mapsMu.Unlock()
	s.failed, _ = s.listFailures()
	s.closed = true
	errs = append(errs, s.closeCapture())
	for _, p := range s.programs {
		errs = append(errs, p.prog.Close())
	}
	s.unwind.Close()
	if s.names != nil {
		errs = append(errs, s.names.Close())
	}
	if s.ring != nil {
		s.ring.close()
	}
	if s.poll != nil {
		s.poll.close()
	}
	if s.pidfd >= 0 {
		_ = unix.Close(s.pidfd)
	}
	s.globals = nil
	for _, mem := range s.mapped {
		_ = unix.Munmap(mem[:cap(mem)]) // fails only for memory that is not mapped
	}
	if s.swaps.grace != nil {
		errs = append(errs, s.swaps.grace.close())
	}
	for _, m := range s.maps {
		errs = append(errs, m.Close())
	}
	if s.opts.child != nil {
		errs = append(errs, s.opts.child.Close())
	}
	return errors.Join(errs...)
}
