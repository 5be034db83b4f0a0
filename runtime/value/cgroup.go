package value

import (
	"bufio"
	"encoding/binary"
	"io"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// cgroupCodec is for ids of cgroups, which are shown as their paths, looked up when they are printed.
type cgroupCodec struct{ filter string }

func (c cgroupCodec) appendText(dst, b []byte) []byte {
	return append(dst, cgroupPaths(word(b), c.filter)...)
}

func (c cgroupCodec) appendJSON(dst, b []byte) []byte {
	return AppendJSONString(dst, c.appendText(nil, b))
}

func (c cgroupCodec) decode(b []byte) any     { return Cgroup{word(b), cgroupPaths(word(b), c.filter)} }
func (c cgroupCodec) compare(a, b []byte) int { return compareWords(a, b) }

// hierarchy is a mounted hierarchy of cgroups.
type hierarchy struct {
	name string // "unified", or what follows /sys/fs/cgroup/ in the place where a hierarchy of version 1 is mounted
	root string
}

// hierarchies are those that are mounted at or below cgroupDir. They are looked for once.
var hierarchies = sync.OnceValue(func() []hierarchy {
	f, err := os.Open("/proc/self/mounts")
	if err != nil {
		return nil // no cgroup has a path then
	}
	defer f.Close()
	return readHierarchies(f)
})

const cgroupDir = "/sys/fs/cgroup"

// readHierarchies reads lines "device place type options …" (fstab(5)).
func readHierarchies(r io.Reader) []hierarchy {
	var out []hierarchy
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) < 3 || f[1] != cgroupDir && !strings.HasPrefix(f[1], cgroupDir+"/") {
			continue
		}
		switch f[2] {
		case "cgroup2":
			out = append(out, hierarchy{"unified", f[1]})
		case "cgroup":
			out = append(out, hierarchy{strings.TrimPrefix(f[1], cgroupDir+"/"), f[1]})
		}
	}
	return out
}

// cgroupPaths are the paths of an id, "name:path" for each hierarchy that has it, with commas between them. An empty filter fits all names.
func cgroupPaths(id uint64, filter string) string {
	var out []string
	for _, h := range hierarchies() {
		if filter != "" {
			if ok, err := path.Match(filter, h.name); err != nil || !ok {
				continue
			}
		}
		if at, ok := h.find(id); ok {
			out = append(out, h.name+":"+at)
		}
	}
	return strings.Join(out, ",")
}

// fileidKernfs is the type of a handle that is a kernfs id (FILEID_KERNFS of enum fid_type).
const fileidKernfs = 0xfe

// find is the path of a cgroup in a hierarchy: a file handle of kernfs is the id.
func (h hierarchy) find(id uint64) (string, bool) {
	root, err := unix.Open(h.root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", false
	}
	defer unix.Close(root)
	handle := unix.NewFileHandle(fileidKernfs, binary.NativeEndian.AppendUint64(nil, id))
	fd, err := unix.OpenByHandleAt(root, handle, unix.O_PATH|unix.O_CLOEXEC)
	if err != nil {
		return "", false
	}
	defer unix.Close(fd)
	at, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		return "", false
	}
	rest, ok := strings.CutPrefix(at, h.root)
	if rest == "" {
		rest = "/"
	}
	return rest, ok
}
