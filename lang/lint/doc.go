// Package lint finds what is allowed in a script and probably not meant: what is never used, never reached, always true, or written as
// no longer recommended. All it tells are warnings. It imports source, ast, types, builtin and check.
package lint
