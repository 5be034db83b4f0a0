package lint

import (
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
)

// oldSettings are names of settings that have new ones.
var oldSettings = map[string]string{"strlen": "max_strlen", "map_keys_max": "max_map_keys", "rb_pages": "perf_rb_pages", "no_cpp_demangle": "cpp_demangle"}

// goneSettings are those of older bpftraces that no version still reads.
var goneSettings = map[string]bool{"debug_output": true, "max_ast_nodes": true, "max_type_res_iterations": true, "no_user_symbols": true, "symbol_source": true}

// settings warns of settings with older names: those of the environment are for the environment.
func (l *linter) settings(file *ast.File) {
	for _, s := range file.Config {
		name := strings.ToLower(s.Name)
		for _, prefix := range []string{"bpftrace_", "gotrace_"} {
			name = strings.TrimPrefix(name, prefix)
		}
		if now := oldSettings[name]; now != "" {
			name = now
		}
		switch {
		case goneSettings[name]:
			l.warn(source.Warningf(s, "deprecated", "%s has no effect: newer bpftraces do not have it", s.Name))
		case name != s.Name:
			l.deprecated(s, s.Name, name)
		}
	}
}

// spellings warns of what newer bpftraces have replaced.
func (l *linter) spellings(item ast.Item) {
	ast.Inspect(item, func(n source.Node) bool {
		switch n := n.(type) {
		case *ast.While:
			l.deprecated(source.Span{Pos: n.Pos, EndPos: source.Advance(n.Pos, "while")}, "while", "for ($i : 0..N) { … }, with break where it ends")
		case *ast.Ident:
			if rest, ok := strings.CutPrefix(n.Name, "sarg"); ok && rest != "" && strings.Trim(rest, "0123456789") == "" {
				l.deprecated(n, n.Name, `*(uint64 *)(reg("sp") + OFFSET)`)
			}
		}
		return true
	})
}

// deprecated warns of one spelling.
func (l *linter) deprecated(at source.Node, old, now string) {
	l.warn(source.Warningf(at, "deprecated", "%s is deprecated in bpftrace, and newer versions may not have it", old).WithHint("write %s", now))
}
