// Package wire is what the host and the guest of a test machine say to each other:
// a job list in the initramfs, and a stream of JSON events over a virtio serial port.
package wire

import "time"

// Names that both sides know.
const (
	// Port is the name of the virtio serial port that carries the events.
	Port = "gotrace.events"
	// JobFile is where the guest finds its jobs, in JSON.
	JobFile = "/etc/jobs.json"
	// ModuleDir holds kernel modules to load first, in the order of their names.
	ModuleDir = "/lib/vmtest"
)

// Job is a command to run in the guest.
type Job struct {
	Argv []string
	Env  []string `json:",omitempty"` // added to the guest's environment
	Dir  string   `json:",omitempty"` // working directory, "/root" if empty
	// Timeout ends the command with SIGQUIT, so that a Go program shows its goroutines. Zero means no limit.
	Timeout time.Duration `json:",omitempty"`
}

// Event is one line from the guest: output of a job, or its end.
type Event struct {
	Job    int
	Stderr bool   `json:",omitempty"` // which stream Data is of
	Data   []byte `json:",omitempty"`
	Done   bool   `json:",omitempty"`
	Exit   int    `json:",omitempty"` // exit code, 128+n for a command that signal n ended
	Error  string `json:",omitempty"` // why the command could not be run
}
