package runtime

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/runtime/output"
)

// losses is what was reported already.
type losses struct {
	events uint64
}

// counters are what failed at the sites of a blueprint: the value of layout.MapFailures.
type counters []byte

// at is a counter of a site.
func (c counters) at(site *layout.Site, i int) uint64 {
	if w := from(c, site.At+8*i); len(w) >= 8 {
		return binary.NativeEndian.Uint64(w)
	}
	return 0
}

// sum is all that failed at a site.
func (c counters) sum(site *layout.Site) (n uint64) {
	for i := range site.Counters() {
		n += c.at(site, i)
	}
	return n
}

// failures reads the counters of what failed in the kernel.
func (s *Session) failures() (counters, error) {
	m := s.maps[layout.MapFailures]
	if m == nil {
		return nil, nil
	}
	b, err := m.LookupBytes(uint32(0))
	if err != nil {
		return nil, fmt.Errorf("reading the failure counters: %w", err)
	}
	return b, nil
}

// reportLost says how many events found no room in the ring buffer since it was last said.
func (s *Session) reportLost() error {
	counts, err := s.failures()
	if err != nil {
		return err
	}
	var lost uint64
	for _, site := range s.bp.Sites {
		if site.Kind == layout.SiteLost {
			lost += counts.sum(site)
		}
	}
	if lost <= s.losses.events {
		return nil
	}
	n := lost - s.losses.events
	s.losses.events = lost
	return s.sink.Event(output.Lost{Events: n})
}

// failureTexts say what happened n times at a site, and what to do about it.
var failureTexts = map[layout.SiteKind]func(s *Session, n uint64, site *layout.Site) (message, hint string){
	layout.SiteRead: func(_ *Session, n uint64, site *layout.Site) (string, string) {
		return fmt.Sprintf("%s of %s failed: the address is wrong, or its memory is not there now; the value is 0 or empty", times(n, "read", "reads"), what(site, "memory")), ""
	},
	layout.SiteTrunc: func(s *Session, n uint64, site *layout.Site) (string, string) {
		size := s.bp.Checked.Config.MaxStrlen
		if site.What == "join" {
			return fmt.Sprintf("%s cut: it takes %d strings and %d bytes", times(n, "join() was", "join()s were"), layout.JoinStrings, layout.JoinText), ""
		}
		one, many := "string was", "strings were"
		if site.What == "buf" {
			one, many = "buffer was", "buffers were"
		}
		return fmt.Sprintf("%s cut to %d bytes", times(n, one, many), size),
			fmt.Sprintf("allow longer ones: config = { max_strlen = %d }", 4*max(size, 64))
	},
	layout.SiteLost: func(s *Session, n uint64, site *layout.Site) (string, string) {
		return fmt.Sprintf("%s of %s lost: the ring buffer was full", times(n, "event", "events"), what(site, "this")),
			fmt.Sprintf("make it larger: config = { perf_rb_pages = %d }", 4*s.ringSize()/os.Getpagesize())
	},
	layout.SiteScratch: func(_ *Session, n uint64, _ *layout.Site) (string, string) {
		return fmt.Sprintf("%s of this probe skipped: no scratch memory was free", times(n, "run", "runs")), ""
	},
	layout.SiteLoop: func(_ *Session, n uint64, site *layout.Site) (string, string) {
		hint := "loop less in one run: that is the most there can be"
		if site.Limit < lang.MaxLoopIterations {
			hint = fmt.Sprintf("allow more: config = { max_loop_iterations = %d }, or less than that", lang.MaxLoopIterations)
		}
		return fmt.Sprintf("this loop was stopped %s: all loops of a run may do %d iterations together", times(n, "time", "times"), site.Limit), hint
	},
	layout.SiteDivide: func(_ *Session, n uint64, _ *layout.Site) (string, string) {
		return fmt.Sprintf("%s by zero: the result is 1", times(n, "division", "divisions")), ""
	},
	layout.SiteIndex: func(_ *Session, n uint64, site *layout.Site) (string, string) {
		return fmt.Sprintf("index outside of the %s %s: the value is 0", what(site, "array or string"), times(n, "time", "times")), ""
	},
	layout.SiteStackHash: func(_ *Session, n uint64, _ *layout.Site) (string, string) {
		return fmt.Sprintf("%s lost: another stack has the same number", times(n, "stack was", "stacks were")), ""
	},
	layout.SiteUnwindNew: func(_ *Session, n uint64, _ *layout.Site) (string, string) {
		return fmt.Sprintf("%s followed by frame pointers: the tables of the process were not there yet", times(n, "stack was", "stacks were")),
			"they are made when a process is seen first; those of -p and -c are there from the beginning"
	},
	layout.SiteUnwindStop: func(_ *Session, n uint64, site *layout.Site) (string, string) {
		return fmt.Sprintf("%s before the outermost function: %s", times(n, "stack ends", "stacks end"), unwindStops[site.Why]), ""
	},
	layout.SiteCall: func(_ *Session, n uint64, site *layout.Site) (string, string) {
		return fmt.Sprintf("%s failed %s", what(site, "a call of the kernel"), times(n, "time", "times")), callHints[site.Helper]
	},
	layout.SiteSignal: func(_ *Session, n uint64, site *layout.Site) (string, string) {
		return fmt.Sprintf("%s was given a number that is no signal %s: nothing was sent", what(site, "signal()"), times(n, "time", "times")),
			fmt.Sprintf("signals are numbered from 1 to %d", lang.MaxSignal)
	},
	layout.SiteMissing: func(_ *Session, n uint64, site *layout.Site) (string, string) {
		if site.Helper == "map_delete_elem" {
			return fmt.Sprintf("delete() found no element of @%s %s", site.Map.Name, times(n, "time", "times")),
				"ask before, or take the result: if (delete(…)) { … }, or _ = delete(…)"
		}
		return fmt.Sprintf("an element of @%s was read that is not there, %s: the value is 0 or empty", site.Map.Name, times(n, "time", "times")),
			fmt.Sprintf("ask before: has_key(@%s, key)", site.Map.Name)
	},
	layout.SiteInternal: func(_ *Session, n uint64, site *layout.Site) (string, string) {
		return fmt.Sprintf("%s failed %s", what(site, "an operation"), times(n, "time", "times")), "this is a bug in gotrace: please report it"
	},
}

