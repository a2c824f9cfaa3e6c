/* SPDX-License-Identifier: MIT */
/*
 * conf_parse.c: the text of gpumem.conf, a line at a time. Every problem is reported, and reading
 * goes on behind it, so that an admin sees them all at once.
 */
#include <string.h>

#define GM_WHERE "conf"
#include "base/err.h"
#include "policy/conf.h"
#include "policy/conf_line.h"
#include "policy/words.h"

struct parser {
	struct gpumem_conf *conf;
	const char *name;
	gpumem_conf_problem_fn *problem;
	void *data;
	struct gpumem_error *err;
	unsigned line;
	unsigned global_line[GM_KEY_COUNT]; /* where a global key was set; 0 not yet */
	int rc; /* the first problem */
};

static void report(struct parser *p, unsigned line, int code, const char *text)
{
	if (p->problem)
		p->problem(p->data, line, text);
	if (p->rc == 0)
		p->rc = gm_err(p->err, code, "%s:%u: %s", p->name, line, text);
}

#define problem_at(p, at, ...)                                                                     \
	do {                                                                                       \
		struct gpumem_error problem_err;                                                   \
                                                                                                   \
		gm_err(&problem_err, -EINVAL, __VA_ARGS__);                                        \
		report((p), (at), -EINVAL, problem_err.text);                                      \
	} while (0)
#define problem(p, ...) problem_at((p), (p)->line, __VA_ARGS__)

static bool is_key(const struct gm_pair *pair, const char *name)
{
	return gm_word_is(pair->key, strlen(pair->key), name);
}

/* GM_SCOPE_GLOBAL when the key names no scope. */
static enum gm_scope scope_of(const struct gm_pair *pair)
{
	enum gm_scope scope;

	for (scope = GM_SCOPE_PARTITION; scope <= GM_SCOPE_USER; scope++)
		if (is_key(pair, gm_scope_key(scope)))
			return scope;
	return GM_SCOPE_GLOBAL;
}

static void unknown_key(struct parser *p, const struct gm_pair *pair)
{
	char show[GM_SHOW_LEN], known[256] = "";
	size_t i;

	if (scope_of(pair) != GM_SCOPE_GLOBAL || is_key(pair, "NodeName") ||
	    is_key(pair, "Device")) {
		problem(p, "'%s' must come first on its line", pair->key);
		return;
	}
	if (is_key(pair, "Devices")) {
		problem(p, "Devices must follow NodeName= on its line");
		return;
	}
	if (is_key(pair, "Kind") || is_key(pair, "Node") || is_key(pair, "File")) {
		problem(p, "%s must follow Device= on its line", pair->key);
		return;
	}
	for (i = 0; i < GM_KEY_COUNT; i++)
		gm_append(known, sizeof(known), "%s, ", gm_keys[i].name);
	problem(p, "'%s': unknown key; allowed: %sPartitionName, Account, User, NodeName, "
		"Device",
		gm_show(pair->key, strlen(pair->key), show), known);
}

static void global_line(struct parser *p, const struct gm_pair *pairs, size_t count)
{
	struct gm_rules *rules = &p->conf->rules[0];
	struct gpumem_error err;
	size_t i, k;

	for (i = 0; i < count; i++) {
		k = gm_key_find(pairs[i].key);
		if (k == GM_KEY_COUNT) {
			unknown_key(p, &pairs[i]);
			continue;
		}
		if (p->global_line[k]) {
			problem(p, "%s is set twice; first on line %u", gm_keys[k].name,
				p->global_line[k]);
			continue;
		}
		p->global_line[k] = p->line;
		if (gm_keys[k].set(p->conf, rules, pairs[i].value, &err) < 0) {
			report(p, p->line, err.code, err.text);
		} else if (gm_keys[k].rule != GM_RULE_COUNT) {
			rules->set[gm_keys[k].rule] = true;
			rules->line[gm_keys[k].rule] = p->line;
		}
	}
}

/* Reads the keys of a scoped line into `rules`; whether there is one that names are given. */
static bool read_rules(struct parser *p, enum gm_scope scope, const struct gm_pair *pairs,
		       size_t count, struct gm_rules *rules)
{
	bool any = false;
	struct gpumem_error err;
	size_t i, k;

	for (i = 0; i < count; i++) {
		k = gm_key_find(pairs[i].key);
		if (k == GM_KEY_COUNT) {
			unknown_key(p, &pairs[i]);
			continue;
		}
		if (gm_keys[k].rule == GM_RULE_COUNT) {
			problem(p,
				"%s is for all, not for a %s; allowed here: DefaultPolicy, "
				"AllowedPolicies, MaxLimit",
				gm_keys[k].name, gm_scope_key(scope));
			continue;
		}
		if (rules->line[gm_keys[k].rule]) {
			problem(p, "%s is set twice; first on line %u", gm_keys[k].name, p->line);
			continue;
		}
		rules->line[gm_keys[k].rule] = p->line;
		if (gm_keys[k].set(p->conf, rules, pairs[i].value, &err) < 0) {
			report(p, p->line, err.code, err.text);
			continue;
		}
		rules->set[gm_keys[k].rule] = true;
		any = true;
	}
	return any;
}

