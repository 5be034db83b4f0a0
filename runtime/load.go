package runtime

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"os"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/codegen"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
	"github.com/gotrace/gotrace/probes"
	"github.com/gotrace/gotrace/runtime/internal/joined"
	"github.com/gotrace/gotrace/runtime/internal/progname"
	"github.com/gotrace/gotrace/runtime/internal/progress"
	"github.com/gotrace/gotrace/runtime/internal/warm"
	"github.com/gotrace/gotrace/runtime/output"
)

// loadMaps creates the maps.
func (s *Session) loadMaps() error {
	s.unlimitMemory()
	s.maps = map[string]*ebpf.Map{}
	s.keyless = map[string][]byte{}
	s.scriptMaps = map[*lang.Map]*scriptMap{}
	for _, spec := range s.bp.Maps {
		if spec.In != "" {
			continue
		}
		m, err := s.createMap(spec)
		if err != nil {
			return err
		}
		s.maps[spec.Name] = m
		if spec.Name == layout.MapStacks && spec.Flags&unix.BPF_F_NO_PREALLOC != 0 {
			warm.Map(m, types.StackLost) // a number that no stack has
		}
		if spec.Init != nil {
			if err := m.Put(uint32(0), spec.Init); err != nil {
				return fmt.Errorf("filling map %s: %w", spec.Name, err)
			}
		}
	}
	if err := s.initGlobals(); err != nil {
		return err
	}
	for _, spec := range s.bp.Maps {
		if spec.Script == nil || spec.IsShort || spec.IsSecond {
			continue
		}
		m, err := s.newInstance(spec)
		if err == nil && spec.Swap != 0 {
			m.swap, err = s.newSwap(spec)
		}
		if err != nil {
			return err
		}
		s.scriptMaps[spec.Script] = m
	}
	return nil
}

// newInstance is a map of the script, or one of its two instances.
func (s *Session) newInstance(spec *layout.MapSpec) (*scriptMap, error) {
	m, err := newScriptMap(spec, s.maps[spec.Name])
	if err == nil && !m.keyed() {
		m.mem, err = s.globalMemory(spec)
	}
	if err == nil && spec.Short != nil {
		m.short, err = newScriptMap(spec.Short, s.maps[spec.Short.Name])
	}
	return m, err
}

// globalMemory is the memory of a map without a key: its place in a kernel map that others share, which is mapped once.
func (s *Session) globalMemory(spec *layout.MapSpec) ([]byte, error) {
	name := cmp.Or(spec.In, spec.Name)
	m, mem := s.maps[name], s.keyless[name]
	if m == nil {
		return nil, fmt.Errorf("map %s lies in %s, which does not exist", spec.Name, name)
	}
	if mem == nil {
		var err error
		if mem, err = s.mapMemory(m, int(m.ValueSize())); err != nil {
			return nil, err
		}
		s.keyless[name] = mem
	}
	end := spec.Offset + spec.ValueSize
	if end > len(mem) {
		return nil, fmt.Errorf("map %s does not fit the %d bytes of %s", spec.Name, len(mem), name)
	}
	return mem[spec.Offset:end:end], nil
}

// unlimitMemory raises the limit of locked memory, against which maps and programs count before Linux 5.11. Where that is not
// allowed the kernel says, for the map that finds no room, EPERM.
func (s *Session) unlimitMemory() {
	_ = unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY})
}

