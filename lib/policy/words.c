/* SPDX-License-Identifier: MIT */
/*
 * words.c: tables of names, numbers and the showing of wrong words.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define GM_WHERE "policy"
#include "base/err.h"
#include "policy/words.h"

const struct gm_name gm_placements[] = {
	{"off", GPUMEM_PLACE_OFF, true},
	{"host", GPUMEM_PLACE_HOST, true},
	{"prefer", GPUMEM_PLACE_PREFER, true},
	{"bind", GPUMEM_PLACE_BIND, true},
	{"interleave", GPUMEM_PLACE_INTERLEAVE, true},
	{"advise", GPUMEM_PLACE_ADVISE, true},
	{NULL, 0, false},
};

const struct gm_name gm_evict_orders[] = {
	{"duel", GPUMEM_EVICT_DUEL, true},
	{"heat", GPUMEM_EVICT_HEAT, true},
	{"age", GPUMEM_EVICT_AGE, true},
	{"lrf", GPUMEM_EVICT_LRF, true},
	{"pin", GPUMEM_EVICT_PIN, true},
	{"none", GPUMEM_EVICT_NONE, true},
	{NULL, 0, false},
};

const struct gm_name gm_on_suspend[] = {
	{"evict", GPUMEM_SUSPEND_EVICT, true},
	{"keep", GPUMEM_SUSPEND_KEEP, true},
	{NULL, 0, false},
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool gm_word_is(const char *text, size_t len, const char *word)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (word[i] == '\0' || lower(text[i]) != lower(word[i]))
			return false;
	return word[len] == '\0';
}

uint32_t gm_name_find(const struct gm_name *table, const char *text, size_t len)
{
	for (; table->name; table++)
		if (gm_word_is(text, len, table->name))
			return table->value;
	return 0;
}

const char *gm_name_of(const struct gm_name *table, uint32_t value)
{
	for (; table->name; table++)
		if (table->value == value)
			return table->name;
	return "?";
}

const char *gpumem_placement_name(enum gpumem_placement placement)
{
	return gm_name_of(gm_placements, placement);
}

const char *gpumem_evict_order_name(enum gpumem_evict_order order)
{
	return gm_name_of(gm_evict_orders, order ? order : GPUMEM_EVICT_DUEL);
}

void gm_append(char *buf, size_t size, const char *fmt, ...)
{
	size_t used = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf + used, size - used, fmt, ap);
	va_end(ap);
}

void gm_append_names(char *buf, size_t size, const struct gm_name *table, bool supported_only)
{
	const char *comma = "";

	for (; table->name; table++) {
		if (supported_only && !table->supported)
			continue;
		gm_append(buf, size, "%s%s", comma, table->name);
		comma = ", ";
	}
}

const char *gm_show(const char *text, size_t len, char *buf)
{
	const size_t most = 40;
	size_t i, used = 0;

	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		bool plain = c >= 0x20 && c < 0x7f;

		if (used + (plain ? 1 : 4) > most) {
			used += (size_t)snprintf(buf + used, GM_SHOW_LEN - used, "...");
			break;
		}
		used += (size_t)snprintf(buf + used, GM_SHOW_LEN - used, plain ? "%c" : "\\x%02x",
					 c);
	}
	buf[used] = '\0';
	return buf;
}

int gm_uint_parse(const char *text, size_t len, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;
	bool above = false;
	size_t i;

	if (len == 0)
		return -EINVAL;
	/* To the end even when it is too large: garbage is garbage first. */
	for (i = 0; i < len; i++) {
		uint64_t digit = (uint64_t)(text[i] - '0');

		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		if (above || value > (UINT64_MAX - digit) / 10)
			above = true;
		else
			value = value * 10 + digit;
	}
	if (above || value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

int gm_percent_parse(const char *text, size_t len, uint32_t *ret)
{
	uint64_t value;
	int rc;

	if (len == 0 || text[len - 1] != '%')
		return -EINVAL;
	rc = gm_uint_parse(text, len - 1, 100, &value);
	if (rc < 0)
		return rc;
	if (value == 0)
		return -ERANGE;
	*ret = (uint32_t)value;
	return 0;
}
