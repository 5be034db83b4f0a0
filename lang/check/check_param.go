package check

import (
	"path"
	"slices"
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/getopt"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// options are the named parameters that the script has so far, and what the command line gives.
type options struct {
	byName map[string]*option
	list   []*getopt.Option
	given  getopt.Given
}

// option is a named parameter with the call that declared it first.
type option struct {
	getopt.Option
	pos source.Pos
}

func paramResults() map[string]func(c *checker, e *ast.Call) types.Type {
	return map[string]func(c *checker, e *ast.Call) types.Type{"getopt": (*checker).getopt}
}

// getopt is the value of a named parameter, which is known at compile time.
func (c *checker) getopt(e *ast.Call) types.Type {
	o, ok := c.option(e)
	if !ok {
		return nil
	}
	if c.options.given == nil {
		c.options.given = getopt.Read(c.opts.Named)
	}
	value, err := o.Value(c.options.given, parseParam)
	if err != nil {
		c.report(source.Errorf(e, "bad-parameter", "%v", err))
	}
	if value.Str != nil {
		return c.strConst(e, *value.Str)
	}
	c.p.Consts[e] = value
	return o.Type(value)
}

// option reads what a call of getopt() says of a parameter, and compares it with what others have said.
func (c *checker) option(e *ast.Call) (*option, bool) {
	name, ok := c.constText(e, 0)
	if !ok {
		return nil, false
	}
	if name == "" || strings.ContainsAny(name, "= \t\n") || strings.HasPrefix(name, "-") {
		c.report(source.Errorf(e.Args[0], "bad-parameter", "%q cannot be the name of an option", source.CutText(name)).WithHint("--NAME=VALUE is how it is given"))
		return nil, false
	}
	o := &option{Option: getopt.Option{Name: name}, pos: e.Pos}
	if len(e.Args) > 1 && !c.optionDefault(e, o) {
		return nil, false
	}
	if len(e.Args) > 2 {
		if o.Help, ok = c.constText(e, 2); !ok {
			return nil, false
		}
	}
	return c.declareOption(e, o)
}

// optionDefault reads the default, whose type is that of the parameter.
func (c *checker) optionDefault(e *ast.Call, o *option) bool {
	t := c.value(e.Args[1])
	if t == nil {
		return false
	}
	k, isConst := c.p.Consts[e.Args[1]]
	switch {
	case isConst && k.Str != nil:
		o.Kind = getopt.Text
	case isConst && types.Is(t, types.KindBool):
		o.Kind = getopt.Bool
	case isConst && types.Is(t, types.KindInt):
		o.Kind = getopt.Unsigned
		if integer(k, t).Sign() < 0 {
			o.Kind = getopt.Signed
		}
	default:
		c.report(errArgType(e.Args[1], e.Name, "a number, a text or a truth value known at compile time", t))
		return false
	}
	o.Default = k
	return true
}

// declareOption keeps a parameter. Several calls may ask for the same one, with the same default.
func (c *checker) declareOption(e *ast.Call, o *option) (*option, bool) {
	old := c.options.byName[o.Name]
	switch {
	case old == nil:
		if c.options.byName == nil {
			c.options.byName = map[string]*option{}
		}
		c.options.byName[o.Name] = o
		c.options.list = append(c.options.list, &o.Option)
		return o, true
	case old.Kind != o.Kind || old.DefaultText() != o.DefaultText():
		c.report(source.Errorf(e, "declared-twice", "--%s has the default %s here and %s elsewhere", o.Name, o.DefaultText(), old.DefaultText()).
			WithHint("the other is at line %d, column %d", old.pos.Line, old.pos.Column))
		return nil, false
	case o.Help != "" && old.Help != "" && o.Help != old.Help:
		c.report(source.Errorf(e, "declared-twice", "--%s is described in two ways", o.Name).
			WithHint("the other is at line %d, column %d", old.pos.Line, old.pos.Column))
		return nil, false
	}
	if old.Help == "" {
		old.Help = o.Help
	}
	return old, true
}

// finishOptions reports parameters of the command line that the script does not have. Probes that are not attached have theirs, too.
func (c *checker) finishOptions() {
	given := getopt.Read(c.opts.Named)
	c.out.Options = c.options.list
	_, asked := given[getopt.HelpName]
	c.out.HelpAsked = asked && c.options.byName[getopt.HelpName] == nil
	if len(given) == 0 || c.out.HelpAsked {
		return
	}
	known := c.unusedOptions()
	var unknown []string
	for name := range given {
		if c.options.byName[name] == nil && !known[name] {
			unknown = append(unknown, "--"+name)
		}
	}
	if len(unknown) == 0 {
		return
	}
	slices.Sort(unknown)
	d := source.Errorf(source.Span{}, "bad-parameter", "the script has no option %s", strings.Join(unknown, ", "))
	if names := getopt.Names(c.options.list); len(names) > 0 {
		d = d.WithHint("its options are %s; --help after -- tells more", strings.Join(names, ", "))
	} else {
		d = d.WithHint("it has none: getopt(\"name\") reads one")
	}
	c.diags = append(c.diags, d)
}

// unusedOptions are the names in calls of getopt() that were not checked, because nothing is attached there.
func (c *checker) unusedOptions() map[string]bool {
	names := map[string]bool{}
	for _, item := range c.file.Items {
		ast.Inspect(item, func(n source.Node) bool {
			if call, ok := n.(*ast.Call); ok && call.Name == "getopt" && len(call.Args) > 0 {
				if s, ok := call.Args[0].(*ast.StrLit); ok {
					names[s.Value] = true
				}
			}
			return true
		})
	}
	return names
}

// The kernel functions by which a program finds a task by its id, and gives it back.
const (
	TaskFromPID = "bpf_task_from_pid"
	TaskRelease = "bpf_task_release"
)

// comm is the name of the current thread, of a task, or of the thread with an id.
func (c *checker) comm(e *ast.Call) types.Type {
	if len(e.Args) == 0 {
		return c.callVariable(e)
	}
	t := types.Value(c.value(e.Args[0]))
	switch {
	case t == nil:
		return nil
	case types.Is(t, types.KindPointer):
		return c.taskCall(e)
	case !types.Is(t, types.KindInt):
		c.report(errArgType(e.Args[0], e.Name, "a thread id or a pointer to a struct task_struct", t))
		return nil
	}
	kernel := c.env.Kernel()
	switch {
	case kernel.FindKfunc(TaskFromPID) == 0 || kernel.FindKfunc(TaskRelease) == 0:
		c.report(source.Errorf(e, "kernel", "comm() of a thread id needs Linux 6.2 (%s)", TaskFromPID))
		return nil
	case !kernel.MayCall(TaskFromPID, c.p.Kind):
		c.report(source.Errorf(e, "kernel", "comm() of a thread id is not possible in %s probes: this kernel does not let them call %s", c.p.Kind.Name, TaskFromPID))
		return nil
	}
	return builtin.Find(e.Name).Type
}

// kfunc is kfunc_exist() or kfunc_allowed(), which are known at compile time.
func (c *checker) kfunc(e *ast.Call) types.Type {
	name, ok := c.constText(e, 0)
	if !ok {
		return nil
	}
	yes := c.env.Kernel().FindKfunc(name) != 0
	if yes && e.Name == "kfunc_allowed" {
		yes = c.env.Kernel().MayCall(name, c.p.Kind)
	}
	c.p.Consts[e] = types.Const{Int: types.Truth(yes)}
	return types.Bool{}
}

// cgroupid is the id of a cgroup that exists now.
func (c *checker) cgroupid(e *ast.Call) types.Type {
	name, ok := c.constText(e, 0)
	if !ok {
		return nil
	}
	find := c.env.Kernel().CgroupID
	if find == nil {
		c.report(source.Errorf(e, "bad-cgroup", "cgroups are not known here"))
		return nil
	}
	id, err := find(name)
	if err != nil {
		c.report(source.Errorf(e.Args[0], "bad-cgroup", "%v", err))
		return nil
	}
	c.p.Consts[e] = types.Const{Int: id}
	return types.TypeUint64
}

// cgroupPath takes an id, and a pattern for the names of hierarchies.
func (c *checker) cgroupPath(e *ast.Call) types.Type {
	if c.integer(e.Args[0]) == nil {
		return nil
	}
	var t types.CgroupPath
	if len(e.Args) > 1 {
		var ok bool
		if t.Filter, ok = c.constText(e, 1); !ok {
			return nil
		}
		if _, err := path.Match(t.Filter, ""); err != nil {
			c.report(source.Errorf(e.Args[1], "bad-pattern", "%q is no pattern: a bracket is not closed", source.CutText(t.Filter)))
			return nil
		}
	}
	return t
}

// perCPU is a pointer to a per-CPU variable of the kernel.
func (c *checker) perCPU(e *ast.Call) types.Type {
	name, ok := c.constText(e, 0)
	if len(e.Args) > 1 && c.integer(e.Args[1]) == nil || !ok {
		return nil
	}
	find := c.env.Kernel().PerCPU
	if find == nil {
		c.report(source.Errorf(e, "unknown-name", "the kernel's variables are not known here"))
		return nil
	}
	_, t, err := find(name)
	if err == nil {
		_, err = c.env.Kernel().Address(PerCPUOffsets)
	}
	if err != nil {
		c.report(source.Errorf(e.Args[0], "unknown-name", "%v", err))
		return nil
	}
	if t == nil {
		t = types.TypeUint64
	}
	return types.Pointer{Elem: t, Space: types.SpaceKernel}
}

// PerCPUOffsets is the kernel's array of what is added to the address of a per-CPU variable (include/asm-generic/percpu.h).
const PerCPUOffsets = "__per_cpu_offset"

// socketCookie takes a socket of the kernel: a struct sock, or one that begins with its struct sock_common.
func (c *checker) socketCookie(e *ast.Call) types.Type {
	t := c.value(e.Args[0])
	if t == nil {
		return nil
	}
	if s := structBehind(t); s == nil || !types.Is(t, types.KindPointer) || !isSocket(s) {
		c.report(c.withoutTypes(errArgType(e.Args[0], e.Name, "a pointer to a struct sock", t)))
		return nil
	}
	return types.TypeUint64
}

// isSocket says whether a struct is sock_common or begins with it.
func isSocket(s *types.Struct) bool {
	for s != nil {
		if s.Name == "sock_common" {
			return true
		}
		fields := s.Fields()
		if len(fields) == 0 || fields[0].Offset != 0 {
			return false
		}
		s, _ = fields[0].Type.(*types.Struct)
	}
	return false
}

// skbOutput writes what a pointer to a struct sk_buff stands for to a file.
func (c *checker) skbOutput(e *ast.Call) types.Type {
	path, known := c.constText(e, 0)
	t := c.value(e.Args[1])
	length, offset := c.integer(e.Args[2]), c.integer(e.Args[3])
	if !known || t == nil || length == nil || offset == nil {
		return nil
	}
	if path == "" {
		c.report(source.Errorf(e.Args[0], "bad-path", "%s() takes the path of the file to write, and this is empty", e.Name))
		return nil
	}
	if s := structBehind(t); s == nil || !types.Is(t, types.KindPointer) || s.Name != "sk_buff" {
		c.report(c.withoutTypes(errArgType(e.Args[1], e.Name, "a pointer to a struct sk_buff", t)))
		return nil
	}
	switch k, ok := c.constInt(e.Args[3]); {
	case !ok:
		c.report(errNotConstant(e.Args[3], e.Name, "an offset"))
		return nil
	case int64(k.Int) < 0 || k.Int > maxStrlenLimit:
		c.report(source.Errorf(e.Args[3], "out-of-range", "an offset is a number from 0 to %d", maxStrlenLimit))
		return nil
	}
	return builtin.Find(e.Name).Type
}

// unwatch takes the address of a watchpoint.
func (c *checker) unwatch(e *ast.Call) types.Type {
	switch t := c.value(e.Args[0]); {
	case t == nil:
		return nil
	case !types.Is(t, types.KindPointer) && !types.Is(types.Value(t), types.KindInt):
		c.report(errArgType(e.Args[0], e.Name, "the address of a watchpoint", t))
		return nil
	}
	return types.None{}
}
