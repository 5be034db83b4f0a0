// Package ctypes reads C: definitions of scripts and headers, the preprocessor, and the constants of the kernel's interface. It
// imports source, literal, ast, kernel and types.
package ctypes
