package layout

// Byte offsets in the value of MapGlobals, which the runtime writes before the first probe runs. The words of the maps that are kept
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
	GlobalZero     = 32 // u64: always 0, which the verifier cannot know: hides values from its range tracking
	GlobalVerdict  = 40 // i64: what a test or bench program returned
	globalFixed    = 48 // bytes of the words above
)

// Values of GlobalExiting.
const (
	GlobalExit = 1
	GlobalStop = 2
)

// Words of MapGlobals for each map that is kept twice, from SwapOffset on.
const (
	SwapInUse = 0 // u64: 0 or ^0: the instance that programs use; only user space sets it
	SwapAsked = 8 // u64: how many records of clear() and zero() programs have sent
	swapSize  = 16
)

// SwapOffset is where the words of a map are in MapGlobals. n is MapSpec.Swap, from 1 on.
func SwapOffset(n int) int { return globalFixed + (n-1)*swapSize }

// GlobalsSize is the size of the value of MapGlobals with so many maps that are kept twice.
func GlobalsSize(swaps int) int { return SwapOffset(swaps + 1) }
