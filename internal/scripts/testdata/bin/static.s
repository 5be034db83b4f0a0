# A program with static probes, written as notes by hand. It runs without any library:
#	gcc -nostdlib -static -Wl,--build-id=none -Wl,-z,noseparate-code -o static static.s
#	strip --strip-debug static

	.macro note name:req, args:req, semaphore=0, provider=app
	.pushsection .note.stapsdt, "", "note"
	.balign 4
	.long 8, 2f-1f, 3
	.asciz "stapsdt"
1:	.quad 9b, _.stapsdt.base, \semaphore
	.asciz "\provider"
	.asciz "\name"
	.asciz "\args"
2:	.balign 4
	.popsection
	.endm

	.section .stapsdt.base, "a", "progbits"
	.weak _.stapsdt.base
_.stapsdt.base:
	.space 1

	.data
	.balign 8
	.globl value
value:	.long -77, 1234567
table:	.quad 10, 20, 30, 40
text:	.asciz "hello"
other:	.asciz "world"
	.section .probes, "aw", "progbits"
	.balign 2
guard:	.short 0
idle:	.short 0

	.text
	.globl _start
_start:
	mov value(%rip), %eax	# the page of the data is there from now on

	# numbers in registers, with and without a sign
	mov $-5, %edi
	lea text(%rip), %rsi
	mov $0x1122334455667788, %rax
9:	nop
	note regs "-4@%edi 4@%edi 8@%rsi 1@%al 1@%ah -1@%al 2@%ax 4@%eax 8@%rax"

	# constants
9:	nop
	note consts "-4@$-16 4@$-16 -2@$-3600 1@$240 8@$-1"

	# memory: by a register, an index, a variable
	lea table(%rip), %rbx
	mov $2, %ecx
	push $99
9:	nop
	note memory "8@(%rsp) 8@8(%rbx) 8@(%rbx,%rcx,8) -4@value(%rip) 4@value+4(%rip) -2@value(%rip)"
	pop %rax

	# one probe at two places, whose arguments lie elsewhere
	mov $100, %r8d
	lea text(%rip), %r9
9:	nop
	note twice "-4@%r8d 8@%r9"
	mov $-200, %r10d
	lea other(%rip), %r11
9:	nop
	note twice "-4@%r10d 8@%r11"

	# with a semaphore, which the program asks before it passes the probe
	cmpw $0, guard(%rip)
	je unguarded
	movzwl guard(%rip), %edx
9:	nop
	note guarded "2@%dx" guard
	# two of its places are traced at a time
unguarded:
	xor %edx, %edx
9:	nop
	note guarded "2@%dx" guard

	# another provider, a name with quotes, an argument that cannot be read
9:	nop
	note "\"quoted\"" "4@%ecx" 0 other
9:	nop
	note floating "8f@%xmm0 4@%ecx" 0 other
9:	nop
	note nothing " " 0 other

	# exit code: whether anybody traces
	movzwl guard(%rip), %edi
	mov $60, %eax
	syscall
