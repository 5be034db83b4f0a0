// Package syntax parses scripts: the lexer, the grammar (participle) and the expressions. It imports source, literal, ast and builtin.
package syntax
