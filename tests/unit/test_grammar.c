/* SPDX-License-Identifier: MIT */
/*
 * test_grammar.c: --gpu-mem-policy: every wrong text gives its one exact line, every good one comes
 * back as it was, and the help names what the grammar knows.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "gpumem.h"

#define PLACES "off, host, prefer, bind, interleave[:DEV/HOST], advise"
#define OPTIONS "limit=, reserve=, high=, low=, evict=, bw=, suspend=, end=, report, verbose"
#define SIZE "a size such as 64G or 1.5T"
#define LIMIT SIZE ", or 1% to 100%"
#define PERCENT "1% to 100%"
#define EMPTY "empty option: one comma between two options, none at the end"
#define FIRST "the placement is the first word, and only one"
#define Z60 "000000000000000000000000000000000000000000000000000000000000"
#define RATIO "bad ratio; allowed: two numbers from 1 to 1000, as in interleave:3/1"

static const struct {
	const char *in, *error;
} bad[] = {
	{"", "no placement; allowed: " PLACES},
	{",limit=4G", "no placement; allowed: " PLACES},
	{"foo", "'foo': unknown placement; allowed: " PLACES},
	{"pref", "'pref': unknown placement; allowed: " PLACES},
	{"prefers", "'prefers': unknown placement; allowed: " PLACES},
	{"help", "'help': unknown placement; allowed: " PLACES},
	{"limit=4G", "'limit=4G': unknown placement; allowed: " PLACES},
	{"prefer=yes", "'prefer=yes': unknown placement; allowed: " PLACES},
	{"prefer;limit=4G", "'prefer;limit=4G': unknown placement; allowed: " PLACES},
	{"pref\x1b[31mer", "'pref\\x1b[31mer': unknown placement; allowed: " PLACES},
	{"pr\xc3\xa9"
	 "fer",
	 "'pr\\xc3\\xa9fer': unknown placement; allowed: " PLACES},
	{"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee",
	 "'aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd...': unknown placement; allowed: " PLACES},
	{"aaaaaaaaaabbbbbbbbbbccccccccccdddddddd\x1b",
	 "'aaaaaaaaaabbbbbbbbbbccccccccccdddddddd...': unknown placement; allowed: " PLACES},
	{"\x01\x02\x03\x04\x05\x06\x07\x08\x0e\x0f\x10",
	 "'\\x01\\x02\\x03\\x04\\x05\\x06\\x07\\x08\\x0e\\x0f...': unknown placement; "
	 "allowed: " PLACES},
	{" prefer", "' prefer': a policy has no spaces"},
	{"prefer ", "'prefer ': a policy has no spaces"},
	{"prefer, limit=4G", "' limit=4G': a policy has no spaces"},
	{"prefer,limit= 4G", "'limit= 4G': a policy has no spaces"},
	{"prefer\n", "'prefer\\x0a': a policy has no spaces"},
	{"prefer,limit=4G\tverbose", "'limit=4G\\x09verbose': a policy has no spaces"},
	{"prefer,", EMPTY},
	{"prefer,,limit=4G", EMPTY},
	{"prefer,limit=4G,", EMPTY},
	{"off,", EMPTY},
	{"prefer,host", "'host': " FIRST},
	{"prefer,limit=4G,bind", "'bind': " FIRST},
	{"prefer,interleave:1/2", "'interleave:1/2': " FIRST},
	{"prefer,foo", "'foo': unknown option; allowed: " OPTIONS},
	{"prefer,foo=1", "'foo=1': unknown option; allowed: " OPTIONS},
	{"prefer,=4G", "'=4G': unknown option; allowed: " OPTIONS},
	{"prefer,limits=4G", "'limits=4G': unknown option; allowed: " OPTIONS},
	{"prefer,limit:4G", "'limit:4G': unknown option; allowed: " OPTIONS},
	{"prefer,4G", "'4G': unknown option; allowed: " OPTIONS},
	{"off,foo", "'foo': unknown option; allowed: " OPTIONS},
	{"off,limit=4G", "'limit=4G': off takes no option"},
	{"off,verbose", "'verbose': off takes no option"},
	{"prefer,limit=4G,limit=8G", "'limit=8G': limit is given twice"},
	{"prefer,limit=4G,limit=50%", "'limit=50%': limit is given twice"},
	{"prefer,verbose,VERBOSE", "'VERBOSE': verbose is given twice"},
	{"prefer,evict=lrf,evict=lrf", "'evict=lrf': evict is given twice"},
	{"prefer,limit", "'limit': no value; allowed: " LIMIT},
	{"prefer,limit=", "'limit=': no value; allowed: " LIMIT},
	{"prefer,limit==4G", "'limit==4G': not a size; allowed: " LIMIT},
	{"prefer,limit=0", "'limit=0': must be above 0; allowed: " LIMIT},
	{"prefer,limit=0G", "'limit=0G': must be above 0; allowed: " LIMIT},
	{"prefer,limit=0.0001K", "'limit=0.0001K': must be above 0; allowed: " LIMIT},
	{"prefer,limit=-4G", "'limit=-4G': a size is not negative; allowed: " LIMIT},
	{"prefer,limit=+4G", "'limit=+4G': not a size; allowed: " LIMIT},
	{"prefer,limit=all", "'limit=all': not a size; allowed: " LIMIT},
	{"prefer,limit=4X", "'limit=4X': unknown suffix; allowed: " LIMIT},
	{"prefer,limit=4GX", "'limit=4GX': unknown suffix; allowed: " LIMIT},
	{"prefer,limit=1.5", "'limit=1.5': a fraction of a byte; allowed: " LIMIT},
	{"prefer,limit=1.G", "'limit=1.G': no digit after the point; allowed: " LIMIT},
	{"prefer,limit=1.0123456789G",
	 "'limit=1.0123456789G': more than 9 digits after the point; allowed: " LIMIT},
	{"prefer,limit=16384P", "'limit=16384P': too large; allowed: " LIMIT},
	{"prefer,limit=18446744073709551616",
	 "'limit=18446744073709551616': too large; allowed: " LIMIT},
	{"prefer,limit=0%", "'limit=0%': percentage out of range; allowed: " LIMIT},
	{"prefer,limit=101%", "'limit=101%': percentage out of range; allowed: " LIMIT},
	{"prefer,limit=4294967346%",
	 "'limit=4294967346%': percentage out of range; allowed: " LIMIT},
	{"prefer,limit=18446744073709551666%",
	 "'limit=18446744073709551666%': percentage out of range; allowed: " LIMIT},
	{"prefer,limit=%", "'limit=%': not a whole percentage; allowed: " LIMIT},
	{"prefer,limit=50%%", "'limit=50%%': not a whole percentage; allowed: " LIMIT},
	{"prefer,limit=12.5%", "'limit=12.5%': not a whole percentage; allowed: " LIMIT},
	{"prefer,limit=-5%", "'limit=-5%': not a whole percentage; allowed: " LIMIT},
	{"bind,reserve", "'reserve': no value; allowed: " SIZE},
	{"bind,reserve=0", "'reserve=0': must be above 0; allowed: " SIZE},
	{"bind,reserve=50%", "'reserve=50%': unknown suffix; allowed: " SIZE},
	{"prefer,bw=fast", "'bw=fast': not a size; allowed: " SIZE},
	{"prefer,bw=4G/s", "'bw=4G/s': unknown suffix; allowed: " SIZE},
	{"prefer,high", "'high': no value; allowed: " PERCENT},
	{"prefer,high=95", "'high=95': not a whole percentage; allowed: " PERCENT},
	{"prefer,high=0%", "'high=0%': percentage out of range; allowed: " PERCENT},
	{"prefer,high=101%", "'high=101%': percentage out of range; allowed: " PERCENT},
	{"prefer,low=4G", "'low=4G': not a whole percentage; allowed: " PERCENT},
	{"prefer,high=50%,low=60%", "low=60% is above high=50%"},
	{"prefer,low=60%,high=59%", "low=60% is above high=59%"},
	{"prefer,high=80%", "low=88% (the default) is above high=80%"},
	{"prefer,low=96%", "low=96% is above high=95% (the default)"},
	{"prefer,evict", "'evict': no value; allowed: duel, heat, age, lrf, pin, none"},
	{"prefer,evict=", "'evict=': no value; allowed: duel, heat, age, lrf, pin, none"},
	{"prefer,evict=lru",
	 "'evict=lru': unknown value; allowed: duel, heat, age, lrf, pin, none"},
	{"prefer,suspend=drop", "'suspend=drop': unknown value; allowed: evict, keep"},
	{"prefer,end=keep", "'end=keep': unknown value; allowed: evict, drop"},
	{"prefer,report=1", "'report=1': takes no value; allowed: report alone"},
	{"prefer,verbose=", "'verbose=': takes no value; allowed: verbose alone"},
	{"prefer:3/1", "'prefer:3/1': only interleave takes a ratio"},
	{"host:", "'host:': only interleave takes a ratio"},
	{"interleave:", "'interleave:': " RATIO},
	{"interleave:3", "'interleave:3': " RATIO},
	{"interleave:3/", "'interleave:3/': " RATIO},
	{"interleave:/1", "'interleave:/1': " RATIO},
	{"interleave:0/1", "'interleave:0/1': " RATIO},
	{"interleave:1/0", "'interleave:1/0': " RATIO},
	{"interleave:1001/1", "'interleave:1001/1': " RATIO},
	{"interleave:3/1/1", "'interleave:3/1/1': " RATIO},
	{"interleave:-3/1", "'interleave:-3/1': " RATIO},
	{"interleave:3:1", "'interleave:3:1': " RATIO},
	{"prefer,limit=" Z60 Z60 Z60 Z60 "04G", "a policy is no longer than 255 characters"},
	{"interleave3/1", "'interleave3/1': unknown placement; allowed: " PLACES},
};

/* Printed: keywords in lower case, options in the table's order. */
static const struct {
	const char *in, *printed;
} good[] = {
	{"off", "off"},
	{"host", "host"},
	{"prefer", "prefer"},
	{"bind", "bind"},
	{"interleave", "interleave"},
	{"interleave:3/1", "interleave:3/1"},
	{"interleave:1000/1000", "interleave:1000/1000"},
	{"prefer,limit=" Z60 Z60 Z60 Z60 "4", "prefer,limit=4"},
	{"advise", "advise"},
	{"PREFER", "prefer"},
	{"Prefer,Limit=48g,Verbose", "prefer,limit=48G,verbose"},
	{"prefer,limit=1.5GiB", "prefer,limit=1536M"},
	{"prefer,limit=100%", "prefer,limit=100%"},
	{"prefer,limit=1%", "prefer,limit=1%"},
	{"prefer,verbose,limit=64M", "prefer,limit=64M,verbose"},
	{"bind,reserve=4097", "bind,reserve=4097"},
	{"prefer,high=88%", "prefer,high=88%"},
	{"prefer,low=95%", "prefer,low=95%"},
	{"prefer,high=50%,low=50%", "prefer,high=50%,low=50%"},
	{"prefer,high=100%,low=1%", "prefer,high=100%,low=1%"},
	{"prefer,evict=DUEL", "prefer,evict=duel"},
	{"prefer,bw=10G,suspend=keep,end=evict,report",
	 "prefer,bw=10G,suspend=keep,end=evict,report"},
	{"interleave:1000/1000,limit=18446744073709551615,reserve=18446744073709551615,high=100%,"
	 "low=100%,evict=none,bw=18446744073709551615,suspend=evict,end=evict,report,verbose",
	 "interleave:1000/1000,limit=18446744073709551615,reserve=18446744073709551615,high=100%,"
	 "low=100%,evict=none,bw=18446744073709551615,suspend=evict,end=evict,report,verbose"},
};

