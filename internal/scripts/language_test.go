package scripts

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang/format"
	"github.com/gotrace/gotrace/lang/source"
)

// languageDoc is the reference of the language. Its examples are blocks that begin with ```gotrace and options: run=, args=, flags= and needs=, as
// in the table, with commas between the words; `error`, if the script must be refused; `warns`, if there is a warning; file=NAME, if it is a file that the next example
// finds in its directory. A block
// without a word that follows is what the example prints, or, of these two, what the messages begin with. An example without one is compiled and attached.
const languageDoc = "../../docs/language.md"

// example is an example of languageDoc.
type example struct {
	*Case
	kind string // "error", "warns" or ""
	want string
	told bool // there is a block with what it prints
	// file is its name, if it is no script to run; files are those that the script finds.
	file  string
	files []*example
}

const fence = "```"

// languageExamples reads the examples.
func languageExamples(t *testing.T) []*example {
	t.Helper()
	text, err := os.ReadFile(languageDoc)
	if err != nil {
		t.Fatal(err)
	}
	var out []*example
	lines := strings.Split(string(text), "\n")
	block := func(i int) (string, int) { // the block that begins behind line i, and the line behind it
		start := i + 1
		for i++; i < len(lines) && lines[i] != fence; i++ {
		}
		return strings.Join(lines[start:min(i, len(lines))], "\n"), i + 1
	}
	var files []*example
	for i := 0; i < len(lines); i++ {
		options, ok := strings.CutPrefix(lines[i], fence+"gotrace")
		if !ok {
			continue
		}
		e := &example{Case: &Case{Name: fmt.Sprintf("line %d", i+1), File: "docs/language.md", Line: i + 1}}
		for _, option := range strings.Fields(options) {
			e.option(t, option)
		}
		e.Script, i = block(i)
		if e.file != "" {
			files = append(files, e)
			i--
			continue
		}
		e.files, files = files, nil
		if e.told = i < len(lines) && lines[i] == fence; e.told {
			e.want, i = block(i)
		}
		i--
		out = append(out, e)
	}
	return out
}

func (e *example) option(t *testing.T, option string) {
	t.Helper()
	name, value, _ := strings.Cut(option, "=")
	words := strings.Split(value, ",")
	switch name {
	case "run":
		e.Run = strings.Join(words, " ")
	case "args":
		e.Args = words
	case "flags":
		e.Flags = words
	case "needs":
		e.Needs = words
	case "file":
		e.file = value
	case "error", "warns":
		e.kind = name
	default:
		t.Fatalf("%s:%d: no option %q", e.File, e.Line, option)
	}
}

// TestLanguageParses holds that the examples are in the language, and are kept by the formatter.
func TestLanguageParses(t *testing.T) {
	examples := languageExamples(t)
	if len(examples) < 30 {
		t.Errorf("%d examples", len(examples))
	}
	for _, e := range examples {
		if _, diags, err := format.Source(&source.Source{Name: "stdin", Text: []byte(e.Script)}); err != nil || diags.HasErrors() {
			t.Errorf("%s:%d: %v %v", e.File, e.Line, diags, err)
		}
	}
}

// TestLanguageNamesWarnings holds that the reference has the codes of all warnings.
func TestLanguageNamesWarnings(t *testing.T) {
	text, err := os.ReadFile(languageDoc)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range source.WarningCodes {
		if row := fmt.Sprintf("| `%s` | %s |\n", w.Code, w.About); !strings.Contains(string(text), row) {
			t.Errorf("docs/language.md lacks the row %s", row)
		}
	}
}

// TestKernelLanguage runs the examples.
func TestKernelLanguage(t *testing.T) {
	needRoot(t)
	tool := newTool(t)
	for _, e := range languageExamples(t) {
		t.Run(e.Name, func(t *testing.T) {
			skipMissing(t, e.Case)
			if !e.told {
				e.Flags = append(e.Flags, "--dry-run")
			}
			e.write(t)
			res, err := tool.Run(t.Context(), e.Case)
			if err != nil {
				t.Fatalf("%s:%d: %v\nmessages:\n%s", e.File, e.Line, err, res.Stderr)
			}
			if bad := e.check(res); bad != "" {
				t.Errorf("%s:%d: %s\nexit code %d, output:\n%s\nmessages:\n%s", e.File, e.Line, bad, res.Exit, res.Stdout, res.Stderr)
			}
		})
	}
}

// write makes a directory with the files that the script finds.
func (e *example) write(t *testing.T) {
	t.Helper()
	if len(e.files) == 0 {
		return
	}
	e.Dir = t.TempDir()
	for _, f := range e.files {
		if err := os.WriteFile(filepath.Join(e.Dir, f.file), []byte(f.Script+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// check says what is wrong with a result, "" for nothing.
func (e *example) check(res *Result) string {
	warned := strings.Contains(res.Stderr, "WARNING")
	switch {
	case e.kind == "error" && res.Exit != 1, e.kind != "error" && res.Exit != 0:
		return "wrong exit code"
	case e.kind != "" && (!strings.Contains(res.Stderr, e.want) || e.want == ""):
		return "the messages lack\n" + e.want
	case e.kind != "warns" && warned:
		return "there is a warning"
	case e.kind == "" && e.told && Normalize(res.Stdout) != Normalize(e.want):
		return "it should print\n" + e.want
	}
	return ""
}
