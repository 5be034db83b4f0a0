// Package ast is the syntax tree of a script, how it is walked and how it is printed. It imports source and literal.
package ast
