# A 32-bit program, which has its arguments on the stack. It runs without any library:
#	as --32 -o i386.o i386.s
#	ld -m elf_i386 --build-id=none -z noseparate-code -o i386 i386.o

	.macro note name:req, args:req
	.pushsection .note.stapsdt, "", "note"
	.balign 4
	.long 8, 2f-1f, 3
	.asciz "stapsdt"
1:	.long 9b, 0, 0
	.asciz "app"
	.asciz "\name"
	.asciz "\args"
2:	.balign 4
	.popsection
	.endm

	.data
text:	.asciz "hello"
numbers: .long 7, -8, 9

	.text
	.macro function name:req
	.globl \name
	.type \name, @function
\name:
	.endm

	# int add(int a, int b)
	function add
	push %ebp
	mov %esp, %ebp
	mov 8(%ebp), %eax
	add 12(%ebp), %eax
9:	note sum, "-4@8(%ebp) -4@12(%ebp) -4@%eax 4@12(%ebp)"
	pop %ebp
	ret
	.size add, .-add

	# const char *say(const char *text)
	function say
	mov 4(%esp), %eax
	ret
	.size say, .-say

	# int six(int, int, int, int, int, int *)
	function six
	mov $6, %eax
	ret
	.size six, .-six

	function _start
	movl text, %eax # so that the page is there
	push $-3
	push $40
	call add
	add $8, %esp
	push $text
	call say
	push $numbers
	push $-5
	push $4
	push $3
	push $2
	push $1
	call six
	mov $1, %eax # exit(0)
	xor %ebx, %ebx
	int $0x80
	.size _start, .-_start
