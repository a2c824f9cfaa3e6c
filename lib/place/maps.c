/* SPDX-License-Identifier: MIT */
/*
 * maps.c: /proc/PID/maps, filtered.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/shmem.h"
#include "place/maps.h"

bool gm_maps_eligible(const char *line, struct gm_range *ret)
{
	const char *p = line;
	struct gm_range r;
	char *end;

	r.start = strtoul(p, &end, 16);
	if (end == p || *end != '-')
		return false;
	p = end + 1;
	r.end = strtoul(p, &end, 16);
	if (end == p || *end != ' ' || r.end <= r.start)
		return false;
	p = end + 1;
	if (p[0] != 'r' || p[1] != 'w' || p[3] != 'p')
		return false;
	/* "rw-p OFFSET DEV INODE [PATH]": anonymous is inode 0 and no name, or one of the names the
	 * kernel or prctl(PR_SET_VMA) gives. The main stack stays: its growth is not ours to race. */
	for (int field = 0; field < 3; field++) {
		p = strchr(p, ' ');
		if (!p)
			return false;
		p++;
	}
	if (strtoul(p, &end, 10) != 0 || end == p)
		return false;
	p = end + strspn(end, " ");
	if (*p != '\0' && *p != '\n' && strncmp(p, "[heap]", 6) != 0 &&
	    strncmp(p, "[anon:", 6) != 0)
		return false;
	*ret = r;
	return true;
}

static int push(struct gm_ranges *ranges, struct gm_range r)
{
	if (ranges->count && ranges->range[ranges->count - 1].end == r.start) {
		ranges->range[ranges->count - 1].end = r.end;
		return 0;
	}
	if (ranges->count == ranges->room) {
		size_t room = ranges->room ? 2 * ranges->room : 256;
		void *more = gm_shmem_new(room * sizeof(r));

		if (!more)
			return -ENOMEM;
		if (ranges->range)
			memcpy(more, ranges->range, ranges->count * sizeof(r));
		gm_shmem_free(ranges->range, ranges->room * sizeof(r));
		ranges->range = more;
		ranges->room = room;
	}
	ranges->range[ranges->count++] = r;
	return 0;
}

static int read_file(const char *path, struct gm_ranges *ranges)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
	char buf[8192];
	size_t have = 0;

	if (fd < 0)
		return -errno;
	ranges->count = 0;
	while (rc == 0) {
		ssize_t n = read(fd, buf + have, sizeof(buf) - 1 - have);
		char *line = buf, *nl;

		if (n < 0)
			rc = -errno;
		if (n <= 0)
			break;
		have += (size_t)n;
		buf[have] = '\0';
		while (rc == 0 && (nl = strchr(line, '\n'))) {
			struct gm_range r;

			*nl = '\0';
			if (gm_maps_eligible(line, &r))
				rc = push(ranges, r);
			line = nl + 1;
		}
		have -= (size_t)(line - buf);
		memmove(buf, line, have);
		if (have == sizeof(buf) - 1) /* a line longer than the kernel writes */
			have = 0;
	}
	close(fd);
	return rc;
}

int gm_maps_read(struct gm_ranges *ranges)
{
	return read_file("/proc/self/maps", ranges);
}

int gm_maps_read_of(pid_t pid, struct gm_ranges *ranges)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	return read_file(path, ranges);
}

void gm_maps_free(struct gm_ranges *ranges)
{
	gm_shmem_free(ranges->range, ranges->room * sizeof(*ranges->range));
	memset(ranges, 0, sizeof(*ranges));
}