// updateErrors are the errors of htab_map_update_elem and its relatives (kernel/bpf/hashtab.c) with what they mean. Those that are not
// here lose nothing: EEXIST and none at all mean that another CPU inserted the same element, or took it away at once.
var updateErrors = []struct {
	errno syscall.Errno
	kind  output.FailureKind
	text  func(s *Session, site *layout.Site) (problem, hint string)
}{
	{syscall.E2BIG, output.FailMapFull, func(s *Session, site *layout.Site) (string, string) {
		if site.Map == nil {
			return fmt.Sprintf("the store of stacks is full (%d)", site.Limit),
				fmt.Sprintf("make it larger: config = { max_map_keys = %d }", 4*max(1, s.bp.Checked.Config.MaxMapKeys))
		}
		name, size := site.Map.Name, site.Map.MaxEntries
		return fmt.Sprintf("map @%s is full (%d keys)", name, size),
			fmt.Sprintf("make it larger: config = { max_map_keys = %d }, or let @%s = hash(%d); or have it drop the keys that are longest unused: let @%s = lruhash(%d)",
				4*size, name, 4*size, name, size)
	}},
	{syscall.ENOMEM, output.FailMapMemory, func(_ *Session, site *layout.Site) (string, string) {
		hint := "it has little at hand where many keys are new at a time: use fewer keys, or smaller ones and smaller values"
		if site.Map != nil {
			hint += fmt.Sprintf("; or say how many there will be, for which up to 16 MB are taken beforehand: let @%s = hash(16)", site.Map.Name)
		}
		return "the kernel had no memory for a new element of " + mapOf(site), hint
	}},
	{syscall.EBUSY, output.FailMapBusy, inUse}, // and ETIMEDOUT
	{syscall.EDEADLK, output.FailMapBusy, inUse},
	{syscall.EINVAL, output.FailInternal, func(_ *Session, site *layout.Site) (string, string) {
		return "the kernel refused an update of " + mapOf(site), "this is a bug in gotrace: please report it"
	}},
}

func inUse(_ *Session, site *layout.Site) (problem, hint string) {
	return mapOf(site) + " was just being changed", "a probe that interrupts another one's update of a map cannot change the map: let each have a map of its own"
}

// mapOf names what an update was to change.
func mapOf(site *layout.Site) string {
	if site.Map == nil {
		return "the store of stacks"
	}
	return "map @" + site.Map.Name
}

// failedUpdates tells the updates that failed at a site by their errors.
func (s *Session) failedUpdates(counts counters, site *layout.Site) (list []output.Failure) {
	for _, e := range updateErrors {
		n := counts.at(site, layout.ErrorCounter(int(e.errno)))
		if n == 0 {
			continue
		}
		kind, lost := e.kind, times(n, "update was", "updates were")
		if site.Kind == layout.SiteStackAdd {
			kind, lost = output.FailStacks, times(n, "stack was", "stacks were")
		}
		problem, hint := e.text(s, site)
		f := output.Failure{Kind: kind, Count: n, Helper: site.Helper, Errno: e.errno}
		f.Keys, f.MoreKeys = s.refusedKeys(site)
		f.Diagnostic = warning(site.Pos, "runtime", fmt.Sprintf("%s: %s lost%s", problem, lost, refusedText(&f, site)), hint)
		list = append(list, f)
	}
	return list
}

