// Package probes finds what can be traced on this machine, tells the types of its arguments, and attaches
// programs to it. There is one file for each kind of probe and one table of them (providers), by the names of builtin.ProbeKinds.
//
// It imports lang, internal/symbols and internal/files, and the parsers under probes/internal, which know nothing of it. Package runtime
// uses it; it does not know codegen.
package probes

import (
	"fmt"
	"os"
	"slices"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/features"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/internal/symbols"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/ctypes"
	"github.com/gotrace/gotrace/lang/kernel"
	"github.com/gotrace/gotrace/lang/types"
	"github.com/gotrace/gotrace/probes/internal/kconfig"
	"github.com/gotrace/gotrace/probes/user"
)

// EnvOptions are the settings of an Env.
type EnvOptions struct {
	PID       int      // -p: uprobes and profile probes are attached to this process alone; 0 for all
	DebugInfo []string // --debuginfo: where debug files of binaries are
	Child     int      // -c: watchpoints at addresses of a process are on this one; 0 for none
	// Command is the path of the program that -c runs, whose files are meant where none are named.
	Command string
	Unsafe  bool   // --unsafe: probes that only the user can know to be right
	BTF     string // a file with the kernel's types, "" for the kernel's own
	// Functions is a file in the form of available_filter_functions that has the functions of the kernel which wildcards and lists mean,
	// "": the kernel's own list.
	Functions string
	// Without are ways of attaching that are not used though the kernel has them: see Features.
	Without []string
}

// Features are what EnvOptions.Without may name.
var Features = []string{"kprobe_multi", "kprobe_session", "syscall_tracepoints", "uprobe_multi"}

// OnFailure has f called, from another goroutine, when a program that this process runs by itself, an interval's, cannot be run. What failed is
// the error of closing its attachment. It must be called before anything is attached.
func (e *Env) OnFailure(f func()) { e.onFailure = f }

// OnDone has f called, from another goroutine, when an iterator has seen all objects. It must be called before anything is attached.
func (e *Env) OnDone(f func()) { e.onDone = f }

// Env is this machine, as the checker and the code generator see it. It implements lang.Env. It is not safe for
// use by several goroutines at once.
type Env struct {
	opts      EnvOptions
	onFailure func()
	onDone    func()

	kernel *kernel.Kernel

	types    *kernelTypes // the kernel's
	typesErr error
	modules  map[string]*kernelTypes // by name
	handles  map[string]*btf.Handle  // of modules' types, by name
	// programBTF are the types of BPF programs, by their numbers.
	programBTF map[uint32]*kernelTypes
	found      map[string]types.Type // what Type found, by keyword and name

	tracefsOnce sync.Once
	tracefsPath string
	tracefsErr  error
	functions   *functionIndex
	places      []kernelPlace
	near        struct { // what symbolsNear found last
		name  string
		found []symbols.KernelSymbol
	}
	allowed map[string]bool // what kfuncAllowed found, by function and kind of probe
	user    *user.Programs
	clock   *clock // runs interval probes; nil until there is one

	// What the kernel can do, tried when it is first needed.
	kprobeMulti, kprobeSession, uprobeMulti func() bool
}

var _ lang.Env = (*Env)(nil)

