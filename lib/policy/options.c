/* SPDX-License-Identifier: MIT */
/*
 * options.c: the one table of a policy's options. A new option is a row here, a member of struct
 * gpumem_policy and a line of the help.
 */
#include <stdio.h>
#include <string.h>

#include "policy/options.h"

static const struct gm_name at_end[] = {
	{"evict", GPUMEM_END_EVICT, false},
	{"drop", GPUMEM_END_DROP, true},
	{NULL, 0, false},
};

const struct gm_option gm_options[GM_OPTION_COUNT] = {
	{"limit", GM_VALUE_LIMIT, offsetof(struct gpumem_policy, limit_bytes), NULL, true},
	{"reserve", GM_VALUE_SIZE, offsetof(struct gpumem_policy, reserve_bytes), NULL, true},
	{"high", GM_VALUE_PERCENT, offsetof(struct gpumem_policy, high_percent), NULL, true},
	{"low", GM_VALUE_PERCENT, offsetof(struct gpumem_policy, low_percent), NULL, true},
	{"evict", GM_VALUE_CHOICE, offsetof(struct gpumem_policy, evict), gm_evict_orders, true},
	{"bw", GM_VALUE_SIZE, offsetof(struct gpumem_policy, bandwidth_bytes), NULL, true},
	{"suspend", GM_VALUE_CHOICE, offsetof(struct gpumem_policy, suspend), gm_on_suspend, true},
	{"end", GM_VALUE_CHOICE, offsetof(struct gpumem_policy, end), at_end, true},
	{"report", GM_VALUE_FLAG, offsetof(struct gpumem_policy, report), NULL, true},
	{"verbose", GM_VALUE_FLAG, offsetof(struct gpumem_policy, verbose), NULL, true},
};

/* Every member of a table row is one of these three; the enums are read as 32 bits. */
_Static_assert(sizeof(enum gpumem_evict_order) == 4 && sizeof(enum gpumem_on_suspend) == 4 &&
		       sizeof(enum gpumem_at_end) == 4,
	       "enums are 32 bits wide");

uint32_t gm_option_choice(const struct gpumem_policy *policy, size_t member)
{
	uint32_t value;

	memcpy(&value, (const char *)policy + member, sizeof(value));
	return value;
}

static uint64_t get64(const struct gpumem_policy *policy, size_t member)
{
	uint64_t value;

	memcpy(&value, (const char *)policy + member, sizeof(value));
	return value;
}

static bool get_flag(const struct gpumem_policy *policy, size_t member)
{
	return *((const bool *)((const char *)policy + member));
}

void gm_option_append(char *buf, size_t size, const struct gm_option *opt,
		      const struct gpumem_policy *policy)
{
	char number[24];

	switch (opt->kind) {
	case GM_VALUE_LIMIT:
		if (policy->limit_percent) {
			gm_append(buf, size, ",%s=%u%%", opt->name, policy->limit_percent);
			break;
		}
		/* fall through */
	case GM_VALUE_SIZE:
		if (get64(policy, opt->member))
			gm_append(buf, size, ",%s=%s", opt->name,
				  gpumem_size_print(get64(policy, opt->member), number,
						    sizeof(number)));
		break;
	case GM_VALUE_PERCENT:
		if (gm_option_choice(policy, opt->member))
			gm_append(buf, size, ",%s=%u%%", opt->name,
				  gm_option_choice(policy, opt->member));
		break;
	case GM_VALUE_CHOICE:
		if (gm_option_choice(policy, opt->member))
			gm_append(buf, size, ",%s=%s", opt->name,
				  gm_name_of(opt->choices, gm_option_choice(policy, opt->member)));
		break;
	case GM_VALUE_FLAG:
		if (get_flag(policy, opt->member))
			gm_append(buf, size, ",%s", opt->name);
		break;
	}
}

void gm_policy_append_placements(char *buf, size_t size)
{
	const struct gm_name *p;

	for (p = gm_placements; p->name; p++)
		gm_append(buf, size, "%s%s%s", p == gm_placements ? "" : ", ", p->name,
			  p->value == GPUMEM_PLACE_INTERLEAVE ? "[:DEV/HOST]" : "");
}