// unwindStops say why a stack ends too early.
var unwindStops = map[int]string{
	layout.UnwindStopUnknown: "an address on it is in no code that is known",
	layout.UnwindStopRule:    "code has a rule for unwinding that the tables cannot hold",
	layout.UnwindStopRead:    "its memory could not be read, or does not lead further",
	layout.UnwindStopReturn:  "it goes through a function whose return is probed",
}

// refusedShown is how many of the keys that a full map refused are shown, and refusedText how much of each, in characters.
const (
	refusedShown  = 8
	refusedLength = 64
)

// refusedText says which keys a full map refused.
func refusedText(f *output.Failure, site *layout.Site) string {
	if len(f.Keys) == 0 {
		return ""
	}
	more := f.MoreKeys || len(f.Keys) > refusedShown
	keys := slices.Clone(f.Keys[:min(len(f.Keys), refusedShown)])
	for i, k := range keys {
		k = strings.Join(strings.Fields(k), " ") // stacks have lines
		if r := []rune(k); len(r) > refusedLength {
			k = string(r[:refusedLength]) + "…"
		}
		keys[i] = fmt.Sprintf("@%s[%s]", site.Map.Name, k)
	}
	if more {
		keys[len(keys)-1] += " and others"
	}
	return "; it had no room for " + strings.Join(keys, ", ")
}

// refusedKeys are a sample of the keys that a full map refused, as text. more says that there were, or may have been, others.
func (s *Session) refusedKeys(site *layout.Site) (keys []string, more bool) {
	m := s.maps[layout.MapRefused]
	if m == nil || site.Kind != layout.SiteMapUpdate || site.Map == nil || s.scriptMaps[site.Map] == nil {
		return nil, false
	}
	mem, err := m.LookupBytes(uint32(0))
	if err != nil {
		return nil, false // the message does without
	}
	spec := s.scriptMaps[site.Map].spec
	codec := s.values.MapCodec(&lang.Map{Name: spec.Script.Name, Key: spec.RefusedKeyType(), Value: spec.Script.Value}, 1)
	sample, all := spec.RefusedKeys(mem)
	for _, k := range sample {
		keys = append(keys, string(codec.AppendKey(nil, k)))
	}
	return keys, !all
}

// callHints say why the kernel may refuse what a helper does.
var callHints = map[string]string{
	"skb_output":         "the length is more than the packet has (its len), or the buffer was full: config = { perf_rb_pages = 1024 } makes it larger",
	"send_signal":        "the kernel sends none to its own threads, nor to a process that is about to end",
	"send_signal_thread": "the kernel sends none to its own threads, nor to a process that is about to end",
	lang.TaskFromPID:     "there is no thread with this id in the first pid namespace: the name is N/A",
	"probe_write_user":   "the address is wrong, or its memory is not there now or cannot be written; or the length is more than there is to write",
}

func what(site *layout.Site, otherwise string) string {
	if site.What != "" {
		return site.What
	}
	return otherwise
}

