/* SPDX-License-Identifier: MIT */
/*
 * agent-app: what an application may do that an agent inside it must not disturb. Exit status 0:
 * it was not disturbed.
 *
 *   agent-app record STATE_DIR    make a job's record with two devices that do not exist
 *   agent-app MODE [ARGUMENT]     see modes[]; run with the agent preloaded and GPUMEM_JOB set
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gpumem.h"

/* More thread-local memory than a small stack holds. */
static __thread char large[3 << 20];

static int make_record(const char *dir)
{
	struct gpumem_job_spec spec = { .state_dir = dir,	.job_id = 1,	   .uid = getuid(),
					.gid = getgid(),	.node = "n1",	   .policy = "prefer",
					.device_count = 2 };
	struct gpumem_error err = { 0 };

	for (int i = 0; i < 2; i++) {
		snprintf(spec.device[i].pci, GPUMEM_PCI_LEN, "0000:c%d:00.0", i);
		spec.device[i].kind = GPUMEM_KIND_SVM;
		spec.device[i].bytes = spec.device[i].max_bytes = 1ull << 30;
		spec.device[i].limit_bytes = 64ull << 20;
	}
	if (gpumem_job_create(&spec, &err) == 0)
		return 0;
	fprintf(stderr, "%s\n", err.text);
	return 1;
}

/* What the agent of `pid` says; false: it has no slot. */
static bool process(pid_t pid, struct gpumem_job_process *ret)
{
	char dir[PATH_MAX];
	struct gpumem_job_process *p;
	struct gpumem_job *job;
	bool found = false;
	size_t count;

	snprintf(dir, sizeof(dir), "%s", getenv(GPUMEM_ENV_JOB));
	if (gpumem_job_open(dirname(dir), 1, false, &job, NULL) < 0)
		return false;
	if (gpumem_job_processes(job, &p, &count) == 0) {
		for (size_t i = 0; i < count; i++)
			if (p[i].pid == pid && p[i].alive) {
				*ret = p[i];
				found = true;
			}
		free(p);
	}
	gpumem_job_close(job);
	return found;
}

/* When the agent of `pid` last reported; 0: it has no slot. */
static uint64_t last_report(pid_t pid)
{
	struct gpumem_job_process p;

	return process(pid, &p) ? p.updated_ns : 0;
}

static int wait_for_report(uint64_t after)
{
	for (int i = 0; i < 500; i++) {
		if (last_report(getpid()) > after)
			return 0;
		usleep(20000);
	}
	fputs("the agent did not report within 10 s\n", stderr);
	return 1;
}

static int threads(void)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static int mode_attach(const char *unused)
{
	(void)unused;
	large[1] = 1;
	return wait_for_report(0) || threads() != 2;
}

/* CPU time of the agent's thread, and what it says that it has used: both since they were asked last. */
static void spent_and_told(uint64_t *ret_spent, uint64_t *ret_told)
{
	static uint64_t spent, told;
	struct gpumem_job_process p = { 0 };
	struct timespec ts = { 0 };
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;

	while ((e = readdir(d))) {
		int tid = atoi(e->d_name);

		/* clock_getcpuclockid(3) for a thread: CPUCLOCK_PERTHREAD | CPUCLOCK_SCHED. */
		if (tid && tid != getpid())
			clock_gettime(~tid * 8 | 6, &ts);
	}
	closedir(d);
	process(getpid(), &p);
	*ret_spent = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec - spent;
	*ret_told = p.cpu_ns - told;
	spent += *ret_spent;
	told += *ret_told;
}

/* Memory in use, and nothing to move it to: all that the agent does is watching. */
static int mode_pay(const char *unused)
{
	static char memory[64 << 20];
	uint64_t spent, told;

	(void)unused;
	/* After its first round: before it, it began. */
	if (wait_for_report(0) || wait_for_report(last_report(getpid())))
		return 1;
	spent_and_told(&spent, &told);
	for (int round = 0; round < 40; round++) {
		memset(memory, round, sizeof(memory));
		usleep(100000);
	}
	/* All but the round that is under way. */
	spent_and_told(&spent, &told);
	if (spent && told <= spent + spent / 50 && told >= spent / 10 * 9)
		return 0;
	fprintf(stderr, "the agent told of %.3f ms of the %.3f ms that it used\n", (double)told / 1e6, (double)spent / 1e6);
	return 1;
}