#define NOT_YET " is not supported yet; supported: "

static const struct {
	const char *in, *error; /* NULL: supported */
} support[] = {
	{"off", NULL},
	{"host", NULL},
	{"prefer", NULL},
	{"bind", NULL},
	{"advise", NULL},
	{"bind,limit=50%,reserve=1G,evict=lrf,suspend=keep,end=drop,verbose", NULL},
	{"prefer,limit=1G,high=90%,low=80%,evict=duel,bw=1G,suspend=evict,report", NULL},
	{"prefer,evict=heat", NULL},
	{"prefer,evict=age", NULL},
	{"prefer,evict=pin", NULL},
	{"prefer,evict=none", NULL},
	{"interleave", NULL},
	{"interleave:3/1,limit=1G,reserve=1G", NULL},
	{"prefer,end=evict", "'end=evict'" NOT_YET "end=drop"},
};

/* By member, as the padding between them is anything. */
static bool same(const struct gpumem_policy *a, const struct gpumem_policy *b)
{
	return a->placement == b->placement && a->ratio_device == b->ratio_device &&
	       a->ratio_host == b->ratio_host && a->limit_bytes == b->limit_bytes &&
	       a->limit_percent == b->limit_percent && a->high_percent == b->high_percent &&
	       a->low_percent == b->low_percent && a->reserve_bytes == b->reserve_bytes &&
	       a->bandwidth_bytes == b->bandwidth_bytes && a->evict == b->evict &&
	       a->suspend == b->suspend && a->end == b->end && a->report == b->report &&
	       a->verbose == b->verbose;
}

