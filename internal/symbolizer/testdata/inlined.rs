// Rust with inlined functions, generics, closures and methods of traits.
use std::env;
use std::hint::black_box;

extern "C" {
    fn lseek(fd: i32, offset: i64, whence: i32) -> i64;
    fn _exit(code: i32) -> !;
}

#[inline(never)]
fn leaf(number: i64) -> i64 {
    black_box(unsafe { lseek(999, number, 0) }) + number
}

#[inline(always)]
fn deepest(n: i64) -> i64 {
    leaf(n) + 1
}

#[inline(always)]
fn deeper(n: i64) -> i64 {
    black_box(deepest(n)) * 3
}

mod shop {
    pub trait Price {
        fn price(&self, n: i64) -> i64;
    }

    pub struct Book<T> {
        pub title: T,
    }

    impl<T: AsRef<str>> Price for Book<T> {
        #[inline(never)]
        fn price(&self, n: i64) -> i64 {
            super::black_box(super::deeper(n)) + self.title.as_ref().len() as i64
        }
    }
}

#[inline(never)]
fn called(f: &dyn Fn(i64) -> i64) -> i64 {
    black_box(f(20)) + 1
}

#[inline(never)]
fn fatal(n: i64) -> ! {
    leaf(n);
    unsafe { _exit(0) }
}

fn main() {
    use shop::Price;
    let n = env::args().count() as i64;
    let book = shop::Book { title: String::from("title") };
    let mut sum = black_box(book.price(9 + n));
    let f: &dyn Fn(i64) -> i64 = &|x| black_box(leaf(x + n - 1)) - 1;
    sum += called(black_box(f));
    fatal(29 + black_box(sum) * 0 + n);
}
