// A program that asks for the time, which the kernel's code in its memory knows, for a second.
#include <time.h>

int main(void) {
	struct timespec begin, now;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while (now.tv_sec - begin.tv_sec + (now.tv_nsec - begin.tv_nsec) / 1e9 < 1);
	return 0;
}