/* Gives what a line says to one of its names. */
static void give_rules(struct parser *p, enum gm_scope scope, const struct gm_rules *from,
		       const char *name, size_t len)
{
	struct gm_rules *to = gm_conf_rules(p->conf, scope, name, len);
	char show[GM_SHOW_LEN];
	enum gm_rule rule;

	if (!to)
		to = gm_conf_rules_add(p->conf, scope, name, len);
	if (!to) {
		report(p, p->line, -ENOMEM, "out of memory, or too many names");
		return;
	}
	for (rule = 0; rule < GM_RULE_COUNT; rule++) {
		if (!from->set[rule])
			continue;
		if (to->set[rule]) {
			problem(p, "%s of %s=%s is set twice; first on line %u", gm_keys[rule].name,
				gm_scope_key(scope), gm_show(name, len, show), to->line[rule]);
			continue;
		}
		if (gm_rules_copy(to, from, rule) < 0)
			report(p, p->line, -ENOMEM, "out of memory");
	}
}

static void scoped_line(struct parser *p, enum gm_scope scope, const struct gm_pair *pairs,
			size_t count)
{
	struct gm_rules rules = {.scope = scope};
	const char *name = pairs[0].value;
	char show[GM_SHOW_LEN];

	if (count == 1) {
		problem(p,
			"'%s=%s' says nothing; allowed after it: DefaultPolicy, AllowedPolicies, "
			"MaxLimit",
			gm_scope_key(scope), gm_show(name, strlen(name), show));
		return;
	}
	if (read_rules(p, scope, pairs + 1, count - 1, &rules)) {
		for (;;) {
			size_t len = strcspn(name, ",");

			if (len == 0)
				problem(p, "%s has an empty name", gm_scope_key(scope));
			else if (len > GM_CONF_NAME_MAX)
				problem(p, "%s has a name longer than %d bytes",
					gm_scope_key(scope), GM_CONF_NAME_MAX);
			else
				give_rules(p, scope, &rules, name, len);
			if (name[len] == '\0')
				break;
			name += len + 1;
		}
	}
	gm_rules_clear(&rules);
}

static void node_line(struct parser *p, const struct gm_pair *pairs, size_t count)
{
	struct gpumem_error err;

	if (count != 2 || !is_key(&pairs[1], "Devices"))
		problem(p, "NodeName= is followed by Devices= alone");
	else if (gm_conf_node_add(p->conf, pairs[0].value, pairs[1].value, p->line, &err) < 0)
		report(p, p->line, err.code, err.text);
}

static void device_line(struct parser *p, const struct gm_pair *pairs, size_t count)
{
	struct gpumem_error err;

	if (gm_conf_given_add(p->conf, pairs, count, p->line, &err) < 0)
		report(p, p->line, err.code, err.text);
}

static void read_line(struct parser *p, const char *text, size_t len)
{
	struct gm_pair pairs[GM_PAIRS_MAX];
	char line[GM_CONF_LINE_MAX + 1];
	struct gpumem_error err;
	size_t count = 0;

	if (gm_line_split(text, len, line, pairs, &count, &err) < 0)
		report(p, p->line, err.code, err.text);
	else if (count == 0)
		return;
	else if (is_key(&pairs[0], "NodeName"))
		node_line(p, pairs, count);
	else if (is_key(&pairs[0], "Device"))
		device_line(p, pairs, count);
	else if (scope_of(&pairs[0]) != GM_SCOPE_GLOBAL)
		scoped_line(p, scope_of(&pairs[0]), pairs, count);
	else
		global_line(p, pairs, count);
}

/* A default that its own subject may not use would fail every job that names no policy. */
static void check_default(struct parser *p, const struct gm_rules *rules)
{
	struct gpumem_subject subject = {
		.partition = rules->scope == GM_SCOPE_PARTITION ? rules->name : NULL,
		.account = rules->scope == GM_SCOPE_ACCOUNT ? rules->name : NULL,
		.user = rules->scope == GM_SCOPE_USER ? rules->name : NULL,
	};
	const char *text = gpumem_conf_default_policy(p->conf, &subject);
	char show[GM_SHOW_LEN], name[GM_SHOW_LEN];
	struct gpumem_policy policy;
	struct gpumem_error err;
	unsigned line = 0;
	int rule;

	if (!text[0] || gpumem_policy_parse(text, &policy, NULL) < 0 ||
	    gpumem_conf_check(p->conf, &subject, &policy, &err) == 0)
		return;
	for (rule = 0; rule < GM_RULE_COUNT; rule++)
		if (rules->set[rule] && rules->line[rule] > line)
			line = rules->line[rule];
	gm_show(text, strlen(text), show);
	if (rules->scope == GM_SCOPE_GLOBAL)
		problem_at(p, line, "DefaultPolicy=%s: %s", show, err.text);
	else
		problem_at(p, line, "DefaultPolicy=%s for %s=%s: %s", show,
			   gm_scope_key(rules->scope),
			   gm_show(rules->name, strlen(rules->name), name), err.text);
}

int gpumem_conf_parse(const char *name, const char *text, size_t len,
		      gpumem_conf_problem_fn *problem_fn, void *data, struct gpumem_conf **ret,
		      struct gpumem_error *err)
{
	struct parser p = {.name = name, .problem = problem_fn, .data = data, .err = err};
	const char *end = text + len, *newline;
	size_t i;

	p.conf = gm_conf_new();
	if (!p.conf)
		return gm_err(err, -ENOMEM, "out of memory");
	if (len > GM_CONF_FILE_MAX) {
		report(&p, 0, -EINVAL, "larger than 1M");
		end = text;
	}
	for (; text < end; text = newline + 1) {
		newline = memchr(text, '\n', (size_t)(end - text));
		if (!newline)
			newline = end;
		p.line++;
		read_line(&p, text, (size_t)(newline - text));
	}
	for (i = 0; i < p.conf->rule_count; i++)
		check_default(&p, &p.conf->rules[i]);
	if (p.rc < 0) {
		gpumem_conf_free(p.conf);
		return p.rc;
	}
	*ret = p.conf;
	return 0;
}