func (s *Session) createMap(spec *layout.MapSpec) (*ebpf.Map, error) {
	ms := &ebpf.MapSpec{
		Name:       kernelName(spec.Name),
		Type:       spec.Type,
		KeySize:    uint32(spec.KeySize),
		ValueSize:  uint32(spec.ValueSize),
		MaxEntries: uint32(spec.MaxEntries),
		Flags:      spec.Flags,
	}
	if spec.Type == ebpf.RingBuf && ms.MaxEntries == 0 {
		ms.MaxEntries = uint32(ringSize(s.bp.Checked.Config.PerfRBPages))
		if err := s.checkRecords(int(ms.MaxEntries)); err != nil {
			return nil, err
		}
	}
	m, err := ebpf.NewMap(ms)
	if err == nil {
		return m, nil
	}
	err = fmt.Errorf("creating map %s: %w%s", spec.Name, err, probes.WhyDenied(err))
	if spec.Script == nil {
		return nil, err
	}
	return nil, errorAt(source.Diagnostic{
		Span:    source.Span{Pos: spec.Script.Pos, EndPos: spec.Script.Pos},
		Code:    "map-create",
		Message: err.Error(),
	}, err)
}

// checkRecords reports an event that the ring buffer could never hold.
func (s *Session) checkRecords(ring int) error {
	for _, ev := range s.bp.Events {
		if ev.Size+ringHeader < ring {
			continue
		}
		pages := nextPowerOfTwo(2*(ev.Size+ringHeader)) / os.Getpagesize()
		return errorAt(source.Diagnostic{
			Span:    source.Span{Pos: ev.Pos, EndPos: ev.Pos},
			Code:    "record-size",
			Message: fmt.Sprintf("a record of this has %d bytes, the ring buffer %d", ev.Size, ring),
			Hint:    fmt.Sprintf("make it larger: config = { perf_rb_pages = %d }", pages),
		}, errRecordSize)
	}
	return nil
}

var errRecordSize = errors.New("a record is larger than the ring buffer")

// kernelName is a name as bpftool shows it: at most 15 characters of [A-Za-z0-9_.], and no '@'.
func kernelName(name string) string {
	name = strings.TrimPrefix(name, "@")
	if name == "" {
		name = "_"
	}
	return name[:min(len(name), unix.BPF_OBJ_NAME_LEN-1)]
}

// The ring buffer's size in bytes when the script does not set it: room for a hundred thousand small records, but no more
// than a 64th of the memory. More would show: each megabyte takes the kernel 0.7 ms to set up and counts as the process's memory.
const (
	ringDefault = 2 << 20
	ringFloor   = 256 << 10
)

// ringSize is the size of the ring buffer for the script's perf_rb_pages setting, 0 if it has none. The
// kernel wants a power of two of whole pages.
func ringSize(pages int) int {
	page := os.Getpagesize()
	if pages > 0 {
		return nextPowerOfTwo(min(pages, 1<<30/page) * page)
	}
	var info unix.Sysinfo_t
	size := ringDefault
	if unix.Sysinfo(&info) == nil {
		size = min(size, int(uint64(info.Totalram)*uint64(info.Unit)/64))
	}
	return nextPowerOfTwo(max(size, ringFloor, page))
}

func nextPowerOfTwo(n int) int { return 1 << bits.Len(uint(n-1)) }

// initGlobals sets what programs read before the first one runs.
func (s *Session) initGlobals() error {
	m := s.maps[layout.MapGlobals]
	if m == nil {
		return nil
	}
	b, err := s.mapMemory(m, int(m.ValueSize()))
	if err != nil {
		return err
	}
	if len(b) < layout.GlobalsSize(0) {
		return fmt.Errorf("map %s has only %d bytes", layout.MapGlobals, len(b))
	}
	s.globals = b
	putU64(b[layout.GlobalStartNS:], uint64(clockNS(unix.CLOCK_BOOTTIME)))
	putU64(b[layout.GlobalTAI:], uint64(clockNS(unix.CLOCK_TAI)-clockNS(unix.CLOCK_BOOTTIME)))
	return s.loops.open(m)
}

// loadAlone is how many programs are worth a thread of their own to load them.
const loadAlone = 4

