#pragma once
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* GNU's, which Swift's import of the C library leaves out. */
extern int pipe2(int ends[2], int flags);
extern int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions,
						const char *path);
ssize_t tee(int from, int to, size_t count, unsigned int flags);
int memfd_create(const char *name, unsigned int flags);
void *memmem(const void *in, size_t length, const void *what, size_t count);

static inline int linux_pipe(int ends[2], int flags) { return pipe2(ends, flags); }

static inline int linux_change_directory(posix_spawn_file_actions_t *actions, const char *path)
{
	return posix_spawn_file_actions_addchdir_np(actions, path);
}

/*
 * Starts a program in `/`, in a session of its own, that ends with the thread that called,
 * which posix_spawn() cannot say.  Between fork() and execve() there are system calls alone.
 * Returns the process, or -1 with errno; a program that cannot be run exits with 127.
 */
static inline pid_t linux_start_bound(const char *path, char *const arguments[],
				      char *const variables[], const int descriptors[3])
{
	pid_t self = getpid(), child = fork();

	if (child)
		return child;
	if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != self || chdir("/"))
		_exit(127);
	for (int i = 0; i < 3; i++) {
		if (dup2(descriptors[i], i) < 0 || fcntl(i, F_SETFD, 0))
			_exit(127);
	}
	execve(path, arguments, variables);
	_exit(127);
}

/* The version of Landlock that the kernel has; below 1 without. */
static inline int landlock_version(void)
{
	return (int)syscall(444 /* landlock_create_ruleset */, (void *)0, 0, 1);
}

static const int dmamatrix_o_path = 010000000;             /* O_PATH */
static const unsigned int dmamatrix_splice_nonblock = 2;   /* SPLICE_F_NONBLOCK */
static const unsigned int dmamatrix_memfd_cloexec = 1;     /* MFD_CLOEXEC */
