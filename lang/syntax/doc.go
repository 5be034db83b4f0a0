// Package syntax parses scripts: the lexer, the grammar (participle) and the expressions. It imports source, literal, ast, types and builtin.
package syntax
