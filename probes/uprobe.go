package probes

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/types"
	"github.com/gotrace/gotrace/probes/user"
)

// errNoUprobes is what a kernel without uprobes gives.
var errNoUprobes = errors.New("this kernel was built without uprobes (CONFIG_UPROBES and CONFIG_UPROBE_EVENTS)")

// planUprobe attaches to one place by the uprobe perf event source, to many of one file by uprobe.multi (Linux 6.6).
func planUprobe(e *Env, targets []lang.Target) (*Plan, error) {
	if !havePMU("uprobe") {
		return nil, &lang.MissingError{Err: errNoUprobes}
	}
	offsets := make([]uint64, len(targets))
	for i := range targets {
		var err error
		if offsets[i], err = e.user.Offset(&targets[i]); err != nil {
			return nil, err
		}
	}
	if e.mayUprobeMulti(targets) {
		return &Plan{attachType: ebpf.AttachTraceUprobeMulti, attach: func(prog *ebpf.Program, step Step) (Links, error) {
			return e.attachUprobeMulti(targets, offsets, prog, step)
		}}, nil
	}
	return &Plan{attach: each(targets, func(t *lang.Target, prog *ebpf.Program) (closer, error) {
		off, err := e.user.Offset(t)
		if err != nil {
			return nil, err
		}
		p, err := openCountedProbe("uprobe", t.Path, off, t.Semaphore, t.Kind.Return && !t.Go, e.opts.PID, prog)
		if err != nil {
			return nil, explainUprobe(t, err)
		}
		return p, nil
	})}, nil
}

// mayUprobeMulti says whether targets are of one file, and the kernel has uprobe.multi. Up to 6.9 that took a
// process id for that of a thread.
func (e *Env) mayUprobeMulti(targets []lang.Target) bool {
	if len(targets) < 2 || e.opts.PID != 0 && !e.kernel.AtLeast(6, 10) {
		return false
	}
	for i := range targets {
		if targets[i].Path != targets[0].Path || targets[i].Go != targets[0].Go {
			return false
		}
	}
	return e.uprobeMulti()
}

// haveUprobeMulti tries to attach to a directory: a kernel with uprobe.multi says that this is no file.
func haveUprobeMulti() bool {
	prog, err := trialProgram(ebpf.AttachTraceUprobeMulti)
	if err != nil {
		return false
	}
	defer prog.Close()
	ex, err := link.OpenExecutable("/")
	if err != nil {
		return false
	}
	l, err := ex.UprobeMulti(nil, prog, &link.UprobeMultiOptions{Addresses: []uint64{1}})
	if err == nil {
		return l.Close() == nil
	}
	return errors.Is(err, unix.EBADF)
}

func (e *Env) attachUprobeMulti(targets []lang.Target, offsets []uint64, prog *ebpf.Program, step Step) (Links, error) {
	ex, err := link.OpenExecutable(targets[0].Path)
	if err != nil {
		return nil, fmt.Errorf("opening the binary: %w", err)
	}
	attach := ex.UprobeMulti
	if targets[0].Kind.Return && !targets[0].Go {
		attach = ex.UretprobeMulti
	}
	return halve(targets, step, func(lo, hi int) (closer, error) {
		opts := &link.UprobeMultiOptions{Addresses: offsets[lo:hi], PID: uint32(e.opts.PID)}
		if targets[lo].Kind.Name == "usdt" {
			for i := range targets[lo:hi] {
				opts.RefCtrOffsets = append(opts.RefCtrOffsets, targets[lo+i].Semaphore)
			}
		}
		l, err := attach(nil, prog, opts)
		if err != nil {
			return nil, fmt.Errorf("attaching to %d places in %s: %w", hi-lo, targets[0].Path, err)
		}
		return l, nil
	})
}

// errNotSupported is ENOTSUPP of include/linux/errno.h, which is none of user space's.
const errNotSupported = unix.Errno(524)

// explainUprobe says what the kernel means by an error (uprobe_register and prepare_uprobe, kernel/events/uprobes.c).
func explainUprobe(t *lang.Target, err error) error {
	switch {
	case errors.Is(err, errNotSupported), errors.Is(err, unix.ENOEXEC):
		return &explained{"the kernel cannot put a probe on the instruction there: probe another place in the function", err}
	case errors.Is(err, unix.EIO):
		return &explained{fmt.Sprintf("the file system that %s is on gives the kernel no pages of it: copy the file elsewhere", t.Path), err}
	case errors.Is(err, unix.ESRCH):
		return &explained{"the process of -p is gone", err}
	case errors.Is(err, unix.EINVAL):
		return &explained{fmt.Sprintf("the kernel refuses a probe at this place of %s", t.Path), err}
	}
	return err
}

// userProvider is the provider of a kind of probes in programs, which package user finds.
func userProvider(resolve func(*user.Programs, *ast.AttachPoint) ([]lang.Target, error),
	list func(*user.Programs, *builtin.ProbeKind, []string) ([]lang.Target, error)) *provider {
	return &provider{
		resolve: func(e *Env, ap *ast.AttachPoint) ([]lang.Target, error) {
			targets, err := resolve(e.user, ap)
			if errors.Is(err, fs.ErrNotExist) {
				err = &lang.MissingError{Err: err}
			}
			return targets, err
		},
		list: func(kind *builtin.ProbeKind, e *Env, parts []string) ([]Listed, error) {
			return ListedTargets(list(e.user, kind, parts))
		},
		args:  func(e *Env, t *lang.Target) (*types.Struct, types.Type, error) { return e.user.Args(t) },
		lines: func(e *Env, t *lang.Target) ([]string, error) { return e.user.Lines(t) },
		plan:  planUprobe,
	}
}

// TargetType finds a type that the program of a target defines, for casts.
func (e *Env) TargetType(t *lang.Target, keyword, name string) (types.Type, bool) {
	return e.user.TargetType(t, keyword, name)
}
