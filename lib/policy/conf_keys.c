/* SPDX-License-Identifier: MIT */
/*
 * conf_keys.c: the keys of gpumem.conf and how the value of each is read. A new key is a row of
 * gm_keys[] with its function, a line of conf_print.c and a paragraph of gpumem.conf(5).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GM_WHERE "conf"
#include "base/err.h"
#include "policy/conf.h"
#include "policy/options.h"
#include "policy/size.h"
#include "policy/words.h"

static const struct gm_name leftovers[] = {
	{"kill", GPUMEM_LEFTOVER_KILL, true},
	{"log", GPUMEM_LEFTOVER_LOG, true},
	{"drain", GPUMEM_LEFTOVER_DRAIN, true},
	{NULL, 0, false},
};

static int bad(const char *key, const char *value, const char *why, const char *allowed,
	       struct gpumem_error *err)
{
	char show[GM_SHOW_LEN];

	return gm_err(err, -EINVAL, "'%s=%s': %s; allowed: %s", key,
		      gm_show(value, strlen(value), show), why, allowed);
}

static int set_default_policy(struct gpumem_conf *conf, struct gm_rules *rules, const char *value,
			      struct gpumem_error *err)
{
	struct gpumem_policy policy;
	char *copy;
	int rc;

	(void)conf;
	rc = gpumem_policy_parse(value, &policy, err);
	if (rc == 0)
		rc = gpumem_policy_supported(&policy, err);
	if (rc < 0) {
		gm_err_wrap(err, rc, "DefaultPolicy");
		if (err)
			err->code = -EINVAL; /* not supported is a bad line here */
		return -EINVAL;
	}
	copy = strdup(value);
	if (!copy)
		return gm_err(err, -ENOMEM, "out of memory");
	free(rules->default_policy);
	rules->default_policy = copy;
	return 0;
}

static int set_allowed(struct gpumem_conf *conf, struct gm_rules *rules, const char *value,
		       struct gpumem_error *err)
{
	char show[GM_SHOW_LEN], names[96] = "";
	const char *word = value;
	unsigned allowed = 0;

	(void)conf;
	for (;;) {
		size_t len = strcspn(word, ",");
		uint32_t placement = gm_name_find(gm_placements, word, len);

		if (!placement) {
			gm_append_names(names, sizeof(names), gm_placements, false);
			return gm_err(err, -EINVAL,
				      "AllowedPolicies: '%s': unknown placement; allowed: %s",
				      gm_show(word, len, show), names);
		}
		if (allowed & (1u << placement))
			return gm_err(err, -EINVAL, "AllowedPolicies: '%s' is given twice",
				      gm_show(word, len, show));
		allowed |= 1u << placement;
		if (word[len] == '\0')
			break;
		word += len + 1;
	}
	rules->allowed = allowed;
	return 0;
}

static int set_max_limit(struct gpumem_conf *conf, struct gm_rules *rules, const char *value,
			 struct gpumem_error *err)
{
	static const char allowed[] = "a size such as 64G or 1.5T, or 1% to 100%";
	size_t len = strlen(value);
	uint32_t percent = 0;
	uint64_t bytes = 0;
	const char *why;

	(void)conf;
	if (value[len - 1] == '%') {
		if (gm_percent_parse(value, len, &percent) < 0)
			return bad("MaxLimit", value, "no percentage from 1 to 100", allowed, err);
	} else {
		if (gm_size_parse(value, len, &bytes, &why) < 0)
			return bad("MaxLimit", value, why, allowed, err);
		if (bytes == 0)
			return bad("MaxLimit", value, "must be above 0", allowed, err);
	}
	rules->max_percent = percent;
	rules->max_bytes = bytes;
	return 0;
}

/* Why a path cannot be, or NULL. Root writes there, so no surprises. */
static const char *path_fault(const char *value)
{
	const char *p;

	if (value[0] != '/')
		return "not an absolute path";
	if (strlen(value) > GM_STATE_DIR_MAX)
		return "too long";
	if (value[strspn(value, "/")] == '\0')
		return "the root folder";
	for (p = value; *p; p++) {
		if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f)
			return "a character that is not printable ASCII";
		if (*p == '%' && p[1] != 'n')
			return "% without n";
		if (p[0] == '/' && p[1] == '.' && p[2] == '.' && (p[3] == '/' || p[3] == '\0'))
			return "a .. in the path";
	}
	return NULL;
}

static int set_state_dir(struct gpumem_conf *conf, struct gm_rules *rules, const char *value,
			 struct gpumem_error *err)
{
	const char *why = path_fault(value);
	size_t len = strlen(value);
	char *copy;

	(void)rules;
	if (why)
		return bad("StateDir", value, why,
			   "an absolute path of up to 200 characters, with %n for the node", err);
	while (value[len - 1] == '/')
		len--;
	copy = strndup(value, len);
	if (!copy)
		return gm_err(err, -ENOMEM, "out of memory");
	free(conf->state_dir);
	conf->state_dir = copy;
	return 0;
}

static int set_leftover(struct gpumem_conf *conf, struct gm_rules *rules, const char *value,
			struct gpumem_error *err)
{
	uint32_t found = gm_name_find(leftovers, value, strlen(value));
	char names[32] = "";