// NewEnv looks at the machine. It reads little: types, functions and events are looked up when they are asked for.
func NewEnv(opts EnvOptions) (*Env, error) {
	version, err := kernelVersion()
	if err != nil {
		return nil, err
	}
	possible, err := ebpf.PossibleCPU()
	if err != nil {
		return nil, fmt.Errorf("counting the possible CPUs: %w", err)
	}
	e := &Env{opts: opts}
	e.kprobeMulti = sync.OnceValue(func() bool { return !slices.Contains(opts.Without, "kprobe_multi") && haveKprobeMulti() })
	e.kprobeSession = sync.OnceValue(func() bool {
		return !slices.Contains(opts.Without, "kprobe_session") && e.kfunc(sessionIsReturn) != 0 && e.kprobeMulti() && features.HaveBPFLinkKprobeSession() == nil
	})
	e.uprobeMulti = sync.OnceValue(func() bool { return !slices.Contains(opts.Without, "uprobe_multi") && haveUprobeMulti() })
	e.kernel = &kernel.Kernel{
		Version:      version,
		Arch:         goarch,
		PossibleCPUs: possible,
		OnlineCPUs:   len(onlineCPUs()),
		BTF:          opts.BTF == "" && exists(btfDir+"/vmlinux"),
		PidNS:        pidNamespace(),
		Config:       kconfig.Reader(kernelRelease()),
	}
	e.user = user.New(user.Options{PID: opts.PID, Command: opts.Command, Unsafe: opts.Unsafe, DebugInfo: opts.DebugInfo, Arch: goarch})
	e.kernel.Injectable, e.kernel.Kfunc, e.kernel.KfuncAllowed = e.injectable, e.kfunc, e.kfuncAllowed
	e.kernel.PerCPU, e.kernel.Address, e.kernel.CgroupID = e.perCPU, e.address, e.cgroupID
	e.kernel.FindCast, e.kernel.FindTask = e.rdonlyCast, e.taskStruct
	e.kernel.TypesErr = func() error {
		_, err := e.vmlinux()
		return err
	}
	return e, nil
}

// Kernel says what the kernel can do.
func (e *Env) Kernel() *kernel.Kernel { return e.kernel }

// provider is how a kind of probe is found and attached.
type provider struct {
	// resolve finds the targets of an attach point.
	resolve func(e *Env, ap *ast.AttachPoint) ([]lang.Target, error)
	// list finds the probes of this kind that match a pattern of parts, for -l, sorted. nil: the kind has no list.
	list func(kind *builtin.ProbeKind, e *Env, parts []string) ([]Listed, error)
	// args gives the types of a target's arguments. nil: it has none.
	args func(e *Env, t *lang.Target) (*types.Struct, types.Type, error)
	// lines describes a target's arguments for -lv. nil: nothing is known of them.
	lines func(e *Env, t *lang.Target) ([]string, error)
	// plan decides how a program is attached. nil: the runtime runs it itself (begin, end).
	plan func(e *Env, targets []lang.Target) (*Plan, error)
}

// providers is the table of probe kinds, by the names that they have in builtin.ProbeKinds.
var providers = map[string]*provider{
	"begin":    {resolve: resolveOnce},
	"end":      {resolve: resolveOnce},
	"self":     {resolve: resolveSelf},
	"test":     {resolve: resolveNamed},
	"bench":    {resolve: resolveNamed},
	"interval": {resolve: resolveTimer, list: listTimers, plan: planInterval},
	"profile":  {resolve: resolveTimer, list: listTimers, plan: planProfile},
	"tracepoint": {resolve: resolveTracepoint, list: listTracepoints, args: tracepointArgs,
		lines: tracepointLines, plan: planTracepoint},
	"rawtracepoint": {resolve: resolveRawTracepoint, list: listRawTracepoints, args: rawTracepointArgs,
		lines: rawTracepointLines, plan: planRawTracepoint},
	"software":   {resolve: resolveCounter, list: listCounters, plan: planCounter},
	"hardware":   {resolve: resolveCounter, list: listCounters, plan: planCounter},
	"iter":       {resolve: resolveIter, list: listIter, args: iterArgs, lines: iterLines, plan: planIter},
	"watchpoint": {resolve: resolveWatchpoint, plan: planWatchpoint}, "asyncwatchpoint": {resolve: resolveWatchpoint, plan: planWatchpoint},
	"fentry":    {resolve: resolveFentry, list: listFentry, args: fentryArgs, lines: fentryLines, plan: planFentry},
	"fexit":     {resolve: resolveFentry, list: listFentry, args: fentryArgs, lines: fentryLines, plan: planFentry},
	"kprobe":    {resolve: resolveKprobe, list: listKprobes, args: kprobeArgs, lines: kprobeLines, plan: planKprobe},
	"kretprobe": {resolve: resolveKprobe, list: listKprobes, args: kprobeArgs, lines: kretprobeLines, plan: planKprobe},
	"uprobe":    userProvider((*user.Programs).ResolveUprobe, (*user.Programs).ListUprobes),
	"uretprobe": userProvider((*user.Programs).ResolveUprobe, (*user.Programs).ListUprobes),
	"usdt":      userProvider((*user.Programs).ResolveUSDT, (*user.Programs).ListUSDT),
}

