/* One attempt to leave the jail, by name; says "refused" or what it got. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MEGABYTE (1UL << 20)

static int say(const char *what)
{
	return write(1, what, strlen(what)) < 0;
}

static int verdict(long result)
{
	return say(result == -1 && errno == EPERM ? "refused\n" : "allowed\n");
}

/* Takes memory by mappings with some flags until there is no more, and writes to it. */
static int take(int prot, int flags)
{
	unsigned long got = 0;
	char text[64];

	for (; got < 16384; got += 64) {
		char *part = mmap(NULL, 64 * MEGABYTE, prot, flags, -1, 0);

		if (part == MAP_FAILED)
			break;
		for (unsigned long at = 0; at < 64 * MEGABYTE && prot & PROT_WRITE; at += 4096)
			part[at] = 1;
	}
	if (!got && errno == EPERM)
		return say("refused\n");
	snprintf(text, sizeof(text), "%lu MB\n", got);
	return say(text);
}

int main(int argc, char **argv)
{
	const char *what = argv[1];
	static const struct { const char *name; int flags; } kinds[] = {
		{ "private", MAP_PRIVATE | MAP_ANONYMOUS },
		{ "shared", MAP_SHARED | MAP_ANONYMOUS },
		{ "grows-down", MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN },
		{ "huge", MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB },
		{ "fixed", MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED },
		{ "locked", MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(what, kinds[i].name))
			return take(PROT_READ | PROT_WRITE, kinds[i].flags);
	if (!strcmp(what, "executable"))
		return take(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS);
	if (!strcmp(what, "reserve")) {
		/* Address space costs page tables: it has a bound, too. */
		unsigned long got = 0;
		char text[64];

		while (got < 4096 && mmap(NULL, 1024 * MEGABYTE, PROT_READ,
					  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) !=
					     MAP_FAILED)
			got++;
		snprintf(text, sizeof(text), "%lu GB\n", got);
		return say(text);
	}
	if (!strcmp(what, "read-only")) {
		/* What was written and made read-only is not counted any more. */
		for (int i = 0; i < 256; i++) {
			char *part = mmap(NULL, 64 * MEGABYTE, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

			if (part == MAP_FAILED)
				return say("no more\n");
			for (unsigned long at = 0; at < 64 * MEGABYTE; at += 4096)
				part[at] = 1;
			if (mprotect(part, 64 * MEGABYTE, PROT_READ))
				return say("refused\n");
		}
		return say("16384 MB\n");
	}
	if (!strcmp(what, "lie-and-spin") || !strcmp(what, "lie-and-crash")) {
		/* Says what the launcher would, wherever it can, before it is ended. */
		for (int file = 1; file < 8; file++)
			if (write(file, "more than 9 MB of memory\n", 25) < 0 && errno != EBADF)
				return say("what?\n");
		if (!strcmp(what, "lie-and-crash"))
			*(volatile int *)8 = 0;
		for (;;)
			;
	}
	if (!strcmp(what, "fork"))
		return verdict(fork());
	if (!strcmp(what, "open"))
		return verdict(syscall(SYS_openat, -100, argv[2], 0));
	if (!strcmp(what, "execute")) {
		char *arguments[] = { argv[2], NULL };

		return verdict(execve(argv[2], arguments, NULL));
	}
	if (!strcmp(what, "kill"))
		return verdict(kill(atoi(argv[2]), SIGKILL));
	if (!strcmp(what, "limit")) {
		struct rlimit limit = { 0, 0 };

		return verdict(syscall(SYS_prlimit64, atoi(argv[2]), RLIMIT_CPU, &limit, NULL));
	}
	if (!strcmp(what, "ask-limit")) {
		struct rlimit limit;

		return verdict(syscall(SYS_prlimit64, atoi(argv[2]), RLIMIT_CPU, NULL, &limit));
	}
	if (!strcmp(what, "own-limit")) {
		struct rlimit limit = { 1, 1 };

		return verdict(syscall(SYS_prlimit64, 0, RLIMIT_CPU, &limit, NULL));
	}
	if (!strcmp(what, "descriptors")) {
		/* Nothing is open but input, output and messages. */
		for (int file = 3; file < 1024; file++)
			if (write(file, "", 0) != -1 || errno != EBADF)
				return say("open\n");
		return say("none\n");
	}
	if (!strcmp(what, "environment"))
		return say(environ[0] ? "some\n" : "none\n");
#ifdef __x86_64__
	if (!strcmp(what, "i386")) {
		/* write(1, ...) by the other entry, whose numbers are others. */
		long result;

		asm volatile("int $0x80" : "=a"(result) : "0"(20L) : "memory");
		return say("allowed\n");
	}
#endif
	return say("what?\n");
}
