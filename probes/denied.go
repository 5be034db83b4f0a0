package probes

import (
	"bytes"
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

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
