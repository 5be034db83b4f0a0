// Package ehframe makes tables of unwinding rules from the .eh_frame section of x86-64 programs: at which address in the code the caller's
// stack pointer and frame pointer are found how. They are small and sorted, so that a program in the kernel can search them.
//
// Code without frame pointers describes itself there for exceptions and debuggers: a CIE holds what functions have in common, an FDE is a
// function, and a small language says what each instruction of the function changes (DWARF 5, section 6.4; Linux Standard Base, Exception
// Frames). Compilers use little of that language. What a Rule has no room for is a rule of its own kind, at which unwinding stops.
//
// Files are not to be trusted: a broken section gives an error or wrong rules, in time and memory that its size bounds.
package ehframe
