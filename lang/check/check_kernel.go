package check

import (
	"path"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

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
