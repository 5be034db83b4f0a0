// Package format writes scripts in one canonical style. It imports source, literal, ast and syntax.
//
// The text is made of the tokens of the script, so that nothing is lost: comments, the spelling of numbers and strings, redundant
// parentheses. What belongs together, a statement, a block, an operator with its operands, is known from the syntax tree. Line breaks
// inside of a statement are the formatter's, not the script's; of blank lines between statements one is kept.
package format
