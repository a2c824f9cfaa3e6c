/* SPDX-License-Identifier: MIT */
/*
 * exec.c: what a process with an agent executes may have none (a static program), and is to start with the
 * memory policy of the task. Nobody can set it from outside later, so it is set just before. All ways are here by
 * name, as glibc calls execve() inside of itself; so do its system() and popen(), which nobody can stand before.
 */
#include <dlfcn.h>
#include <errno.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/placing.h"

#define PUBLIC __attribute__((visibility("default")))

static struct {
	int (*execve)(const char *, char *const[], char *const[]);
	int (*execvpe)(const char *, char *const[], char *const[]);
	int (*fexecve)(int, char *const[], char *const[]);
	__typeof__(posix_spawn) *spawn, *spawnp;
} real;

/* Before the process forks: a child of vfork() must not look symbols up. */
void gm_exec_find(void)
{
	real.execve = (__typeof__(real.execve))dlsym(RTLD_NEXT, "execve");
	real.execvpe = (__typeof__(real.execvpe))dlsym(RTLD_NEXT, "execvpe");
	real.fexecve = (__typeof__(real.fexecve))dlsym(RTLD_NEXT, "fexecve");
	real.spawn = (__typeof__(real.spawn))dlsym(RTLD_NEXT, "posix_spawn");
	real.spawnp = (__typeof__(real.spawnp))dlsym(RTLD_NEXT, "posix_spawnp");
}

/* It failed, or another process executes. */
static int still_here(int rc, bool changed)
{
	int saved = errno;

	gm_placing_after_exec(changed);
	errno = saved;
	return rc;
}

/* The C library has all of them; one that lost them must not be the end of its process. */
static int missing(void)
{
	errno = ENOSYS;
	return -1;
}

PUBLIC int execve(const char *path, char *const argv[], char *const envp[])
{
	bool changed;

	/* Another library's, if one stands behind ours. */
	if (!real.execve)
		gm_exec_find();
	if (!real.execve)
		return missing();
	changed = gm_placing_before_exec();
	return still_here(real.execve(path, argv, envp), changed);
}

PUBLIC int execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

PUBLIC int execvpe(const char *file, char *const argv[], char *const envp[])
{
	bool changed;

	if (!real.execvpe)
		gm_exec_find();
	if (!real.execvpe)
		return missing();
	changed = gm_placing_before_exec();
	return still_here(real.execvpe(file, argv, envp), changed);
}

PUBLIC int execvp(const char *file, char *const argv[])
{
	return execvpe(file, argv, environ);
}

PUBLIC int fexecve(int fd, char *const argv[], char *const envp[])
{
	bool changed;

	if (!real.fexecve)
		gm_exec_find();
	if (!real.fexecve)
		return missing();
	changed = gm_placing_before_exec();
	return still_here(real.fexecve(fd, argv, envp), changed);
}

#define MOST_WORDS 1024 /* that anybody writes out in a call */

enum words { WORDS_PATH, WORDS_FILE, WORDS_ENVIRONMENT };

/* Of the words up to NULL, and with WORDS_ENVIRONMENT what follows it. No allocation: a child of vfork() must not. */
static int exec_words(enum words kind, const char *program, const char *first, va_list *rest)
{
	char *argv[MOST_WORDS], *const *envp = environ;
	size_t n = 0;

	for (argv[n] = (char *)first; argv[n]; argv[n] = va_arg(*rest, char *))
		if (++n == MOST_WORDS) {
			errno = E2BIG;
			return -1;
		}
	if (kind == WORDS_ENVIRONMENT)
		envp = va_arg(*rest, char *const *);
	return kind == WORDS_FILE ? execvpe(program, argv, envp) : execve(program, argv, envp);
}

#define EXEC_WORDS(kind, program, first)                             \
	({                                                           \
		va_list rest_;                                       \
		int rc_;                                             \
		va_start(rest_, first);                              \
		rc_ = exec_words(kind, program, first, &rest_);      \
		va_end(rest_);                                       \
		rc_;                                                 \
	})

PUBLIC int execl(const char *path, const char *first, ...)
{
	return EXEC_WORDS(WORDS_PATH, path, first);
}

PUBLIC int execlp(const char *file, const char *first, ...)
{
	return EXEC_WORDS(WORDS_FILE, file, first);
}

PUBLIC int execle(const char *path, const char *first, ...)
{
	return EXEC_WORDS(WORDS_ENVIRONMENT, path, first);
}

PUBLIC int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	bool changed;

	if (!real.spawn)
		gm_exec_find();
	if (!real.spawn)
		return ENOSYS;
	changed = gm_placing_before_exec();
	return still_here(real.spawn(pid, path, actions, attr, argv, envp), changed);
}

PUBLIC int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	bool changed;

	if (!real.spawnp)
		gm_exec_find();
	if (!real.spawnp)
		return ENOSYS;
	changed = gm_placing_before_exec();
	return still_here(real.spawnp(pid, file, actions, attr, argv, envp), changed);
}