	(void)rules;
	if (!found) {
		gm_append_names(names, sizeof(names), leftovers, false);
		return bad("OnLeftover", value, "unknown value", names, err);
	}
	conf->leftover = (enum gpumem_leftover)found;
	return 0;
}

/* "N%" or "N.N%", as permille. */
static int set_cpu_budget(struct gpumem_conf *conf, struct gm_rules *rules, const char *value,
			  struct gpumem_error *err)
{
	static const char allowed[] = "0.1% to 100% of one core";
	size_t len = strlen(value), whole = strcspn(value, ".%");
	uint64_t percent, tenths = 0;
	int rc;

	(void)rules;
	if (value[len - 1] != '%')
		return bad("CpuBudget", value, "no percentage", allowed, err);
	rc = gm_uint_parse(value, whole, 100, &percent);
	if (rc == 0 && value[whole] == '.') {
		rc = gm_uint_parse(value + whole + 1, len - whole - 2, UINT64_MAX, &tenths);
		if (len - whole - 2 > 1)
			rc = -EINVAL;
	} else if (rc == 0 && value[whole + 1] != '\0') {
		rc = -EINVAL;
	}
	if (rc == -EINVAL)
		return bad("CpuBudget", value, "no percentage with one decimal at most", allowed,
			   err);
	if (rc < 0 || percent * 10 + tenths > 1000 || percent * 10 + tenths == 0)
		return bad("CpuBudget", value, "out of range", allowed, err);
	conf->cpu_budget_permille = (unsigned)(percent * 10 + tenths);
	return 0;
}

static int set_verify_seconds(struct gpumem_conf *conf, struct gm_rules *rules, const char *value,
			      struct gpumem_error *err)
{
	uint64_t seconds;
	int rc = gm_uint_parse(value, strlen(value), 600, &seconds);

	(void)rules;
	if (rc < 0)
		return bad("VerifySeconds", value,
			   rc == -ERANGE ? "out of range" : "no number of seconds", "0 to 600",
			   err);
	conf->verify_seconds = (unsigned)seconds;
	return 0;
}

static int set_word(const char *key, const char *value, const char *yes, bool *ret,
		    struct gpumem_error *err)
{
	size_t len = strlen(value);
	char names[32];

	if (!gm_word_is(value, len, yes) && !gm_word_is(value, len, "no")) {
		snprintf(names, sizeof(names), "%s, no", yes);
		return bad(key, value, "unknown value", names, err);
	}
	*ret = gm_word_is(value, len, yes);
	return 0;
}

static int set_memcg_credit(struct gpumem_conf *conf, struct gm_rules *rules, const char *value,
			    struct gpumem_error *err)
{
	(void)rules;
	return set_word("MemcgCredit", value, "yes", &conf->memcg_credit, err);
}

static int set_hard_limit(struct gpumem_conf *conf, struct gm_rules *rules, const char *value,
			  struct gpumem_error *err)
{
	(void)rules;
	return set_word("HardLimit", value, "auto", &conf->hard_limit, err);
}

static int set_admin_comment(struct gpumem_conf *conf, struct gm_rules *rules, const char *value,
			     struct gpumem_error *err)
{
	(void)rules;
	return set_word("AdminComment", value, "yes", &conf->admin_comment, err);
}

static int set_accounting(struct gpumem_conf *conf, struct gm_rules *rules, const char *value,
			  struct gpumem_error *err)
{
	bool off = gm_word_is(value, strlen(value), "no");
	const char *why = off ? NULL : path_fault(value);
	char *copy;

	(void)rules;
	if (!why && !off && value[strlen(value) - 1] == '/')
		why = "a folder";
	if (why)
		return bad("Accounting", value, why,
			   "no, or an absolute path of up to 200 characters, with %n for the node",
			   err);
	copy = strdup(off ? "" : value);
	if (!copy)
		return gm_err(err, -ENOMEM, "out of memory");
	free(conf->accounting);
	conf->accounting = copy;
	return 0;
}

static int set_clean_page_cache(struct gpumem_conf *conf, struct gm_rules *rules, const char *value,
				struct gpumem_error *err)
{
	(void)rules;
	return set_word("CleanPageCache", value, "yes", &conf->clean_page_cache, err);
}

const struct gm_key gm_keys[GM_KEY_COUNT] = {
	{"DefaultPolicy", GM_RULE_DEFAULT, set_default_policy},
	{"AllowedPolicies", GM_RULE_ALLOWED, set_allowed},
	{"MaxLimit", GM_RULE_MAX, set_max_limit},
	{"StateDir", GM_RULE_COUNT, set_state_dir},
	{"OnLeftover", GM_RULE_COUNT, set_leftover},
	{"CpuBudget", GM_RULE_COUNT, set_cpu_budget},
	{"VerifySeconds", GM_RULE_COUNT, set_verify_seconds},
	{"MemcgCredit", GM_RULE_COUNT, set_memcg_credit},
	{"HardLimit", GM_RULE_COUNT, set_hard_limit},
	{"Accounting", GM_RULE_COUNT, set_accounting},
	{"AdminComment", GM_RULE_COUNT, set_admin_comment},
	{"CleanPageCache", GM_RULE_COUNT, set_clean_page_cache},
};

size_t gm_key_find(const char *name)
{
	size_t i;

	for (i = 0; i < GM_KEY_COUNT; i++)
		if (gm_word_is(name, strlen(name), gm_keys[i].name))
			break;
	return i;
}
