// Vmrun boots a Debian kernel in QEMU, runs a command in it as root and ends with its exit code.
//
//	go run ./internal/vmtest/cmd/vmrun [-kernel 6.1|6.12|PATH] [-add FILE[:GUESTPATH]]... [-test PACKAGE]... -- COMMAND [ARGS]
//
//	vmrun -kernel 6.12 -- gotrace -e 'kprobe:vfs_read { @[comm] = count(); exit(); }'
//	vmrun -kernel 6.1 -- sh -c 'uname -r; cat /proc/kallsyms | head -3'
//	vmrun -kernel 6.1 -test ./probes -- probes.test -test.v -test.run TestList
//
// The guest has busybox, the gotrace command built from this tree (-gotrace=false leaves it out), what -add names (in /root),
// and the tests that -test builds (in /root, which is in PATH). Give -console to see what the kernel says.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/gotrace/gotrace/internal/vmtest"
	"github.com/gotrace/gotrace/internal/vmtest/wire"
)

// list is a flag that may be given several times.
type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

func main() {
	code, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "vmrun:", err)
		os.Exit(125)
	}
	os.Exit(code)
}

func run() (int, error) {
	var add, tests list
	series := flag.String("kernel", "6.12", "kernel series: 6.1 or 6.12")
	timeout := flag.Duration("timeout", 5*time.Minute, "end the machine after this time")
	console := flag.Bool("console", false, "show the kernel's console at the end")
	extra := flag.String("append", "", "add to the kernel's command line: \"loglevel=7\"")
	cpus := flag.Int("smp", 0, "number of CPUs")
	withGotrace := flag.Bool("gotrace", true, "build gotrace into the guest")
	flag.Var(&add, "add", "add `FILE[:GUESTPATH]` to the guest")
	flag.Var(&tests, "test", "build the tests of `PACKAGE` into the guest")
	flag.Parse()
	if flag.NArg() == 0 {
		return 2, fmt.Errorf("no command: see go doc ./internal/vmtest/cmd/vmrun")
	}
	kernel, err := vmtest.FindKernel(*series)
	if err != nil {
		return 2, err
	}
	dir, err := os.MkdirTemp("", "vmrun-")
	if err != nil {
		return 2, err
	}
	defer os.RemoveAll(dir)
	files, err := guestFiles(dir, add, tests, *withGotrace)
	if err != nil {
		return 2, err
	}
	m := &vmtest.Machine{
		Kernel:  kernel,
		Files:   files,
		Jobs:    []wire.Job{{Argv: flag.Args()}},
		Timeout: *timeout,
		Output:  show,
		Append:  *extra,
		CPUs:    *cpus,
	}
	res, err := m.Run(context.Background())
	if res != nil && *console {
		fmt.Fprint(os.Stderr, res.Console)
	}
	if err != nil {
		return 2, err
	}
	return res.Exits[0], nil
}

// show passes the command's output on.
func show(ev wire.Event) {
	if ev.Stderr {
		os.Stderr.Write(ev.Data)
	} else {
		os.Stdout.Write(ev.Data)
	}
	if ev.Error != "" {
		fmt.Fprintln(os.Stderr, "vmrun:", ev.Error)
	}
}

// guestFiles builds and names everything that goes into the guest.
func guestFiles(dir string, add, tests []string, withGotrace bool) ([]vmtest.File, error) {
	var files []vmtest.File
	for _, spec := range add {
		host, guest, ok := strings.Cut(spec, ":")
		if !ok {
			guest = path.Join("/root", filepath.Base(host))
		}
		files = append(files, vmtest.File{Name: guest, Path: host})
	}
	for _, pkg := range tests {
		name := filepath.Base(filepath.Clean(pkg)) + ".test"
		bin, err := vmtest.BuildTest(dir, name, pkg)
		if err != nil {
			return nil, err
		}
		if bin == "" {
			return nil, fmt.Errorf("%s has no tests", pkg)
		}
		files = append(files, vmtest.File{Name: "/root/" + name, Path: bin})
	}
	if withGotrace {
		bin, err := vmtest.Build(dir, "gotrace", "github.com/gotrace/gotrace/cmd/gotrace")
		if err != nil {
			return nil, err
		}
		files = append(files, vmtest.File{Name: "/bin/gotrace", Path: bin})
	}
	return files, nil
}
