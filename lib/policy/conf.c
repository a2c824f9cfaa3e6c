/* SPDX-License-Identifier: MIT */
/*
 * conf.c: gpumem.conf once read: who may do what. Which rule holds for a subject is decided in one
 * place, gm_conf_effective(); everything else asks it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GM_WHERE "conf"
#include "base/err.h"
#include "policy/conf.h"
#include "policy/size.h"
#include "policy/words.h"

#define DEFAULT_STATE_DIR "/run/gpumem"
#define ACCOUNTING_NAME "accounting.jsonl"
#define DEFAULT_CPU_BUDGET 10u /* permille of a core */
#define DEFAULT_VERIFY_SECONDS 10u

static const struct gm_name scopes[] = {
	{"PartitionName", GM_SCOPE_PARTITION, true},
	{"Account", GM_SCOPE_ACCOUNT, true},
	{"User", GM_SCOPE_USER, true},
	{NULL, 0, false},
};

const char *gm_scope_key(enum gm_scope scope)
{
	return scope == GM_SCOPE_GLOBAL ? "" : gm_name_of(scopes, scope);
}

struct gm_rules *gm_conf_rules(const struct gpumem_conf *conf, enum gm_scope scope,
			       const char *name, size_t len)
{
	size_t i;

	for (i = 1; i < conf->rule_count; i++) {
		struct gm_rules *rules = &conf->rules[i];

		if (rules->scope == scope && strncmp(rules->name, name, len) == 0 &&
		    rules->name[len] == '\0')
			return rules;
	}
	return NULL;
}

struct gm_rules *gm_conf_rules_add(struct gpumem_conf *conf, enum gm_scope scope, const char *name,
				   size_t len)
{
	struct gm_rules *rules;
	char *copy = NULL;

	if (conf->rule_count > GM_CONF_RULES_MAX)
		return NULL;
	rules = reallocarray(conf->rules, conf->rule_count + 1, sizeof(*rules));
	if (!rules)
		return NULL;
	conf->rules = rules;
	if (name) {
		copy = strndup(name, len);
		if (!copy)
			return NULL;
	}
	rules += conf->rule_count++;
	*rules = (struct gm_rules){.scope = scope, .name = copy};
	return rules;
}

void gm_rules_clear(struct gm_rules *rules)
{
	free(rules->default_policy);
	free(rules->name);
	*rules = (struct gm_rules){0};
}

int gm_rules_copy(struct gm_rules *to, const struct gm_rules *from, enum gm_rule rule)
{
	switch (rule) {
	case GM_RULE_DEFAULT:
		to->default_policy = strdup(from->default_policy);
		if (!to->default_policy)
			return -ENOMEM;
		break;
	case GM_RULE_ALLOWED:
		to->allowed = from->allowed;
		break;
	default:
		to->max_bytes = from->max_bytes;
		to->max_percent = from->max_percent;
	}
	to->set[rule] = true;
	to->line[rule] = from->line[rule];
	return 0;
}

struct gpumem_conf *gpumem_conf_free(struct gpumem_conf *conf)
{
	size_t i;

	if (!conf)
		return NULL;
	for (i = 0; i < conf->rule_count; i++)
		gm_rules_clear(&conf->rules[i]);
	free(conf->rules);
	for (i = 0; i < conf->node_count; i++) {
		free(conf->nodes[i].names);
		free(conf->nodes[i].pci);
	}
	free(conf->nodes);
	for (i = 0; i < conf->given_count; i++)
		free(conf->given[i].names);
	free(conf->given);
	free(conf->state_dir);
	free(conf->accounting);
	free(conf);
	return NULL;
}

struct gpumem_conf *gm_conf_new(void)
{
	struct gpumem_conf *conf = calloc(1, sizeof(*conf));

	if (!conf)
		return NULL;
	conf->state_dir = strdup(DEFAULT_STATE_DIR);
	conf->leftover = GPUMEM_LEFTOVER_KILL;
	conf->cpu_budget_permille = DEFAULT_CPU_BUDGET;
	conf->verify_seconds = DEFAULT_VERIFY_SECONDS;
	conf->hard_limit = true;
	if (!conf->state_dir || !gm_conf_rules_add(conf, GM_SCOPE_GLOBAL, NULL, 0))
		return gpumem_conf_free(conf);
	return conf;
}

int gpumem_conf_override(struct gpumem_conf *conf, const char *pair, struct gpumem_error *err)
{
	const char *equal = strchr(pair, '=');
	char key[32], show[GM_SHOW_LEN];
	size_t i = GM_KEY_COUNT;
	int rc;

	if (!equal || equal[1] == '\0')
		return gm_err(err, -EINVAL, "'%s': not Key=Value",
			      gm_show(pair, strlen(pair), show));
	if ((size_t)(equal - pair) < sizeof(key)) {
		snprintf(key, sizeof(key), "%.*s", (int)(equal - pair), pair);
		i = gm_key_find(key);
	}
	if (i == GM_KEY_COUNT)
		return gm_err(err, -EINVAL, "'%s': no key of gpumem.conf that can be set here",
			      gm_show(pair, (size_t)(equal - pair), show));
	rc = gm_keys[i].set(conf, &conf->rules[0], equal + 1, err);
	if (rc == 0 && gm_keys[i].rule != GM_RULE_COUNT)
		conf->rules[0].set[gm_keys[i].rule] = true;
	return rc;
}

