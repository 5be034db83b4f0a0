package progload

import (
	"fmt"
	"runtime"
	"unsafe"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// btfInfo is struct bpf_btf_info (include/uapi/linux/bpf.h), as far as it is used here.
type btfInfo struct {
	btf     uint64
	btfSize uint32
	_       uint32
}

// infoAttr is union bpf_attr for BPF_OBJ_GET_INFO_BY_FD.
type infoAttr struct {
	fd, infoLen uint32
	info        uint64
}

// mostTypes bounds the types of a program (BTF_MAX_SIZE, include/linux/btf.h).
const mostTypes = 16 << 20

// Types gives the BTF of a program as it was loaded.
func Types(id btf.ID) ([]byte, error) {
	handle, err := btf.NewHandleFromID(id)
	if err != nil {
		return nil, fmt.Errorf("opening the types of a program: %w", err)
	}
	defer handle.Close()
	var data []byte
	for range 2 { // first for the size
		var pin runtime.Pinner
		info := &btfInfo{btfSize: uint32(len(data))}
		pin.Pin(info)
		if len(data) > 0 {
			pin.Pin(&data[0])
			info.btf = uint64(uintptr(unsafe.Pointer(&data[0])))
		}
		a := &infoAttr{fd: uint32(handle.FD()), infoLen: uint32(unsafe.Sizeof(*info)), info: uint64(uintptr(unsafe.Pointer(info)))}
		_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_OBJ_GET_INFO_BY_FD, uintptr(unsafe.Pointer(a)), unsafe.Sizeof(*a))
		size := info.btfSize
		pin.Unpin()
		if errno != 0 {
			return nil, fmt.Errorf("reading the types of a program: %w", errno)
		}
		if len(data) == 0 {
			data = make([]byte, min(size, mostTypes))
		}
	}
	return data, nil
}
