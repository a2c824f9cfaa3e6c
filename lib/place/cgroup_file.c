/* SPDX-License-Identifier: MIT */
/*
 * cgroup_file.c: the files of a cgroup.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "discover/sysfs.h"
#include "place/cgroup_file.h"

static int open_file(const char *dir, const char *name, int flags)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	/* O_NONBLOCK would make newer kernels skip what a lower limit reclaims. */
	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

int gm_cgroup_read(const char *dir, const char *name, char *buf, size_t len)
{
	_cleanup_close_ int fd = open_file(dir, name, O_RDONLY);
	size_t have = 0;
	ssize_t n = 0;

	if (fd < 0)
		return fd;
	while (have < len && (n = read(fd, buf + have, len - have)) > 0)
		have += (size_t)n;
	if (n < 0)
		return -errno;
	if (have == len)
		return -EFBIG;
	if (have && buf[have - 1] == '\n')
		have--;
	buf[have] = '\0';
	return 0;
}

int gm_cgroup_write(const char *dir, const char *name, const char *text)
{
	/* A file of a test's tree is replaced as the kernel's is. */
	_cleanup_close_ int fd = open_file(dir, name, O_WRONLY | O_TRUNC);
	int rc = 0;

	if (fd < 0)
		return fd;
	while (*text) {
		size_t len = strcspn(text, "\n");
		ssize_t n;

		len += text[len] == '\n';
		n = write(fd, text, len);
		if (rc == 0 && n != (ssize_t)len)
			rc = n < 0 ? -errno : -EIO;
		text += len;
	}
	return rc;
}

int gm_cgroup_read_bytes(const char *dir, const char *name, uint64_t *ret)
{
	char text[64];
	int rc = gm_cgroup_read(dir, name, text, sizeof(text));

	if (rc < 0)
		return rc;
	if (strcmp(text, "max") == 0)
		*ret = UINT64_MAX;
	else if (!gm_parse_u64(text, 10, ret))
		return -EPROTO;
	return 0;
}
