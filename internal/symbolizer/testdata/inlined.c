// Calls through functions that are put into their callers, three deep, and calls that are the last instruction of their line or function.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ALWAYS static inline __attribute__((always_inline))
#define NEVER __attribute__((noinline, noclone))

// leaf makes the call that is traced: lseek(999, number).
NEVER int leaf(int number) { return (int)lseek(999, number, SEEK_SET) + number; }

ALWAYS int deepest(int n) {
	int x = leaf(n);
	return x + 1;
}

ALWAYS int deeper(int n) {
	if (n & 1)
		n += 2;
	return deepest(n) * 3;
}

ALWAYS int deep(int n) {
	int sum = 0;
	for (int i = 0; i < 2; i++)
		sum += deeper(n + i);
	return sum;
}

// outer has all three in its code, twice.
NEVER int outer(int n) {
	int a = deep(n);
	int b = deeper(n + 10);
	return a - b;
}

// fatal does not return: the call is the last instruction of its caller, and the address that it would return to is the next function's.
NEVER __attribute__((noreturn)) void fatal(int n) {
	leaf(n);
	_exit(0);
}

NEVER int last(int n) {
	fatal(n + 1);
}

NEVER int after(int n) { return n; }

// split has a part that is hardly ever run, which compilers put elsewhere.
NEVER int split(int n) {
	if (__builtin_expect(n == 12345, 0)) {
		leaf(n);
		abort();
	}
	return n * 2;
}

// lines has a call at the end of a line whose next instruction is of another line.
NEVER int lines(int n) {
	leaf(n);

	n++;
	return leaf(n) +
	       leaf(n + 1);
}

int main(int argc, char **argv) {
	int n = argc > 1 ? atoi(argv[1]) : 1;
	n += outer(n);
	n += split(n) + after(n);
	n += lines(20);
	return last(30);
}
