// Package source has places in a script and what is said about them: positions, spans, diagnostics, the caret text and
// nearest names. It imports nothing of gotrace.
package source
