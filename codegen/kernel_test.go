package codegen

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
	"github.com/cilium/ebpf/rlimit"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/kernel"
	"github.com/gotrace/gotrace/lang/langtest"
	"github.com/gotrace/gotrace/lang/source"
)

// kernelEnv is the made-up machine with the version and the CPUs of the running kernel, and no knowledge of its types.
func kernelEnv(t testing.TB) *langtest.Env {
	t.Helper()
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Fatal(err)
	}
	var major, minor uint32
	if _, err := fmt.Sscanf(string(release), "%d.%d", &major, &minor); err != nil {
		t.Fatal(err)
	}
	env := langtest.New()
	env.KernelInfo = &kernel.Kernel{
		Version: major<<16 | minor<<8, Arch: "amd64", PossibleCPUs: ebpf.MustPossibleCPU(), OnlineCPUs: ebpf.MustPossibleCPU(),
	}
	return env
}

// compiled makes the blueprint of a script, with the IR verified at every stage.
func compiled(t testing.TB, script string, env lang.Env) *Blueprint {
	t.Helper()
	return compiledWith(t, script, env, Options{})
}

// compiledWith is compiled with options.
func compiledWith(t testing.TB, script string, env lang.Env, opts Options) *Blueprint {
	t.Helper()
	opts.Dump = func(stage string, text fmt.Stringer) {
		p := text.(*ir.Program)
		if err := ir.Verify(p); err != nil {
			t.Errorf("%s: after %s: %v\n%s", script, stage, err, p)
		}
	}
	bp, err := Compile(checkedFor(t, script, env), env, &opts)
	var limit *Error
	if errors.As(err, &limit) && limit.Needs != 0 {
		t.Skipf("SKIPPED: %v", err)
	}
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return bp
}

// checkedFor is a script that the checker accepts.
func checkedFor(t testing.TB, script string, env lang.Env) *lang.Checked {
	t.Helper()
	src := &source.Source{Name: "test", Text: []byte(script)}
	file, diags := lang.Parse(src, nil)
	if !diags.HasErrors() {
		var c *lang.Checked
		if c, diags = lang.Check(file, src, env, nil); !diags.HasErrors() {
			return c
		}
	}
	var b strings.Builder
	diags.Write(&b, src, false)
	t.Fatal(b.String())
	return nil
}

// session is a script in the kernel, whose programs run only when the test says so.
type session struct {
	t     testing.TB
	bp    *Blueprint
	maps  map[string]*ebpf.Map
	progs []*ebpf.Program
}

// needKernel skips a test that may not load programs.
func needKernel(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: loading eBPF programs needs root")
	}
}

// inKernel loads a script of raw tracepoint probes.
func inKernel(t testing.TB, script string) *session {
	t.Helper()
	return inKernelWith(t, script, Options{})
}

// inKernelWith is inKernel with options.
func inKernelWith(t testing.TB, script string, opts Options) *session {
	t.Helper()
	needKernel(t)
	if err := rlimit.RemoveMemlock(); err != nil {
		t.Fatal(err)
	}
	s := &session{t: t, bp: compiledWith(t, script, kernelEnv(t), opts), maps: map[string]*ebpf.Map{}}
	for _, m := range s.bp.Maps {
		if m.In == "" {
			s.createMap(m)
		}
	}
	for _, p := range s.bp.Programs {
		s.load(script, p)
	}
	return s
}

func (s *session) createMap(m *layout.MapSpec) {
	s.t.Helper()
	spec := &ebpf.MapSpec{Type: m.Type, KeySize: uint32(m.KeySize), ValueSize: uint32(m.ValueSize), MaxEntries: uint32(m.MaxEntries), Flags: m.Flags}
	if m.Type == ebpf.RingBuf {
		spec.MaxEntries = 1 << 16
	}
	em, err := ebpf.NewMap(spec)
	if err != nil {
		s.t.Fatalf("creating %s: %v", m.Name, err)
	}
	s.t.Cleanup(func() { em.Close() })
	s.maps[m.Name] = em
}

