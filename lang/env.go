package lang

// Env is what the checker and the code generator know of the machine a script is compiled for.
// Package probes makes the real one; tests have a fake one. Every answer must be
// the same for the same question, so that the same script gives the same program.
type Env interface {
	// Resolve finds what an attach point stands for, wildcards expanded. Targets are in a stable order.
	// An error says in one sentence what is wrong; Suggest of a *NotFoundError names near names.
	Resolve(ap *AttachPoint) ([]Target, error)
	// Args returns the `args` struct of a target, nil if it has none; for return probes with
	// a known return type, Retval is its type (else nil).
	Args(t *Target) (args *Struct, retval Type, err error)
	// Type finds a type by keyword ("struct", "union", "enum" or "" for typedefs and base types) and name.
	Type(keyword, name string) (Type, bool)
	// EnumConst finds an enumeration constant of the kernel.
	EnumConst(name string) (Int, int64, bool)
	// Near returns up to three names of the kind ("struct", "field:task_struct", …) near to name.
	Near(kind, name string) []string
	// Kernel says what the kernel can do.
	Kernel() *Kernel
}

// Kernel is the part of a kernel's features that changes the code made for it.
type Kernel struct {
	Version      uint32  // major<<16 | minor<<8 | patch, as KERNEL_VERSION of linux/version.h
	Arch         string  // GOARCH: amd64, arm64
	PossibleCPUs int     // size of per-CPU memory
	OnlineCPUs   int     // what `ncpus` says
	BTF          bool    // vmlinux BTF is there, and so bpf_get_current_task_btf (5.11)
	RdonlyCast   uint32  // BTF id of the kfunc bpf_rdonly_cast (6.2), 0 if it is missing; read by Cast
	TaskStruct   *Struct // read by Task
	// FindCast and FindTask give RdonlyCast and TaskStruct when they are first asked for: to look for one among the kernel's
	// types takes a millisecond, and many scripts need neither. nil if it is set already.
	FindCast func() uint32
	FindTask func() *Struct
	// TypesErr says why the kernel's types cannot be read, nil if they can. nil: they can.
	TypesErr func() error
	// Config is a setting of the kernel's build, without CONFIG_: "y", "m", a number or a string in quotes. nil: not known.
	Config func(name string) (string, bool)
	PidNS  *PidNS // set when gotrace does not run in the first pid namespace
}

// PidNS is the device and inode of a pid namespace (nsfs), for bpf_get_ns_pid_tgid.
type PidNS struct{ Dev, Ino uint64 }

// Cast is the BTF id of bpf_rdonly_cast, 0 if the kernel has none.
func (k *Kernel) Cast() uint32 {
	if f := k.FindCast; f != nil {
		k.RdonlyCast, k.FindCast = f(), nil
	}
	return k.RdonlyCast
}

// Task is struct task_struct, nil without BTF.
func (k *Kernel) Task() *Struct {
	if f := k.FindTask; f != nil {
		k.TaskStruct, k.FindTask = f(), nil
	}
	return k.TaskStruct
}

// AtLeast says whether the kernel is major.minor or newer.
func (k *Kernel) AtLeast(major, minor uint32) bool { return k.Version >= major<<16|minor<<8 }

// Context is the kind of context a program of a probe kind gets.
type Context uint8

// The contexts.
const (
	CtxNone       Context = iota // BEGIN, END, interval: nothing to read
	CtxRegs                      // struct pt_regs (kprobe, uprobe)
	CtxTracepoint                // the tracepoint's record, as its format file tells
	CtxRawArgs                   // an array of u64 arguments (raw tracepoint)
	CtxPerf                      // struct bpf_perf_event_data (profile)
	CtxTracing                   // typed arguments (fentry, fexit; BTF raw tracepoints)
)

// ProbeKind is what the language knows of a kind of probe. How it is found and attached is package probes'.
type ProbeKind struct {
	Name    string   // canonical: "kprobe"
	Aliases []string // "k"
	Context Context
	Return  bool // has retval (kretprobe, uretprobe)
	ArgN    bool // has arg0 … argN
	Args    bool // may have args
	User    bool // pointers are user space's by default (uprobe)
	Func    bool // has func
	Once    bool // runs once, by gotrace itself: BEGIN, END
	Timed   bool // run by gotrace itself, in time: interval
}

// ProbeKinds is the table of probe kinds, in the order in which `-l` lists them.
var ProbeKinds = []*ProbeKind{
	{Name: "begin", Aliases: []string{"BEGIN"}, Context: CtxNone, Once: true},
	{Name: "end", Aliases: []string{"END"}, Context: CtxNone, Once: true},
	{Name: "interval", Aliases: []string{"i"}, Context: CtxNone, Timed: true},
	{Name: "profile", Aliases: []string{"p"}, Context: CtxPerf},
	{Name: "tracepoint", Aliases: []string{"t"}, Context: CtxTracepoint, Args: true},
	{Name: "rawtracepoint", Aliases: []string{"rt"}, Context: CtxRawArgs, ArgN: true, Args: true},
	{Name: "kprobe", Aliases: []string{"k"}, Context: CtxRegs, ArgN: true, Func: true},
	{Name: "kretprobe", Aliases: []string{"kr"}, Context: CtxRegs, Return: true, Func: true},
	{Name: "uprobe", Aliases: []string{"u"}, Context: CtxRegs, ArgN: true, Args: true, User: true, Func: true},
	{Name: "uretprobe", Aliases: []string{"ur"}, Context: CtxRegs, Return: true, User: true, Func: true},
}

// ProbeKindByName finds a kind by name or alias, nil if there is none.
func ProbeKindByName(name string) *ProbeKind {
	for _, k := range ProbeKinds {
		if k.Name == name {
			return k
		}
		for _, a := range k.Aliases {
			if a == name {
				return k
			}
		}
	}
	return nil
}

// Target is one thing to attach to.
type Target struct {
	Kind *ProbeKind
	// Name is the full name, which `probe` gives: "kprobe:vfs_read", "BEGIN" (as it was written for begin and end).
	Name string

	Module   string // kprobe, rawtracepoint
	Func     string // kprobe, uprobe: symbol
	Offset   uint64 // kprobe, uprobe: +offset in the function
	Address  uint64 // uprobe by address (a virtual address as in the ELF file)
	Path     string // uprobe: absolute path of the binary
	Category string // tracepoint: "syscalls"
	Event    string // tracepoint, rawtracepoint: "sys_enter_openat"
	Period   uint64 // interval, profile: nanoseconds, or
	Hz       uint64 // interval, profile: frequency

	// Wildcard says that a pattern matched it: where such a target can not be attached, the others still are.
	Wildcard bool
	Go       bool   // uprobe: the Go compiler's code, whose arguments are not where C has them
	Copies   int    // kprobe: how many functions of the kernel have this name, as far as it is known
	I386     bool   // uprobe: 32-bit x86 code, which has its arguments on the stack
	Note     string // what the user should know of the target, "" for nothing
}

// NotFoundError says that an attach point matches nothing, and what is near to it.
type NotFoundError struct {
	What string   // "tracepoint syscalls:sys_enter_opennat", "function vfs_raed"
	Near []string // the nearest names, best first
}

func (e *NotFoundError) Error() string { return e.What + " does not exist" }
