// Command uapigen makes the tables of constants of the kernel's interface and of header names that package lang embeds.
//
// It reads the headers of Debian's packages linux-libc-dev and libc6-dev, by lang's own reader of C, for amd64 and arm64. What
// it reads is facts: names and numbers.
//
//	uapigen -o lang                                           the headers of this machine; arm64's table stays as it is
//	uapigen -o lang -arm64 DIR                                arm64's, unpacked: dpkg-deb -x linux-libc-dev_…_arm64.deb DIR
//	uapigen -o lang -kernel DIR -kernel DIR                   names of headers, from unpacked linux-headers-…-common packages
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	var kernels list
	out := flag.String("o", ".", "directory of the tables")
	root := flag.String("amd64", "/", "root of the headers of amd64")
	arm := flag.String("arm64", "", "root of the headers of arm64")
	flag.Var(&kernels, "kernel", "root of a kernel's own headers; several times for several versions")
	flag.Parse()
	if err := generate(*out, *root, *arm, kernels); err != nil {
		fmt.Fprintln(os.Stderr, "uapigen:", err)
		os.Exit(1)
	}
}

// list is a flag that can be given several times.
type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

func generate(out, root, arm string, kernels []string) error {
	common, err := Constants(root, "amd64")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "uapi.txt"), Table(common), 0o666); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "../internal/uapigen/VERSION"), []byte(installed(root)), 0o666); err != nil {
		return err
	}
	if arm != "" {
		own, err := Constants(arm, "arm64")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(out, "uapi_arm64.txt"), Table(Difference(common, own)), 0o666); err != nil {
			return err
		}
	}
	if len(kernels) == 0 {
		return nil
	}
	names, err := HeaderNames(root, kernels)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "headers.txt"), Table(names), 0o666)
}
