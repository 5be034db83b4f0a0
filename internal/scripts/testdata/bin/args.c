// A program whose functions take and return values of all kinds. It runs without any library; built with and without optimisation:
//	gcc -g -gdwarf-5 -O0 -fno-stack-protector -fcf-protection=none -nostdlib -static -Wl,--build-id=none -Wl,-z,noseparate-code -o args args.c
//	gcc -g -gdwarf-4 -O2 -fno-stack-protector -fcf-protection=none -nostdlib -static -Wl,--build-id=none -Wl,-z,noseparate-code -o args-O2 args.c
//	gcc -g -gdwarf-5 -gsplit-dwarf -O0 … -o args-split args.c, which leaves args-split-args.dwo
//	objcopy --only-keep-debug args args-stripped.debug; objcopy --strip-debug --add-gnu-debuglink=args-stripped.debug args args-stripped
#include <stdbool.h>

enum color { RED, GREEN = 5, BLUE = -1 };
struct point { int x, y; };
struct pair { long a; char tag; };
struct big { long n[4]; char name[8]; };
struct mixed { double d; int i; };
struct bits { unsigned a : 3; int b : 5; unsigned long c : 40; };
union number { int i; char bytes[4]; };
typedef struct point place_t;
struct list { struct list *next; int value; place_t at; const char *name; enum color color; int matrix[2][3]; union number u; struct bits bits; };

#define FN __attribute__((noinline, noclone, noipa))

FN int ints(char c, signed char s, unsigned char u, short h, int i, long l) { return c + s + u + h + i + (int)l; }
FN long many(int a, int b, int c, int d, int e, int f, short g, long h, unsigned char i) { return a + b + c + d + e + f + g + h + i; }
FN struct point swap(struct point p, bool yes, enum color c) { return yes && c ? (struct point){ p.y, p.x } : p; }
FN struct pair make(struct pair p, const char *name) { p.a += name[0]; return p; }
FN struct big grow(struct big b, int by) { b.n[0] += by; return b; }
FN int mix(struct mixed m, int after, double d, float f, unsigned char last) { return m.i + after + (int)d + (int)f + last; }
FN struct list *walk(struct list *l, int (*f)(char, signed char, unsigned char, short, int, long), void *any) { return any ? l : l->next; }
FN void nothing(void) { __asm__ volatile(""); }
FN signed char negative(int n) { return n; }
FN unsigned long huge(__int128 wide, long after) { return (unsigned long)(wide >> 64) + after; }

static struct list second = { 0, -2, { 3, 4 }, "second", BLUE, { { 1, 2, 3 }, { 4, 5, 6 } }, { .bytes = "abc" }, { 5, -3, 1UL << 39 } };
static struct list first = { &second, 1, { 1, 2 }, "first", GREEN };

void _start(void)
{
	__asm__ volatile("and $-16, %rsp");
	volatile int seen = first.value + second.name[0];
	int touch = seen;
	ints('x', -3, 200, -1000, -70000, 1L << 40);
	many(1, 2, 3, 4, 5, 6, -7, 8, 255);
	swap((struct point){ 10, -20 }, true, GREEN);
	make((struct pair){ 1000, 't' }, "name");
	struct big b = { { 1, 2, 3, 4 }, "bigname" };
	grow(b, 5);
	mix((struct mixed){ 1.5, 2 }, 3, 4.5, 5.5f, 6);
	walk(&first, ints, &touch);
	nothing();
	negative(-5);
	huge(((__int128)7 << 64) + 9, 11);
	__asm__ volatile("mov $60, %eax; xor %edi, %edi; syscall");
	__builtin_unreachable();
}
