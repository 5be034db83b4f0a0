package scripts

import (
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/examples"
)

//go:embed testdata/*.txt
var tables embed.FS

// Case is a script and what it must print.
type Case struct {
	Name string
	File string // the table's file and line, for messages
	Line int

	Script string
	// Example is the file of examples/ that Script is, "" for a script of the table's own.
	Example string
	Args    []string // positional parameters
	Run     string   // arguments of the workload, "" if there is none
	Flags   []string // more flags of the command
	Env     []string // more of its environment: NAME=VALUE
	Dir     string   // where it runs, "" for here
	Needs   []string
	Exit    int

	Output string         // what it must print, or
	Match  *regexp.Regexp // what the whole output must match
	Stderr *regexp.Regexp // what must be found among the messages, nil if nothing must
	JSON   string         // what it must print with -q -f json, "" if that is not said

	OracleDiffers string // why bpftrace 0.17 prints something else
	OracleSkip    string // why bpftrace 0.17 cannot run it, or gives no steady answer
	UnitSkip      string // why the fake kernel cannot compile it
	NotYet        string // what gotrace lacks to run it
}

// All returns the whole table.
func All() ([]*Case, error) {
	files, err := fs.Glob(tables, "testdata/*.txt")
	if err != nil {
		return nil, err
	}
	var all []*Case
	seen := map[string]bool{}
	for _, name := range files {
		data, err := tables.ReadFile(name)
		if err != nil {
			return nil, err
		}
		cases, err := Parse(name, string(data))
		if err != nil {
			return nil, err
		}
		for _, c := range cases {
			if seen[c.Name] {
				return nil, fmt.Errorf("%s:%d: a second case is named %q", c.File, c.Line, c.Name)
			}
			seen[c.Name] = true
		}
		all = append(all, cases...)
	}
	return all, nil
}

// Parse reads a file of the table. Lines before the first case are its introduction.
func Parse(file, text string) ([]*Case, error) {
	p := &parser{file: file}
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		p.line = i + 1
		if err := p.next(line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, i+1, err)
		}
	}
	if err := p.finish(); err != nil {
		return nil, fmt.Errorf("%s:%d: %w", file, p.line, err)
	}
	return p.cases, nil
}

// parser collects the lines of a case.
type parser struct {
	file     string
	line     int
	cases    []*Case
	c        *Case
	section  string
	sections map[string]*strings.Builder
}

func (p *parser) next(line string) error {
	if name, ok := strings.CutPrefix(line, "=== "); ok {
		if err := p.finish(); err != nil {
			return err
		}
		p.c = &Case{Name: name, File: p.file, Line: p.line}
		p.section, p.sections = "", map[string]*strings.Builder{}
		return nil
	}
	if p.c == nil {
		return nil
	}
	if name, ok := strings.CutPrefix(line, "--- "); ok {
		if p.sections[name] != nil {
			return fmt.Errorf("a second section %q", name)
		}
		p.section, p.sections[name] = name, &strings.Builder{}
		return nil
	}
	if p.section != "" {
		p.sections[p.section].WriteString(line + "\n")
		return nil
	}
	if strings.TrimSpace(line) == "" {
		return nil
	}
	key, value, ok := strings.Cut(line, ":")
	if !ok {
		return fmt.Errorf("not a setting: %q", line)
	}
	return p.c.set(key, strings.TrimSpace(value))
}

// set takes a setting.
func (c *Case) set(key, value string) (err error) {
	if value == "" {
		return fmt.Errorf("setting %s has no value", key)
	}
	switch key {
	case "args":
		c.Args, err = splitWords(value)
	case "run":
		c.Run = value
	case "example":
		c.Example = value
		var text []byte
		text, err = examples.Scripts.ReadFile(value)
		c.Script = strings.TrimRight(string(text), "\n")
	case "flags":
		c.Flags, err = splitWords(value)
	case "env":
		c.Env, err = splitWords(value)
	case "needs":
		c.Needs = strings.Fields(value)
	case "exit":
		c.Exit, err = strconv.Atoi(value)
	case "oracle":
		c.OracleDiffers = value
	case "oracle-skip":
		c.OracleSkip = value
	case "not-yet":
		c.NotYet = value
	case "unit":
		c.UnitSkip = value
	default:
		err = fmt.Errorf("unknown setting %q", key)
	}
	return err
}

