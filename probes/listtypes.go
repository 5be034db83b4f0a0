package probes

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/gotrace/gotrace/probes/internal/kbtf"
)

// TypePatterns splits what -l is asked for: patterns of types, which begin with struct, union or enum, and the rest, as it was.
func TypePatterns(pattern string) (types []string, rest string) {
	var probes []string
	for _, p := range splitOutsideQuotes(pattern, ',') {
		words := strings.Fields(p)
		if len(words) == 2 && words[0] != "" && keywordKinds[words[0]] != nil {
			types = append(types, strings.Join(words, " "))
			continue
		}
		probes = append(probes, p)
	}
	return types, strings.Join(probes, ",")
}

// ListTypes finds the types of the kernel and of its loaded modules that match a pattern such as "struct task_*", sorted: their names
// or, with define, "module: " and their definitions. What a module only repeats is the kernel's.
func ListTypes(e *Env, pattern string, define bool) ([]string, error) {
	keyword, name, _ := strings.Cut(pattern, " ")
	seen := map[string]bool{}
	var out []string
	for _, module := range append([]string{"vmlinux"}, moduleNames()...) {
		types, err := e.typesOf(module)
		if err != nil {
			return nil, err
		}
		found, err := types.matching(keyword, name, define)
		if err != nil {
			return nil, fmt.Errorf("types of %s: %w", module, err)
		}
		for _, text := range found {
			if seen[text] {
				continue
			}
			if module == "vmlinux" || !define {
				seen[text] = true
			}
			out = append(out, text)
			if define {
				out[len(out)-1] = module + ": " + text
			}
		}
	}
	if !define {
		sort.Strings(out)
		return out, nil
	}
	sort.SliceStable(out, func(i, j int) bool { return definition(out[i]) < definition(out[j]) })
	return out, nil
}

// definition is what follows the name of the module.
func definition(line string) string {
	_, text, _ := strings.Cut(line, ": ")
	return text
}

// matching are the names, or the definitions, of the types of a kernel or module that match, each once.
func (k *kernelTypes) matching(keyword, pattern string, define bool) ([]string, error) {
	var out []string
	for _, kind := range keywordKinds[keyword] {
		var err error
		namesErr := k.file.Names(kind, func(id kbtf.ID, name string) bool {
			if !match(pattern, name) {
				return true
			}
			text := keyword + " " + name
			if define {
				text, err = k.file.Definition(id)
				text += ";\n"
			}
			out = append(out, text)
			return err == nil
		})
		if err != nil || namesErr != nil {
			return nil, fmt.Errorf("%s %s: %w", keyword, pattern, errors.Join(err, namesErr))
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}
