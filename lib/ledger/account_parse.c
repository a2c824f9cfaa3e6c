/* SPDX-License-Identifier: MIT */
/*
 * account_parse.c: a line of the accounting file. The file is root's, but an editor may have been at it: one
 * cursor, no recursion without end, and what does not fit is refused.
 */
#include <errno.h>
#include <string.h>

#include "gpumem.h"

#define DEPTH_MAX 8

static const char *blanks(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

/* A string into buf. Returns what follows it; NULL: not one, or too long. */
static const char *string(const char *p, char *buf, size_t len)
{
	size_t n = 0;

	if (*p++ != '"')
		return NULL;
	while (*p != '"') {
		char c = *p++;

		if ((unsigned char)c < 0x20 || n + 1 >= len)
			return NULL;
		if (c == '\\') {
			c = *p++;
			if (c == 'u') {
				/* Only what is no text is written this way. */
				if (strspn(p, "0123456789abcdefABCDEF") < 4)
					return NULL;
				p += 4;
				c = '?';
			} else if (!c || !strchr("\"\\/bfnrt", c)) {
				return NULL;
			} else if (strchr("bfnrt", c)) {
				c = ' ';
			}
		}
		buf[n++] = c;
	}
	buf[n] = '\0';
	return p + 1;
}

/* A number in units of 1/scale, what is smaller is cut off. NULL: not one, negative, or too large. */
static const char *number(const char *p, uint64_t scale, uint64_t *ret)
{
	uint64_t n = 0;

	if (*p < '0' || *p > '9')
		return NULL;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(n, 10u, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
			return NULL;
	if (__builtin_mul_overflow(n, scale, &n))
		return NULL;
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9'; p++) {
			scale /= 10;
			n += scale * (uint64_t)(*p - '0');
		}
	*ret = n;
	return p;
}

typedef const char *member_fn(const char *p, const char *key, void *data);

/* Every member of an object or element of an array, from its opening to its closing character, through
 * `take`, which returns what follows the value. An element's key is "". */
static const char *each(const char *p, char closing, member_fn *take, void *data)
{
	char key[64] = "";

	p = blanks(p + 1);
	if (*p == closing)
		return p + 1;
	for (;;) {
		if (closing == '}') {
			p = string(p, key, sizeof(key));
			if (!p || *(p = blanks(p)) != ':')
				return NULL;
			p = blanks(p + 1);
		}
		p = take(p, key, data);
		if (!p)
			return NULL;
		p = blanks(p);
		if (*p == closing)
			return p + 1;
		if (*p != ',')
			return NULL;
		p = blanks(p + 1);
	}
}

static const char *object(const char *p, member_fn *take, void *data)
{
	return *p == '{' ? each(p, '}', take, data) : NULL;
}

static const char *array(const char *p, member_fn *take, void *data)
{
	return *p == '[' ? each(p, ']', take, data) : NULL;
}

static const char *skip(const char *p, int depth);

static const char *skip_member(const char *p, const char *key, void *data)
{
	(void)key;
	return skip(p, *(const int *)data);
}

/* Any value. */
static const char *skip(const char *p, int depth)
{
	char text[1024];
	size_t n;

	if (depth == 0)
		return NULL;
	depth--;
	if (*p == '"')
		return string(p, text, sizeof(text));
	if (*p == '{')
		return object(p, skip_member, &depth);
	if (*p == '[')
		return array(p, skip_member, &depth);
	n = strspn(p, "+-.0123456789abcdefghijklmnopqrstuvwxyzE");
	return n ? p + n : NULL;
}

struct field {
	const char *name;
	uint64_t *to;
	uint64_t scale;
};

/* One of the fields, or something to pass over. */
static const char *take_field(const char *p, const char *key, const struct field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(fields[i].name, key) == 0)
			return number(p, fields[i].scale, fields[i].to);
	return skip(p, DEPTH_MAX);
}

static const char *take_device(const char *p, const char *key, void *data)
{
	struct gpumem_account_device *d = data;
	const struct field fields[] = {
		{ "limit", &d->limit_bytes, 1 },	 { "wall", &d->wall_bytes, 1 },
		{ "peak", &d->peak_bytes, 1 },		 { "mean", &d->mean_bytes, 1 },
		{ "migrated", &d->migrated_bytes, 1 },	 { "evicted", &d->evicted_bytes, 1 },
		{ "refaulted", &d->refaulted_bytes, 1 }, { "over_limit_s", &d->over_limit_ns, 1000000000u },
	};

	if (strcmp(key, "pci") == 0)
		return string(p, d->pci, sizeof(d->pci));
	return take_field(p, key, fields, sizeof(fields) / sizeof(fields[0]));
}

static const char *add_device(const char *p, const char *key, void *data)
{
	struct gpumem_account *a = data;

	(void)key;
	if (a->device_count == GPUMEM_MAX_DEVICES)
		return NULL;
	return object(p, take_device, &a->device[a->device_count++]);
}

static const char *take_failed(const char *p, const char *key, void *data)
{
	struct gpumem_account *a = data;

	for (int i = 0; i < GPUMEM_FAIL_COUNT; i++)
		if (strcmp(gpumem_fail_name((enum gpumem_fail)i), key) == 0)
			return number(p, 1, &a->failed[i]);
	return skip(p, DEPTH_MAX);
}

struct reader {
	struct gpumem_account *account;
	uint64_t job, uid, begin, end, processes, turned_away, left_processes;
	bool has_job;
};

static const char *take_account(const char *p, const char *key, void *data)
{
	struct reader *r = data;
	struct gpumem_account *a = r->account;
	const struct field fields[] = {
		{ "job", &r->job, 1 },		   { "uid", &r->uid, 1 },
		{ "begin", &r->begin, 1 },	   { "end", &r->end, 1 },
		{ "processes", &r->processes, 1 }, { "turned_away", &r->turned_away, 1 },
		{ "leftover", &a->left_bytes, 1 }, { "leftover_processes", &r->left_processes, 1 },
		{ "seconds", &a->watched_ns, 1000000000u },
	};

	if (strcmp(key, "job") == 0)
		r->has_job = true;
	if (strcmp(key, "node") == 0)
		return string(p, a->node, sizeof(a->node));
	if (strcmp(key, "policy") == 0)
		return string(p, a->policy, sizeof(a->policy));
	if (strcmp(key, "devices") == 0)
		return array(p, add_device, a);
	if (strcmp(key, "failed") == 0)
		return object(p, take_failed, a);
	return take_field(p, key, fields, sizeof(fields) / sizeof(fields[0]));
}

int gpumem_account_parse(const char *line, struct gpumem_account *ret)
{
	struct gpumem_account a = { 0 };
	struct reader r = { .account = &a };
	const char *p = object(blanks(line), take_account, &r);

	if (!p || *blanks(p) || !r.has_job || r.job > UINT32_MAX || r.uid > UINT32_MAX ||
	    r.begin > INT64_MAX || r.end > INT64_MAX || r.processes > UINT32_MAX ||
	    r.turned_away > UINT32_MAX || r.left_processes > UINT32_MAX)
		return -EINVAL;
	a.job_id = (uint32_t)r.job;
	a.uid = (uid_t)r.uid;
	a.begin = (int64_t)r.begin;
	a.end = (int64_t)r.end;
	a.processes = (uint32_t)r.processes;
	a.turned_away = (uint32_t)r.turned_away;
	a.left_processes = (uint32_t)r.left_processes;
	*ret = a;
	return 0;
}
