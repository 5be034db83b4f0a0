package probes

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/features"
	"golang.org/x/sys/unix"
)

const goarch = runtime.GOARCH

// kernelVersion is the version of the running kernel as LINUX_VERSION_CODE has it. Debian's release name does not
// hold the third number, which nothing here depends on.
func kernelVersion() (uint32, error) {
	v, err := features.LinuxVersionCode()
	if err != nil {
		return 0, fmt.Errorf("reading the kernel's version: %w", err)
	}
	return v, nil
}

// onlineCPUs are the numbers of the CPUs that run.
func onlineCPUs() []int {
	data, err := os.ReadFile("/sys/devices/system/cpu/online")
	if err != nil {
		return []int{0}
	}
	cpus, err := parseCPUList(strings.TrimSpace(string(data)))
	if err != nil || len(cpus) == 0 {
		return []int{0}
	}
	return cpus
}

// maxCPUs is more than any kernel has (NR_CPUS); it bounds what a list can make us allocate.
const maxCPUs = 1 << 16

// parseCPUList reads a list such as "0-3,8".
func parseCPUList(s string) ([]int, error) {
	var out []int
	for _, part := range strings.Split(s, ",") {
		lo, hi, isRange := strings.Cut(part, "-")
		first, err := strconv.Atoi(lo)
		if err != nil {
			return nil, fmt.Errorf("CPU list %q: %w", s, err)
		}
		last := first
		if isRange {
			if last, err = strconv.Atoi(hi); err != nil {
				return nil, fmt.Errorf("CPU list %q: %w", s, err)
			}
		}
		if first < 0 || last < first || last >= maxCPUs {
			return nil, fmt.Errorf("CPU list %q: bad range", s)
		}
		for i := first; i <= last; i++ {
			out = append(out, i)
		}
	}
	return out, nil
}

// Capabilities that tracing takes, by their bit (include/uapi/linux/capability.h).
const (
	capSysAdmin = 21
	capPerfmon  = 38
	capBPF      = 39
)

// ErrPrivileges says what a process lacks to load and attach programs.
var ErrPrivileges = errors.New("gotrace needs root, or the capabilities CAP_BPF and CAP_PERFMON (and read access to tracefs): " +
	"run it with sudo, or give it these: setcap cap_bpf,cap_perfmon+ep FILE")

// ErrUserNamespace says that privileges of a user namespace are not enough.
var ErrUserNamespace = errors.New("gotrace runs in a user namespace (a rootless container, unshare --user): to load programs takes root, " +
	"or CAP_BPF and CAP_PERFMON, in the initial one; run it outside")

// initialUserNS is the inode of the first user namespace (PROC_USER_INIT_INO, include/linux/proc_ns.h).
const initialUserNS = "user:[4026531837]"

// CheckPrivileges returns ErrPrivileges or ErrUserNamespace if this process may not trace.
func CheckPrivileges() error {
	if ns, err := os.Readlink("/proc/self/ns/user"); err == nil && ns != initialUserNS {
		return ErrUserNamespace
	}
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return fmt.Errorf("reading the capabilities of this process: %w", err)
	}
	defer f.Close()
	return checkCapabilities(f)
}

// checkCapabilities reads the set of effective capabilities from /proc/PID/status.
func checkCapabilities(status io.Reader) error {
	s := bufio.NewScanner(status)
	for s.Scan() {
		rest, ok := strings.CutPrefix(s.Text(), "CapEff:")
		if !ok {
			continue
		}
		caps, err := strconv.ParseUint(strings.TrimSpace(rest), 16, 64)
		if err != nil {
			return fmt.Errorf("reading the capabilities of this process: %w", err)
		}
		if caps>>capSysAdmin&1 == 1 || caps>>capBPF&1 == 1 && caps>>capPerfmon&1 == 1 {
			return nil
		}
		return ErrPrivileges
	}
	return nil // no such line: let the kernel decide
}

// kernelRelease is the kernel's name as `uname -r` has it.
func kernelRelease() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}

// WhyDenied says what may have kept the kernel from doing what a process with privileges asked for: ": …", or "" if err
// is something else or nothing is known.
func WhyDenied(err error) string {
	switch {
	case errors.Is(err, unix.EMFILE):
		return ": the limit of open files is too low: raise it with ulimit -n"
	case !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EACCES):
		return ""
	}
	lockdown, _ := os.ReadFile("/sys/kernel/security/lockdown") // not there: not locked down
	status, _ := os.ReadFile("/proc/self/status")
	return whyDenied(lockdown, status)
}

// whyDenied reads the state of lockdown, "none integrity [confidentiality]", and /proc/PID/status.
func whyDenied(lockdown, status []byte) string {
	switch {
	case bytes.Contains(lockdown, []byte("[confidentiality]")):
		return ": the kernel is locked down (lockdown=confidentiality), which forbids tracing"
	case statusNumber(status, "Seccomp") == "2":
		return ": a seccomp filter, as containers have it, may forbid this: allow bpf and perf_event_open there, or run gotrace outside"
	}
	return ""
}

// statusNumber is a field of /proc/PID/status.
func statusNumber(status []byte, name string) string {
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// cgroupID is the id of the cgroup that a directory stands for: the number of its inode, which programs get, too.
func (e *Env) cgroupID(path string) (uint64, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	if fs.Type != unix.CGROUP2_SUPER_MAGIC && fs.Type != unix.CGROUP_SUPER_MAGIC {
		return 0, fmt.Errorf("%s is no cgroup", path)
	}
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return 0, fmt.Errorf("%s is a file of a cgroup: name its directory", path)
	}
	return st.Ino, nil
}
