// Package types has the types of the language, their sizes, how they join, and the arithmetic of constants. It
// imports location.
package types
