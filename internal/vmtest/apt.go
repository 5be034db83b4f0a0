package vmtest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// apt fetches Debian packages without installing them.
type apt struct {
	cache string   // where packages are unpacked, each in a directory of its name
	opts  []string // options of every apt command; they set up lists of our own
}

// keyring is what signs Debian's archive.
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// sources are the places that have both kernel series (6.1 is bookworm's; 6.12 came to it through security and backports).
const sources = `deb [signed-by=` + keyring + `] http://deb.debian.org/debian bookworm main
deb [signed-by=` + keyring + `] http://deb.debian.org/debian-security bookworm-security main
deb [signed-by=` + keyring + `] http://deb.debian.org/debian bookworm-backports main
`

// fetchPackage unpacks the newest package that matches into the cache and returns its directory. It asks the
// machine's package lists first; where they are missing, old or of another release, it makes lists of our
// own, which need no privileges and change nothing outside the cache.
func fetchPackage(cache string, pattern *regexp.Regexp, keep func(string) bool) (string, error) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return "", fmt.Errorf("%w: no apt-get, so no Debian packages", ErrUnavailable)
	}
	if err := announce(fmt.Sprintf("unpacking a package %s from Debian's archive in %s", pattern, cache)); err != nil {
		return "", err
	}
	host := &apt{cache: cache}
	dir, hostErr := host.fetch(pattern, keep)
	if hostErr == nil {
		return dir, nil
	}
	own, err := ownLists(cache)
	if err != nil {
		return "", fmt.Errorf("%w (and %w)", hostErr, err)
	}
	return own.fetch(pattern, keep)
}

// fetch unpacks the newest package that matches.
func (a *apt) fetch(pattern *regexp.Regexp, keep func(string) bool) (string, error) {
	pkg := a.search(pattern)
	if pkg == "" {
		return "", fmt.Errorf("%w: no package %s in Debian's archive", ErrUnavailable, pattern)
	}
	return a.unpack(pkg, keep)
}

// ownLists sets up package lists inside the cache and updates them.
func ownLists(cache string) (*apt, error) {
	if _, err := os.Stat(keyring); err != nil {
		return nil, fmt.Errorf("%w: %s is missing, so packages cannot be verified", ErrUnavailable, keyring)
	}
	dir := filepath.Join(cache, "apt")
	for _, d := range []string{"lists/partial", "cache/archives/partial", "parts"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, fmt.Errorf("making package lists: %w", err)
		}
	}
	list := filepath.Join(dir, "sources.list")
	if err := os.WriteFile(list, []byte(sources), 0o644); err != nil {
		return nil, fmt.Errorf("making package lists: %w", err)
	}
	a := &apt{cache: cache, opts: []string{
		"-o", "Dir::Etc::sourcelist=" + list,
		"-o", "Dir::Etc::sourceparts=" + filepath.Join(dir, "parts"),
		"-o", "Dir::State::lists=" + filepath.Join(dir, "lists"),
		"-o", "Dir::Cache=" + filepath.Join(dir, "cache"),
		"-o", "APT::Sandbox::User=",
		"-o", "APT::Architecture=amd64",
		"-o", "APT::Architectures=amd64",
	}}
	if _, err := a.run(dir, "apt-get", "-q", "update"); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return a, nil
}

// search returns the newest package that matches, "" if there is none.
func (a *apt) search(pattern *regexp.Regexp) string {
	out, err := a.run(a.cache, "apt-cache", "pkgnames")
	if err != nil {
		return ""
	}
	return newest(strings.Fields(string(out)), pattern)
}

// unpack fetches a package and leaves the files that keep wants in a directory of its name.
// Several processes may do so at once: the directory appears whole, by a rename.
func (a *apt) unpack(pkg string, keep func(string) bool) (string, error) {
	dir := filepath.Join(a.cache, pkg)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	tmp, err := os.MkdirTemp(a.cache, "fetch-")
	if err != nil {
		return "", fmt.Errorf("fetching %s: %w", pkg, err)
	}
	defer os.RemoveAll(tmp)
	if _, err := a.run(tmp, "apt-get", "-q", "download", pkg); err != nil {
		return "", fmt.Errorf("%w: fetching %s: %w", ErrUnavailable, pkg, err)
	}
	debs, err := filepath.Glob(filepath.Join(tmp, "*.deb"))
	if err != nil || len(debs) != 1 {
		return "", fmt.Errorf("fetching %s: apt-get left %d packages", pkg, len(debs))
	}
	root := filepath.Join(tmp, "root")
	if _, err := a.run(tmp, "dpkg", "-x", debs[0], root); err != nil {
		return "", fmt.Errorf("unpacking %s: %w", pkg, err)
	}
	if err := prune(root, keep); err != nil {
		return "", fmt.Errorf("unpacking %s: %w", pkg, err)
	}
	if err := os.Rename(root, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("unpacking %s: %w", pkg, err)
	}
	return dir, nil
}

// prune removes the files that are not wanted.
func prune(root string, keep func(string) bool) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || keep(path) {
			return err
		}
		return os.Remove(path)
	})
}

// run runs one of apt's commands in dir. An error holds what it said.
func (a *apt) run(dir, name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, append(append([]string{}, a.opts...), args...)...)
	if name == "dpkg" {
		cmd = exec.Command(name, args...)
	}
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", name, err, lastLine(stderr.String()))
	}
	return out, nil
}

// lastLine is the last line of a command's messages, which names the reason.
func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}
