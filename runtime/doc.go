// Package runtime loads a compiled script into the kernel, attaches it, and shows what it collects.
//
// Open compiles a script, loads it and attaches it, in one call. Below it a Session goes Load → Attach → Run → Close. Load creates
// the maps and the programs; Attach runs the BEGIN probes, in the order of the script, and then attaches the others; Run reads the
// ring buffer until its context ends, exit() is called or the traced process is gone, then detaches everything, runs the END
// probes, prints the maps and reports what was lost; Close gives everything back. Close is safe at any time after Load, and to call
// twice. What the kernel holds goes away with the process, however it ends; only an iterator that the script pins stays.
//
// All that a session has to tell goes to one sink (package output) as typed events; Snapshot reads a map while the session runs, and
// Failures says what failed. Values become text and Go values in package value.
package runtime
