// A program that comes to one system call by very many different chains of calls: stacks N DEPTH.
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned long state = 88172645463325252ul;

static unsigned next(void) {
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 11);
}

static volatile long sink;
static long call(unsigned which, int depth);

#define F(n) __attribute__((noinline)) static long f##n(int depth) { long r = call(next(), depth - 1); sink += n; return r + n; }
#define F8(n) F(n##0) F(n##1) F(n##2) F(n##3) F(n##4) F(n##5) F(n##6) F(n##7)
F8(1) F8(2) F8(3) F8(4) F8(5) F8(6) F8(7) F8(8)

#define P(n) f##n,
#define P8(n) P(n##0) P(n##1) P(n##2) P(n##3) P(n##4) P(n##5) P(n##6) P(n##7)
static long (*const functions[64])(int) = {P8(1) P8(2) P8(3) P8(4) P8(5) P8(6) P8(7) P8(8)};

__attribute__((noinline)) static long leaf(void) {
	long r = syscall(SYS_lseek, -1, 0, 0);
	sink += r;
	return r;
}

__attribute__((noinline)) static long call(unsigned which, int depth) {
	long r = depth <= 0 ? leaf() : functions[which % 64](depth);
	sink += r;
	return r;
}

int main(int argc, char **argv) {
	int n = argc > 1 ? atoi(argv[1]) : 1000, depth = argc > 2 ? atoi(argv[2]) : 12;
	for (int i = 0; i < n; i++)
		call(next(), depth);
	return sink == 1;
}