const struct gm_rules *gm_conf_effective(const struct gpumem_conf *conf,
					 const struct gpumem_subject *subject, enum gm_rule rule)
{
	static const struct gpumem_subject nobody;
	const struct gpumem_subject *who = subject ? subject : &nobody;
	const struct {
		enum gm_scope scope;
		const char *name;
	} order[] = {
		{GM_SCOPE_USER, who->user},
		{GM_SCOPE_ACCOUNT, who->account},
		{GM_SCOPE_PARTITION, who->partition},
	};
	size_t i;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		const struct gm_rules *rules =
			order[i].name ? gm_conf_rules(conf, order[i].scope, order[i].name,
						      strlen(order[i].name))
				      : NULL;

		if (rules && rules->set[rule])
			return rules;
	}
	return conf->rules[0].set[rule] ? &conf->rules[0] : NULL;
}

/* The path with the node's name in place of %n. */
static int with_node(const char *p, const char *node, char *buf, size_t len)
{
	char text[1024] = "";

	/* The folder is made and emptied by root: a name must not lead elsewhere. */
	if (node && strstr(p, "%n") && (node[0] == '\0' || node[0] == '.' || strchr(node, '/')))
		return -EINVAL;
	while (*p) {
		size_t plain = strcspn(p, "%");

		gm_append(text, sizeof(text), "%.*s", (int)plain, p);
		p += plain;
		if (*p) {
			gm_append(text, sizeof(text), "%s", node ? node : "%n");
			p += 2;
		}
	}
	if (strlen(text) >= len || strlen(text) == sizeof(text) - 1)
		return -ENOSPC;
	memcpy(buf, text, strlen(text) + 1);
	return 0;
}

int gpumem_conf_state_dir(const struct gpumem_conf *conf, const char *node, char *buf, size_t len)
{
	return with_node(conf->state_dir, node, buf, len);
}

static void default_accounting(const struct gpumem_conf *conf, char *buf, size_t len)
{
	snprintf(buf, len, "%s/" ACCOUNTING_NAME, conf->state_dir);
}

int gpumem_conf_accounting(const struct gpumem_conf *conf, const char *node, char *buf, size_t len)
{
	char path[1024];

	default_accounting(conf, path, sizeof(path));
	return with_node(conf->accounting ? conf->accounting : path, node, buf, len);
}

bool gpumem_conf_accounting_default(const struct gpumem_conf *conf)
{
	char path[1024];

	default_accounting(conf, path, sizeof(path));
	return !conf->accounting || strcmp(conf->accounting, path) == 0;
}

bool gpumem_conf_memcg_credit(const struct gpumem_conf *conf)
{
	return conf->memcg_credit;
}

bool gpumem_conf_hard_limit(const struct gpumem_conf *conf)
{
	return conf->hard_limit;
}

bool gpumem_conf_admin_comment(const struct gpumem_conf *conf)
{
	return conf->admin_comment;
}

bool gpumem_conf_clean_page_cache(const struct gpumem_conf *conf)
{
	return conf->clean_page_cache;
}

enum gpumem_leftover gpumem_conf_leftover(const struct gpumem_conf *conf)
{
	return conf->leftover;
}

unsigned gpumem_conf_cpu_budget_permille(const struct gpumem_conf *conf)
{
	return conf->cpu_budget_permille;
}

unsigned gpumem_conf_verify_seconds(const struct gpumem_conf *conf)
{
	return conf->verify_seconds;
}

const char *gpumem_conf_default_policy(const struct gpumem_conf *conf,
				       const struct gpumem_subject *subject)
{
	const struct gm_rules *rules = gm_conf_effective(conf, subject, GM_RULE_DEFAULT);

	return rules ? rules->default_policy : "";
}

uint64_t gpumem_conf_max_limit(const struct gpumem_conf *conf, const struct gpumem_subject *subject,
			       uint64_t device_bytes)
{
	const struct gm_rules *rules = gm_conf_effective(conf, subject, GM_RULE_MAX);

	if (!rules)
		return device_bytes;
	if (rules->max_percent)
		return gm_percent_of(device_bytes, rules->max_percent);
	return rules->max_bytes < device_bytes ? rules->max_bytes : device_bytes;
}

static int check_placement(const struct gm_rules *rules, enum gpumem_placement placement,
			   struct gpumem_error *err)
{
	char allowed[96] = "";
	const char *comma = "";
	const struct gm_name *p;

	if (!rules || (rules->allowed & (1u << placement)))
		return 0;
	for (p = gm_placements; p->name; p++) {
		if (!(rules->allowed & (1u << p->value)))
			continue;
		gm_append(allowed, sizeof(allowed), "%s%s", comma, p->name);
		comma = ", ";
	}
	return gm_err(err, -EPERM, "placement '%s' is not allowed here; allowed: %s",
		      gpumem_placement_name(placement), allowed);
}

int gpumem_conf_check(const struct gpumem_conf *conf, const struct gpumem_subject *subject,
		      const struct gpumem_policy *policy, struct gpumem_error *err)
{
	const struct gm_rules *max = gm_conf_effective(conf, subject, GM_RULE_MAX);
	char limit[24], most[24];
	int rc = check_placement(gm_conf_effective(conf, subject, GM_RULE_ALLOWED),
				 policy->placement, err);

	if (rc < 0 || !max)
		return rc;
	if (max->max_percent && policy->limit_percent > max->max_percent)
		return gm_err(err, -ERANGE, "limit=%u%% is above the site's maximum of %u%%",
			      policy->limit_percent, max->max_percent);
	if (max->max_bytes && policy->limit_bytes > max->max_bytes)
		return gm_err(err, -ERANGE, "limit=%s is above the site's maximum of %s",
			      gpumem_size_print(policy->limit_bytes, limit, sizeof(limit)),
			      gpumem_size_print(max->max_bytes, most, sizeof(most)));
	return 0;
}
