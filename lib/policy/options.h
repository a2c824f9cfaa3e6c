/* SPDX-License-Identifier: MIT */
/*
 * options.h: the table of a policy's options, for reading, printing and refusing them.
 */
#ifndef GM_OPTIONS_H
#define GM_OPTIONS_H

#include "gpumem.h"
#include "policy/words.h"

#define GM_OPTION_COUNT 10

enum gm_value_kind {
	GM_VALUE_LIMIT, /* a size, or a percentage kept in limit_percent */
	GM_VALUE_SIZE,
	GM_VALUE_PERCENT,
	GM_VALUE_CHOICE,
	GM_VALUE_FLAG,
};

struct gm_option {
	const char *name;
	enum gm_value_kind kind;
	size_t member; /* its place in struct gpumem_policy */
	const struct gm_name *choices;
	bool supported; /* by this version; a choice says so itself */
};

extern const struct gm_option gm_options[GM_OPTION_COUNT];

/* The value of an option that is a choice or a percentage; 0 not named. */
uint32_t gm_option_choice(const struct gpumem_policy *policy, size_t member);
/* Adds ",name=value" to what buf holds when the policy names the option. */
void gm_option_append(char *buf, size_t size, const struct gm_option *opt,
		      const struct gpumem_policy *policy);
/* Adds "off, host, ..., interleave[:DEV/HOST], advise" to what buf holds. */
void gm_policy_append_placements(char *buf, size_t size);

#endif
