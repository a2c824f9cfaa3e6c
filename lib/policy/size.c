/* SPDX-License-Identifier: MIT */
/*
 * size.c: reads and prints sizes; every size in a policy, in gpumem.conf and on the command line
 * goes through here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define GM_WHERE "size"
#include "base/err.h"
#include "policy/size.h"
#include "policy/words.h"

#define PAGE_BYTES 4096u

static const char units[] = "KMGTP"; /* each 1024 times the one before */

/* 0 when the suffix is not one. */
static uint64_t suffix_bytes(const char *text, size_t len)
{
	size_t i;

	if (len == 0)
		return 1;
	for (i = 0; units[i]; i++)
		if (gm_word_is(text, 1, (char[]){units[i], '\0'}))
			break;
	if (!units[i])
		return 0;
	if (len > 1 && !gm_word_is(text + 1, len - 1, "B") && !gm_word_is(text + 1, len - 1, "iB"))
		return 0;
	return 1ull << (10 * (i + 1));
}

static size_t digits(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] >= '0' && text[n] <= '9')
		n++;
	return n;
}

static int fail(const char **why, int code, const char *text)
{
	if (why)
		*why = text;
	return code;
}

int gm_size_parse(const char *text, size_t len, uint64_t *ret_bytes, const char **why)
{
	uint64_t whole, unit, fraction = 0, ten = 1, part;
	size_t n = digits(text, len), decimals = 0, i;

	if (n == 0)
		return fail(why, -EINVAL,
			    len > 0 && text[0] == '-' ? "a size is not negative" : "not a size");
	if (n < len && text[n] == '.') {
		decimals = digits(text + n + 1, len - n - 1);
		if (decimals == 0)
			return fail(why, -EINVAL, "no digit after the point");
		if (decimals > 9)
			return fail(why, -EINVAL, "more than 9 digits after the point");
	}
	i = n + (decimals ? 1 + decimals : 0);
	unit = suffix_bytes(text + i, len - i);
	if (unit == 0)
		return fail(why, -EINVAL, "unknown suffix");
	if (decimals && unit == 1)
		return fail(why, -EINVAL, "a fraction of a byte");
	if (gm_uint_parse(text, n, UINT64_MAX, &whole) < 0 || whole > UINT64_MAX / unit)
		return fail(why, -ERANGE, "too large");
	for (i = n + 1; i < n + 1 + decimals; i++) {
		fraction = fraction * 10 + (uint64_t)(text[i] - '0');
		ten *= 10;
	}
	/* fraction * unit / ten, exact and without overflow as ten <= 10^9. */
	part = fraction * (unit / ten) + fraction * (unit % ten) / ten;
	if (part > UINT64_MAX - whole * unit)
		return fail(why, -ERANGE, "too large");
	*ret_bytes = whole * unit + part;
	return 0;
}

int gpumem_size_parse(const char *text, uint64_t *ret_bytes)
{
	return gm_size_parse(text, strlen(text), ret_bytes, NULL);
}

const char *gpumem_size_print(uint64_t bytes, char *buf, size_t len)
{
	size_t i = 0;

	while (bytes && bytes % 1024 == 0 && units[i]) {
		bytes /= 1024;
		i++;
	}
	if (i > 0)
		snprintf(buf, len, "%" PRIu64 "%c", bytes, units[i - 1]);
	else
		snprintf(buf, len, "%" PRIu64, bytes);
	return buf;
}

uint64_t gm_percent_of(uint64_t bytes, uint32_t percent)
{
	uint64_t part = bytes / 100 * percent + bytes % 100 * percent / 100;

	return part - part % PAGE_BYTES;
}
