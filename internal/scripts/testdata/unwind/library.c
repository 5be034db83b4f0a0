// A library that calls back.
#define FN __attribute__((noinline, noclone))
static volatile int sink;
FN int deeper(int (*back)(int), int n) { int r = back(n); sink++; return r; }
int through(int (*back)(int), int n) { int r = deeper(back, n); sink++; return r; }
