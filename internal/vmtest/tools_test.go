package vmtest

import (
	"errors"
	"strings"
	"testing"
)

func TestNoInstall(t *testing.T) {
	t.Setenv(NoInstall, "1")
	err := announce("installing the package x")
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), NoInstall) {
		t.Errorf("error %v, want ErrUnavailable that names %s", err, NoInstall)
	}
	t.Setenv(NoInstall, "")
	if err := announce("nothing: this is a test of the message"); err != nil {
		t.Error(err)
	}
}

// Without QEMU on the path and without leave to install it, tests are skipped.
func TestNoInstallOfQEMU(t *testing.T) {
	t.Setenv(NoInstall, "1")
	t.Setenv("PATH", t.TempDir())
	if _, err := findQEMU(); !errors.Is(err, ErrUnavailable) {
		t.Errorf("error %v, want ErrUnavailable", err)
	}
}
