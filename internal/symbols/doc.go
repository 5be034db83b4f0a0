// Package symbols reads names of code: those of the kernel (/proc/kallsyms), those of programs and libraries (ELF files, with the
// separate files that distributions keep symbols in), and which files a process has mapped (/proc/PID/maps). It is the only
// reader of each. Files come from users: what they claim is believed only as far as they are large, and whatever is read has a limit.
//
// It imports internal/files and nothing else of gotrace; package probes and package runtime use it.
package symbols

// readAhead is how much is read at a time of lists, which the kernel makes as they are read, and of tables of symbols. No
// line of a list is longer.
const readAhead = 256 << 10
