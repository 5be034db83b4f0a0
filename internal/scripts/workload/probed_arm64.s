#include "textflag.h"

// uint64 wl_add(uint64 a, uint64 b)
TEXT wl_add(SB), NOSPLIT|NOFRAME, $0-0
	ADD R1, R0, R0
	RET

// uint64 wl_six(uint64 a, uint64 b, uint64 c, uint64 d, uint64 e, uint64 f)
TEXT wl_six(SB), NOSPLIT|NOFRAME, $0-0
	ADD R1, R0, R0
	ADD R2, R0, R0
	ADD R3, R0, R0
	ADD R4, R0, R0
	ADD R5, R0, R0
	RET

// int32 wl_neg(void): the upper half of X0 stays 0, as a C compiler leaves it.
TEXT wl_neg(SB), NOSPLIT|NOFRAME, $0-0
	MOVW $-100, R0
	MOVWU R0, R0
	RET

// const char *wl_say(const char *text)
TEXT wl_say(SB), NOSPLIT|NOFRAME, $0-0
	MOVD R0, R0
	RET

// int32 wl_point(const struct pt *p)
TEXT wl_point(SB), NOSPLIT|NOFRAME, $0-0
	MOVWU 0(R0), R0
	RET

TEXT ·callAdd(SB), NOSPLIT, $8-24
	MOVD a+0(FP), R0
	MOVD b+8(FP), R1
	CALL wl_add(SB)
	MOVD R0, ret+16(FP)
	RET

TEXT ·callSix(SB), NOSPLIT, $8-8
	MOVD $1, R0
	MOVD $2, R1
	MOVD $3, R2
	MOVD $4, R3
	MOVD $5, R4
	MOVD $6, R5
	CALL wl_six(SB)
	MOVD R0, ret+0(FP)
	RET

TEXT ·callNeg(SB), NOSPLIT, $8-8
	CALL wl_neg(SB)
	MOVD R0, ret+0(FP)
	RET

TEXT ·callSay(SB), NOSPLIT, $8-16
	MOVD text+0(FP), R0
	CALL wl_say(SB)
	MOVD R0, ret+8(FP)
	RET

TEXT ·callPoint(SB), NOSPLIT, $8-16
	MOVD p+0(FP), R0
	CALL wl_point(SB)
	MOVD R0, ret+8(FP)
	RET
