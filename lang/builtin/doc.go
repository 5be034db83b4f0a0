// Package builtin has the two tables of what a script can name without defining it: builtins, and kinds of probes. Everything that
// can be said of them without checking or compiling a script is in their rows.
package builtin
