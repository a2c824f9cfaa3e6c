/* SPDX-License-Identifier: MIT */
/*
 * print.c: a policy back as text, and what of it this version can carry out. Pure.
 */
#include <string.h>

#define GM_WHERE "policy"
#include "base/err.h"
#include "policy/options.h"

int gpumem_policy_print(const struct gpumem_policy *policy, char *buf, size_t len)
{
	char text[GPUMEM_POLICY_LEN] = "";
	size_t i;

	gm_append(text, sizeof(text), "%s", gpumem_placement_name(policy->placement));
	if (policy->ratio_device)
		gm_append(text, sizeof(text), ":%u/%u", policy->ratio_device, policy->ratio_host);
	for (i = 0; i < GM_OPTION_COUNT; i++)
		gm_option_append(text, sizeof(text), &gm_options[i], policy);
	if (strlen(text) >= len)
		return -ENOSPC;
	memcpy(buf, text, strlen(text) + 1);
	return 0;
}

/* "limit=, reserve=, evict=lrf, ..." */
static void append_supported(char *buf, size_t size)
{
	const char *comma = "";
	const struct gm_name *c;
	size_t i;

	for (i = 0; i < GM_OPTION_COUNT; i++) {
		const struct gm_option *opt = &gm_options[i];

		if (!opt->supported)
			continue;
		gm_append(buf, size, "%s%s%s", comma, opt->name,
			  opt->kind == GM_VALUE_FLAG ? "" : "=");
		comma = ", ";
		for (c = opt->choices; c && c->name; c++)
			if (c->supported)
				gm_append(buf, size, "%s", c->name);
	}
}

int gpumem_policy_supported(const struct gpumem_policy *policy, struct gpumem_error *err)
{
	char word[64], allowed[128] = "";
	const struct gm_name *p;
	size_t i;

	for (p = gm_placements; p->name; p++)
		if (p->value == policy->placement && !p->supported) {
			gm_append_names(allowed, sizeof(allowed), gm_placements, true);
			return gm_err(err, -EOPNOTSUPP, "'%s' is not supported yet; supported: %s",
				      p->name, allowed);
		}
	for (i = 0; i < GM_OPTION_COUNT; i++) {
		const struct gm_option *opt = &gm_options[i];

		word[0] = '\0';
		gm_option_append(word, sizeof(word), opt, policy);
		if (word[0] == '\0')
			continue;
		if (!opt->choices && opt->supported)
			continue;
		for (p = opt->choices; p && p->name; p++)
			if (p->value == gm_option_choice(policy, opt->member))
				break;
		if (p && p->supported)
			continue;
		if (opt->choices) {
			gm_append(allowed, sizeof(allowed), "%s=", opt->name);
			gm_append_names(allowed, sizeof(allowed), opt->choices, true);
		} else {
			append_supported(allowed, sizeof(allowed));
		}
		return gm_err(err, -EOPNOTSUPP, "'%s' is not supported yet; supported: %s",
			      word + 1, allowed);
	}
	return 0;
}