// Resolve finds what an attach point stands for.
func (e *Env) Resolve(ap *ast.AttachPoint) ([]lang.Target, error) {
	kind := builtin.ProbeKindByName(ap.Provider)
	if kind == nil {
		return nil, &lang.NotFoundError{What: fmt.Sprintf("probe type %q", ap.Provider), Near: nearest(ap.Provider, kindNames())}
	}
	targets, err := providers[kind.Name].resolve(e, ap)
	wildcard := slices.ContainsFunc(ap.Parts, isPattern)
	for i := range targets {
		targets[i].Wildcard = wildcard
		if ap.Name != "" {
			targets[i].Name = ap.Name
		}
	}
	return targets, err
}

func kindNames() []string {
	var names []string
	for _, k := range builtin.KindsWith(builtin.Anything) {
		names = append(names, k.Name)
		names = append(names, k.Aliases...)
	}
	return names
}

// Args returns the args struct of a target and the type of its return value, each nil if it is not known.
func (e *Env) Args(t *lang.Target) (*types.Struct, types.Type, error) {
	p := providers[t.Kind.Name]
	if p == nil || p.args == nil {
		return nil, nil, nil
	}
	return p.args(e, t)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// initialPidNS is the inode of the first pid namespace (PROC_PID_INIT_INO, include/linux/proc_ns.h).
const initialPidNS = 0xEFFFFFFC

// pidNamespace is set where gotrace runs in a pid namespace of its own: pids then are those of that namespace.
func pidNamespace() *kernel.PidNS {
	var st unix.Stat_t
	if unix.Stat("/proc/self/ns/pid", &st) != nil || st.Ino == initialPidNS {
		return nil
	}
	return &kernel.PidNS{Dev: st.Dev, Ino: st.Ino}
}

// Headers are the places where a script's #include finds files on this machine.
func Headers(dirs, files []string, sources, build string) *ctypes.Headers {
	return &ctypes.Headers{
		Dirs: dirs, Files: files, Read: ctypes.ReadHeader,
		System: ctypes.SystemHeaders(goarch), Kernel: ctypes.KernelHeaders(goarch, kernelRelease(), sources, build),
	}
}

// resolveSelf is a signal to gotrace. The others end it, or are the business of Go's runtime.
func resolveSelf(_ *Env, ap *ast.AttachPoint) ([]lang.Target, error) {
	if len(ap.Parts) != 2 || ap.Parts[0] != "signal" || ap.Parts[1] != "SIGUSR1" {
		return nil, fmt.Errorf("a self probe is self:signal:SIGUSR1")
	}
	return []lang.Target{{Kind: builtin.ProbeKindByName(ap.Provider), Name: "self:signal:SIGUSR1", Event: ap.Parts[1]}}, nil
}

// resolveNamed is test and bench, whose names the script makes up.
func resolveNamed(_ *Env, ap *ast.AttachPoint) ([]lang.Target, error) {
	if len(ap.Parts) != 1 || ap.Parts[0] == "" {
		return nil, fmt.Errorf("%s takes a name: %s:NAME", ap.Provider, ap.Provider)
	}
	return []lang.Target{{Kind: builtin.ProbeKindByName(ap.Provider), Name: ap.Provider + ":" + ap.Parts[0], Event: ap.Parts[0]}}, nil
}

// resolveOnce is begin and end.
func resolveOnce(_ *Env, ap *ast.AttachPoint) ([]lang.Target, error) {
	if len(ap.Parts) > 0 {
		return nil, fmt.Errorf("%s takes no arguments", ap.Provider)
	}
	return []lang.Target{{Kind: builtin.ProbeKindByName(ap.Provider), Name: ap.Provider}}, nil
}
