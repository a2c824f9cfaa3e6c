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

/* Words up to NULL; no allocation, which a child of vfork() must not make. */
static bool take_words(char **argv, const char *first, va_list *rest)
{
	argv[0] = (char *)first;
	for (size_t n = 1; n < MOST_WORDS; n++) {
		argv[n] = va_arg(*rest, char *);
		if (!argv[n])
			return true;
	}
	errno = E2BIG;
	return false;
}

PUBLIC int execl(const char *path, const char *first, ...)
{
	char *argv[MOST_WORDS];
	va_list rest;
	bool all;

	va_start(rest, first);
	all = take_words(argv, first, &rest);
	va_end(rest);
	return all ? execve(path, argv, environ) : -1;
}

PUBLIC int execlp(const char *file, const char *first, ...)
{
	char *argv[MOST_WORDS];
	va_list rest;
	bool all;

	va_start(rest, first);
	all = take_words(argv, first, &rest);
	va_end(rest);
	return all ? execvpe(file, argv, environ) : -1;
}

PUBLIC int execle(const char *path, const char *first, ...)
{
	char *argv[MOST_WORDS], *const *envp = NULL;
	va_list rest;
	bool all;

	va_start(rest, first);
	all = take_words(argv, first, &rest);
	if (all)
		envp = va_arg(rest, char *const *);
	va_end(rest);
	return all ? execve(path, argv, envp) : -1;
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
