package probes

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/types"
	"github.com/gotrace/gotrace/probes/internal/kbtf"
	"github.com/gotrace/gotrace/probes/internal/progload"
)

// iterPrefix begins the name of the function that stands for a kind of object (DEFINE_BPF_ITER_FUNC, include/linux/bpf.h).
const iterPrefix = "bpf_iter_"

// perMap are iterators over the elements of one map, which a script has no way to name.
var perMap = map[string]bool{"bpf_map_elem": true, "bpf_sk_storage_map": true, "sockmap": true}

// resolveIter is iter:object.
func resolveIter(e *Env, ap *ast.AttachPoint) ([]lang.Target, error) {
	pin, err := pinPath(ap.Parts)
	if err != nil {
		return nil, err
	}
	all, err := e.iterators()
	if err != nil {
		return nil, fmt.Errorf("iterators need the kernel's types: %w", err)
	}
	name := ap.Parts[0]
	if perMap[name] {
		return nil, fmt.Errorf("iter:%s goes over one map of a program, and a script cannot say which", name)
	}
	var out []lang.Target
	for _, it := range all {
		if match(name, it) {
			out = append(out, iterTarget(it))
		}
	}
	switch {
	case len(out) == 0:
		return nil, &lang.NotFoundError{What: "iterator " + name, Near: nearest(name, all)}
	case pin != "" && len(out) > 1:
		return nil, fmt.Errorf("iter:%s are %d iterators: a file takes one", name, len(out))
	case pin != "":
		out[0].Path = pin
		out[0].Name += ":" + ap.Parts[1]
	}
	return out, nil
}

// bpfFS is where programs and maps have files.
const bpfFS = "/sys/fs/bpf"

// pinPath is the file of an iterator that is pinned, "" if it is not.
func pinPath(parts []string) (string, error) {
	switch {
	case len(parts) == 1 && parts[0] != "":
		return "", nil
	case len(parts) != 2 || parts[0] == "" || parts[1] == "":
		return "", errors.New("an iterator is written iter:object, as in iter:task, or iter:object:file, which is a file of " + bpfFS)
	case filepath.IsAbs(parts[1]):
		return filepath.Clean(parts[1]), nil
	}
	return filepath.Join(bpfFS, parts[1]), nil
}

func iterTarget(name string) lang.Target {
	return lang.Target{Kind: builtin.ProbeKindByName("iter"), Name: "iter:" + name, Event: name, Func: iterPrefix + name}
}

// iterators are the kinds of objects that the kernel and its modules go over, sorted.
func (e *Env) iterators() ([]string, error) {
	kernel, err := e.vmlinux()
	if err != nil {
		return nil, err
	}
	// Each has a function and a struct of its context: other functions begin with these words, too.
	funcs, err := kernel.file.FindPrefix(kbtf.KindFunc, iterPrefix)
	if err != nil {
		return nil, err
	}
	contexts, err := kernel.file.FindPrefix(kbtf.KindStruct, iterPrefix+"_")
	if err != nil {
		return nil, err
	}
	var out []string
	for name := range funcs {
		if _, ok := contexts[name]; ok && !perMap[name] {
			out = append(out, name)
		}
	}
	sort.Strings(out)
	return out, nil
}

func listIter(_ *builtin.ProbeKind, e *Env, parts []string) ([]Listed, error) {
	all, err := e.iterators()
	if err != nil {
		return nil, err
	}
	var out []lang.Target
	for _, it := range all {
		if len(parts) == 0 || parts[0] == "" || match(parts[0], it) {
			out = append(out, iterTarget(it))
		}
	}
	return ListedTargets(out, nil)
}

// iterArgs are the objects that the program is called with. All of them may be missing (NULL): after the last object, it is called once more.
func iterArgs(e *Env, t *lang.Target) (*types.Struct, types.Type, error) {
	s, err := e.signature(t)
	if err != nil || s == nil {
		return nil, nil, err
	}
	var fields []types.Field
	for i := range s.params {
		p := &s.params[i]
		pt, ok := p.typ.(types.Pointer)
		if ok {
			pt.Space = types.SpaceKernel
			p.typ = pt
		}
		fields = append(fields, types.Field{Name: p.name, Type: p.typ, Offset: location.WordSize * i})
	}
	return types.NewArgs("bpf_iter__"+t.Event, location.WordSize*len(fields), fields), nil, nil
}

func iterLines(e *Env, t *lang.Target) ([]string, error) {
	s, err := e.signature(t)
	if err != nil || s == nil {
		return nil, err
	}
	var out []string
	for i := range s.params {
		out = append(out, strings.TrimSpace(s.params[i].c+" "+s.params[i].name))
	}
	return out, nil
}

