package builtin

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
