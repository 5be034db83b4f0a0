package vmtest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// Series are the kernels that tests run on.
var Series = []string{"6.1", "6.12"}

// ErrUnavailable says that the machine lacks something and this process may not, or cannot, get it. Tests skip on it.
var ErrUnavailable = errors.New("test machine unavailable")

// Kernel is an unpacked Debian kernel.
type Kernel struct {
	Release string   // "6.1.0-56-cloud-amd64"
	Image   string   // path of vmlinuz
	Modules []string // paths of the modules a virtio serial port needs, in load order
}

// consoleModules make the virtio serial port work. A kernel that has one of them built in ships no file of it.
var consoleModules = []string{
	"virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_console",
}

// FindKernel returns the kernel of a series such as "6.1", from the cache or from Debian's archive.
// Nothing is installed on the host: the package is unpacked in the cache.
func FindKernel(series string) (*Kernel, error) {
	if runtime.GOARCH != "amd64" {
		return nil, fmt.Errorf("%w: test kernels are for amd64, this is %s", ErrUnavailable, runtime.GOARCH)
	}
	cache, err := CacheDir()
	if err != nil {
		return nil, err
	}
	pattern := kernelPattern(series)
	if pkg := newest(listDir(cache), pattern); pkg != "" {
		return openKernel(filepath.Join(cache, pkg))
	}
	dir, err := fetchPackage(cache, pattern, keepKernel)
	if err != nil {
		return nil, fmt.Errorf("kernel %s: %w", series, err)
	}
	return openKernel(dir)
}

// kernelPattern matches the names of Debian's cloud kernels of a series: linux-image-6.1.0-56-cloud-amd64,
// linux-image-6.12.117+deb12-cloud-amd64.
func kernelPattern(series string) *regexp.Regexp {
	return regexp.MustCompile(`^linux-image-` + regexp.QuoteMeta(series) + `\.[0-9][0-9a-z.+-]*-cloud-amd64$`)
}

// newest returns the name with the highest numbers among those that match, "" if none does.
func newest(names []string, pattern *regexp.Regexp) string {
	best := ""
	for _, n := range names {
		if pattern.MatchString(n) && (best == "" || slices.Compare(numbers(n), numbers(best)) > 0) {
			best = n
		}
	}
	return best
}

var digits = regexp.MustCompile(`[0-9]+`)

// numbers returns the numbers in a name, which order kernel packages by age.
func numbers(name string) []int {
	var out []int
	for _, d := range digits.FindAllString(name, -1) {
		n, _ := strconv.Atoi(d) // digits only; an overflow sorts last, which is as good as anything
		out = append(out, n)
	}
	return out
}

// keepKernel chooses what of an unpacked kernel package is worth the disk.
func keepKernel(name string) bool {
	base := filepath.Base(name)
	if strings.HasPrefix(base, "vmlinuz-") {
		return true
	}
	mod, _, isModule := strings.Cut(base, ".ko")
	return isModule && slices.Contains(consoleModules, mod)
}

// openKernel looks through an unpacked package.
func openKernel(dir string) (*Kernel, error) {
	k := &Kernel{}
	modules := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		base := filepath.Base(path)
		if release, ok := strings.CutPrefix(base, "vmlinuz-"); ok {
			k.Image, k.Release = path, release
		} else if mod, _, ok := strings.Cut(base, ".ko"); ok {
			modules[mod] = path
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading kernel package: %w", err)
	}
	if k.Image == "" {
		return nil, fmt.Errorf("no vmlinuz in %s: remove the directory to have it fetched again", dir)
	}
	for _, name := range consoleModules {
		if path := modules[name]; path != "" {
			k.Modules = append(k.Modules, path)
		}
	}
	return k, nil
}

// CacheDir is where unpacked packages are kept: $GOTRACE_CACHE, or gotrace/kernels in the user's cache.
func CacheDir() (string, error) {
	dir := os.Getenv("GOTRACE_CACHE")
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			base = filepath.Join(os.TempDir(), fmt.Sprintf("cache-%d", os.Getuid()))
		}
		dir = filepath.Join(base, "gotrace", "kernels")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("making the cache: %w", err)
	}
	return dir, nil
}

// listDir returns the names in a directory, none if it cannot be read.
func listDir(dir string) []string {
	entries, _ := os.ReadDir(dir) // an unreadable cache is an empty one
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
