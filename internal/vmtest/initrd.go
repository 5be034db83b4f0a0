package vmtest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gotrace/gotrace/internal/vmtest/wire"
)

// guestPackage is the guest's first process.
const guestPackage = "github.com/gotrace/gotrace/internal/vmtest/guest"

// applets are the busybox commands that scripts and tests may use.
var applets = strings.Fields(`ash awk basename cat chmod chown cp cut date dd dirname dmesg echo env expr false find grep head
	hostname id ip kill ln ls mkdir mknod mount mv nc nproc od pidof printf ps readlink rm rmdir sed seq setsid sh sleep
	sort stat sync tail tee test timeout touch tr true uname uniq wc which xargs yes zcat`)

// writeInitrd writes the guest's file system: its init, busybox, modules, jobs and the given files.
func (m *Machine) writeInitrd(dir, path string) error {
	guest, err := Build(dir, "init", guestPackage)
	if err != nil {
		return err
	}
	busybox, err := findBusybox()
	if err != nil {
		return err
	}
	jobs, err := json.Marshal(m.Jobs)
	if err != nil {
		return err
	}
	files := []File{{Name: "/init", Path: guest}, {Name: "/bin/busybox", Path: busybox}}
	for i, mod := range m.Kernel.Modules {
		files = append(files, File{Name: fmt.Sprintf("%s/%02d-%s", wire.ModuleDir, i, filepath.Base(mod)), Path: mod})
	}
	files = append(files,
		File{Name: wire.JobFile, Data: jobs, Perm: 0o644},
		File{Name: "/etc/passwd", Data: []byte("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"), Perm: 0o644},
		File{Name: "/etc/group", Data: []byte("root:x:0:\nnogroup:x:65534:\n"), Perm: 0o644},
	)
	return writeArchive(path, append(files, m.Files...))
}

// writeArchive writes files and the directories and links that every guest has.
func writeArchive(path string, files []File) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	a := newArchive(w)
	for _, d := range []string{"proc", "sys", "dev", "tmp", "root", "run", "mnt", "var/tmp"} {
		a.dir(d)
	}
	for _, name := range applets {
		a.link("bin/"+name, "busybox")
	}
	a.link("usr/bin", "../bin")
	a.link("sbin", "bin")
	for _, file := range files {
		if err := a.add(file); err != nil {
			return err
		}
	}
	if err := a.close(); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// add copies a file in.
func (a *archive) add(f File) error {
	if f.Path == "" {
		a.file(f.Name, f.Perm, f.Data)
		return nil
	}
	data, err := os.ReadFile(f.Path)
	if err != nil {
		return err
	}
	info, err := os.Stat(f.Path)
	if err != nil {
		return err
	}
	perm := info.Mode()
	if f.Perm != 0 {
		perm = f.Perm
	}
	a.file(f.Name, perm, data)
	return nil
}
