package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang/ctypes"
)

// libcHeaders are the headers of C's library that have constants of the kernel's interface which the kernel's own do not show to programs.
var libcHeaders = []string{
	"sys/socket.h", "dirent.h", "netinet/tcp.h", "netinet/in.h", "netinet/ip_icmp.h", "poll.h", "sys/epoll.h", "sys/wait.h", "sys/stat.h",
	"signal.h", "sched.h", "fcntl.h", "sys/file.h", "sys/mman.h",
}

// libcNames are the constants taken from these.
var libcNames = regexp.MustCompile(`^(AF|PF|SOCK|DT|MSG|SHUT|SOL|SO|TCP|EPOLL|POLL|SIG|S_I|AT|O|F|LOCK|ICMP|IPPROTO|CLONE|PROT|MAP)[A-Z0-9_]+$|^W[A-Z]+$`)

// uapiNames are the constants taken from the kernel's headers: capitals, and the numbers of system calls.
var uapiNames = regexp.MustCompile(`^([A-Z][A-Za-z0-9_]*|__NR_[a-z0-9_]+|__WALL|__WCLONE|__WNOTHREAD)$`)

// skipped are headers of devices with hundreds of constants each that nobody traces by number.
var skipped = regexp.MustCompile(`^linux/(v4l2|videodev2|cec|zorro|omap|ivtv|pci_regs|soundcard|mdio|virtio|atm|vfio|gfs2|i2o|kfd|media|dvb|uvc|sony|ipmi|ultrasound|cyclades|synclink|fb\.h|mtio|nvme|sed-opal|input-event-codes|nl80211|dlm|qrtr|lirc|rkisp|hyperv|hiddev|serial_reg|comedi|stm|mei|vbox|matrox|raid|uinput|usb|map_to|sctp|tipc|batman)`)

// Constants reads the headers below a root and gives the constants that mean the same in all of them.
func Constants(root, arch string) (map[string]string, error) {
	base := filepath.Join(root, "usr/include")
	h := &ctypes.Headers{System: ctypes.SystemHeaders(arch)[1:], Read: ctypes.ReadHeader}
	for i, dir := range h.System {
		h.System[i] = filepath.Join(root, dir)
	}
	names, err := uapiHeaders(base)
	if err != nil {
		return nil, err
	}
	values := map[string]int64{}
	unclear := map[string]bool{} // constants that headers disagree about
	for _, name := range names {
		for c, v := range ctypes.HeaderConsts(h, arch, name) {
			if old, seen := values[c]; seen && old != v {
				unclear[c] = true
			}
			if uapiNames.MatchString(c) {
				values[c] = v
			}
		}
	}
	for c := range unclear {
		delete(values, c)
	}
	for _, name := range libcHeaders {
		for c, v := range ctypes.HeaderConsts(h, arch, name) {
			if _, have := values[c]; !have && libcNames.MatchString(c) {
				values[c] = v
			}
		}
	}
	delete(values, "HZ") // of what programs see; the kernel's own is in its settings
	if len(values) < 1000 {
		return nil, fmt.Errorf("%s has only %d constants: is linux-libc-dev installed there?", base, len(values))
	}
	out := map[string]string{}
	for c, v := range values {
		out[c] = strconv.FormatInt(v, 10)
	}
	return out, nil
}

// uapiHeaders are the names of the kernel's headers below a directory, in order.
func uapiHeaders(base string) ([]string, error) {
	var out []string
	for _, dir := range []string{"linux", "linux/netfilter", "linux/tc_act", "asm-generic"} {
		entries, err := os.ReadDir(filepath.Join(base, dir))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if name := dir + "/" + e.Name(); strings.HasSuffix(name, ".h") && !skipped.MatchString(name) {
				out = append(out, name)
			}
		}
	}
	// What asm-generic has is what an architecture includes of it.
	kept := out[:0]
	for _, name := range out {
		if rest, ok := strings.CutPrefix(name, "asm-generic/"); ok {
			name = "asm/" + rest
		}
		kept = append(kept, name)
	}
	sort.Strings(kept)
	return kept, nil
}

// headerDirs are the directories of kernel headers whose names are kept.
var headerDirs = regexp.MustCompile(`^(linux|net|asm|asm-generic|scsi|trace|crypto|rdma|sound|drm|uapi|vdso|video|acpi|xen|kvm|ras|media|mtd)/`)

// HeaderNames are the names by which code includes the headers of kernels.
func HeaderNames(root string, kernels []string) (map[string]string, error) {
	out := map[string]string{}
	add := func(dir string) error {
		return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".h") {
				return err
			}
			name, _ := filepath.Rel(dir, path)
			name = strings.TrimPrefix(name, "uapi/")
			if headerDirs.MatchString(name) && strings.Count(name, "/") < 3 && !driverHeaders.MatchString(name) {
				out[name] = ""
			}
			return nil
		})
	}
	dirs := []string{filepath.Join(root, "usr/include/linux") + "/..", filepath.Join(root, "usr/include/x86_64-linux-gnu")}
	for _, k := range kernels {
		found, err := filepath.Glob(filepath.Join(k, "usr/src/linux-headers-*"))
		if err != nil || len(found) == 0 {
			return nil, fmt.Errorf("there are no headers of a kernel in %s", k)
		}
		dirs = append(dirs, filepath.Join(found[0], "include"), filepath.Join(found[0], "arch/x86/include"), filepath.Join(found[0], "arch/arm64/include"))
	}
	for _, dir := range dirs {
		if err := add(filepath.Clean(dir)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// driverHeaders are those of single devices.
var driverHeaders = regexp.MustCompile(`^linux/(mfd|platform_data|soc|regulator|clk|iio|firmware|amba|pinctrl|power|dma|usb|mtd|spi|mlx[45]|qed|fpga|input|greybus|rpmsg|raid|hdmi|surface_aggregator|i3c|soundwire|reset|can|ssb|bcma|mmc|phy|gpio|i2c|irqchip|avf|wimax|pse-pd|byteorder|unaligned|decompress|sunrpc)/|^(sound|drm|media|rdma|video|xen/interface|acpi)/`)
