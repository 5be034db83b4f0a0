// C++: namespaces, overloads, methods, templates, references, classes that are passed by reference. It runs without any library:
//	g++ -g -O0 -fno-exceptions -fno-rtti -fno-asynchronous-unwind-tables -fno-stack-protector -fcf-protection=none -nostdlib -static
//	-Wl,--build-id=none -Wl,-z,noseparate-code -o names names.cc
namespace geo {
enum class Side : unsigned char { left = 1, right = 2 };
struct Base {
	int id;
};
struct Shape : Base {
	long area;
	Side side;
	__attribute__((noinline)) long scale(int by) { return area * by; }
};
struct Owner { // not trivial: passed by the address of a copy
	int value;
	Owner(int v) : value(v) {}
	Owner(const Owner &o) : value(o.value) {}
	~Owner() { value = 0; }
};
__attribute__((noinline)) int add(int a, int b) { return a + b; }
__attribute__((noinline)) long add(long a, const long &b) { return a + b; }
__attribute__((noinline)) int take(Owner o, Shape &s) { return o.value + s.id; }
template <typename T> __attribute__((noinline)) T twice(T x) { return x + x; }
} // namespace geo

__asm__(".globl _start\n_start: call run");

extern "C" void run()
{
	geo::Shape s = {};
	s.id = 7;
	s.area = 100;
	s.side = geo::Side::right;
	long b = 30;
	geo::add(1, 2);
	geo::add(10L, b);
	s.scale(3);
	geo::take(geo::Owner(41), s);
	geo::twice(5);
	geo::twice(6L);
	__asm__ volatile("mov $60, %eax; xor %edi, %edi; syscall");
}
