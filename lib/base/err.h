/* SPDX-License-Identifier: MIT */
/*
 * err.h: one line per failure: return gm_err(err, -EINVAL, "...");
 * A file names its part once, before the include: #define GM_WHERE "conf"
 */
#ifndef GM_ERR_H
#define GM_ERR_H

#include <errno.h>
#include <string.h>

#include "gpumem.h"

#ifndef GM_WHERE
#define GM_WHERE "gpumem"
#endif

/* Fills err (NULL allowed) and returns code. */
__attribute__((format(printf, 4, 5))) int gm_err_at(struct gpumem_error *err, const char *where,
						    int code, const char *fmt, ...);
/* Puts "<text>: " before what err says already; returns err's code, or `code` without err. */
__attribute__((format(printf, 3, 4))) int gm_err_wrap(struct gpumem_error *err, int code,
						      const char *fmt, ...);

#define gm_err(err, code, ...) gm_err_at((err), GM_WHERE, (code), __VA_ARGS__)

#endif
