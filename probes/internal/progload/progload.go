// Package progload loads programs that are bound to a type of the kernel's BTF: fentry, fexit and iterators.
//
// The eBPF library finds that type by its name, for which it reads all types of the kernel. We know its number already, and
// of which module it is, so that the call is made here.
package progload

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// Target is what a program is bound to.
type Target struct {
	ID     uint32 // number of the function's type
	Module int    // descriptor of the module's BTF, 0 for the kernel itself
}

// attr is union bpf_attr for BPF_PROG_LOAD, up to what is used here (include/uapi/linux/bpf.h).
type attr struct {
	progType           uint32
	insnCnt            uint32
	insns              uint64
	license            uint64
	logLevel, logSize  uint32
	logBuf             uint64
	kernVersion        uint32
	progFlags          uint32
	progName           [unix.BPF_OBJ_NAME_LEN]byte
	progIfindex        uint32
	expectedAttachType uint32
	progBTF            uint32
	funcInfoRecSize    uint32
	funcInfo           uint64
	funcInfoCnt        uint32
	lineInfoRecSize    uint32
	lineInfo           uint64
	lineInfoCnt        uint32
	attachBTFID        uint32
	attachBTFObj       uint32
	_                  uint32
}

// byteOrder is that of amd64 and arm64.
var byteOrder = binary.LittleEndian

// The size of the verifier's log at first, and the most that the kernel takes.
const (
	logStart = 1 << 16
	logMost  = 1<<30 - 1
)

// Load loads a program for a target. The error is a *ebpf.VerifierError where the verifier refused it.
func Load(spec *ebpf.ProgramSpec, t Target) (*ebpf.Program, error) {
	var builder btf.Builder
	funcs, lines, err := btf.MarshalExtInfos(spec.Instructions, &builder)
	if err != nil {
		return nil, fmt.Errorf("describing the program: %w", err)
	}
	var insns bytes.Buffer
	if err := spec.Instructions.Marshal(&insns, byteOrder); err != nil {
		return nil, err
	}
	license, err := unix.ByteSliceFromString(spec.License)
	if err != nil {
		return nil, fmt.Errorf("license: %w", err)
	}
	a := attr{
		progType: uint32(spec.Type), expectedAttachType: uint32(spec.AttachType), attachBTFID: t.ID, attachBTFObj: uint32(t.Module),
		insnCnt: uint32(insns.Len() / 8),
	}
	copy(a.progName[:len(a.progName)-1], spec.Name)
	if len(funcs) > 0 {
		handle, err := btf.NewHandle(&builder)
		if err != nil {
			return nil, fmt.Errorf("loading the program's types: %w", err)
		}
		defer handle.Close()
		a.progBTF = uint32(handle.FD())
		a.funcInfoRecSize, a.funcInfoCnt = btf.FuncInfoSize, uint32(len(funcs))/btf.FuncInfoSize
		a.lineInfoRecSize, a.lineInfoCnt = btf.LineInfoSize, uint32(len(lines))/btf.LineInfoSize
	}
	// The kernel knows these by their addresses alone: they stay where they are until the call is over.
	var pin runtime.Pinner
	defer pin.Unpin()
	for to, b := range map[*uint64][]byte{&a.insns: insns.Bytes(), &a.license: license, &a.funcInfo: funcs, &a.lineInfo: lines} {
		if len(b) > 0 {
			pin.Pin(&b[0])
			*to = uint64(uintptr(unsafe.Pointer(&b[0])))
		}
	}
	fd, err := load(&a)
	if err == nil {
		return ebpf.NewProgramFromFD(fd)
	}
	return nil, explain(&a, err)
}

// load makes the call. The kernel may ask to try again (EAGAIN, when a signal came).
func load(a *attr) (int, error) {
	for range 10 {
		fd, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(a)), unsafe.Sizeof(*a))
		switch errno {
		case 0:
			return int(fd), nil
		case unix.EAGAIN:
			continue
		}
		return -1, errno
	}
	return -1, unix.EAGAIN
}

// explain loads the program once more, with the verifier's log.
func explain(a *attr, cause error) error {
	for size := logStart; size <= logMost; size *= 4 {
		log := make([]byte, size)
		var pin runtime.Pinner
		pin.Pin(&log[0])
		a.logLevel, a.logSize, a.logBuf = 1, uint32(size), uint64(uintptr(unsafe.Pointer(&log[0])))
		fd, err := load(a)
		pin.Unpin()
		switch {
		case err == nil: // it was a passing trouble
			_ = unix.Close(fd)
			return cause
		case errors.Is(err, unix.ENOSPC):
			continue
		}
		text, _, _ := strings.Cut(string(log), "\x00")
		text = strings.TrimSpace(text)
		if text == "" {
			return err
		}
		return &ebpf.VerifierError{Cause: err, Log: strings.Split(text, "\n")}
	}
	return cause
}
