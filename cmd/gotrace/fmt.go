package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/pflag"

	"github.com/gotrace/gotrace/lang/format"
	"github.com/gotrace/gotrace/lang/source"
)

const fmtUsage = `gotrace fmt writes scripts in one canonical style; their comments and their meaning stay.

Usage:
  gotrace fmt [-l] [-d] [-w] [FILE | FOLDER]...

Without a file it reads standard input. Of folders it takes the files named *.gt and *.bt, and those of their folders.

Options:
`

// formatter is one run of gotrace fmt.
type formatter struct {
	*cli
	list, diff, write bool
}

// formatCommand is gotrace fmt. It returns the exit code.
func (c *cli) formatCommand(args []string) int {
	f := &formatter{cli: c}
	flags := pflag.NewFlagSet("gotrace fmt", pflag.ContinueOnError)
	flags.SortFlags = false
	flags.Usage = func() {}
	flags.BoolVarP(&f.list, "list", "l", false, "print only the names of the files that are not in this style")
	flags.BoolVarP(&f.diff, "diff", "d", false, "print what would change; the exit code is then 1 if something would")
	flags.BoolVarP(&f.write, "write", "w", false, "write the files that are not in this style back")
	help := flags.BoolP("help", "h", false, "print this text")
	switch err := flags.Parse(args); {
	case err != nil:
		fmt.Fprintf(c.stderr, "ERROR: %v\nTry 'gotrace fmt --help'.\n", err)
		return 1
	case *help:
		fmt.Fprintf(c.out, "%s%s", fmtUsage, flags.FlagUsages())
		return 0
	}
	return f.all(flags.Args())
}

// formatScript is --fmt: it prints a script, or each of several.
func (c *cli) formatScript(args []string) int {
	f := &formatter{cli: c}
	if c.flags.program.given == 0 {
		return f.all(args)
	}
	return f.code(f.source(&source.Source{Name: "stdin", Text: []byte(c.flags.program.text)}, ""))
}

// all formats files, folders or, if there are none, standard input.
func (f *formatter) all(paths []string) int {
	if len(paths) == 0 {
		paths = []string{"-"}
	}
	code := 0
	for _, path := range paths {
		code = max(code, f.path(path))
	}
	return code
}

// path formats a file, "-" for standard input, or the scripts of a folder.
func (f *formatter) path(path string) int {
	if path == "-" {
		return f.code(f.stdinScript())
	}
	info, err := os.Stat(path)
	if err != nil {
		return f.fail(err)
	}
	if !info.IsDir() {
		return f.code(f.file(path))
	}
	code := 0
	root := strings.TrimRight(path, "/") + "/" // of a symbolic link, what it leads to
	err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch hidden := name != root && strings.HasPrefix(entry.Name(), "."); {
		case err != nil:
			code = f.fail(err)
		case hidden && entry.IsDir():
			return filepath.SkipDir
		case !hidden && !entry.IsDir() && isScript(name):
			code = max(code, f.code(f.file(name)))
		}
		return nil
	})
	if err != nil {
		return f.fail(err)
	}
	return code
}

// isScript says whether a file of a folder is a script, by its name.
func isScript(name string) bool {
	return strings.HasSuffix(name, ".gt") || strings.HasSuffix(name, ".bt")
}

// errDiffers says that a difference was printed.
var errDiffers = errors.New("it would change")

// code is the exit code for what formatting a script gave. Errors that are not printed yet are.
func (f *formatter) code(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errDiffers), errors.Is(err, errReported):
		return 1
	}
	return f.fail(err)
}

func (f *formatter) stdinScript() error {
	if f.write {
		return errors.New("standard input cannot be written back: give a file to -w")
	}
	src, err := source.ReadSourceFrom(f.stdin, "stdin")
	if err != nil {
		return fmt.Errorf("reading standard input: %w", err)
	}
	return f.source(src, "")
}

func (f *formatter) file(path string) error {
	src, err := source.ReadSource(path)
	if err != nil {
		return fmt.Errorf("reading the script: %w", err)
	}
	return f.source(src, path)
}

// source formats a script that was read from a file, "" for none.
func (f *formatter) source(src *source.Source, path string) error {
	if err := textual(src); err != nil {
		return err
	}
	text, diags, err := format.Source(src)
	switch {
	case diags.HasErrors():
		f.report(src, diags)
		return errReported
	case err != nil:
		return fmt.Errorf("%s: %w", src.Name, err)
	}
	return f.show(src, path, text)
}

// show does with a formatted script what the flags ask for.
func (f *formatter) show(src *source.Source, path, text string) error {
	if !f.list && !f.diff && !f.write {
		fmt.Fprint(f.out, text)
		return nil
	}
	if text == string(src.Text) {
		return nil
	}
	if f.list {
		fmt.Fprintln(f.out, src.Name)
	}
	if f.write {
		if err := replaceFile(path, text); err != nil {
			return fmt.Errorf("writing the script: %w", err)
		}
	}
	if f.diff {
		f.out.Write(diff.Diff(src.Name+".orig", src.Text, src.Name, []byte(text)))
		return errDiffers
	}
	return nil
}

// replaceFile puts a text in the place of a regular file's, whole or not at all. Mode and owner stay; a symbolic link
// stays one.
func replaceFile(path, text string) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", path)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // there is none once it is renamed
	_, err = tmp.WriteString(text)
	err = errors.Join(err, keepOwner(tmp, info), tmp.Chmod(info.Mode()), tmp.Sync(), tmp.Close())
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// keepOwner gives a file the owner of another one. Only root can give files away, and only root has to: whoever else may
// replace a file gets it.
func keepOwner(f *os.File, info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Getuid() != 0 {
		return nil
	}
	return f.Chown(int(st.Uid), int(st.Gid))
}
