// Package scriptgen makes random valid scripts over the whole language. A script is made from a seed: the same seed
// gives the same text. Every script must be accepted by the checker (otherwise the generator has a bug)
// and by the kernel's verifier (otherwise the code generator has one).
package scriptgen
