// A program without frame pointers, whose functions call each other: lseek(999, n, 0) at the end of the chain n. It runs without any library:
//	gcc -O2 -fomit-frame-pointer -fno-stack-protector -fcf-protection=none -nostdlib -static -Wl,--build-id=none -Wl,-z,noseparate-code -o unwind unwind.c
#define FN __attribute__((noinline, noclone, noipa))

static volatile int sink;

static long call(long number, long a, long b, long c)
{
	long result;
	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return result;
}

FN int leaf(int n) { call(8, 999, n, 0); sink++; return n + 1; }
FN int pushes(int n) { int a = leaf(n), b = sink; __asm__ volatile("" : "+r"(a), "+r"(b) : : "rbx", "rbp", "r12", "r13"); return a + b; }
FN int large(int n) { volatile char some[70000]; some[n] = 1; int r = pushes(n); sink++; return r + some[n]; }
FN int varies(int n) { volatile char *some = __builtin_alloca(n * 16 + 32); some[n] = 1; int r = large(n); sink++; return r + some[n]; }
FN int aligned(int n) { volatile int some[16] __attribute__((aligned(64))); some[n & 7] = n; int r = pushes(n); sink++; return r + some[n & 7]; }
FN int outer(int n) { int r = n == 1 ? varies(n) : aligned(n); sink++; return r; }

FN void run(void) { outer(1); outer(2); call(231, 0, 0, 0); sink++; }

__asm__(".globl _start\n_start:\n\t.cfi_startproc\n\t.cfi_undefined rip\n\txor %ebp, %ebp\n\tcall run\n\thlt\n\t.cfi_endproc\n");
