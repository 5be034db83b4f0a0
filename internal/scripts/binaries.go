package scripts

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// binariesMark stands in the table for the directory of the programs of testdata/bin.
const binariesMark = "%BIN%"

//go:embed testdata/bin
var programs embed.FS

// WriteBinaries writes the programs that scripts of the table trace to a directory, unless they are there.
func WriteBinaries(dir string) error {
	const from = "testdata/bin"
	return fs.WalkDir(programs, from, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		to := filepath.Join(dir, name[len(from):])
		if _, err := os.Stat(to); err == nil {
			return nil
		}
		data, err := programs.ReadFile(name)
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o600)
		if path.Ext(name) == "" {
			mode = 0o700
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return fmt.Errorf("programs of the table: %w", err)
		}
		return os.WriteFile(to, data, mode)
	})
}
