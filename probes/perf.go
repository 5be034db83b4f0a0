package probes

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// perfEvent is an event of perf_event_open(2) with a program attached. Closing it detaches the program.
type perfEvent int

func (p perfEvent) Close() error { return unix.Close(int(p)) }

// openPerf opens an event and attaches a program to it. pid -1 is every process, cpu -1 every CPU; at least one of the two is given.
func openPerf(attr *unix.PerfEventAttr, pid, cpu int, prog *ebpf.Program) (perfEvent, error) {
	attr.Size = uint32(unsafe.Sizeof(*attr))
	attr.Bits |= unix.PerfBitDisabled
	fd, err := unix.PerfEventOpen(attr, pid, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("opening a perf event: %w%s", err, deniedBy(err, attr.Type))
	}
	if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_SET_BPF, prog.FD()); err != nil {
		return -1, errors.Join(fmt.Errorf("attaching the program to a perf event: %w", err), unix.Close(fd))
	}
	if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_ENABLE, 0); err != nil {
		return -1, errors.Join(fmt.Errorf("enabling a perf event: %w", err), unix.Close(fd))
	}
	return perfEvent(fd), nil
}

// deniedBy says what may keep a process with CAP_PERFMON from opening a perf event. "" if err is something else.
func deniedBy(err error, typ uint32) string {
	if !errors.Is(err, unix.EACCES) && !errors.Is(err, unix.EPERM) {
		return ""
	}
	if why := WhyDenied(err); why != "" {
		return why
	}
	paranoid, readErr := os.ReadFile("/proc/sys/kernel/perf_event_paranoid")
	uprobe, typErr := pmuType("uprobe")
	return deniedText(strings.TrimSpace(string(paranoid)), readErr == nil, typErr == nil && typ == uprobe)
}

// debianParanoid is the level of kernel.perf_event_paranoid, of Debian's and Ubuntu's kernels alone, at which perf events
// are CAP_SYS_ADMIN's.
const debianParanoid = 3

func deniedText(paranoid string, known, uprobe bool) string {
	level, err := strconv.Atoi(paranoid)
	switch {
	case known && err == nil && level >= debianParanoid:
		return fmt.Sprintf(": kernel.perf_event_paranoid is %d, which takes CAP_SYS_ADMIN: run gotrace as root, or set it lower with sysctl kernel.perf_event_paranoid=%d",
			level, debianParanoid-1)
	case uprobe:
		return ": this kernel wants CAP_SYS_ADMIN for uprobes: run gotrace as root"
	}
	return ": run gotrace as root"
}

// eventSources are where the kernel lists its sources of perf events, and their type numbers.
const eventSources = "/sys/bus/event_source/devices/"

// havePMU says whether the kernel has a source of perf events, such as "kprobe".
func havePMU(name string) bool { return exists(eventSources + name) }

// pmuType is the type number of a source of perf events.
func pmuType(name string) (uint32, error) {
	data, err := os.ReadFile(eventSources + name + "/type")
	if err != nil {
		return 0, fmt.Errorf("finding the perf event source %s: %w", name, err)
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(data)), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("type of the perf event source %s: %w", name, err)
	}
	return uint32(n), nil
}

// retprobeBit is the bit of an event's config that makes a kprobe or uprobe a return probe
// (PERF_PROBE_CONFIG_IS_RETPROBE, kernel/events/core.c; format/retprobe says the same).
const retprobeBit = 1

// semaphoreShift is where in an event's config the place of a counter begins (PERF_UPROBE_REF_CTR_OFFSET_SHIFT, kernel/events/core.c; format/ref_ctr_offset
// says the same). Linux has it since 4.20.
const semaphoreShift = 32

// openProbe opens an event of the kprobe or uprobe source: at an offset of a function ("name" or "module:name"), of
// a file (its path), or, where the name is "", at an address of the kernel.
func openProbe(source, name string, offset uint64, ret bool, pid int, prog *ebpf.Program) (perfEvent, error) {
	return openCountedProbe(source, name, offset, 0, ret, pid, prog)
}

// openCountedProbe is openProbe with a semaphore: where in the file a counter lies that the kernel increases in every process that has
// the file mapped, also in those that start later; 0 for none.
func openCountedProbe(source, name string, offset, semaphore uint64, ret bool, pid int, prog *ebpf.Program) (perfEvent, error) {
	typ, err := pmuType(source)
	if err != nil {
		return -1, err
	}
	if semaphore > math.MaxUint32 {
		return -1, fmt.Errorf("the semaphore lies beyond 4 GB of the file: the kernel takes 32 bits")
	}
	attr := unix.PerfEventAttr{Type: typ, Ext2: offset, Config: semaphore << semaphoreShift}
	if ret {
		attr.Config |= retprobeBit
	}
	var text *byte
	if name != "" {
		if text, err = unix.BytePtrFromString(name); err != nil {
			return -1, fmt.Errorf("name of the probe: %w", err)
		}
	}
	attr.Ext1 = uint64(uintptr(unsafe.Pointer(text)))
	cpu := -1
	if pid <= 0 {
		pid, cpu = -1, 0 // the program runs on every CPU all the same
	}
	p, err := openPerf(&attr, pid, cpu, prog)
	runtime.KeepAlive(text) // for the kernel, which knows its address alone
	return p, err
}
