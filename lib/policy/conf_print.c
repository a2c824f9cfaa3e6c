/* SPDX-License-Identifier: MIT */
/*
 * conf_print.c: gpumem.conf as it was understood, in its own syntax.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GM_WHERE "conf"
#include "base/err.h"
#include "policy/conf.h"
#include "policy/words.h"

static const char *const leftover_names[] = {
	[GPUMEM_LEFTOVER_KILL] = "kill",
	[GPUMEM_LEFTOVER_LOG] = "log",
	[GPUMEM_LEFTOVER_DRAIN] = "drain",
};

static void print_rule(FILE *out, const struct gm_rules *rules, enum gm_rule rule)
{
	const struct gm_name *p;
	char size[24], comma = '=';

	fprintf(out, "%s", gm_keys[rule].name);
	switch (rule) {
	case GM_RULE_DEFAULT:
		fprintf(out, "=%s", rules->default_policy);
		break;
	case GM_RULE_ALLOWED:
		for (p = gm_placements; p->name; p++)
			if (rules->allowed & (1u << p->value)) {
				fprintf(out, "%c%s", comma, p->name);
				comma = ',';
			}
		break;
	default:
		if (rules->max_percent)
			fprintf(out, "=%u%%", rules->max_percent);
		else
			fprintf(out, "=%s",
				gpumem_size_print(rules->max_bytes, size, sizeof(size)));
	}
}

static void print_scoped(FILE *out, const struct gm_rules *rules)
{
	enum gm_rule rule;

	fprintf(out, "%s=%s", gm_scope_key(rules->scope), rules->name);
	for (rule = 0; rule < GM_RULE_COUNT; rule++)
		if (rules->set[rule]) {
			fputc(' ', out);
			print_rule(out, rules, rule);
		}
	fputc('\n', out);
}

static void print_node(FILE *out, const struct gm_node *node)
{
	size_t i;

	fprintf(out, "NodeName=%s Devices", node->names);
	for (i = 0; i < node->count; i++)
		fprintf(out, "%c%s", i ? ',' : '=', node->pci[i]);
	fputc('\n', out);
}

static void print_given(FILE *out, const struct gm_given *given)
{
	fprintf(out, "Device=%s Kind=%s Node=%d", given->pci, gpumem_kind_name(given->kind),
		given->node);
	if (given->file[0])
		fprintf(out, " File=%s", given->file);
	if (given->names)
		fprintf(out, " NodeName=%s", given->names);
	fputc('\n', out);
}

static void print_cgroups_and_accounting(FILE *out, const struct gpumem_conf *conf)
{
	char path[512] = "";

	gpumem_conf_accounting(conf, NULL, path, sizeof(path));
	fprintf(out, "MemcgCredit=%s\nHardLimit=%s\nAccounting=%s\nAdminComment=%s\n"
		"CleanPageCache=%s\n",
		conf->memcg_credit ? "yes" : "no", conf->hard_limit ? "auto" : "no",
		path[0] ? path : "no", conf->admin_comment ? "yes" : "no",
		conf->clean_page_cache ? "yes" : "no");
}

static void print_all(FILE *out, const struct gpumem_conf *conf,
		      const struct gpumem_subject *subject)
{
	const struct gm_rules *rules;
	enum gm_rule rule;
	size_t i;

	for (rule = 0; rule < GM_RULE_COUNT; rule++) {
		rules = gm_conf_effective(conf, subject, rule);
		if (rules) {
			print_rule(out, rules, rule);
			fputc('\n', out);
		}
	}
	fprintf(out, "StateDir=%s\nOnLeftover=%s\nCpuBudget=%u.%u%%\nVerifySeconds=%u\n",
		conf->state_dir, leftover_names[conf->leftover], conf->cpu_budget_permille / 10,
		conf->cpu_budget_permille % 10, conf->verify_seconds);
	print_cgroups_and_accounting(out, conf);
	if (subject)
		return;
	for (i = 1; i < conf->rule_count; i++)
		print_scoped(out, &conf->rules[i]);
	for (i = 0; i < conf->node_count; i++)
		print_node(out, &conf->nodes[i]);
	for (i = 0; i < conf->given_count; i++)
		print_given(out, &conf->given[i]);
}

int gpumem_conf_print(const struct gpumem_conf *conf, const struct gpumem_subject *subject,
		      char **ret)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	bool failed;

	if (!out)
		return -ENOMEM;
	print_all(out, conf, subject);
	failed = ferror(out);
	if (fclose(out) != 0 || failed) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	return 0;
}
