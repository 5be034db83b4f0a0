// Package builtin has the two tables of what a script can name without defining it: builtins (variables, functions, keywords that
// take a type), and kinds of probes. Everything that can be said of them without checking or compiling a script is in their rows;
// docs/reference.md is made of them. It imports types.
package builtin

//go:generate go run ../../internal/reference -o ../../docs/reference.md
