package lang

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
func (c *cTypes) includeName(at cToken, rest []cToken, end int) (name string, quoted bool, err error) {
	if len(rest) > 0 && rest[0].kind == cWord {
		if rest, err = c.expand(rest); err != nil {
			return "", false, err
		}
		end = 0
	}
	switch {
	case len(rest) > 0 && rest[0].kind == cString:
		name, quoted = strings.Trim(rest[0].text, `"`), true
	case len(rest) > 0 && rest[0].is("<"):
		text := ""
		if end > 0 {
			text = rest[0].file.text[rest[0].offset+1 : end]
		} else {
			for _, t := range rest[1:] {
				text += t.text
			}
		}
		var closed bool
		if name, _, closed = strings.Cut(text, ">"); !closed {
			return "", false, cErrorf(rest[0], "this '<' is never closed")
		}
		name = strings.TrimSpace(name)
	}
	if name == "" {
		return "", false, cErrorf(at, `#%s needs a name: "FILE" or <FILE>`, at.text)
	}
	return name, quoted, nil
}

// include follows an #include line.
func (c *cTypes) include(at cToken, rest []cToken, end int) error {
	name, quoted, err := c.includeName(at, rest, end)
	if err != nil {
		return err
	}
	place := at
	if len(rest) > 0 {
		place = rest[0]
		place.text = place.file.text[place.offset:min(len(place.file.text), place.offset+len(name)+2)]
	}
	if c.system == nil {
		c.includeSystem(place, name, quoted, at.text == "include_next")
		return nil
	}
	dirs := c.headers.Dirs
	if quoted {
		dirs = append([]string{c.dirOf(at.file)}, dirs...)
	}
	if f, err := c.search(name, dirs, 0); f != nil || err != nil {
		if err != nil {
			return cErrorf(place, "reading the header: %v", err)
		}
		return c.enter(place, f)
	}
	if c.system.add(name) || knownHeader(name) {
		return nil
	}
	e := &cError{at: place, text: "there is no header " + name, hint: "-I DIR adds a directory to look into"}
	return e
}

// dirOf is the directory that a text lies in.
func (c *cTypes) dirOf(f *cFile) string {
	name := f.name
	if name == "" {
		name = c.scriptName
	}
	return filepath.Dir(name)
}

// search finds a header in directories, from the one with index first on; nil if it is in none.
func (c *cTypes) search(name string, dirs []string, first int) (*cFile, error) {
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
		return &cFile{name: path, path: path, text: text, next: i + 1}, nil
	}
	return nil, nil
}

// enter reads a header.
func (c *cTypes) enter(by cToken, f *cFile) error {
	if c.once[f.path] || c.stopped {
		return nil
	}
	f.by = by
	c.includes++
	c.read += len(f.text)
	if len(c.files) > maxIncludeDepth || c.includes > maxIncludes || c.read > maxIncluded {
		c.stopped = true
		switch {
		case len(c.files) > maxIncludeDepth:
			return cErrorf(by, "#include nests deeper than %d: does %s include itself without a guard?", maxIncludeDepth, f.name)
		case c.includes > maxIncludes:
			return cErrorf(by, "more than %d headers are included", maxIncludes)
		}
		return cErrorf(by, "the headers have more than %d MB", maxIncluded>>20)
	}
	c.files = append(c.files, f)
	open := len(c.conds)
	c.text(f)
	if len(c.conds) > open && !c.stopped {
		at := c.conds[open].at
		c.fail(cErrorf(at, "this #%s has no #endif", at.text))
	}
	c.conds = c.conds[:min(open, len(c.conds))]
	c.files = c.files[:len(c.files)-1]
	return nil
}

// hasInclude answers __has_include.
func (c *cTypes) hasInclude(arg []cToken) bool {
	end := arg[len(arg)-1].end().offset
	name, quoted, err := c.includeName(arg[0], arg, end)
	if err != nil {
		return false
	}
	if c.system == nil {
		f, err := c.search(name, c.searchDirs, 0)
		return f != nil && err == nil
	}
	dirs := c.headers.Dirs
	if quoted {
		dirs = append([]string{c.dirOf(arg[0].file)}, dirs...)
	}
	f, err := c.search(name, dirs, 0)
	return err == nil && (f != nil || c.system.has(name) || knownHeader(name))
}

// includeOptions reads the headers of --include.
func (c *cTypes) includeOptions() {
	for _, name := range c.headers.Files {
		f, err := c.search(name, append([]string{"."}, c.headers.Dirs...), 0)
		switch {
		case err != nil:
			c.fail(cErrorf(cToken{}, "reading the header of --include: %v", err))
		case f != nil:
			if err := c.enter(cToken{}, f); err != nil {
				c.fail(err)
			}
			c.unit()
		case !c.system.add(name) && !knownHeader(name):
			c.fail(cErrorf(cToken{}, "there is no header %s, which --include names", name))
		}
	}
}