// loadPrograms loads the programs, side by side: the verifier takes no lock for privileged users. The error is that
// of the first program in the script that has one.
func (s *Session) loadPrograms() error {
	list := make([]*loaded, len(s.bp.Programs))
	errs := make([]error, len(s.bp.Programs))
	for i, p := range s.bp.Programs {
		list[i] = &loaded{spec: p, number: i + 1}
		if pos, ok := p.TooManyBranches(); ok {
			return tooManyBranches(pos)
		}
		if p.Prog.Kind.Once {
			continue
		}
		plan, err := s.newPlan(p) // not side by side: the environment is for one goroutine
		var lacking *lang.MissingError
		switch {
		case errors.As(err, &lacking) && s.mayMiss(s.at(p, err)):
			list[i].absent, s.missed = true, cmp.Or(s.missed, s.at(p, err))
		case err != nil:
			return s.at(p, err)
		}
		list[i].plan = plan
	}
	if err := s.joinSessions(list); err != nil {
		return err
	}
	var (
		next atomic.Int64
		wg   sync.WaitGroup
	)
	task := progress.Start(s.ctx, output.StageLoad, len(list), s.tell)
	work := func() {
		for i := next.Add(1) - 1; i < int64(len(list)) && s.ctx.Err() == nil; i = next.Add(1) - 1 {
			if list[i].prog == nil && !list[i].absent {
				errs[i] = s.loadProgram(list[i])
			}
			task.Add(1)
		}
	}
	for range min(goruntime.GOMAXPROCS(0), len(list)/loadAlone) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	task.End()
	for i, l := range list {
		if l.prog != nil {
			s.programs = append(s.programs, l)
		}
		var refused *probes.TargetError
		switch {
		case errs[i] == nil:
		case s.skip(l.spec, errs[i]):
			errs[i] = nil
		case errors.As(errs[i], &refused) && s.mayMiss(errs[i]):
			errs[i], s.missed = nil, cmp.Or(s.missed, errs[i])
		}
	}
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		s.showLog(s.bp.Programs[i], errs[i])
		return errs[i]
	}
	if err := context.Cause(s.ctx); err != nil {
		return err
	}
	if s.opts.Verbose {
		s.showPrograms()
	}
	return nil
}

// joinSessions makes one program of a kprobe's and a kretprobe's that are on the same functions, if no other probe is on one of these: programs at one place fire in
// the order of the script. What cannot be loaded so is loaded apart.
func (s *Session) joinSessions(list []*loaded) error {
	if s.opts.plan != nil || s.opts.Env == nil {
		return nil
	}
	users := map[string]int{} // programs on a function, by the kind of probe and the function
	first := map[string]*loaded{}
	for _, l := range list {
		for i := range l.spec.Prog.Targets {
			key := sessionKey(l.spec.Prog.Kind.Name, &l.spec.Prog.Targets[i])
			users[key]++
			first[key] = l
		}
	}
	for _, entry := range list {
		targets := entry.spec.Prog.Targets
		if entry.spec.Prog.Kind.Name != "kprobe" || usesRegisters(entry.spec) {
			continue
		}
		ret := first[sessionKey("kretprobe", &targets[0])]
		shared := ret == nil || usesRegisters(ret.spec)
		for i := range targets {
			shared = shared || users[sessionKey("kprobe", &targets[i])] > 1 || users[sessionKey("kretprobe", &targets[i])] > 1
		}
		if shared {
			continue
		}
		if err := s.joinSession(entry, ret); err != nil {
			return err
		}
	}
	return nil
}

func sessionKey(kind string, t *lang.Target) string { return kind + ":" + t.Func }

// joinSession joins two programs, if the kernel takes them so.
func (s *Session) joinSession(entry, ret *loaded) error {
	plan, isReturn, err := s.opts.Env.PlanSession(entry.spec.Prog.Targets, ret.spec.Prog.Targets)
	if plan == nil || err != nil {
		return err
	}
	insns, ok := joined.Programs(entry.spec.Insns, ret.spec.Insns, isReturn)
	if !ok {
		return nil
	}
	both := &loaded{plan: plan, number: entry.number, spec: &codegen.Program{Name: entry.spec.Name, Prog: entry.spec.Prog, Type: entry.spec.Type, License: entry.spec.License, Insns: insns}}
	if err := s.loadProgram(both); err != nil {
		s.note("kprobe.session is not used: %v", err)
		return nil
	}
	entry.prog, entry.plan, entry.took, entry.returns, ret.absent = both.prog, plan, both.took, ret.spec, true
	return nil
}

