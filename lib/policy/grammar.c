/* SPDX-License-Identifier: MIT */
/*
 * grammar.c: reads --gpu-mem-policy=<placement>[,<option>...] by the table of options.c. Pure.
 */
#include <string.h>

#define GM_WHERE "policy"
#include "base/err.h"
#include "policy/options.h"
#include "policy/size.h"

#define RATIO_MAX 1000u

static void set32(struct gpumem_policy *policy, size_t member, uint32_t value)
{
	memcpy((char *)policy + member, &value, sizeof(value));
}

static void append_allowed(char *buf, size_t size, const struct gm_option *opt)
{
	switch (opt->kind) {
	case GM_VALUE_LIMIT:
		gm_append(buf, size, "a size such as 64G or 1.5T, or 1%% to 100%%");
		break;
	case GM_VALUE_SIZE:
		gm_append(buf, size, "a size such as 64G or 1.5T");
		break;
	case GM_VALUE_PERCENT:
		gm_append(buf, size, "1%% to 100%%");
		break;
	case GM_VALUE_CHOICE:
		gm_append_names(buf, size, opt->choices, false);
		break;
	case GM_VALUE_FLAG:
		gm_append(buf, size, "%s alone", opt->name);
		break;
	}
}

static int bad_value(const struct gm_option *opt, const char *word, size_t len, const char *why,
		     struct gpumem_error *err)
{
	char show[GM_SHOW_LEN], allowed[96] = "";

	append_allowed(allowed, sizeof(allowed), opt);
	return gm_err(err, -EINVAL, "'%s': %s; allowed: %s", gm_show(word, len, show), why,
		      allowed);
}

static int parse_size(const struct gm_option *opt, const char *word, size_t len, size_t at,
		      struct gpumem_policy *policy, struct gpumem_error *err)
{
	const char *why = "not a size";
	uint64_t bytes;
	uint32_t percent;
	int rc;

	if (opt->kind == GM_VALUE_LIMIT && word[len - 1] == '%') {
		rc = gm_percent_parse(word + at, len - at, &percent);
		if (rc < 0)
			return bad_value(opt, word, len,
					 rc == -ERANGE ? "percentage out of range"
						       : "not a whole percentage",
					 err);
		policy->limit_percent = percent;
		return 0;
	}
	if (gm_size_parse(word + at, len - at, &bytes, &why) < 0)
		return bad_value(opt, word, len, why, err);
	if (bytes == 0)
		return bad_value(opt, word, len, "must be above 0", err);
	memcpy((char *)policy + opt->member, &bytes, sizeof(bytes));
	return 0;
}

/* The word is NAME=VALUE with the value at `at`, or NAME alone with at == 0. */
static int parse_value(const struct gm_option *opt, const char *word, size_t len, size_t at,
		       struct gpumem_policy *policy, struct gpumem_error *err)
{
	uint32_t value;
	int rc;

	if (opt->kind == GM_VALUE_FLAG) {
		if (at)
			return bad_value(opt, word, len, "takes no value", err);
		*((bool *)((char *)policy + opt->member)) = true;
		return 0;
	}
	if (at == 0 || at == len)
		return bad_value(opt, word, len, "no value", err);
	switch (opt->kind) {
	case GM_VALUE_PERCENT:
		rc = gm_percent_parse(word + at, len - at, &value);
		if (rc < 0)
			return bad_value(opt, word, len,
					 rc == -ERANGE ? "percentage out of range"
						       : "not a whole percentage",
					 err);
		break;
	case GM_VALUE_CHOICE:
		value = gm_name_find(opt->choices, word + at, len - at);
		if (value == 0)
			return bad_value(opt, word, len, "unknown value", err);
		break;
	default:
		return parse_size(opt, word, len, at, policy, err);
	}
	set32(policy, opt->member, value);
	return 0;
}

static int unknown_option(const char *word, size_t len, struct gpumem_error *err)
{
	char show[GM_SHOW_LEN], allowed[128] = "";
	const char *colon = memchr(word, ':', len);
	size_t i, name_len = colon ? (size_t)(colon - word) : len;

	if (gm_name_find(gm_placements, word, name_len))
		return gm_err(err, -EINVAL, "'%s': the placement is the first word, and only one",
			      gm_show(word, len, show));
	for (i = 0; i < GM_OPTION_COUNT; i++)
		gm_append(allowed, sizeof(allowed), "%s%s%s", i ? ", " : "", gm_options[i].name,
			  gm_options[i].kind == GM_VALUE_FLAG ? "" : "=");
	return gm_err(err, -EINVAL, "'%s': unknown option; allowed: %s", gm_show(word, len, show),
		      allowed);
}

