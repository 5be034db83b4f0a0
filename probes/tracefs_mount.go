package probes

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// detachedTracefs mounts tracefs where only this process sees it: a mount without a place in the tree of files, that goes away
// with its descriptor (fsmount(2), Linux 5.2). The machine is left as it was.
var detachedTracefs = sync.OnceValues(func() (string, error) {
	fs, err := unix.Fsopen("tracefs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return "", fmt.Errorf("opening tracefs: %w", err)
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		return "", fmt.Errorf("opening tracefs: %w", err)
	}
	mnt, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC)
	if err != nil {
		return "", fmt.Errorf("mounting tracefs: %w", err)
	}
	return fmt.Sprintf("/proc/self/fd/%d", mnt), nil
})
