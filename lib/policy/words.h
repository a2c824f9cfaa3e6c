/* SPDX-License-Identifier: MIT */
/*
 * words.h: what the grammar, gpumem.conf and the plan share: tables of names, numbers, and a way
 * to show a wrong word on one line of a terminal. Pure; ASCII whatever the locale.
 */
#ifndef GM_WORDS_H
#define GM_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One name of a table that ends with a NULL name. Values begin at 1, so 0 means "no such name". */
struct gm_name {
	const char *name;
	uint32_t value;
	bool supported; /* by this version */
};

extern const struct gm_name gm_placements[], gm_evict_orders[], gm_on_suspend[];

/* Whether the len bytes at text are the word, in any case. */
bool gm_word_is(const char *text, size_t len, const char *word);
uint32_t gm_name_find(const struct gm_name *table, const char *text, size_t len);
/* "?" when the value is not in the table. */
const char *gm_name_of(const struct gm_name *table, uint32_t value);

/* Adds formatted text to what buf holds; cuts at the end of buf. */
__attribute__((format(printf, 3, 4))) void gm_append(char *buf, size_t size, const char *fmt, ...);
/* Adds "a, b, c" to what buf holds: every name, or the supported ones alone. */
void gm_append_names(char *buf, size_t size, const struct gm_name *table, bool supported_only);

/* Makes the word fit to be shown: bytes that are not printable ASCII as \xNN (a terminal acts on
 * them), and no more than 40 characters. Returns buf. */
#define GM_SHOW_LEN 48
const char *gm_show(const char *text, size_t len, char *buf);

/* Decimal digits alone. Errors: EINVAL, ERANGE above max. */
int gm_uint_parse(const char *text, size_t len, uint64_t max, uint64_t *ret);
/* "N%", 1 to 100. Errors: EINVAL no percentage, ERANGE outside. */
int gm_percent_parse(const char *text, size_t len, uint32_t *ret);

#endif
