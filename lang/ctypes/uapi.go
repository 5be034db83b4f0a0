package ctypes

import (
	_ "embed"
	"sort"
	"strconv"
	"strings"
)

//go:generate go run ../../internal/uapigen -o .

// The tables are made by internal/uapigen of Debian's package linux-libc-dev. They are searched as they are, without being unpacked.
var (
	// uapiTable are the constants of the kernel's interface on amd64, sorted by name: a line is the number of bytes that a name
	// shares with the one before (as a character, from 'A' for none on), the rest of the name, a blank and the value. Every
	// sixteenth name is whole.
	//go:embed uapi.txt
	uapiTable string
	// uapiARM64 are the constants that arm64 has otherwise; without a value, it has not.
	//go:embed uapi_arm64.txt
	uapiARM64 string
	// headerNames are the names of the kernel's headers, in the same form.
	//go:embed headers.txt
	headerNames string
)

// uapiConst finds a constant of the kernel's interface by name.
func uapiConst(arch, name string) (int64, bool) {
	if n, ok := kernelConsts[name]; ok {
		return n, true
	}
	value, ok := "", false
	if arch == "arm64" {
		value, ok = lookup(uapiARM64, name)
	}
	if !ok {
		value, ok = lookup(uapiTable, name)
	}
	if !ok || value == "" {
		return 0, false
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		u, _ := strconv.ParseUint(value, 10, 64)
		n = int64(u)
	}
	return n, true
}

// Syscall is the number of a system call by the name that its header has.
func Syscall(arch, name string) (int, bool) {
	n, ok := uapiConst(arch, "__NR_"+name)
	return int(n), ok
}

// lookup finds the value of a name in a table.
func lookup(table, name string) (value string, ok bool) {
	// The first place behind which all blocks begin with larger names is in the block that the name would be in.
	i := sort.Search(len(table), func(i int) bool {
		start := blockStart(table, i)
		if start == len(table) {
			return true
		}
		first, _, _ := strings.Cut(table[start+1:], "\n")
		first, _, _ = strings.Cut(first, " ")
		return first > name
	})
	if i == 0 {
		return "", false
	}
	return scanBlock(table[blockStart(table, i-1):], name)
}

// scanBlock looks for a name in the block that a text begins with.
func scanBlock(text, name string) (value string, ok bool) {
	have := ""
	for i := 0; len(text) > 0; i++ {
		line, rest, _ := strings.Cut(text, "\n")
		if line == "" || i > 0 && line[0] == wholeName {
			break
		}
		tail, v, _ := strings.Cut(line[1:], " ")
		have = have[:min(len(have), int(line[0]-wholeName))] + tail
		if have == name {
			return v, true
		}
		text = rest
	}
	return "", false
}

// wholeName begins lines that share nothing with the one before.
const wholeName = 'A'

// blockStart is the offset of the first block that begins at or after an offset, the table's length if there is none.
func blockStart(table string, i int) int {
	if i == 0 {
		return 0
	}
	n := strings.Index(table[i-1:], "\n"+string(wholeName))
	if n < 0 {
		return len(table)
	}
	return i + n
}

// knownHeader says whether a header is one of the kernel's or of libc's, whose types BTF has and whose constants the table has.
func knownHeader(name string) bool {
	if libcHeaders[name] {
		return true
	}
	for _, prefix := range []string{"uapi/", "asm/", "generated/"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok && prefix != "asm/" {
			name = rest
		}
	}
	_, ok := lookup(headerNames, name)
	return ok
}

