// Package check finds out the types of a script and all its mistakes: scopes, expansion of macros, and one file for each group
// of expressions and statements. It knows the machine only through Env.
package check
