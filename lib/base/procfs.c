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
#include <unistd.h>

#include "base/procfs.h"

static ssize_t read_proc(pid_t pid, const char *name, char *buf, size_t len)
{
	char path[64];
	ssize_t n;
	int fd;

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

int gm_proc_start_ticks(pid_t pid, uint64_t *ret_ticks)
{
	char buf[512], *p;

	if (read_proc(pid, "stat", buf, sizeof(buf)) < 0)
		return -ESRCH;
	/* The name may hold anything, so count from its closing bracket: field 3 is the state. */
	p = strrchr(buf, ')');
	if (!p || p[1] != ' ' || p[2] == 'Z' || p[2] == 'X')
		return -ESRCH;
	for (int field = 2; field < 22 && p; field++)
		p = strchr(p + 1, ' ');
	if (!p)
		return -ESRCH;
	*ret_ticks = strtoull(p + 1, NULL, 10);
	return 0;
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