static int mode_fork_dlopen(const char *module)
{
	int (*answer)(void);
	void *lib;

	for (int i = 0; i < 4; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
	lib = dlopen(module, RTLD_NOW);
	answer = lib ? (int (*)(void))dlsym(lib, "module_answer") : NULL;
	if (!answer) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	if (answer() == 42)
		return 0;
	fprintf(stderr, "a thread-local 42 was loaded as %d\n", answer());
	return 1;
}

static void *nap(void *unused)
{
	usleep(300000);
	return unused;
}

/* The process ends with the last of its own threads, and dies of a signal before that. */
static int mode_leave_main(const char *unused)
{
	pthread_t thread;

	(void)unused;
	if (wait_for_report(0) || pthread_create(&thread, NULL, nap, NULL) != 0)
		return 1;
	pthread_exit(NULL);
}

static int mode_unshare(const char *when)
{
	if (strcmp(when, "late") == 0 && wait_for_report(0))
		return 1;
	if (unshare(CLONE_NEWUSER) < 0) {
		perror("unshare");
		return 1;
	}
	return strcmp(when, "late") == 0 ? wait_for_report(last_report(getpid())) : 0;
}

static int same_files(const struct stat *want, int from, int to)
{
	int bad = 0;

	for (int fd = from; fd < to; fd++) {
		struct stat now;

		if (fstat(fd, &now) < 0 || now.st_ino != want[fd].st_ino)
			bad += fprintf(stderr, "descriptor %d was closed\n", fd) > 0;
	}
	return bad;
}

/* A daemon's way: all descriptors closed, the numbers used again. */
static int mode_close_all(const char *dir)
{
	enum { FROM = 3, TO = 40 };
	struct stat want[TO];
	int status = 1;
	uint64_t report;
	pid_t pid;

	if (wait_for_report(0))
		return 1;
	for (int fd = FROM; fd < TO; fd++)
		close(fd);
	for (int fd = FROM; fd < TO; fd++) {
		char path[PATH_MAX];
		int got;

		snprintf(path, sizeof(path), "%s/file-%d", dir, fd);
		got = open(path, O_RDWR | O_CREAT, 0600);
		if (got < 0 || fstat(got, &want[fd]) < 0)
			return 1;
		/* The agent's thread may hold a number for a moment. */
		if (got != fd && (dup2(got, fd) < 0 || close(got) < 0))
			return 1;
	}
	report = last_report(getpid());
	for (int i = 0; i < 2; i++, report = last_report(getpid()))
		if (wait_for_report(report))
			return 1;
	pid = fork();
	if (pid == 0)
		_exit(same_files(want, FROM, TO) != 0);
	waitpid(pid, &status, 0);
	return same_files(want, FROM, TO) || status != 0;
}

/* As ROCr does with what HSA_TOOLS_LIB names. */
static int mode_unload(const char *agent)
{
	void *lib = dlopen(agent, RTLD_NOW);

	if (!lib || wait_for_report(0))
		return 1;
	dlclose(lib);
	return wait_for_report(last_report(getpid()));
}

static int mode_inert(const char *unused)
{
	(void)unused;
	usleep(500000);
	return threads() != 1;
}

static int status_of(pid_t pid)
{
	int status = -1;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Returns when it failed. */
static int exec_by(int way, char *const *args)
{
	char *const seven[] = { (char *)"N=7", NULL };

	switch (way) {
	case 0:
		return execve("/bin/sh", args, environ);
	case 1:
		return execv("/bin/sh", args);
	case 2:
		return execvp("sh", args);
	case 3:
		return execvpe("sh", args, environ);
	case 4:
		return execl("/bin/sh", "sh", "-c", "exit 7", (char *)NULL);
	case 5:
		return execlp("sh", "sh", "-c", "exit 7", (char *)NULL);
	case 6:
		return execle("/bin/sh", "sh", "-c", "exit $N", (char *)NULL, seven);
	default:
		return fexecve(open("/bin/sh", O_RDONLY | O_CLOEXEC), args, environ);
	}
}

/* Each way to execute a program does what it says, and says why it did not. */
static int mode_exec(const char *unused)
{
	char *const args[] = { (char *)"sh", (char *)"-c", (char *)"exit 7", NULL };
	char *const none[] = { (char *)"no-such-program", NULL };
	pid_t pid;

	(void)unused;
	if (execve("/no-such-program", none, environ) != -1 || errno != ENOENT ||
	    execvp("no-such-program", none) != -1 || errno != ENOENT)
		return 1;
	for (int way = 0; way < 8; way++) {
		pid = fork();
		if (pid == 0)
			_exit(exec_by(way, args));
		if (status_of(pid) != 7)
			return 10 + way;
	}
	if (posix_spawn(&pid, "/bin/sh", NULL, NULL, args, environ) != 0 || status_of(pid) != 7 ||
	    posix_spawnp(&pid, "sh", NULL, NULL, args, environ) != 0 || status_of(pid) != 7)
		return 3;
	if (posix_spawnp(&pid, "no-such-program", NULL, NULL, none, environ) != ENOENT)
		return 4;
	return WEXITSTATUS(system("exit 9")) == 9 ? 0 : 5;
}

static const struct {
	const char *name;
	int (*run)(const char *argument);
} modes[] = {
	{ "record", make_record },
	{ "attach", mode_attach },
	{ "pay", mode_pay },
	{ "fork-dlopen", mode_fork_dlopen },
	{ "leave-main", mode_leave_main },
	{ "unshare", mode_unshare },
	{ "close-all", mode_close_all },
	{ "unload", mode_unload },
	{ "inert", mode_inert },
	{ "exec", mode_exec },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(argv[1], modes[i].name) == 0)
			return modes[i].run(argc > 2 ? argv[2] : "");
	fputs("usage: agent-app MODE [ARGUMENT]\n", stderr);
	return 2;
}
