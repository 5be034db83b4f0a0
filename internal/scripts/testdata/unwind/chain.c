// Known call chains that end in lseek(999, n, SEEK_CUR), which fails. What n says is which chain it is.
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FN __attribute__((noinline, noclone))

// What is done behind a call keeps it from becoming a jump.
static volatile int sink;
#define BEHIND sink++

FN int leaf(int n) { lseek(999, n, SEEK_CUR); BEHIND; return n + 1; }
FN int three(int n) { int r = leaf(n); BEHIND; return r; }

// Frames that are large, of a size that is not known, aligned.
FN int two(int n) { volatile char large[100000]; large[n] = 1; int r = three(n); BEHIND; return r + large[n]; }
FN int one(int n) { char *some = __builtin_alloca(n * 16 + 16); memset(some, n, n * 16); int r = two(n); BEHIND; return r + some[0]; }
FN int aligned(int n) { volatile int v[8] __attribute__((aligned(64))); v[n & 7] = n; int r = three(n); BEHIND; return r + v[n & 7]; }

// Through a function of the C library.
FN int compare(const void *a, const void *b) { int r = three(2); BEHIND; return *(const int *)a - *(const int *)b + (r == 0); }
FN void sort(void) { int v[2] = {2, 1}; qsort(v, 2, sizeof v[0], compare); BEHIND; }

// In a signal's handler, on the stack of what it interrupts, and on another.
FN void handler(int sig) { three(sig == SIGUSR1 ? 3 : 4); BEHIND; }
FN void interrupted(int sig) { raise(sig); BEHIND; }
static char other[1 << 16];
static void signals(void) {
	stack_t s = {.ss_sp = other, .ss_size = sizeof other};
	struct sigaction a = {.sa_handler = handler}, b = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
	sigaltstack(&s, NULL);
	sigaction(SIGUSR1, &a, NULL);
	sigaction(SIGUSR2, &b, NULL);
	interrupted(SIGUSR1);
	interrupted(SIGUSR2);
}

// In a thread.
FN void *thread(void *arg) { three(5); BEHIND; return arg; }

// Through a library that is opened while the program runs.
FN int back(int n) { int r = three(n); BEHIND; return r; }

// argv: the library, and for how many microseconds to sleep at first.
int main(int argc, char **argv) {
	usleep(argc > 2 ? atoi(argv[2]) : 0);
	one(1);
	sort();
	signals();
	pthread_t t;
	pthread_create(&t, NULL, thread, NULL);
	pthread_join(t, NULL);
	aligned(6);
	void *lib = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
	if (lib != NULL) {
		int (*through)(int (*)(int), int);
		*(void **)&through = dlsym(lib, "through");
		usleep(300000);
		through(back, 7);
	}
	return sink == 0;
}