static void test_bad(void **state)
{
	const struct gpumem_policy untouched = {.placement = GPUMEM_PLACE_BIND};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct gpumem_policy policy = untouched;
		struct gpumem_error err = {0};

		if (gpumem_policy_parse(bad[i].in, &policy, &err) != -EINVAL)
			fail_msg("'%s' is accepted", bad[i].in);
		if (strcmp(err.text, bad[i].error) != 0)
			fail_msg("'%s' gives\n  %s, not\n  %s", bad[i].in, err.text, bad[i].error);
		assert_int_equal(err.code, -EINVAL);
		assert_string_equal(err.where, "policy");
		assert_true(same(&policy, &untouched));
		assert_int_equal(gpumem_policy_parse(bad[i].in, &policy, NULL), -EINVAL);
	}
}

static void test_good(void **state)
{
	struct gpumem_policy policy, again;
	char buf[GPUMEM_POLICY_LEN];
	struct gpumem_error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (gpumem_policy_parse(good[i].in, &policy, &err) != 0)
			fail_msg("'%s': %s", good[i].in, err.text);
		assert_int_equal(gpumem_policy_print(&policy, buf, sizeof(buf)), 0);
		assert_string_equal(buf, good[i].printed);
		assert_int_equal(gpumem_policy_parse(buf, &again, NULL), 0);
		assert_true(same(&policy, &again));
		assert_int_equal(gpumem_policy_print(&policy, buf, strlen(buf)), -ENOSPC);
		assert_int_equal(gpumem_policy_print(&policy, buf, strlen(buf) + 1), 0);
	}
}

