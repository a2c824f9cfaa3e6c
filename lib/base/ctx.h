/* SPDX-License-Identifier: MIT */
/*
 * ctx.h: the context's inside, for the library's own files.
 */
#ifndef GM_CTX_H
#define GM_CTX_H

#include <syslog.h>

#include "base/err.h"

struct gpumem_ctx {
	unsigned refs;
	char *root; /* "" or a folder without trailing slash */
	gpumem_log_fn *log;
	void *log_data;
	int log_level;
};

__attribute__((format(printf, 3, 4))) void gm_log_at(const struct gpumem_ctx *ctx, int level,
						     const char *fmt, ...);

/* Costs one compare when the level is off. */
#define gm_log(ctx, level, ...)                                                                  \
	do {                                                                                     \
		if ((ctx) && (level) <= (ctx)->log_level && (ctx)->log)                          \
			gm_log_at((ctx), (level), __VA_ARGS__);                                  \
	} while (0)

#endif