// libcHeaders are headers of C's library that scripts include beside the kernel's.
var libcHeaders = map[string]bool{
	"arpa/inet.h": true, "assert.h": true, "byteswap.h": true, "ctype.h": true, "dirent.h": true, "dlfcn.h": true, "elf.h": true,
	"endian.h": true, "errno.h": true, "fcntl.h": true, "float.h": true, "grp.h": true, "inttypes.h": true, "libgen.h": true,
	"limits.h": true, "link.h": true, "locale.h": true, "malloc.h": true, "math.h": true, "mntent.h": true, "net/if.h": true,
	"net/if_arp.h": true, "net/ethernet.h": true, "net/route.h": true, "netdb.h": true, "netinet/icmp6.h": true,
	"netinet/if_ether.h": true, "netinet/in.h": true, "netinet/ip.h": true, "netinet/ip6.h": true, "netinet/ip_icmp.h": true,
	"netinet/tcp.h": true, "netinet/udp.h": true, "netpacket/packet.h": true, "poll.h": true, "pthread.h": true, "pwd.h": true,
	"sched.h": true, "semaphore.h": true, "setjmp.h": true, "signal.h": true, "stdalign.h": true, "stdarg.h": true, "stdbool.h": true,
	"stddef.h": true, "stdint.h": true, "stdio.h": true, "stdlib.h": true, "string.h": true, "strings.h": true, "sys/epoll.h": true,
	"sys/eventfd.h": true, "sys/file.h": true, "sys/inotify.h": true, "sys/ioctl.h": true, "sys/ipc.h": true, "sys/mman.h": true,
	"sys/mount.h": true, "sys/msg.h": true, "sys/param.h": true, "sys/prctl.h": true, "sys/ptrace.h": true, "sys/reboot.h": true,
	"sys/resource.h": true, "sys/select.h": true, "sys/sem.h": true, "sys/shm.h": true, "sys/signalfd.h": true, "sys/socket.h": true,
	"sys/stat.h": true, "sys/statfs.h": true, "sys/statvfs.h": true, "sys/syscall.h": true, "sys/sysinfo.h": true, "sys/sysmacros.h": true,
	"sys/time.h": true, "sys/timerfd.h": true, "sys/times.h": true, "sys/types.h": true, "sys/uio.h": true, "sys/un.h": true,
	"sys/user.h": true, "sys/utsname.h": true, "sys/vfs.h": true, "sys/wait.h": true, "sys/xattr.h": true, "syslog.h": true,
	"termios.h": true, "time.h": true, "ucontext.h": true, "unistd.h": true, "utime.h": true, "wait.h": true, "wchar.h": true,
}

// kernelConsts are macros of the kernel's own headers that scripts use, with the values they have from Linux 5.10 to 6.18.
var kernelConsts = map[string]int64{
	// include/linux/sched.h
	"TASK_RUNNING": 0, "TASK_INTERRUPTIBLE": 1, "TASK_UNINTERRUPTIBLE": 2, "__TASK_STOPPED": 4, "__TASK_TRACED": 8,
	"EXIT_DEAD": 0x10, "EXIT_ZOMBIE": 0x20, "EXIT_TRACE": 0x30, "TASK_PARKED": 0x40, "TASK_DEAD": 0x80, "TASK_WAKEKILL": 0x100,
	"TASK_WAKING": 0x200, "TASK_NOLOAD": 0x400, "TASK_NEW": 0x800, "TASK_KILLABLE": 0x102, "TASK_STOPPED": 0x104, "TASK_IDLE": 0x402,
	"TASK_COMM_LEN": 16, "PF_IDLE": 2, "PF_EXITING": 4, "PF_FORKNOEXEC": 0x40, "PF_SUPERPRIV": 0x100, "PF_DUMPCORE": 0x200, "PF_SIGNALED": 0x400,
	"PF_MEMALLOC": 0x800, "PF_KSWAPD": 0x20000, "PF_KTHREAD": 0x200000, "PF_RANDOMIZE": 0x400000,
	// include/linux/sched/prio.h
	"MAX_NICE": 19, "MIN_NICE": -20, "MAX_RT_PRIO": 100, "MAX_PRIO": 140, "DEFAULT_PRIO": 120,
	// include/linux/kdev_t.h, err.h, fs.h, time64.h, tty_driver.h
	"MINORBITS": 20, "MINORMASK": 1<<20 - 1, "MAX_ERRNO": 4095, "NSEC_PER_SEC": 1e9, "USEC_PER_SEC": 1e6, "MSEC_PER_SEC": 1000,
	"NSEC_PER_MSEC": 1e6, "NSEC_PER_USEC": 1000, "USEC_PER_MSEC": 1000,
	"FMODE_READ": 1, "FMODE_WRITE": 2, "FMODE_EXEC": 0x20,
	// include/linux/errno.h: what system calls return within the kernel
	"ERESTARTSYS": 512, "ERESTARTNOINTR": 513, "ERESTARTNOHAND": 514, "ENOIOCTLCMD": 515, "ERESTART_RESTARTBLOCK": 516, "EPROBE_DEFER": 517,
	"ENOTSUPP": 524,
}

// syscallPrefix begins the names of the constants that number system calls.
const syscallPrefix = "__NR_"

// SyscallNames are the names of an architecture's system calls, by number.
func SyscallNames(arch string) map[int64]string {
	names := map[int64]string{}
	have := ""
	for line := range strings.Lines(uapiTable) {
		tail, _, _ := strings.Cut(strings.TrimSuffix(line[1:], "\n"), " ")
		have = have[:min(len(have), int(line[0]-wholeName))] + tail
		if name, ok := strings.CutPrefix(have, syscallPrefix); ok {
			if n, ok := uapiConst(arch, have); ok && name != "syscalls" {
				names[n] = name
			}
		}
	}
	return names
}
