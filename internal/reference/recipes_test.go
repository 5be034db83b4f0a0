package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../../"

var (
	quoted     = regexp.MustCompile("`([^`\n]+)`")
	tableCheck = regexp.MustCompile("((?:`Test\\w+`(?:,| and)?\\s+)+)in\\s+`([^`\n]+)`")
	testName   = regexp.MustCompile("`(Test\\w+)`")
	inFile     = regexp.MustCompile("`(\\w+)`\\s+(?:of|in)\\s+`([\\w/]+\\.go)`")
)

// TestRecipes follows the recipes of CONTRIBUTING.md: the files they name are there and have in them what the recipe says, and each
// recipe names tests that exist.
func TestRecipes(t *testing.T) {
	text := read(t, "CONTRIBUTING.md")
	_, recipes, ok := strings.Cut(text, "\n## Recipes\n")
	if !ok {
		t.Fatal("CONTRIBUTING.md has no recipes")
	}
	recipes, _, _ = strings.Cut(recipes, "\n## ")
	parts := strings.Split(recipes, "\n### ")
	if len(parts) < 7 {
		t.Errorf("%d recipes", len(parts)-1)
	}
	for _, recipe := range parts {
		name, body, _ := strings.Cut(recipe, "\n")
		t.Run(name, func(t *testing.T) {
			paths(t, body)
			for _, m := range inFile.FindAllStringSubmatch(body, -1) {
				if !regexp.MustCompile(`\b` + m[1] + `\b`).MatchString(read(t, m[2])) {
					t.Errorf("there is no %s in %s", m[1], m[2])
				}
			}
			checks(t, body)
		})
	}
}

// paths finds names of files and directories that are not there.
func paths(t *testing.T, body string) {
	t.Helper()
	for _, m := range quoted.FindAllStringSubmatch(body, -1) {
		path := m[1]
		first, _, _ := strings.Cut(path, "/")
		if info, err := os.Stat(root + first); err != nil || !info.IsDir() || strings.Contains(path, " ") {
			continue // a command, or a name in the code
		}
		if found, err := filepath.Glob(root + path); err != nil || len(found) == 0 {
			t.Errorf("there is no %s", path)
		}
	}
}

// checks finds tests that are not where a recipe says.
func checks(t *testing.T, body string) {
	t.Helper()
	found := tableCheck.FindAllStringSubmatch(body, -1)
	if len(found) == 0 && !strings.Contains(body, "Table checks: those of") {
		t.Error("no table check is named")
	}
	for _, m := range found {
		files, err := filepath.Glob(root + m[2] + "/*_test.go")
		if err != nil {
			t.Fatal(err)
		}
		var code strings.Builder
		for _, f := range files {
			code.WriteString(read(t, strings.TrimPrefix(f, root)))
		}
		for _, test := range testName.FindAllStringSubmatch(m[1], -1) {
			if !strings.Contains(code.String(), "func "+test[1]+"(t *testing.T)") {
				t.Errorf("there is no %s in %s", test[1], m[2])
			}
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(root + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
