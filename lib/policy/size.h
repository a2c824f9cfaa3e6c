/* SPDX-License-Identifier: MIT */
/*
 * size.h: sizes as people write them. Pure.
 */
#ifndef GM_SIZE_H
#define GM_SIZE_H

#include <stddef.h>
#include <stdint.h>

/* gpumem_size_parse() of a part of a string; *why (may be NULL) says what is wrong, static text. */
int gm_size_parse(const char *text, size_t len, uint64_t *ret_bytes, const char **why);
/* So many percent of bytes, rounded down to a page. */
uint64_t gm_percent_of(uint64_t bytes, uint32_t percent);

#endif
