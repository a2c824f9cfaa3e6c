/* SPDX-License-Identifier: MIT */
/*
 * conf.h: gpumem.conf in memory, for the files that read it, look things up in it and print it.
 */
#ifndef GM_CONF_H
#define GM_CONF_H

#include "gpumem.h"

#define GM_CONF_FILE_MAX (1u << 20) /* bytes of a file */
#define GM_CONF_LINE_MAX 4095u
#define GM_CONF_RULES_MAX 4096u /* partitions, accounts and users named */
#define GM_CONF_NAME_MAX 255
#define GM_DEVICE_FILE_MAX 64 /* its end included */
#define GM_STATE_DIR_MAX 200u /* leaves room for the job's part in every path */

/* Whom a rule is for; the higher one wins. */
enum gm_scope {
	GM_SCOPE_GLOBAL = 0,
	GM_SCOPE_PARTITION = 1,
	GM_SCOPE_ACCOUNT = 2,
	GM_SCOPE_USER = 3,
};

/* What a line can say for one of them, as indices of gm_rules.line. */
enum gm_rule {
	GM_RULE_DEFAULT = 0,
	GM_RULE_ALLOWED = 1,
	GM_RULE_MAX = 2,
	GM_RULE_COUNT = 3,
};

struct gm_rules {
	enum gm_scope scope;
	char *name; /* NULL for the global ones */
	bool set[GM_RULE_COUNT];
	unsigned line[GM_RULE_COUNT];
	char *default_policy; /* as written */
	unsigned allowed; /* a bit (1 << enum gpumem_placement) each */
	uint64_t max_bytes; /* or */
	uint32_t max_percent;
};

/* NodeName=NAMES Devices=PCI,... */
struct gm_node {
	char *names;
	unsigned line;
	size_t count;
	char (*pci)[GPUMEM_PCI_LEN];
};

/* Device=PCI Kind=... Node=N [File=PATH] [NodeName=NAMES] */
struct gm_given {
	char pci[GPUMEM_PCI_LEN];
	enum gpumem_kind kind;
	int32_t node;
	char file[GM_DEVICE_FILE_MAX]; /* "" not named */
	char *names;		       /* NULL: on every node */
	unsigned line;
};

struct gpumem_conf {
	struct gm_rules *rules; /* rules[0] are the global ones */
	size_t rule_count;
	struct gm_node *nodes;
	size_t node_count;
	struct gm_given *given;
	size_t given_count;
	char *state_dir;
	enum gpumem_leftover leftover;
	unsigned cpu_budget_permille;
	unsigned verify_seconds;
	bool memcg_credit, hard_limit, admin_comment, clean_page_cache;
	char *accounting; /* a path; "" nowhere; NULL in the state directory */
};

/* One Key=Value; the key is one of the table's. */
struct gm_key {
	const char *name;
	enum gm_rule rule; /* GM_RULE_COUNT: a key that has no scope */
	/* Errors: EINVAL, ENOMEM. */
	int (*set)(struct gpumem_conf *conf, struct gm_rules *rules, const char *value,
		   struct gpumem_error *err);
};

#define GM_KEY_COUNT 12
extern const struct gm_key gm_keys[GM_KEY_COUNT];

/* GM_KEY_COUNT when there is no such key. */
size_t gm_key_find(const char *name);
/* "PartitionName", "Account", "User"; "" for global. */
const char *gm_scope_key(enum gm_scope scope);

/* The built-in defaults; NULL without memory. */
struct gpumem_conf *gm_conf_new(void);
/* The rules of that name, or NULL. */
struct gm_rules *gm_conf_rules(const struct gpumem_conf *conf, enum gm_scope scope,
			       const char *name, size_t len);
/* Adds empty rules; NULL without memory or above GM_CONF_RULES_MAX. Moves the others. */
struct gm_rules *gm_conf_rules_add(struct gpumem_conf *conf, enum gm_scope scope, const char *name,
				   size_t len);
void gm_rules_clear(struct gm_rules *rules);
/* Gives `to` what `from` says by one rule that `to` has not set. Errors: ENOMEM. */
int gm_rules_copy(struct gm_rules *to, const struct gm_rules *from, enum gm_rule rule);
/* The rules that say this for the subject: its user's, account's, partition's, or the global ones;
 * NULL when none does. */
const struct gm_rules *gm_conf_effective(const struct gpumem_conf *conf,
					 const struct gpumem_subject *subject, enum gm_rule rule);
/* Takes the devices of a NodeName line. Errors: EINVAL, ENOMEM. */
int gm_conf_node_add(struct gpumem_conf *conf, const char *names, const char *devices,
		     unsigned line, struct gpumem_error *err);
/* "dddd:bb:dd.f", to lower case; `ret` has room for GPUMEM_PCI_LEN. */
bool gm_conf_pci(const char *text, size_t len, char *ret);
/* Whether names can be those of nodes. Errors: EINVAL. */
int gm_conf_node_names(const char *names, struct gpumem_error *err);

struct gm_pair;
/* Takes a line whose first key is Device. Errors: EINVAL, ENOMEM. */
int gm_conf_given_add(struct gpumem_conf *conf, const struct gm_pair *pairs, size_t count,
		      unsigned line, struct gpumem_error *err);
/* The i-th Device= line that holds for the node, of several for one address the first; NULL past the end. */
const struct gm_given *gm_conf_given(const struct gpumem_conf *conf, const char *node, size_t i);

#endif
