/* SPDX-License-Identifier: MIT */
/*
 * hostlist.c: matches a node's name against a list; nothing is expanded, so that n[1-99999] costs
 * no more than n1. At most two brackets in a name and nine digits in a number bound the work.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "policy/hostlist.h"
#include "policy/words.h"

#define BRACKETS_MAX 2
#define DIGITS_MAX 9

struct range {
	uint64_t low, high;
	int width; /* digits of low: n[01-10] is n01, not n1 */
};

/* Reads "N" or "N-M" up to a comma or the bracket's end. */
static bool read_range(const char *text, struct range *ret, const char **end)
{
	size_t low = strspn(text, "0123456789"), high;

	if (low == 0 || low > DIGITS_MAX)
		return false;
	gm_uint_parse(text, low, UINT64_MAX, &ret->low);
	ret->high = ret->low;
	ret->width = (int)low;
	text += low;
	if (*text == '-') {
		text++;
		high = strspn(text, "0123456789");
		if (high < low || high > DIGITS_MAX)
			return false;
		gm_uint_parse(text, high, UINT64_MAX, &ret->high);
		text += high;
	}
	*end = text;
	return ret->low <= ret->high;
}

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

const char *gm_hostlist_fault(const char *list)
{
	int brackets = 0;
	size_t chars = 0;
	struct range range;

	for (;; list++) {
		if (*list == ',' || *list == '\0') {
			if (chars == 0)
				return "an empty name";
			if (*list == '\0')
				return NULL;
			chars = 0;
			brackets = 0;
		} else if (*list == '[') {
			if (++brackets > BRACKETS_MAX)
				return "more than two brackets in a name";
			do {
				if (!read_range(list + 1, &range, &list))
					return "a bad range in brackets";
			} while (*list == ',');
			if (*list != ']')
				return "a bad range in brackets";
			chars++;
		} else if (name_char(*list)) {
			chars++;
		} else {
			return "a character no node name has";
		}
	}
}

static bool match(const char *item, const char *node);

/* One range of a bracket against the digits the node's name goes on with. */
static bool match_range(const struct range *range, const char *rest, const char *node)
{
	char digits[24];
	uint64_t value;
	size_t n;

	for (n = 1; n <= DIGITS_MAX && node[n - 1] >= '0' && node[n - 1] <= '9'; n++) {
		gm_uint_parse(node, n, UINT64_MAX, &value);
		if (value < range->low || value > range->high)
			continue;
		snprintf(digits, sizeof(digits), "%0*llu", range->width, (unsigned long long)value);
		if (strlen(digits) == n && memcmp(digits, node, n) == 0 && match(rest, node + n))
			return true;
	}
	return false;
}

/* One name of the list, which ends with a comma or the list. */
static bool match(const char *item, const char *node)
{
	const char *rest;
	struct range range;

	for (; *item && *item != ',' && *item != '['; item++, node++)
		if (*item != *node)
			return false;
	if (*item != '[')
		return *node == '\0';
	rest = strchr(item, ']') + 1;
	do {
		if (!read_range(item + 1, &range, &item))
			return false;
		if (match_range(&range, rest, node))
			return true;
	} while (*item == ',');
	return false;
}

bool gm_hostlist_has(const char *list, const char *node)
{
	for (;;) {
		if (match(list, node))
			return true;
		/* To the next comma outside brackets. */
		while (*list && *list != ',')
			list = *list == '[' ? strchr(list, ']') : list + 1;
		if (*list == '\0')
			return false;
		list++;
	}
}
