package kernel

import (
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/types"
)

// Kernel is the part of a kernel's features that changes the code made for it.
type Kernel struct {
	Version      uint32        // major<<16 | minor<<8 | patch, as KERNEL_VERSION of linux/version.h
	Arch         string        // GOARCH: amd64, arm64
	PossibleCPUs int           // size of per-CPU memory
	OnlineCPUs   int           // what `ncpus` says
	BTF          bool          // vmlinux BTF is there, and so bpf_get_current_task_btf (5.11)
	RdonlyCast   uint32        // BTF id of the kfunc bpf_rdonly_cast (6.2), 0 if it is missing; read by Cast
	TaskStruct   *types.Struct // read by Task
	// FindCast and FindTask give RdonlyCast and TaskStruct when they are first asked for: to look for one among the kernel's
	// types takes a millisecond, and many scripts need neither. nil if it is set already.
	FindCast func() uint32
	FindTask func() *types.Struct
	// TypesErr says why the kernel's types cannot be read, nil if they can. nil: they can.
	TypesErr func() error
	// Config is a setting of the kernel's build, without CONFIG_: "y", "m", a number or a string in quotes. nil: not known.
	Config func(name string) (string, bool)
	// Kfunc is the BTF id of a kernel function that programs may be able to call, 0 if there is none of that name. nil: there are none.
	Kfunc func(name string) uint32
	// KfuncAllowed says whether programs of a kind of probe may call it: the kernel is asked. nil: they may.
	KfuncAllowed func(name string, kind *builtin.ProbeKind) bool
	// PerCPU is where the kernel keeps the variable of CPU 0, before the offset of the CPU is added, and its type, nil where that is not known.
	PerCPU func(name string) (address uint64, t types.Type, err error)
	// Address is where a symbol of the kernel lies.
	Address func(name string) (uint64, error)
	// CgroupID is the id of the cgroup that a directory stands for.
	CgroupID func(path string) (uint64, error)
	// Injectable says whether the kernel lets override() have a function return at once; the error is that nothing tells. nil: nothing does.
	Injectable func(function string) (bool, error)
	PidNS      *PidNS // set when gotrace does not run in the first pid namespace
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
func (k *Kernel) Task() *types.Struct {
	if f := k.FindTask; f != nil {
		k.TaskStruct, k.FindTask = f(), nil
	}
	return k.TaskStruct
}

// AtLeast says whether the kernel is major.minor or newer.
func (k *Kernel) AtLeast(major, minor uint32) bool { return k.Version >= major<<16|minor<<8 }

// Setting is a setting of the kernel's build, without CONFIG_; ok is false if it is not known.
func (k *Kernel) Setting(name string) (value string, ok bool) {
	if k.Config == nil {
		return "", false
	}
	return k.Config(name)
}

// NotInjectable says why override() cannot be used at a place in a function, "" if it can or if only the kernel will tell.
func (k *Kernel) NotInjectable(function string, offset uint64) string {
	if offset != 0 {
		return "it is not the start of a function"
	}
	if k.Injectable == nil || function == "" {
		return ""
	}
	if ok, err := k.Injectable(function); err == nil && !ok {
		return "the kernel lets errors be injected into the functions that /sys/kernel/debug/error_injection/list names, not into this one"
	}
	return ""
}

// FindKfunc is the BTF id of a kernel function that programs may be able to call, 0 if there is none.
func (k *Kernel) FindKfunc(name string) uint32 {
	if k.Kfunc == nil {
		return 0
	}
	return k.Kfunc(name)
}

// MayCall says whether programs of a kind of probe may call a kernel function.
func (k *Kernel) MayCall(name string, kind *builtin.ProbeKind) bool {
	return k.FindKfunc(name) != 0 && (k.KfuncAllowed == nil || k.KfuncAllowed(name, kind))
}
