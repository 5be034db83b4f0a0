#include "textflag.h"

// uint64 wl_add(uint64 a, uint64 b)
TEXT wl_add(SB), NOSPLIT|NOFRAME, $0-0
	LEAQ (DI)(SI*1), AX
	RET

// uint64 wl_six(uint64 a, uint64 b, uint64 c, uint64 d, uint64 e, uint64 f)
TEXT wl_six(SB), NOSPLIT|NOFRAME, $0-0
	LEAQ (DI)(SI*1), AX
	ADDQ DX, AX
	ADDQ CX, AX
	ADDQ R8, AX
	ADDQ R9, AX
	RET

// int32 wl_neg(void): the upper half of RAX stays 0, as a C compiler leaves it.
TEXT wl_neg(SB), NOSPLIT|NOFRAME, $0-0
	MOVL $-100, AX
	RET

// const char *wl_say(const char *text)
TEXT wl_say(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ DI, AX
	RET

// int32 wl_point(const struct pt *p)
TEXT wl_point(SB), NOSPLIT|NOFRAME, $0-0
	MOVL 0(DI), AX
	RET

TEXT ·callAdd(SB), NOSPLIT, $8-24
	MOVQ a+0(FP), DI
	MOVQ b+8(FP), SI
	CALL wl_add(SB)
	MOVQ AX, ret+16(FP)
	RET

TEXT ·callSix(SB), NOSPLIT, $8-8
	MOVQ $1, DI
	MOVQ $2, SI
	MOVQ $3, DX
	MOVQ $4, CX
	MOVQ $5, R8
	MOVQ $6, R9
	MOVQ $7, 0(SP) // where C has the seventh argument
	CALL wl_six(SB)
	MOVQ AX, ret+0(FP)
	RET

TEXT ·callNeg(SB), NOSPLIT, $8-8
	CALL wl_neg(SB)
	MOVQ AX, ret+0(FP)
	RET

TEXT ·callSay(SB), NOSPLIT, $8-16
	MOVQ text+0(FP), DI
	CALL wl_say(SB)
	MOVQ AX, ret+8(FP)
	RET

TEXT ·callPoint(SB), NOSPLIT, $8-16
	MOVQ p+0(FP), DI
	CALL wl_point(SB)
	MOVQ AX, ret+8(FP)
	RET
