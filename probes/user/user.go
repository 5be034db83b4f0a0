// Package user finds what can be traced in programs and libraries: functions, lines of their source, static probes, functions of Go; and what their
// arguments are. It imports lang and the readers of files (internal/symbols, internal/dwarfinfo, probes/internal); package probes, which attaches to what is
// found, uses it.
package user

import (
	"fmt"
	"os"

	"github.com/gotrace/gotrace/internal/symbols"
	"github.com/gotrace/gotrace/probes/internal/binpath"
)

// Options are the settings of Programs.
type Options struct {
	PID       int      // of the process whose files are meant, 0 for all
	Command   string   // the path of the program that -c runs
	Unsafe    bool     // probes that only the user can know to be right
	DebugInfo []string // where debug files of binaries are
	Arch      string   // GOARCH
}

// Programs finds probes in programs. Files are read once. It is not safe for use by several goroutines at once.
type Programs struct {
	opts       Options
	finder     *binpath.Finder
	binaries   map[string]*symbols.Binary // these and the others by path
	debug      map[string]*debugInfo
	goVersions map[string]int
	static     map[string][]symbols.StaticProbe
}

// New returns the programs of this machine.
func New(opts Options) *Programs {
	return &Programs{
		opts: opts, finder: &binpath.Finder{PID: opts.PID, Command: opts.Command, Arch: opts.Arch},
		binaries: map[string]*symbols.Binary{}, debug: map[string]*debugInfo{}, goVersions: map[string]int{}, static: map[string][]symbols.StaticProbe{},
	}
}

// Binary reads a binary once.
func (e *Programs) Binary(path string) (*symbols.Binary, error) {
	if b, ok := e.binaries[path]; ok {
		return b, nil
	}
	b, err := symbols.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the binary: %w", err)
	}
	e.binaries[path] = b
	return b, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
