package layout

// Names of gotrace's own maps. Script maps are named "@name".
const (
	MapValues   = "values"   // and a number: array of one value, in which script maps without keys have their places
	MapEvents   = "events"   // the ring buffer
	MapFailures = "failures" // array of one value: a u64 counter for each Site
	MapRuns     = "runs"     // array of one value: u64 counters, for programs that count their runs (Program.RunsAt)
	MapScratch  = "scratch_" // and the program's index: array of one value, large temporaries
	MapGlobals  = "globals"  // array of one value: see GlobalsLayout
	MapZeros    = "zeros"    // array of one value: zeros, read by programs when they insert large values; nobody writes it
)

// Byte offsets in the value of MapGlobals, which the runtime writes before the first probe runs. Two words for each map that is kept
// twice follow (see SwapOffset).
const (
	GlobalStartNS = 0 // u64: bpf_ktime_get_boot_ns at start, for elapsed
	// u64: set to GlobalExit by exit(): every program but BEGIN and END returns at once. GlobalStop, which the runtime sets while
	// it waits for a BEGIN or END that is to end, stops the loops of these, too.
	GlobalExiting = 8
	// i64: the argument of exit(). The record of exit() can be lost when the ring is full: GlobalExiting and this are not,
	// so that the runtime looks at them whenever it has emptied the ring.
	GlobalExitCode = 16
	GlobalTAI      = 24 // i64: CLOCK_TAI minus CLOCK_BOOTTIME in ns at start, for nsecs(sw_tai)
	GlobalZero     = 32 // u64: always 0, which the verifier cannot know: see lowerer.hideSet
	GlobalSize     = 40
)
