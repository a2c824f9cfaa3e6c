/* SPDX-License-Identifier: MIT */
/*
 * conf_line.h: one line of a file in Slurm's Key=Value syntax. Pure.
 */
#ifndef GM_CONF_LINE_H
#define GM_CONF_LINE_H

#include <stddef.h>

#include "gpumem.h"

#define GM_PAIRS_MAX 16

struct gm_pair {
	const char *key, *value; /* neither is empty */
};

/* Splits the len bytes at text, which hold no newline, into pairs that point into `copy` of
 * GM_CONF_LINE_MAX + 1 bytes. A comment and blank lines give none. Errors: EINVAL. */
int gm_line_split(const char *text, size_t len, char *copy, struct gm_pair *ret, size_t *ret_count,
		  struct gpumem_error *err);

#endif