// finish completes the current case, if there is one.
func (p *parser) finish() error {
	if p.c == nil {
		return nil
	}
	c := p.c
	p.c = nil
	for name, text := range p.sections {
		if err := c.setSection(name, text.String()); err != nil {
			return fmt.Errorf("case %q: %w", c.Name, err)
		}
	}
	if c.Script == "" {
		return fmt.Errorf("case %q has no script", c.Name)
	}
	if c.Example != "" && p.sections["script"] != nil {
		return fmt.Errorf("case %q has both an example and a script", c.Name)
	}
	if p.sections["output"] == nil && c.Match == nil && c.Stderr == nil {
		return fmt.Errorf("case %q expects nothing", c.Name)
	}
	if c.Output != "" && c.Match != nil {
		return fmt.Errorf("case %q has both output and match", c.Name)
	}
	if len(c.Flags)+len(c.Env) > 0 && c.OracleSkip == "" {
		c.OracleSkip = "flags and variables are gotrace's own"
	}
	p.cases = append(p.cases, c)
	return nil
}

func (c *Case) setSection(name, text string) (err error) {
	switch name {
	case "script":
		c.Script = strings.TrimRight(text, "\n")
	case "output":
		c.Output = Normalize(text)
	case "match":
		c.Match, err = regexp.Compile(`\A` + strings.TrimRight(text, "\n") + `\n?\z`)
	case "json":
		c.JSON = text
	case "stderr":
		c.Stderr, err = regexp.Compile(strings.TrimRight(text, "\n"))
	default:
		err = fmt.Errorf("unknown section %q", name)
	}
	return err
}

// splitWords splits at blanks outside double quotes.
func splitWords(s string) ([]string, error) {
	var words []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		var word string
		if s[0] == '"' {
			end := strings.IndexByte(s[1:], '"')
			if end < 0 {
				return nil, fmt.Errorf("no closing quote in %q", s)
			}
			word, s = s[1:end+1], s[end+2:]
		} else if i := strings.IndexByte(s, ' '); i >= 0 {
			word, s = s[:i], s[i:]
		} else {
			word, s = s, ""
		}
		words = append(words, word)
	}
	return words, nil
}

var attachLine = regexp.MustCompile(`(?m)^Attach(ing|ed) \d+ probes?(\.\.\.)?\n`)

// Normalize makes the output of two implementations comparable: the line about attached probes goes, since
// versions disagree on its words and its stream; blanks at line ends and blank lines go, since
// versions disagree on how many there are around maps.
func Normalize(out string) string {
	out = attachLine.ReplaceAllString(out, "")
	var b strings.Builder
	for _, line := range strings.Split(out, "\n") {
		if line = strings.TrimRight(line, " "); line != "" {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

var mapLine = regexp.MustCompile(`^(@\w*)\[.*\]: (.*)$`)

// SortTies puts the elements of a map that have the same value into the order of their text. gotrace prints
// them in the order of their keys, older versions of bpftrace in that of the kernel's hash table.
func SortTies(out string) string {
	lines := strings.Split(out, "\n")
	for i := 0; i < len(lines); {
		j := i + 1
		for m := mapLine.FindStringSubmatch(lines[i]); m != nil && j < len(lines); j++ {
			n := mapLine.FindStringSubmatch(lines[j])
			if n == nil || n[1] != m[1] || n[2] != m[2] {
				break
			}
		}
		slices.Sort(lines[i:j])
		i = j
	}
	return strings.Join(lines, "\n")
}
