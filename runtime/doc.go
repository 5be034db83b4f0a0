// Package runtime loads a compiled script into the kernel, attaches it, and shows what it collects.
//
// A Session goes Load → Attach → Run → Close. Load creates the maps and the programs; Attach runs the BEGIN
// probes, in the order of the script, and then attaches the others; Run reads the ring buffer until its
// context ends, exit() is called or the traced process is gone, then detaches everything, runs the END
// probes, prints the maps and reports what was lost; Close gives everything back. Close is
// safe at any time after Load, and to call twice. Nothing is pinned: what the kernel
// holds goes away with the process, however it ends.
//
// The caller owns the child (StartChild) and the writers of Options, and closes them after the session.
package runtime