static void test_members(void **state)
{
	struct gpumem_policy p;

	(void)state;
	assert_int_equal(
		gpumem_policy_parse("interleave:3/1,limit=64M,reserve=1K,high=90%,low=80%,"
				    "evict=age,bw=2K,suspend=evict,end=drop,report,verbose",
				    &p, NULL),
		0);
	assert_int_equal(p.placement, GPUMEM_PLACE_INTERLEAVE);
	assert_int_equal(p.ratio_device, 3);
	assert_int_equal(p.ratio_host, 1);
	assert_int_equal(p.limit_bytes, 64 << 20);
	assert_int_equal(p.limit_percent, 0);
	assert_int_equal(p.reserve_bytes, 1024);
	assert_int_equal(p.high_percent, 90);
	assert_int_equal(p.low_percent, 80);
	assert_int_equal(p.evict, GPUMEM_EVICT_AGE);
	assert_int_equal(p.bandwidth_bytes, 2048);
	assert_int_equal(p.suspend, GPUMEM_SUSPEND_EVICT);
	assert_int_equal(p.end, GPUMEM_END_DROP);
	assert_true(p.report && p.verbose);
	assert_int_equal(gpumem_policy_parse("host,limit=7%", &p, NULL), 0);
	assert_int_equal(p.placement, GPUMEM_PLACE_HOST);
	assert_int_equal(p.limit_bytes, 0);
	assert_int_equal(p.limit_percent, 7);
	assert_int_equal(p.evict, GPUMEM_EVICT_DEFAULT);
	assert_false(p.report || p.verbose);
}