func times(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// failureKinds are the kinds of failures of each site.
var failureKinds = map[layout.SiteKind]output.FailureKind{
	layout.SiteRead: output.FailRead, layout.SiteTrunc: output.FailTruncated,
	layout.SiteLost: output.FailLost, layout.SiteScratch: output.FailScratch, layout.SiteLoop: output.FailLoop,
	layout.SiteDivide: output.FailDivide, layout.SiteIndex: output.FailIndex,
	layout.SiteStackHash: output.FailStacks, layout.SiteInternal: output.FailInternal,
	layout.SiteUnwindNew: output.FailUnwind, layout.SiteUnwindStop: output.FailUnwind,
	layout.SiteMissing: output.FailMissing, layout.SiteCall: output.FailCall, layout.SiteSignal: output.FailCall,
}

// errnoOf is what a helper answers when it fails: a hash without the element ENOENT (htab_map_delete_elem, kernel/bpf/hashtab.c), a read of memory
// that is not there EFAULT; 0 where that is not known, or no error: a look-up answers with a null pointer.
func errnoOf(site *layout.Site) syscall.Errno {
	switch {
	case site.Kind == layout.SiteRead:
		return syscall.EFAULT
	case site.Kind == layout.SiteMissing && site.Helper == "map_delete_elem":
		return syscall.ENOENT
	}
	return 0
}

// Failures are what failed until now: events that were lost, maps that were full, reads that failed, each with its place in the
// script; and, once a run has ended, what its probes missed. It may be called from any goroutine, also after Close.
func (s *Session) Failures() ([]output.Failure, error) {
	s.mapsMu.Lock()
	defer s.mapsMu.Unlock()
	if s.closed {
		return s.failed, nil
	}
	return s.listFailures()
}

func (s *Session) listFailures() ([]output.Failure, error) {
	counts, err := s.failures()
	if err != nil {
		return nil, err
	}
	var list []output.Failure
	for _, site := range s.bp.Sites {
		if site.Counters() > 1 {
			list = append(list, s.failedUpdates(counts, site)...)
			continue
		}
		n, text := counts.sum(site), failureTexts[site.Kind]
		if n == 0 || text == nil {
			continue
		}
		message, hint := text(s, n, site)
		list = append(list, output.Failure{
			Kind: failureKinds[site.Kind], Count: n, Helper: site.Helper, Errno: errnoOf(site),
			Diagnostic: warning(site.Pos, "runtime", message, hint),
		})
	}
	for _, m := range s.bp.Checked.Maps {
		if sm := s.scriptMaps[m]; sm != nil && sm.allUnset() > 0 {
			n := sm.allUnset()
			list = append(list, output.Failure{Kind: output.FailMapFull, Count: n, Diagnostic: warning(m.Pos, "runtime",
				fmt.Sprintf("zero(@%s) could not set %s: the map was full, or the kernel had no memory", m.Name, times(n, "element", "elements")),
				fmt.Sprintf("make it larger: let @%s = hash(%d)", m.Name, 4*max(m.MaxEntries, 1)))})
		}
	}
	list = append(list, s.unwindLosses()...)
	if s.detached {
		list = append(list, s.missedRuns()...)
	}
	return list, nil
}

// unwindLosses are what the tables for unwinding had no room for.
func (s *Session) unwindLosses() (list []output.Failure) {
	lost := s.unwind.Losses()
	add := func(n uint64, message string) {
		if n > 0 {
			list = append(list, output.Failure{Kind: output.FailUnwind, Count: n, Diagnostic: warning(source.Pos{}, "runtime", message, "trace fewer processes: -p PID")})
		}
	}
	add(lost.FileCount, fmt.Sprintf("the tables for unwinding had no room for %s, whose code is followed by frame pointers: %s",
		times(lost.FileCount, "file", "files"), strings.Join(lost.Files, ", ")))
	add(lost.Processes, fmt.Sprintf("the tables for unwinding had no room for %s", times(lost.Processes, "process", "processes")))
	return list
}

// reportFailures tells everything that failed in the kernel, with its place in the script.
func (s *Session) reportFailures() {
	list, err := s.Failures()
	switch {
	case err != nil:
		s.warn(source.Diagnostics{warning(source.Pos{}, "runtime", err.Error(), "")})
	case len(list) > 0:
		s.tell(output.Failures{List: list, Source: s.bp.Checked.Source})
	}
}

// warn tells warnings.
func (s *Session) warn(ds source.Diagnostics) {
	if len(ds) > 0 {
		s.tell(output.Warnings{Diagnostics: ds, Source: s.bp.Checked.Source})
	}
}

// note tells a detail.
func (s *Session) note(format string, args ...any) {
	s.tell(output.Note{Text: fmt.Sprintf(format, args...)})
}

// tell tells something without which the run goes on all the same.
func (s *Session) tell(e output.Event) {
	s.tellMu.Lock()
	defer s.tellMu.Unlock()
	_ = s.sink.Event(e)
}

func warning(pos source.Pos, code, message, hint string) source.Diagnostic {
	return warningAt(source.Span{Pos: pos, EndPos: pos}, code, message, hint)
}

func warningAt(span source.Span, code, message, hint string) source.Diagnostic {
	return source.Diagnostic{
		Span:     span,
		Severity: source.SevWarning,
		Code:     code,
		Message:  message,
		Hint:     hint,
	}
}

// reportChild says how the command of -c ended, with -v.
func (s *Session) reportChild() error {
	c := s.opts.child
	if c == nil || !s.poll.ended || !s.opts.Verbose {
		return nil
	}
	how, err := c.Wait()
	if err != nil {
		return err
	}
	s.note("%s %s", c.argv[0], how)
	return nil
}

// showPrograms lists the programs with what they cost to load, for -v.
func (s *Session) showPrograms() {
	for _, p := range s.programs {
		text := fmt.Sprintf("%s: %d instructions", p.spec.Name, len(p.spec.Insns))
		if info, err := p.prog.Info(); err == nil {
			if n, ok := info.VerifiedInstructions(); ok {
				text += fmt.Sprintf(", %d verified", n)
			}
			if size, err := info.JitedSize(); err == nil {
				text += fmt.Sprintf(", %d bytes of machine code", size)
			}
		}
		s.note("%s, loaded in %v", text, p.took)
	}
}
