/* SPDX-License-Identifier: MIT */
/*
 * conf_given.c: devices that the site names itself: Device=... Kind=... Node=... lines. What there is at their
 * nodes is for lib/discover/given.c to find.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GM_WHERE "conf"
#include "base/err.h"
#include "policy/conf.h"
#include "policy/conf_line.h"
#include "policy/hostlist.h"
#include "policy/words.h"

#define NODE_MAX 1023u /* the kernel's largest number of a NUMA node */

static const struct gm_name kinds[] = {
	{"numa", GPUMEM_KIND_NUMA, true},
	{"numa-shared", GPUMEM_KIND_NUMA_SHARED, true},
	{NULL, 0, false},
};

enum word { WORD_KIND, WORD_NODE, WORD_FILE, WORD_NAMES, WORDS };

static int bad(const char *key, const char *value, const char *why, const char *allowed,
	       struct gpumem_error *err)
{
	char show[GM_SHOW_LEN];

	return gm_err(err, -EINVAL, "'%s=%s': %s; allowed: %s", key,
		      gm_show(value, strlen(value), show), why, allowed);
}

static int set_kind(struct gm_given *given, const char *value, struct gpumem_error *err)
{
	uint32_t kind = gm_name_find(kinds, value, strlen(value));
	char names[32] = "";

	gm_append_names(names, sizeof(names), kinds, false);
	if (!kind)
		return bad("Kind", value, "unknown value", names, err);
	given->kind = (enum gpumem_kind)kind;
	return 0;
}

static int set_node(struct gm_given *given, const char *value, struct gpumem_error *err)
{
	uint64_t node;
	int rc = gm_uint_parse(value, strlen(value), NODE_MAX, &node);

	if (rc < 0)
		return bad("Node", value, rc == -ERANGE ? "out of range" : "no number of a NUMA node",
			   "0 to 1023", err);
	given->node = (int32_t)node;
	return 0;
}

static int set_file(struct gm_given *given, const char *value, struct gpumem_error *err)
{
	static const char allowed[] = "a path below /dev of up to 63 characters";

	if (strncmp(value, "/dev/", 5) != 0 || !value[5])
		return bad("File", value, "not below /dev", allowed, err);
	if (strlen(value) >= sizeof(given->file))
		return bad("File", value, "too long", allowed, err);
	if (strstr(value, "/.."))
		return bad("File", value, "a .. in the path", allowed, err);
	for (const char *p = value; *p; p++)
		if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f)
			return bad("File", value, "a character that is not printable ASCII", allowed,
				   err);
	snprintf(given->file, sizeof(given->file), "%s", value);
	return 0;
}

static int set_names(struct gm_given *given, const char *value, struct gpumem_error *err)
{
	int rc = gm_conf_node_names(value, err);

	if (rc < 0)
		return rc;
	given->names = strdup(value);
	return given->names ? 0 : gm_err(err, -ENOMEM, "out of memory");
}

static const struct {
	const char *key;
	bool needed;
	int (*set)(struct gm_given *given, const char *value, struct gpumem_error *err);
} words[WORDS] = {
	[WORD_KIND] = {"Kind", true, set_kind},
	[WORD_NODE] = {"Node", true, set_node},
	[WORD_FILE] = {"File", false, set_file},
	[WORD_NAMES] = {"NodeName", false, set_names},
};

static int read_words(struct gm_given *given, const struct gm_pair *pairs, size_t count,
		      struct gpumem_error *err)
{
	bool seen[WORDS] = {false};
	char show[GM_SHOW_LEN];
	int rc;

	for (size_t i = 0; i < count; i++) {
		size_t w = 0;

		while (w < WORDS && !gm_word_is(pairs[i].key, strlen(pairs[i].key), words[w].key))
			w++;
		if (w == WORDS)
			return gm_err(err, -EINVAL,
				      "'%s': no key of a Device line; allowed: Kind, Node, File, NodeName",
				      gm_show(pairs[i].key, strlen(pairs[i].key), show));
		if (seen[w])
			return gm_err(err, -EINVAL, "%s is set twice", words[w].key);
		seen[w] = true;
		rc = words[w].set(given, pairs[i].value, err);
		if (rc < 0)
			return rc;
	}
	for (size_t w = 0; w < WORDS; w++)
		if (words[w].needed && !seen[w])
			return gm_err(err, -EINVAL, "Device=%s: %s= is missing; needed: Kind, Node",
				      given->pci, words[w].key);
	return 0;
}

static bool same_names(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static int check_twice(const struct gpumem_conf *conf, const struct gm_given *given,
		       struct gpumem_error *err)
{
	for (size_t i = 0; i < conf->given_count; i++)
		if (strcmp(conf->given[i].pci, given->pci) == 0 &&
		    same_names(conf->given[i].names, given->names))
			return gm_err(err, -EINVAL, "Device=%s is given twice; first on line %u",
				      given->pci, conf->given[i].line);
	return 0;
}

int gm_conf_given_add(struct gpumem_conf *conf, const struct gm_pair *pairs, size_t count,
		      unsigned line, struct gpumem_error *err)
{
	struct gm_given given = {.line = line}, *all = NULL;
	const char *pci = pairs[0].value;
	char show[GM_SHOW_LEN];
	int rc;

	if (!gm_conf_pci(pci, strlen(pci), given.pci))
		return gm_err(err, -EINVAL,
			      "'Device=%s': no PCI address; allowed: one like 0009:01:00.0",
			      gm_show(pci, strlen(pci), show));
	rc = read_words(&given, pairs + 1, count - 1, err);
	if (rc == 0)
		rc = check_twice(conf, &given, err);
	if (rc == 0) {
		all = reallocarray(conf->given, conf->given_count + 1, sizeof(*all));
		rc = all ? 0 : gm_err(err, -ENOMEM, "out of memory");
	}
	if (rc < 0) {
		free(given.names);
		return rc;
	}
	conf->given = all;
	conf->given[conf->given_count++] = given;
	return 0;
}

static bool holds(const struct gm_given *given, const char *node)
{
	return !given->names || (node && gm_hostlist_has(given->names, node));
}

/* Whether an earlier line for the address holds. */
static bool is_later(const struct gpumem_conf *conf, const char *node, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(conf->given[i].pci, conf->given[n].pci) == 0 &&
		    holds(&conf->given[i], node))
			return true;
	return false;
}

const struct gm_given *gm_conf_given(const struct gpumem_conf *conf, const char *node, size_t i)
{
	for (size_t n = 0; n < conf->given_count; n++)
		if (holds(&conf->given[n], node) && !is_later(conf, node, n) && i-- == 0)
			return &conf->given[n];
	return NULL;
}