static void test_supported(void **state)
{
	struct gpumem_policy policy;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(support) / sizeof(support[0]); i++) {
		struct gpumem_error err = {0};
		int rc;

		assert_int_equal(gpumem_policy_parse(support[i].in, &policy, NULL), 0);
		rc = gpumem_policy_supported(&policy, &err);
		if (rc != (support[i].error ? -EOPNOTSUPP : 0) ||
		    strcmp(err.text, support[i].error ? support[i].error : "") != 0)
			fail_msg("'%s' gives %d, %s", support[i].in, rc, err.text);
	}
}

static uint64_t random_state = 88172645463325252ull;

static uint64_t random64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static uint64_t random_size(void)
{
	uint64_t bytes = random64() >> random64() % 64;

	return random64() % 2 ? bytes : 0;
}

static void random_policy(struct gpumem_policy *p)
{
	memset(p, 0, sizeof(*p));
	p->placement = (enum gpumem_placement)(1 + random64() % 6);
	if (p->placement == GPUMEM_PLACE_OFF)
		return;
	if (p->placement == GPUMEM_PLACE_INTERLEAVE && random64() % 2) {
		p->ratio_device = (uint32_t)(1 + random64() % 1000);
		p->ratio_host = (uint32_t)(1 + random64() % 1000);
	}
	if (random64() % 2)
		p->limit_bytes = random_size();
	else
		p->limit_percent = (uint32_t)(random64() % 101);
	if (random64() % 2) {
		p->high_percent = (uint32_t)(1 + random64() % 100);
		p->low_percent = (uint32_t)(1 + random64() % p->high_percent);
	}
	p->reserve_bytes = random_size();
	p->bandwidth_bytes = random_size();
	p->evict = (enum gpumem_evict_order)(random64() % 7);
	p->suspend = (enum gpumem_on_suspend)(random64() % 3);
	p->end = (enum gpumem_at_end)(random64() % 3);
	p->report = random64() % 2;
	p->verbose = random64() % 2;
}

/* Any policy comes back from its text. */
static void test_round_trip(void **state)
{
	struct gpumem_policy policy, again;
	char buf[GPUMEM_POLICY_LEN];
	struct gpumem_error err;
	int i;

	(void)state;
	for (i = 0; i < 200000; i++) {
		random_policy(&policy);
		memset(&again, 0, sizeof(again));
		assert_int_equal(gpumem_policy_print(&policy, buf, sizeof(buf)), 0);
		if (gpumem_policy_parse(buf, &again, &err) != 0)
			fail_msg("%s: %s", buf, err.text);
		if (!same(&policy, &again))
			fail_msg("%s comes back as another policy", buf);
	}
}

/* The line of the help that begins with the word, or NULL. */
static const char *help_line(const char *word, char *buf, size_t size)
{
	char start[40];
	const char *found;

	snprintf(start, sizeof(start), "\n    %s", word);
	found = strstr(gpumem_policy_help(), start);
	if (!found)
		return NULL;
	snprintf(buf, size, "%.*s", (int)strcspn(found + 1, "\n"), found + 1);
	return buf;
}

static void test_help(void **state)
{
	static const char *const words[] = {
		"off",	 "host", "prefer", "bind", "interleave", "advise", "limit=", "reserve=",
		"high=", "low=", "evict=", "bw=",  "suspend=",	 "end=",   "report", "verbose"};
	static const char *const later[] = {"end="};
	const char *p;
	char line[128];
	size_t i, lines = 0;

	(void)state;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!help_line(words[i], line, sizeof(line)))
			fail_msg("the help has no line for %s", words[i]);
	for (i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		if (!strstr(help_line(later[i], line, sizeof(line)), "(*)"))
			fail_msg("%s is not marked as not supported yet", later[i]);
	for (p = gpumem_policy_help(); *p; p += strcspn(p, "\n") + 1) {
		assert_true(strcspn(p, "\n") <= 88);
		lines++;
	}
	assert_true(lines <= 40);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(gpumem_placement_name(GPUMEM_PLACE_BIND), "bind");
	assert_string_equal(gpumem_placement_name(0), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),	   cmocka_unit_test(test_good),
		cmocka_unit_test(test_members),	   cmocka_unit_test(test_supported),
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_help),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