static int parse_option(const char *word, size_t len, uint32_t *seen, struct gpumem_policy *policy,
			struct gpumem_error *err)
{
	const char *equal = memchr(word, '=', len);
	size_t i, name_len = equal ? (size_t)(equal - word) : len;
	char show[GM_SHOW_LEN];

	if (len == 0)
		return gm_err(err, -EINVAL,
			      "empty option: one comma between two options, none at the end");
	for (i = 0; i < GM_OPTION_COUNT; i++)
		if (gm_word_is(word, name_len, gm_options[i].name))
			break;
	if (i == GM_OPTION_COUNT)
		return unknown_option(word, len, err);
	if (policy->placement == GPUMEM_PLACE_OFF)
		return gm_err(err, -EINVAL, "'%s': off takes no option", gm_show(word, len, show));
	if (*seen & (1u << i))
		return gm_err(err, -EINVAL, "'%s': %s is given twice", gm_show(word, len, show),
			      gm_options[i].name);
	*seen |= 1u << i;
	return parse_value(&gm_options[i], word, len, equal ? name_len + 1 : 0, policy, err);
}

static int parse_ratio(const char *word, size_t len, size_t at, struct gpumem_policy *policy,
		       struct gpumem_error *err)
{
	const char *slash = memchr(word + at, '/', len - at);
	uint64_t device = 0, host = 0;
	char show[GM_SHOW_LEN];
	size_t split = slash ? (size_t)(slash - word) : len;

	if (policy->placement != GPUMEM_PLACE_INTERLEAVE)
		return gm_err(err, -EINVAL, "'%s': only interleave takes a ratio",
			      gm_show(word, len, show));
	if (!slash || gm_uint_parse(word + at, split - at, RATIO_MAX, &device) < 0 ||
	    gm_uint_parse(slash + 1, len - split - 1, RATIO_MAX, &host) < 0 || !device || !host)
		return gm_err(err, -EINVAL,
			      "'%s': bad ratio; allowed: two numbers from 1 to %u, as in "
			      "interleave:3/1",
			      gm_show(word, len, show), RATIO_MAX);
	policy->ratio_device = (uint32_t)device;
	policy->ratio_host = (uint32_t)host;
	return 0;
}

static int parse_placement(const char *word, size_t len, struct gpumem_policy *policy,
			   struct gpumem_error *err)
{
	const char *colon = memchr(word, ':', len);
	size_t name_len = colon ? (size_t)(colon - word) : len;
	char show[GM_SHOW_LEN], allowed[96] = "";

	policy->placement = gm_name_find(gm_placements, word, name_len);
	if (policy->placement)
		return colon ? parse_ratio(word, len, name_len + 1, policy, err) : 0;
	gm_policy_append_placements(allowed, sizeof(allowed));
	if (len == 0)
		return gm_err(err, -EINVAL, "no placement; allowed: %s", allowed);
	return gm_err(err, -EINVAL, "'%s': unknown placement; allowed: %s",
		      gm_show(word, len, show), allowed);
}

static int check_marks(const struct gpumem_policy *policy, struct gpumem_error *err)
{
	uint32_t high = policy->high_percent ? policy->high_percent : GPUMEM_HIGH_PERCENT;
	uint32_t low = policy->low_percent ? policy->low_percent : GPUMEM_LOW_PERCENT;

	if (low <= high)
		return 0;
	return gm_err(err, -EINVAL, "low=%u%%%s is above high=%u%%%s", low,
		      policy->low_percent ? "" : " (the default)", high,
		      policy->high_percent ? "" : " (the default)");
}

int gpumem_policy_parse(const char *text, struct gpumem_policy *ret, struct gpumem_error *err)
{
	struct gpumem_policy policy = {0};
	const char *word = text;
	char show[GM_SHOW_LEN];
	uint32_t seen = 0;
	int rc;

	/* Whoever stores a policy needs no more than this. */
	if (strnlen(text, GPUMEM_POLICY_LEN) == GPUMEM_POLICY_LEN)
		return gm_err(err, -EINVAL, "a policy is no longer than %d characters",
			      GPUMEM_POLICY_LEN - 1);
	for (;;) {
		size_t len = strcspn(word, ",");

		if (strcspn(word, " \t\r\n\v\f") < len)
			return gm_err(err, -EINVAL, "'%s': a policy has no spaces",
				      gm_show(word, len, show));
		if (word == text)
			rc = parse_placement(word, len, &policy, err);
		else
			rc = parse_option(word, len, &seen, &policy, err);
		if (rc < 0)
			return rc;
		if (word[len] == '\0')
			break;
		word += len + 1;
	}
	rc = check_marks(&policy, err);
	if (rc < 0)
		return rc;
	*ret = policy;
	return 0;
}