func (s *session) load(script string, p *Program) {
	s.t.Helper()
	for i := range p.Insns {
		if ref := p.Insns[i].Reference(); ref != "" && p.Insns[i].IsLoadFromMap() {
			if err := p.Insns[i].AssociateMap(s.maps[ref]); err != nil {
				s.t.Fatalf("map %s: %v", ref, err)
			}
		}
	}
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.RawTracepoint, Instructions: p.Insns, License: p.License})
	if err != nil {
		var ve *ebpf.VerifierError
		if errors.As(err, &ve) {
			s.t.Fatalf("%s\n%v\n%+v", script, p.Insns, ve)
		}
		s.t.Fatalf("%s: %v", script, err)
	}
	s.t.Cleanup(func() { prog.Close() })
	s.progs = append(s.progs, prog)
}

// run runs a program once with the given arguments of its tracepoint.
func (s *session) run(prog int, args ...int64) {
	ctx := make([]byte, 8*12)
	for i, a := range args {
		binary.LittleEndian.PutUint64(ctx[8*i:], uint64(a))
	}
	if _, err := s.progs[prog].Run(&ebpf.RunOptions{Context: ctx}); err != nil {
		s.t.Errorf("running program %d: %v", prog, err)
	}
}

// words are the values of a map's element as 8-byte words, one slice a CPU.
func (s *session) words(name string, key int64) [][]uint64 {
	s.t.Helper()
	spec := s.spec(name)
	var perCPU [][]byte
	switch spec.Layout.Storage {
	case layout.StoragePerCPUHash:
		if err := s.maps[name].Lookup(word8(key), &perCPU); err != nil {
			s.t.Fatalf("reading %s: %v", name, err)
		}
	case layout.StorageHash:
		b, err := s.maps[name].LookupBytes(word8(key))
		if err != nil || b == nil {
			s.t.Fatalf("reading %s[%d]: %v %v", name, key, b, err)
		}
		perCPU = [][]byte{b}
	default:
		b, err := s.maps[spec.In].LookupBytes(uint32(0))
		if err != nil {
			s.t.Fatalf("reading %s: %v", name, err)
		}
		b = b[spec.Offset : spec.Offset+spec.ValueSize]
		if spec.Layout.Storage == layout.StorageGlobal {
			perCPU = [][]byte{b[:spec.Layout.Size]}
			break
		}
		for i := 0; i < len(b); i += spec.Layout.Stride {
			perCPU = append(perCPU, b[i:i+spec.Layout.Size])
		}
	}
	out := make([][]uint64, len(perCPU))
	for i, b := range perCPU {
		for ; len(b) >= 8; b = b[8:] {
			out[i] = append(out[i], binary.LittleEndian.Uint64(b))
		}
	}
	return out
}

// sum is words merged by addition.
func (s *session) sum(name string, key int64) []uint64 {
	s.t.Helper()
	all := s.words(name, key)
	out := make([]uint64, len(all[0]))
	for _, w := range all {
		for i := range out {
			out[i] += w[i]
		}
	}
	return out
}

func (s *session) spec(name string) *layout.MapSpec {
	for _, m := range s.bp.Maps {
		if m.Name == name {
			return m
		}
	}
	s.t.Fatalf("there is no map %s", name)
	return nil
}

// number is the number that a map without a key, or an element of one, holds.
func (s *session) number(name string, key int64) int64 {
	s.t.Helper()
	return int64(s.sum(name, key)[0])
}

func word8(n int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(n)) }

// failures are the counters that are not 0, by kind.
func (s *session) failures() map[layout.SiteKind]uint64 {
	s.t.Helper()
	out := map[layout.SiteKind]uint64{}
	m := s.maps[layout.MapFailures]
	if m == nil {
		return out
	}
	b, err := m.LookupBytes(uint32(0))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, site := range s.bp.Sites {
		for at := site.At; at < site.End(); at += 8 {
			if n := binary.LittleEndian.Uint64(b[at:]); n != 0 {
				out[site.Kind] += n
			}
		}
	}
	return out
}

// records are what is in the ring buffer.
func (s *session) records() [][]byte {
	s.t.Helper()
	r, err := ringbuf.NewReader(s.maps[layout.MapEvents])
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Close()
	var out [][]byte
	for r.AvailableBytes() > 0 {
		rec, err := r.Read()
		if err != nil {
			s.t.Fatal(err)
		}
		out = append(out, rec.RawSample)
	}
	return out
}
