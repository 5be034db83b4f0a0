package lang

import "strings"

// An #include line brings no types, because BTF has them. It has no macros, however: of those, the ones that scripts
// are known to use are listed here by the header that defines them. All of them are part of what the kernel shows to
// programs, and never change.

var (
	taskStates = map[string]uint64{
		"TASK_RUNNING": 0, "TASK_INTERRUPTIBLE": 1, "TASK_UNINTERRUPTIBLE": 2,
	}
	addressFamilies = map[string]uint64{
		"AF_UNSPEC": 0, "AF_UNIX": 1, "AF_LOCAL": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16, "AF_PACKET": 17,
		"AF_VSOCK": 40,
	}
	fileTypes = map[string]uint64{
		"S_IFMT": 0o170000, "S_IFSOCK": 0o140000, "S_IFLNK": 0o120000, "S_IFREG": 0o100000, "S_IFBLK": 0o060000,
		"S_IFDIR": 0o040000, "S_IFCHR": 0o020000, "S_IFIFO": 0o010000,
	}
)

// headerMacros are the macros of a header, and of those that it includes itself.
var headerMacros = map[string]map[string]uint64{
	"linux/sched.h":  taskStates,
	"linux/socket.h": addressFamilies,
	"sys/socket.h":   addressFamilies,
	"net/sock.h":     addressFamilies,
	"linux/net.h":    addressFamilies,
	"linux/stat.h":   fileTypes,
	"sys/stat.h":     fileTypes,
	"linux/fs.h":     fileTypes,
}

// include defines the macros of a header, whose name is left as <linux/sched.h> or "linux/sched.h".
func (c *cTypes) include(name []cToken) {
	var b strings.Builder
	for _, t := range name {
		if t.kind == cString {
			b.WriteString(t.str)
		} else {
			b.WriteString(t.text)
		}
	}
	for macro, value := range headerMacros[strings.Trim(b.String(), "<>")] {
		if c.defines[macro] == nil {
			c.defines[macro] = &cDefine{tokens: []cToken{{kind: cInt, text: macro, value: value}}}
		}
	}
}
