// Package output tells what a session has to say: what the script prints and collects, and the messages about the run. A session
// gives typed events to one Sink, and writes nothing beside it. Text is the sink that writes what bpftrace writes; Func makes
// one of a function.
//
// It imports value, and nothing that speaks to the kernel.
package output
