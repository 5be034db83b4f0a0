// A program that makes code as it runs, names it in /tmp/perf-PID.map, and makes calls of lseek(999, n) from it.
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// leaf: a frame, lseek(999, 1, 0) by the number of the system call, and back.
static const unsigned char leaf[] = {
	0x55, 0x48, 0x89, 0xe5,       // push %rbp; mov %rsp,%rbp
	0xb8, 8, 0, 0, 0,             // mov $SYS_lseek,%eax
	0xbf, 0xe7, 3, 0, 0,          // mov $999,%edi
	0xbe, 1, 0, 0, 0, 0x31, 0xd2, // mov $1,%esi; xor %edx,%edx
	0x0f, 0x05, 0x5d, 0xc3,       // syscall; pop %rbp; ret
};

// caller: a frame, a call of leaf, which lies 64 bytes before it, as its last instruction but those that end the frame.
static const unsigned char caller[] = {0x55, 0x48, 0x89, 0xe5, 0xe8, 0xb7, 0xff, 0xff, 0xff, 0x5d, 0xc3};

int main(int argc, char **argv) {
	unsigned char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(page, leaf, sizeof leaf);
	memcpy(page + 64, caller, sizeof caller);
	char name[64];
	snprintf(name, sizeof name, "/tmp/perf-%d.map", getpid());
	FILE *map = fopen(name, "w");
	if (page == MAP_FAILED || map == NULL)
		return 1;
	fprintf(map, "%lx %zx jit leaf\n%lx %zx jit caller\n", (unsigned long)page, sizeof leaf, (unsigned long)page + 64, sizeof caller);
	fclose(map);
	((void (*)(void))(page + 64))();
	usleep(argc > 1 ? 500000 : 0);
	unlink(name);
	return 0;
}
