// Package dwarfinfo reads the debugging information of programs (DWARF 2 to 5): their functions with parameters, the types of these, where
// they lie, and which code was made of which line. It finds the information in the program itself, in the separate files that distributions
// install (by build id and by .gnu_debuglink), and in the files that -gsplit-dwarf leaves (.dwo, .dwp). The tables are parsed by debug/dwarf;
// split files, which that does not know, are laid out so that it can read them.
//
// Little is read in advance: units are gone through when something in them is asked for. Files come from users: whatever they claim, it costs
// no more than they are large, and nothing follows a chain for ever.
//
// It imports internal/symbols and nothing else of gotrace.
package dwarfinfo
