// C++ with what its compilers put into callers: templates, methods, lambdas, the library's headers.
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>
#include <cstdio>
#include <unistd.h>

extern "C" __attribute__((noinline, noclone)) int leaf(int number) { return (int)lseek(999, number, SEEK_SET) + number; }

namespace shop {

template <typename T> struct Shelf {
	std::vector<T> things;
	inline __attribute__((always_inline)) T take(int n) {
		auto pick = [&](int i) __attribute__((always_inline)) { return (T)leaf(i) + things.at(i % things.size()); };
		return pick(n) + pick(n + 1);
	}
	__attribute__((noinline)) T all(int n) { return take(n) * 2; }
};

struct Base {
	virtual ~Base() = default;
	virtual int price(int n) const = 0;
};

class Book final : public Base {
	std::string title;

public:
	explicit Book(std::string t) : title(std::move(t)) {}
	int price(int n) const override;
	Book operator+(const Book &other) const { return Book(title + other.title); }
	bool operator<(const Book &other) const { return leaf(40) < 0 && title < other.title; }
};

namespace {
__attribute__((noinline)) int hidden(int n) {
	if (n > 1000) throw std::runtime_error("too much");
	return leaf(n) + 1;
}
} // namespace

int Book::price(int n) const { return hidden(n) + (int)title.size(); }

} // namespace shop

static __attribute__((noinline)) int sorted(std::vector<int> &v) {
	std::sort(v.begin(), v.end(), [](int a, int b) { return leaf(60) + a < b + leaf(60); });
	return v.front();
}

static __attribute__((noinline)) int called(const std::function<int(int)> &f) { return f(70) + 1; }

int main(int argc, char **argv) {
	shop::Shelf<int> shelf{{3, 1, 2}};
	int sum = shelf.all(10);
	std::unique_ptr<shop::Base> book = std::make_unique<shop::Book>("a title that is too long for the string itself");
	sum += book->price(argc + 29);
	std::map<std::string, int> counts;
	for (int i = 0; i < argc + 3; i++) counts[std::to_string(i)] += shelf.things[i % 3];
	try {
		sum += book->price(2000);
	} catch (const std::exception &e) {
		sum += leaf(50) + (int)std::string(e.what()).size();
	}
	sum += sorted(shelf.things);
	int captured = argc;
	sum += called([&](int n) { return leaf(n + captured); });
	shop::Book one("x"), two("y");
	sum += (one + two) < one;
	for (auto &[name, n] : counts) sum += (int)name.size() + n;
	printf("%d\n", sum == 0);
	return 0;
}
