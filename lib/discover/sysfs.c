/* SPDX-License-Identifier: MIT */
/*
 * sysfs.c: readers of the kernel's text files below a context's root.
 */
#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>

#define GM_WHERE "sysfs"
#include "base/cleanup.h"
#include "discover/sysfs.h"

int gm_root_open(struct gm_root *ret, const struct gpumem_ctx *ctx)
{
	int fd = open(*ctx->root ? ctx->root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret = (struct gm_root){ .fd = fd, .live = !*ctx->root, .ctx = ctx };
	return 0;
}

void gm_root_close(struct gm_root *root)
{
	if (root->fd >= 0)
		close(root->fd);
	root->fd = -1;
}

/* Without openat2(2) a link may have led out of the tree; the kernel tells where we ended. */
static bool below_root(int root, int fd)
{
	char link[32], base[PATH_MAX], path[PATH_MAX];
	ssize_t blen, plen;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", root);
	blen = readlink(link, base, sizeof(base));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	plen = readlink(link, path, sizeof(path));
	return blen > 0 && plen > blen && path[blen] == '/' &&
	       memcmp(base, path, (size_t)blen) == 0;
}

static int open_below(struct gm_root *root, const char *path, int flags)
{
	/* A saved tree may hold anything, a FIFO too: never wait in open(2). O_PATH takes no such
	 * flags and never waits. */
	int calm = flags & O_PATH ? 0 : O_NONBLOCK | O_NOCTTY;
	struct open_how how = { .flags = (unsigned)(flags | calm | O_CLOEXEC),
				.resolve = RESOLVE_IN_ROOT };
	int fd;

	if (root->live) {
		fd = open(path, flags | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	if (!root->no_beneath) {
		fd = (int)syscall(SYS_openat2, root->fd, path, &how, sizeof(how));
		if (fd >= 0)
			return fd;
		/* EPERM: a seccomp filter that does not know the call. */
		if (errno != ENOSYS && errno != EPERM)
			return -errno;
		root->no_beneath = true;
	}
	fd = openat(root->fd, path + 1, (int)how.flags);
	if (fd < 0)
		return -errno;
	if (!below_root(root->fd, fd)) {
		close(fd);
		return -ENOENT;
	}
	return fd;
}

static int read_path(struct gm_root *root, const char *path, char *buf, size_t len)
{
	_cleanup_close_ int fd = -1;
	size_t got = 0;
	ssize_t n;
	int rc;

	if (root->read_fault) {
		rc = root->read_fault(root->read_fault_data, path);
		if (rc)
			return rc;
	}
	fd = open_below(root, path, O_RDONLY);
	if (fd < 0)
		return fd;
	while (got < len) {
		n = read(fd, buf + got, len - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	if (got == len)
		return -EFBIG;
	buf[got] = '\0';
	return strlen(buf) == got ? (int)got : -EPROTO;
}

__attribute__((format(printf, 3, 0))) static int format_path(char *path, size_t len, const char *fmt,
							     va_list ap)
{
	int n = vsnprintf(path, len, fmt, ap);

	return n < 0 || (size_t)n >= len ? -ENAMETOOLONG : 0;
}

/* A macro because a va_list cannot be made from "..." anywhere else. */
#define FORMAT_PATH(path, fmt)                                                                   \
	({                                                                                       \
		va_list ap_;                                                                     \
		int rc_;                                                                         \
		va_start(ap_, fmt);                                                              \
		rc_ = format_path((path), sizeof(path), (fmt), ap_);                             \
		va_end(ap_);                                                                     \
		rc_;                                                                             \
	})

int gm_read_text(struct gm_root *root, char *buf, size_t len, const char *fmt, ...)
{
	char path[GM_PATH_MAX];
	int rc = FORMAT_PATH(path, fmt);

	return rc < 0 ? rc : read_path(root, path, buf, len);
}

int gm_read_line(struct gm_root *root, char *buf, size_t len, const char *fmt, ...)
{
	char path[GM_PATH_MAX];
	int rc = FORMAT_PATH(path, fmt);

	if (rc < 0)
		return rc;
	rc = read_path(root, path, buf, len);
	if (rc < 0)
		return rc;
	buf[strcspn(buf, "\n")] = '\0';
	return (int)strlen(buf);
}

int gm_read_u64(struct gm_root *root, uint64_t *ret, const char *fmt, ...)
{
	char path[GM_PATH_MAX], text[64];
	int rc = FORMAT_PATH(path, fmt);

	if (rc < 0)
		return rc;
	rc = read_path(root, path, text, sizeof(text));
	if (rc < 0)
		return rc;
	text[strcspn(text, "\n")] = '\0';
	return gm_parse_u64(text, 0, ret) ? 0 : -EPROTO;
}

int gm_read_s32(struct gm_root *root, int32_t *ret, const char *fmt, ...)
{
	char path[GM_PATH_MAX], text[64];
	int rc = FORMAT_PATH(path, fmt);
	bool negative;
	uint32_t value;

	if (rc < 0)
		return rc;
	rc = read_path(root, path, text, sizeof(text));
	if (rc < 0)
		return rc;
	text[strcspn(text, "\n")] = '\0';
	negative = text[0] == '-';
	if (!gm_parse_u32(text + negative, 10, &value) || value > INT32_MAX)
		return -EPROTO;
	*ret = negative ? -(int32_t)value : (int32_t)value;
	return 0;
}

bool gm_exists(struct gm_root *root, const char *fmt, ...)
{
	char path[GM_PATH_MAX];
	int fd;

	if (FORMAT_PATH(path, fmt) < 0)
		return false;
	fd = open_below(root, path, O_PATH);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static int by_version(const void *a, const void *b)
{
	return strverscmp(a, b);
}

int gm_read_names(struct gm_root *root, struct gm_names *ret, const char *fmt, ...)
{
	char path[GM_PATH_MAX];
	struct gm_names names = { 0 };
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *entry;
	size_t room = 0;
	int rc = FORMAT_PATH(path, fmt);

	if (rc < 0)
		return rc;
	rc = open_below(root, path, O_RDONLY | O_DIRECTORY);
	if (rc < 0)
		return rc;
	dir = fdopendir(rc);
	if (!dir) {
		close(rc);
		return -ENOMEM;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || strlen(entry->d_name) >= sizeof(names.name[0]))
			continue;
		if (names.count == room) {
			void *more;

			room = room ? 2 * room : 16;
			more = realloc(names.name, room * sizeof(names.name[0]));
			if (!more) {
				free(names.name);
				return -ENOMEM;
			}
			names.name = more;
		}
		strcpy(names.name[names.count++], entry->d_name);
	}
	if (names.count)
		qsort(names.name, names.count, sizeof(names.name[0]), by_version);
	*ret = names;
	return 0;
}

void gm_names_free(struct gm_names *names)
{
	free(names->name);
	*names = (struct gm_names){ 0 };
}

bool gm_parse_u64(const char *text, int base, uint64_t *ret)
{
	unsigned long long value;
	int saved = errno;
	char *end;

	/* strtoull takes blanks and signs; the kernel prints neither. */
	if (!((text[0] >= '0' && text[0] <= '9') ||
	      (base == 16 && strchr("abcdefABCDEF", text[0]) && text[0])))
		return false;
	errno = 0;
	value = strtoull(text, &end, base);
	if (errno || *end)
		return false;
	errno = saved;
	*ret = value;
	return true;
}

bool gm_parse_u32(const char *text, int base, uint32_t *ret)
{
	uint64_t value;

	if (!gm_parse_u64(text, base, &value) || value > UINT32_MAX)
		return false;
	*ret = (uint32_t)value;
	return true;
}

char *gm_next_line(char **cursor)
{
	char *line = *cursor;
	size_t len;

	if (!*line)
		return NULL;
	len = strcspn(line, "\n");
	*cursor = line[len] ? line + len + 1 : line + len;
	line[len] = '\0';
	return line;
}
