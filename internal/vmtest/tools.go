package vmtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
)

// qemu is the emulator; kernels run under TCG, so that it works wherever a process may run.
const qemu = "qemu-system-x86_64"

// findQEMU returns the emulator's path. When it is missing and this is root, it is installed.
func findQEMU() (string, error) {
	if path, err := exec.LookPath(qemu); err == nil {
		return path, nil
	}
	if os.Getuid() != 0 {
		return "", fmt.Errorf("%w: %s is missing and only root may install it: apt-get install qemu-system-x86", ErrUnavailable, qemu)
	}
	if err := announce("installing the package qemu-system-x86, which the tests on other kernels need"); err != nil {
		return "", err
	}
	a := &apt{}
	install := []string{"-q", "install", "-y", "--no-install-recommends", "qemu-system-x86"}
	if _, err := a.run("/", "apt-get", install...); err != nil {
		// The lists may be old or missing: a second try with fresh ones.
		if _, err := a.run("/", "apt-get", "-q", "update"); err != nil {
			return "", fmt.Errorf("%w: installing QEMU: %w", ErrUnavailable, err)
		}
		if _, err := a.run("/", "apt-get", install...); err != nil {
			return "", fmt.Errorf("%w: installing QEMU: %w", ErrUnavailable, err)
		}
	}
	path, err := exec.LookPath(qemu)
	if err != nil {
		return "", fmt.Errorf("%w: QEMU was installed but %s is not there", ErrUnavailable, qemu)
	}
	return path, nil
}

// NoInstall is the environment variable that, when it is set, forbids tests to install or fetch packages.
const NoInstall = "GOTRACE_NO_INSTALL"

// announce says that a package is about to be brought to this machine. Package testsum shows such lines at once.
// It returns an error that wraps ErrUnavailable where that is forbidden.
func announce(what string) error {
	if os.Getenv(NoInstall) != "" {
		return fmt.Errorf("%w: %s is set, which forbids %s", ErrUnavailable, NoInstall, what)
	}
	fmt.Fprintf(os.Stderr, "NOTE: %s (%s=1 forbids it)\n", what, NoInstall)
	return nil
}

// findBusybox returns a static busybox from the cache or from Debian's archive.
func findBusybox() (string, error) {
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "busybox-static")
	if _, err := os.Stat(dir); err != nil {
		keep := func(name string) bool { return filepath.Base(name) == "busybox" }
		if dir, err = fetchPackage(cache, regexp.MustCompile(`^busybox-static$`), keep); err != nil {
			return "", fmt.Errorf("busybox: %w", err)
		}
	}
	for _, p := range []string{"bin/busybox", "usr/bin/busybox"} {
		path := filepath.Join(dir, p)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no busybox in %s: remove the directory to have it fetched again", dir)
}

// Build compiles a command of this module as a static binary, dir/name, and returns its path.
func Build(dir, name, pkg string) (string, error) {
	out := filepath.Join(dir, name)
	return out, goTool("build", "-o", out, pkg)
}

// BuildTest compiles the tests of a package as a static binary, dir/name, and returns its path.
// The path is empty when the package has no tests.
func BuildTest(dir, name, pkg string) (string, error) {
	out := filepath.Join(dir, name)
	if err := goTool("test", "-c", "-o", out, pkg); err != nil {
		return "", err
	}
	if _, err := os.Stat(out); err != nil {
		return "", nil
	}
	return out, nil
}

func goTool(args ...string) error {
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", args[0], err, out)
	}
	return nil
}
