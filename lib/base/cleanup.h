/* SPDX-License-Identifier: MIT */
/*
 * cleanup.h: variables that release what they hold when they go out of scope, errno kept.
 */
#ifndef GM_CLEANUP_H
#define GM_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void gm_freep(void *p)
{
	int saved = errno;

	free(*(void **)p);
	errno = saved;
}

static inline void gm_closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static inline void gm_fclosep(FILE **f)
{
	int saved = errno;

	if (*f)
		fclose(*f);
	errno = saved;
}

static inline void gm_closedirp(DIR **d)
{
	int saved = errno;

	if (*d)
		closedir(*d);
	errno = saved;
}

#define _cleanup_free_ __attribute__((cleanup(gm_freep)))
#define _cleanup_close_ __attribute__((cleanup(gm_closep)))
#define _cleanup_fclose_ __attribute__((cleanup(gm_fclosep)))
#define _cleanup_closedir_ __attribute__((cleanup(gm_closedirp)))

#endif
