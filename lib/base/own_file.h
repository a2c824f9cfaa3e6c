/* SPDX-License-Identifier: MIT */
/*
 * own_file.h: a descriptor kept open in somebody else's process. The application may close it (daemons
 * close all they find) and be given the number for a file of its own, which we must not touch.
 */
#ifndef GM_OWN_FILE_H
#define GM_OWN_FILE_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

struct gm_own_file {
	int fd; /* -1: closed */
	dev_t dev;
	ino_t ino;
};

#define GM_OWN_FILE_CLOSED { .fd = -1 }

/* Keeps an open descriptor, or the error in errno when it is negative. */
static inline int gm_own_take(struct gm_own_file *f, int fd)
{
	struct stat st;
	int rc = 0;

	f->fd = fd;
	if (f->fd < 0 || fstat(f->fd, &st) < 0)
		rc = -errno;
	if (rc < 0 && f->fd >= 0)
		close(f->fd);
	if (rc < 0) {
		f->fd = -1;
		return rc;
	}
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	return 0;
}

static inline int gm_own_open(struct gm_own_file *f, const char *path, int flags)
{
	return gm_own_take(f, open(path, flags | O_CLOEXEC));
}

/* Whether the number still stands for the file. */
static inline bool gm_own_valid(const struct gm_own_file *f)
{
	struct stat st;

	return f->fd >= 0 && fstat(f->fd, &st) == 0 && st.st_dev == f->dev && st.st_ino == f->ino;
}

static inline void gm_own_close(struct gm_own_file *f)
{
	if (gm_own_valid(f))
		close(f->fd);
	f->fd = -1;
}

#endif
