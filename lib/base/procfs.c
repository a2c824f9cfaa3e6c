/* SPDX-License-Identifier: MIT */
/*
 * procfs.c: identity of processes. No allocation: the agent calls this beside any application.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/procfs.h"

#define SELF ((pid_t)-1)

static ssize_t read_proc(pid_t pid, const char *name, char *buf, size_t len)
{
	char path[64];
	ssize_t n;
	int fd;

	if (pid == SELF)
		snprintf(path, sizeof(path), "/proc/self/%s", name);
	else
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -ESRCH;
	n = read(fd, buf, len - 1);
	close(fd);
	if (n < 0)
		return -ESRCH;
	buf[n] = '\0';
	return n;
}

struct stat_line {
	pid_t pid;
	char state;
	uint64_t threads, start_ticks;
};

static int read_stat(pid_t pid, struct stat_line *ret)
{
	struct stat_line line = { 0 };
	char buf[512], *p;

	if (read_proc(pid, "stat", buf, sizeof(buf)) < 0)
		return -ESRCH;
	/* The name may hold anything, so count from its closing bracket: field 3 is the state. */
	p = strrchr(buf, ')');
	if (!p || p[1] != ' ')
		return -ESRCH;
	line.pid = (pid_t)strtol(buf, NULL, 10);
	line.state = p[2];
	for (int field = 2; field < 22 && p; field++) {
		p = strchr(p + 1, ' ');
		if (p && field + 1 == 20)
			line.threads = strtoull(p + 1, NULL, 10);
	}
	if (!p)
		return -ESRCH;
	line.start_ticks = strtoull(p + 1, NULL, 10);
	*ret = line;
	return 0;
}

static bool is_zombie(const struct stat_line *line)
{
	return line->state == 'Z' || line->state == 'X';
}

int gm_proc_start_ticks(pid_t pid, uint64_t *ret_ticks)
{
	struct stat_line line;

	if (read_stat(pid, &line) < 0 || (is_zombie(&line) && line.threads < 2))
		return -ESRCH;
	*ret_ticks = line.start_ticks;
	return 0;
}

int gm_proc_self(pid_t *ret_pid, uint64_t *ret_ticks)
{
	struct stat_line line;

	if (read_stat(SELF, &line) < 0)
		return -ESRCH;
	*ret_pid = line.pid;
	*ret_ticks = line.start_ticks;
	return 0;
}

uint64_t gm_proc_view(void)
{
	struct stat st;

	return stat("/proc", &st) == 0 && st.st_dev ? st.st_dev : 1;
}

bool gm_proc_last_thread(void)
{
	struct stat_line line;

	return read_stat(SELF, &line) == 0 && is_zombie(&line) && line.threads == 2;
}

int gm_proc_uid(pid_t pid, uid_t *ret_uid)
{
	char buf[2048], *p;

	if (read_proc(pid, "status", buf, sizeof(buf)) < 0)
		return -ESRCH;
	p = strstr(buf, "\nUid:");
	if (!p)
		return -ESRCH;
	*ret_uid = (uid_t)strtoul(p + 5, NULL, 10);
	return 0;
}

void gm_proc_comm(pid_t pid, char buf[16])
{
	char text[64];
	ssize_t n = read_proc(pid, "comm", text, sizeof(text));

	buf[0] = '\0';
	if (n <= 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	snprintf(buf, 16, "%.15s", text);
}

bool gm_proc_alive(pid_t pid, uint64_t start_ticks)
{
	uint64_t now;

	return gm_proc_start_ticks(pid, &now) == 0 && now == start_ticks;
}
