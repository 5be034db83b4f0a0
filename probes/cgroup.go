package probes

import (
	"fmt"

	"golang.org/x/sys/unix"
)

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
