package layout

// Names of gotrace's own maps. Script maps are named "@name".
const (
	MapValues   = "values"   // and a number: array of one value, in which script maps without keys have their places
	MapEvents   = "events"   // the ring buffer
	MapFailures = "failures" // array of one value: the u64 counters of each Site
	MapRefused  = "refused"  // array of one value: keys that found their map full (MapSpec.Refused)
	MapRuns     = "runs"     // array of one value: u64 counters, for programs that count their runs (Program.RunsAt)
	MapScratch  = "scratch_" // and the program's index: array of one value, large temporaries
	MapPackets  = "packets"  // perf event array: what skboutput() sends
	MapGlobals  = "globals"  // array of one value: see GlobalStartNS and what follows it
	MapStacks   = "stacks"   // hash: the addresses of each stack by its number (types.FramesHeader)
	MapZeros    = "zeros"    // array of one value: zeros, read by programs when they insert large values; nobody writes it
)
