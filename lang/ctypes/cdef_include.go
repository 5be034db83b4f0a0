package ctypes

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
)

// Limits of #include.
const (
	maxIncludeDepth = 200   // as gcc has it
	maxIncludes     = 20000 // files read, repeated ones counted
	maxIncluded     = 64 << 20
)

// includeName reads the name of a header: "x.h", <x.h>, or a macro that stands for one of these.
func (c *Types) includeName(at CToken, rest []CToken, end int) (name string, quoted bool, err error) {
	if len(rest) > 0 && rest[0].Kind == CWord {
		if rest, err = c.Expand(rest); err != nil {
			return "", false, err
		}
		end = 0
	}
	switch {
	case len(rest) > 0 && rest[0].Kind == cString:
		name, quoted = strings.Trim(rest[0].Text, `"`), true
	case len(rest) > 0 && rest[0].is("<"):
		text := ""
		if end > 0 {
			text = rest[0].File.Text[rest[0].Offset+1 : end]
		} else {
			for _, t := range rest[1:] {
				text += t.Text
			}
		}
		var closed bool
		if name, _, closed = strings.Cut(text, ">"); !closed {
			return "", false, CErrorf(rest[0], "this '<' is never closed")
		}
		name = strings.TrimSpace(name)
	}
	if name == "" {
		return "", false, CErrorf(at, `#%s needs a name: "FILE" or <FILE>`, at.Text)
	}
	return name, quoted, nil
}

// include follows an #include line.
func (c *Types) include(at CToken, rest []CToken, end int) error {
	name, quoted, err := c.includeName(at, rest, end)
	if err != nil {
		return err
	}
	place := at
	if len(rest) > 0 {
		place = rest[0]
		place.Text = place.File.Text[place.Offset:min(len(place.File.Text), place.Offset+len(name)+2)]
	}
	if c.System == nil {
		c.includeSystem(place, name, quoted, at.Text == "include_next")
		return nil
	}
	dirs := c.headers.Dirs
	if quoted {
		dirs = append([]string{c.dirOf(at.File)}, dirs...)
	}
	if f, err := c.search(name, dirs, 0); f != nil || err != nil {
		if err != nil {
			return CErrorf(place, "reading the header: %v", err)
		}
		return c.enter(place, f)
	}
	if c.System.add(name) || knownHeader(name) {
		return nil
	}
	e := &Error{At: place, text: "there is no header " + name, Hint: "-I DIR adds a directory to look into"}
	return e
}

// dirOf is the directory that a text lies in.
func (c *Types) dirOf(f *cFile) string {
	name := f.Name
	if name == "" {
		name = f.pos.Filename // the script, or one that it imports
	}
	return filepath.Dir(name)
}

// search finds a header in directories, from the one with index first on; nil if it is in none.
func (c *Types) search(name string, dirs []string, first int) (*cFile, error) {
	if c.headers.Read == nil || strings.ContainsRune(name, 0) {
		return nil, nil
	}
	if filepath.IsAbs(name) {
		dirs, first = []string{""}, 0
	}
	for i := first; i < len(dirs); i++ {
		path := filepath.Join(dirs[i], name)
		text, cached := c.texts[path]
		if !cached {
			data, err := c.headers.Read(path)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			text = string(data)
			c.texts[path] = text
		}
		return &cFile{Name: path, path: path, Text: text, next: i + 1}, nil
	}
	return nil, nil
}

// enter reads a header.
func (c *Types) enter(by CToken, f *cFile) error {
	if c.once[f.path] || c.stopped {
		return nil
	}
	f.By = by
	c.includes++
	c.read += len(f.Text)
	if len(c.files) > maxIncludeDepth || c.includes > maxIncludes || c.read > maxIncluded {
		c.stopped = true
		switch {
		case len(c.files) > maxIncludeDepth:
			return CErrorf(by, "#include nests deeper than %d: does %s include itself without a guard?", maxIncludeDepth, f.Name)
		case c.includes > maxIncludes:
			return CErrorf(by, "more than %d headers are included", maxIncludes)
		}
		return CErrorf(by, "the headers have more than %d MB", maxIncluded>>20)
	}
	c.files = append(c.files, f)
	open := len(c.Conds)
	c.text(f)
	if len(c.Conds) > open && !c.stopped {
		at := c.Conds[open].At
		c.Fail(CErrorf(at, "this #%s has no #endif", at.Text))
	}
	c.Conds = c.Conds[:min(open, len(c.Conds))]
	c.files = c.files[:len(c.files)-1]
	return nil
}

// hasInclude answers __has_include.
func (c *Types) hasInclude(arg []CToken) bool {
	end := arg[len(arg)-1].end().Offset
	name, quoted, err := c.includeName(arg[0], arg, end)
	if err != nil {
		return false
	}
	if c.System == nil {
		f, err := c.search(name, c.searchDirs, 0)
		return f != nil && err == nil
	}
	dirs := c.headers.Dirs
	if quoted {
		dirs = append([]string{c.dirOf(arg[0].File)}, dirs...)
	}
	f, err := c.search(name, dirs, 0)
	return err == nil && (f != nil || c.System.has(name) || knownHeader(name))
}

// IncludeOptions reads the headers of --include.
func (c *Types) IncludeOptions() {
	for _, name := range c.headers.Files {
		f, err := c.search(name, append([]string{"."}, c.headers.Dirs...), 0)
		switch {
		case err != nil:
			c.Fail(CErrorf(CToken{}, "reading the header of --include: %v", err))
		case f != nil:
			if err := c.enter(CToken{}, f); err != nil {
				c.Fail(err)
			}
			c.unit()
		case !c.System.add(name) && !knownHeader(name):
			c.Fail(CErrorf(CToken{}, "there is no header %s, which --include names", name))
		}
	}
}