// planIter binds the program to its iterator and has it run once over all objects.
func planIter(e *Env, targets []lang.Target) (*Plan, error) {
	t := &targets[0]
	k, err := e.vmlinux()
	if err != nil {
		return nil, err
	}
	id, err := k.find(t.Func, kbtf.KindFunc)
	if err != nil {
		return nil, err
	}
	plan := &Plan{
		attachType: ebpf.AttachTraceIter,
		load: func(spec *ebpf.ProgramSpec) (*ebpf.Program, error) {
			return progload.Load(spec, progload.Target{ID: uint32(id)})
		},
		attach: each(targets, func(t *lang.Target, prog *ebpf.Program) (closer, error) { return e.startIter(t, prog) }),
	}
	if t.Path != "" {
		plan.pinned = t.Path
	}
	return plan, nil
}

// iterInfo is union bpf_iter_link_info (include/uapi/linux/bpf.h).
type iterInfo [16]byte

// The words of iterInfo: of a task iterator the thread and the process, of one over cgroups the order, in which parents come before
// their children (BPF_CGROUP_ITER_DESCENDANTS_PRE).
func (e *Env) iterInfo(t *lang.Target) (info iterInfo, used bool) {
	switch {
	case strings.HasPrefix(t.Event, "task") && e.opts.PID != 0 && e.kernel.AtLeast(6, 1):
		binary.NativeEndian.PutUint32(info[4:], uint32(e.opts.PID))
		return info, true
	case t.Event == "cgroup":
		binary.NativeEndian.PutUint32(info[0:], 2)
		return info, true
	}
	return info, false
}

// startIter runs the program over all objects, in a goroutine: the kernel calls it while we read.
func (e *Env) startIter(t *lang.Target, prog *ebpf.Program) (closer, error) {
	info, used := e.iterInfo(t)
	attr := struct {
		prog, target, attachType, flags uint32
		info                            unsafe.Pointer
		infoLen                         uint32
		_                               uint32
	}{prog: uint32(prog.FD()), attachType: uint32(ebpf.AttachTraceIter)}
	if used {
		attr.info, attr.infoLen = unsafe.Pointer(&info), uint32(len(info))
	}
	link, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_LINK_CREATE, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		return nil, fmt.Errorf("attaching to the iterator: %w", errno)
	}
	if t.Path != "" {
		return e.pinIter(t, int(link))
	}
	create := struct{ link, flags uint32 }{link: uint32(link)}
	fd, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_ITER_CREATE, uintptr(unsafe.Pointer(&create)), unsafe.Sizeof(create))
	if errno != 0 {
		return nil, errors.Join(fmt.Errorf("creating the iterator: %w", errno), unix.Close(int(link)))
	}
	it := &iteration{link: int(link), file: os.NewFile(fd, t.Name), ended: make(chan struct{})}
	go it.run(e.onDone)
	return it, nil
}

// pinIter gives the iterator a file, which keeps it and its maps when gotrace has ended. For the session it is over with that.
func (e *Env) pinIter(t *lang.Target, link int) (closer, error) {
	path, err := unix.BytePtrFromString(t.Path)
	if err != nil {
		return nil, errors.Join(err, unix.Close(link))
	}
	attr := struct {
		path          *byte
		fd, fileFlags uint32
	}{path: path, fd: uint32(link)}
	_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_OBJ_PIN, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if err := errors.Join(explainPin(t.Path, errno), unix.Close(link)); err != nil {
		return nil, err
	}
	it := &iteration{link: -1, ended: make(chan struct{})}
	close(it.ended)
	if e.onDone != nil {
		e.onDone()
	}
	return it, nil
}

// explainPin says what the kernel means where a file cannot be made (bpf_obj_do_pin, kernel/bpf/inode.c).
func explainPin(path string, errno unix.Errno) error {
	switch errno {
	case 0:
		return nil
	case unix.EEXIST:
		return &explained{path + " is there already: remove it first", errno}
	case unix.EPERM, unix.ENOENT:
		return &explained{fmt.Sprintf("%s cannot be made: it must lie in a file system of BPF's (mount -t bpf bpf %s): %v", path, bpfFS, errno), errno}
	}
	return fmt.Errorf("making %s: %w", path, errno)
}

// iteration is one run over all objects.
type iteration struct {
	link  int
	file  *os.File
	ended chan struct{}
	stop  atomic.Bool
	err   error
}

func (it *iteration) run(done func()) {
	defer func() {
		close(it.ended)
		if done != nil {
			done()
		}
	}()
	var buf [4096]byte // for nothing: our programs send what they print by the ring buffer
	for !it.stop.Load() {
		_, err := it.file.Read(buf[:])
		switch {
		case errors.Is(err, unix.EAGAIN): // a million objects so far (MAX_ITER_OBJECTS, kernel/bpf/bpf_iter.c)
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			it.err = fmt.Errorf("running the iterator: %w", err)
			return
		}
	}
}

// Done says whether the program has seen all objects.
func (it *iteration) Done() bool {
	select {
	case <-it.ended:
		return true
	default:
		return false
	}
}

// Close ends the iteration and waits for the program.
func (it *iteration) Close() error {
	it.stop.Store(true)
	<-it.ended
	if it.file == nil {
		return it.err // pinned
	}
	return errors.Join(it.err, it.file.Close(), unix.Close(it.link))
}