// usesRegisters says whether a program asks for more of a kprobe than a session has: all registers, which newer kernels do not save for it, or another
// return from the function.
func usesRegisters(p *codegen.Program) bool {
	found := false
	for _, part := range p.Prog.Parts() {
		ast.Inspect(part, func(n source.Node) bool {
			if c, ok := n.(*ast.Call); ok && (c.Name == "reg" || c.Name == "override") {
				found = true
			}
			return !found
		})
	}
	return found
}

func (s *Session) loadProgram(l *loaded) error {
	p := l.spec
	name, whole := progname.Of(p.Prog, l.number)
	spec := &ebpf.ProgramSpec{
		Name:    name,
		Type:    p.Type,
		License: p.License,
	}
	insns, err := s.withMaps(p.Insns)
	if err != nil {
		return fmt.Errorf("program %s: %w", p.Name, err)
	}
	needed := btf.FuncMetadata(&insns[0]) != nil // else it is for the name alone
	insns[0] = btf.WithFuncMetadata(insns[0], progname.Describe(whole))
	spec.Instructions = insns
	load := ebpf.NewProgram
	if l.plan != nil {
		load = l.plan.Load
	}
	start := time.Now()
	l.prog, err = load(spec)
	if !needed && (errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) || errors.Is(err, unix.ENOMEM) || errors.Is(err, unix.EPERM)) {
		insns[0] = btf.WithFuncMetadata(insns[0], nil)
		l.prog, err = load(spec)
	}
	l.took = time.Since(start)
	if err != nil {
		return loadError(p, err)
	}
	return nil
}

// at gives an error the place of the program's probe in the script.
func (s *Session) at(p *codegen.Program, err error) error {
	message := err.Error()
	if why := probes.WhyDenied(err); why != "" && !strings.Contains(message, why) {
		message += why
	}
	span := attachSpan(p)
	var attach *probes.AttachError
	if errors.As(err, &attach) {
		span = targetSpan(p, &attach.Target)
	}
	return errorAt(source.Diagnostic{Span: span, Code: "attach", Message: message}, err)
}

// targetSpan is the place of the attach point that a target of the program is of.
func targetSpan(p *codegen.Program, t *lang.Target) source.Span {
	if t.Span.Pos.Line == 0 { // nobody has checked it: a test's
		return attachSpan(p)
	}
	return t.Span
}

// attachSpan is the place of a program's first attach point.
func attachSpan(p *codegen.Program) source.Span {
	if points := p.Prog.Probe.Points; len(points) > 0 {
		return points[0].Range()
	}
	return p.Prog.Probe.Range()
}

// withMaps returns a copy of the instructions in which references to maps by name are replaced by their descriptors.
func (s *Session) withMaps(insns asm.Instructions) (asm.Instructions, error) {
	out := make(asm.Instructions, len(insns))
	copy(out, insns)
	for i := range out {
		if !out[i].IsLoadFromMap() {
			continue
		}
		name := out[i].Reference()
		m, ok := s.maps[name]
		if !ok {
			return nil, fmt.Errorf("instruction %d refers to unknown map %q", i, name)
		}
		if err := out[i].AssociateMap(m); err != nil {
			return nil, fmt.Errorf("instruction %d: %w", i, err)
		}
	}
	return out, nil
}

// clockNS is the reading of a clock in nanoseconds, 0 if the kernel does not have it.
func clockNS(id int32) int64 {
	var ts unix.Timespec
	if unix.ClockGettime(id, &ts) != nil {
		return 0
	}
	return ts.Nano()
}

// putU64 stores v in the kernel's byte order.
func putU64(b []byte, v uint64) { binary.NativeEndian.PutUint64(b, v) }
