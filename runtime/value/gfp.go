package value

import "strconv"

// The bits of GFP flags, by which the kernel's allocators are told what they may do (linux/gfp_types.h). Up to gfpAccount they have
// kept their places since Linux 5.10; those behind, of memory tagging, are as they are from 6.10 on.
const (
	gfpDMA uint64 = 1 << iota
	gfpHighMem
	gfpDMA32
	gfpMovable
	_ // reclaimable
	gfpHigh
	gfpIO
	gfpFS
	gfpZero
	_
	gfpDirectReclaim
	gfpKswapdReclaim
	gfpWrite
	gfpNoWarn
	gfpRetryMayFail
	gfpNoFail
	gfpNoRetry
	gfpMemAlloc
	gfpComp
	gfpNoMemAlloc
	gfpHardWall
	gfpThisNode
	gfpAccount
	gfpZeroTags
	gfpSkipZero
	gfpSkipKasan
	gfpNoObjExt
)

// The combinations that have names of their own.
const (
	gfpNoIO            = gfpDirectReclaim | gfpKswapdReclaim
	gfpNoFS            = gfpNoIO | gfpIO
	gfpKernel          = gfpNoFS | gfpFS
	gfpUser            = gfpKernel | gfpHardWall
	gfpHighUser        = gfpUser | gfpHighMem
	gfpHighUserMovable = gfpHighUser | gfpMovable | gfpSkipKasan
	gfpTransHuge       = gfpTransHugeLight | gfpDirectReclaim
	gfpTransHugeLight  = (gfpHighUserMovable | gfpComp | gfpNoMemAlloc | gfpNoWarn) &^ gfpNoIO
)

// gfpNames are the names of GFP flags, larger combinations before their parts: those that bpftrace shows by name.
var gfpNames = []struct {
	flags uint64
	name  string
}{
	{gfpTransHuge, "GFP_TRANSHUGE"},
	{gfpTransHugeLight, "GFP_TRANSHUGE_LIGHT"},
	{gfpHighUserMovable, "GFP_HIGHUSER_MOVABLE"},
	{gfpHighUser, "GFP_HIGHUSER"},
	{gfpUser, "GFP_USER"},
	{gfpKernel | gfpAccount, "GFP_KERNEL_ACCOUNT"},
	{gfpKernel, "GFP_KERNEL"},
	{gfpNoFS, "GFP_NOFS"},
	{gfpHigh | gfpKswapdReclaim, "GFP_ATOMIC"},
	{gfpNoIO, "GFP_NOIO"},
	{gfpKswapdReclaim, "GFP_NOWAIT"},
	{gfpDMA, "GFP_DMA"},
	{gfpHighMem, "__GFP_HIGHMEM"},
	{gfpDMA32, "GFP_DMA32"},
	{gfpHigh, "__GFP_HIGH"},
	{gfpIO, "__GFP_IO"},
	{gfpFS, "__GFP_FS"},
	{gfpZero, "__GFP_ZERO"},
	{gfpDirectReclaim, "__GFP_DIRECT_RECLAIM"},
	{gfpWrite, "__GFP_WRITE"},
	{gfpNoWarn, "__GFP_NOWARN"},
	{gfpRetryMayFail, "__GFP_RETRY_MAYFAIL"},
	{gfpNoFail, "__GFP_NOFAIL"},
	{gfpNoRetry, "__GFP_NORETRY"},
	{gfpMemAlloc, "__GFP_MEMALLOC"},
	{gfpComp, "__GFP_COMP"},
	{gfpNoMemAlloc, "__GFP_NOMEMALLOC"},
	{gfpHardWall, "__GFP_HARDWALL"},
	{gfpThisNode, "__GFP_THISNODE"},
	{gfpAccount, "__GFP_ACCOUNT"},
	{gfpZeroTags, "__GFP_ZEROTAGS"},
	{gfpSkipZero, "__GFP_SKIP_ZERO"},
	{gfpSkipKasan, "__GFP_SKIP_KASAN"},
	{gfpNoObjExt, "__GFP_NO_OBJ_EXT"},
}

// appendGFP writes GFP flags by name (%gr), what has none as a number.
func appendGFP(dst []byte, flags uint64) []byte {
	if flags == 0 {
		return append(dst, '0')
	}
	start := len(dst)
	add := func(name string) {
		if len(dst) > start {
			dst = append(dst, '|')
		}
		dst = append(dst, name...)
	}
	for _, n := range gfpNames {
		if flags&n.flags == n.flags {
			add(n.name)
			flags &^= n.flags
		}
	}
	if flags != 0 {
		add("0x" + strconv.FormatUint(flags, 16))
	}
	return dst
}
