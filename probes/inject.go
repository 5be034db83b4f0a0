package probes

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// injectionList names the functions into which the kernel lets errors be injected, in debugfs.
const injectionList = "error_injection/list"

// injectable says whether override() works at the start of a function.
func (e *Env) injectable(function string) (bool, error) {
	names, err := injectableFunctions()
	return names[function], err
}

// injectableFunctions are read once.
var injectableFunctions = sync.OnceValues(func() (map[string]bool, error) {
	f, err := os.Open("/sys/kernel/debug/" + injectionList)
	if err != nil {
		dir, mountErr := detachedMount("debugfs")
		if mountErr != nil {
			return nil, fmt.Errorf("finding where errors can be injected: %w", err)
		}
		if f, err = os.Open(dir + "/" + injectionList); err != nil {
			return nil, fmt.Errorf("finding where errors can be injected: %w", err)
		}
	}
	defer f.Close()
	return parseInjectable(f)
})

// parseInjectable reads lines "function<tab>what it may return" (fei_seq_show, lib/error-inject.c). The name of a module's function is
// followed by the module.
func parseInjectable(r io.Reader) (map[string]bool, error) {
	names := map[string]bool{}
	s := bufio.NewScanner(r)
	for s.Scan() {
		name, _, _ := strings.Cut(s.Text(), "\t")
		name, _, _ = strings.Cut(name, " ")
		if name, _, _ = strings.Cut(name, "+0x"); name != "" {
			names[name] = true
		}
	}
	return names, s.Err()
}

// detachedMount mounts a file system of the kernel where only this process sees it: a mount without a place in the tree of files, that goes
// away with its descriptor (fsmount(2), Linux 5.2). The machine is left as it was.
func detachedMount(kind string) (string, error) {
	fs, err := unix.Fsopen(kind, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return "", fmt.Errorf("opening %s: %w", kind, err)
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		return "", fmt.Errorf("opening %s: %w", kind, err)
	}
	mnt, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC)
	if err != nil {
		return "", fmt.Errorf("mounting %s: %w", kind, err)
	}
	return fmt.Sprintf("/proc/self/fd/%d", mnt), nil
}
