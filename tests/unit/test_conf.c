/* SPDX-License-Identifier: MIT */
/*
 * test_conf.c: gpumem.conf: every wrong line is named with its number and one exact text, and the
 * rules that hold for a subject are the ones the page promises.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "gpumem.h"

#define G (1ull << 30)
#define KEYS                                                                                       \
	"DefaultPolicy, AllowedPolicies, MaxLimit, StateDir, OnLeftover, CpuBudget, "              \
	"VerifySeconds, MemcgCredit, HardLimit, Accounting, AdminComment, CleanPageCache, "                  \
	"PartitionName, Account, User, NodeName, Device"
#define PLACES "off, host, prefer, bind, interleave, advise"
#define SCOPED "DefaultPolicy, AllowedPolicies, MaxLimit"
#define SIZES "a size such as 64G or 1.5T, or 1% to 100%"
#define DIRS "an absolute path of up to 200 characters, with %n for the node"
#define PCIS "no PCI address; allowed: a list like 0000:c1:00.0,0000:c6:00.0"
#define FILES "allowed: a path below /dev of up to 63 characters"
#define NAMES "allowed: names like n1 or n[1-4,7], with commas"
#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* Problems one after the other, as "LINE: text\n". */
static void collect(void *data, unsigned line, const char *text)
{
	char *out = data;

	sprintf(out + strlen(out), "%u: %s\n", line, text);
}

static const struct {
	const char *in, *problems;
} bad[] = {
	{"Foo=1", "1: 'Foo': unknown key; allowed: " KEYS "\n"},
	{"\n# comment\n\nfoo=1\n", "4: 'foo': unknown key; allowed: " KEYS "\n"},
	{"Max\x1b=1", "1: control character \\x1b at byte 4\n"},
	{"\xef\xbb\xbfMaxLimit=1G",
	 "1: '\\xef\\xbb\\xbfMaxLimit': unknown key; allowed: " KEYS "\n"},
	{"MaxLimit", "1: 'MaxLimit': no '=' after it; write Key=Value, without spaces in the "
		     "value\n"},
	{"MaxLimit 64G", "1: 'MaxLimit': no '=' after it; write Key=Value, without spaces in "
			 "the value\n"},
	{"AllowedPolicies=host, prefer",
	 "1: 'prefer': no '=' after it; write Key=Value, without spaces in the value\n"},
	{"MaxLimit=", "1: 'MaxLimit': no value\n"},
	{"MaxLimit= # 64G", "1: 'MaxLimit': no value\n"},
	{"=64G", "1: no key before '='\n"},
	{"MaxLimit=64G\nmaxlimit=32G", "2: MaxLimit is set twice; first on line 1\n"},
	{"OnLeftover=log OnLeftover=log", "1: OnLeftover is set twice; first on line 1\n"},
	{"DefaultPolicy=foo", "1: DefaultPolicy: 'foo': unknown placement; allowed: off, host, "
			      "prefer, bind, interleave[:DEV/HOST], advise\n"},
	{"DefaultPolicy=prefer,limit=4X", "1: DefaultPolicy: 'limit=4X': unknown suffix; "
					  "allowed: " SIZES "\n"},
	{"DefaultPolicy=prefer,end=evict",
	 "1: DefaultPolicy: 'end=evict' is not supported yet; supported: end=drop\n"},
	{"DefaultPolicy=interleave:3", "1: DefaultPolicy: 'interleave:3': bad ratio; allowed: two "
				       "numbers from 1 to 1000, as in interleave:3/1\n"},
	{"AllowedPolicies=prefer,foo",
	 "1: AllowedPolicies: 'foo': unknown placement; allowed: " PLACES "\n"},
	{"AllowedPolicies=prefer,",
	 "1: AllowedPolicies: '': unknown placement; allowed: " PLACES "\n"},
	{"AllowedPolicies=host,HOST", "1: AllowedPolicies: 'HOST' is given twice\n"},
	{"MaxLimit=0", "1: 'MaxLimit=0': must be above 0; allowed: " SIZES "\n"},
	{"MaxLimit=much", "1: 'MaxLimit=much': not a size; allowed: " SIZES "\n"},
	{"MaxLimit=64X", "1: 'MaxLimit=64X': unknown suffix; allowed: " SIZES "\n"},
	{"MaxLimit=99999P", "1: 'MaxLimit=99999P': too large; allowed: " SIZES "\n"},
	{"MaxLimit=0%", "1: 'MaxLimit=0%': no percentage from 1 to 100; allowed: " SIZES "\n"},
	{"MaxLimit=101%", "1: 'MaxLimit=101%': no percentage from 1 to 100; allowed: " SIZES "\n"},
	{"StateDir=run", "1: 'StateDir=run': not an absolute path; allowed: " DIRS "\n"},
	{"StateDir=/", "1: 'StateDir=/': the root folder; allowed: " DIRS "\n"},
	{"StateDir=//", "1: 'StateDir=//': the root folder; allowed: " DIRS "\n"},
	{"StateDir=/run/../etc",
	 "1: 'StateDir=/run/../etc': a .. in the path; allowed: " DIRS "\n"},
	{"StateDir=/run/..", "1: 'StateDir=/run/..': a .. in the path; allowed: " DIRS "\n"},
	{"StateDir=/run/%h", "1: 'StateDir=/run/%h': % without n; allowed: " DIRS "\n"},
	{"StateDir=/run/%", "1: 'StateDir=/run/%': % without n; allowed: " DIRS "\n"},
	{"StateDir=/r\xc3\xa9p", "1: 'StateDir=/r\\xc3\\xa9p': a character that is not printable "
				 "ASCII; allowed: " DIRS "\n"},
	{"StateDir=/" X50 X50 X50 X50, "1: 'StateDir=/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...': "
				       "too long; allowed: " DIRS "\n"},
	{"OnLeftover=ignore", "1: 'OnLeftover=ignore': unknown value; allowed: kill, log, drain\n"},
	{"CpuBudget=1", "1: 'CpuBudget=1': no percentage; allowed: 0.1% to 100% of one core\n"},
	{"CpuBudget=0%", "1: 'CpuBudget=0%': out of range; allowed: 0.1% to 100% of one core\n"},
	{"CpuBudget=0.0%",
	 "1: 'CpuBudget=0.0%': out of range; allowed: 0.1% to 100% of one core\n"},
	{"CpuBudget=100.1%",
	 "1: 'CpuBudget=100.1%': out of range; allowed: 0.1% to 100% of one core\n"},
	{"CpuBudget=200%",
	 "1: 'CpuBudget=200%': out of range; allowed: 0.1% to 100% of one core\n"},
	{"CpuBudget=0.05%", "1: 'CpuBudget=0.05%': no percentage with one decimal at most; "
			    "allowed: 0.1% to 100% of one core\n"},
	{"CpuBudget=1.%", "1: 'CpuBudget=1.%': no percentage with one decimal at most; allowed: "
			  "0.1% to 100% of one core\n"},
	{"CpuBudget=%", "1: 'CpuBudget=%': no percentage with one decimal at most; allowed: 0.1% "
			"to 100% of one core\n"},
	{"CpuBudget=1%%", "1: 'CpuBudget=1%%': no percentage with one decimal at most; allowed: "
			  "0.1% to 100% of one core\n"},
	{"VerifySeconds=601", "1: 'VerifySeconds=601': out of range; allowed: 0 to 600\n"},
	{"VerifySeconds=-1", "1: 'VerifySeconds=-1': no number of seconds; allowed: 0 to 600\n"},
	{"VerifySeconds=10s", "1: 'VerifySeconds=10s': no number of seconds; allowed: 0 to 600\n"},
	{"MemcgCredit=1", "1: 'MemcgCredit=1': unknown value; allowed: yes, no\n"},
	{"HardLimit=yes", "1: 'HardLimit=yes': unknown value; allowed: auto, no\n"},
	{"AdminComment=maybe", "1: 'AdminComment=maybe': unknown value; allowed: yes, no\n"},
	{"Accounting=yes",
	 "1: 'Accounting=yes': not an absolute path; allowed: no, or " DIRS "\n"},
	{"Accounting=/var/log/", "1: 'Accounting=/var/log/': a folder; allowed: no, or " DIRS "\n"},
	{"Accounting=/var/../x",
	 "1: 'Accounting=/var/../x': a .. in the path; allowed: no, or " DIRS "\n"},
	{"PartitionName=gpu",
	 "1: 'PartitionName=gpu' says nothing; allowed after it: " SCOPED "\n"},
	{"PartitionName=gpu StateDir=/x",
	 "1: StateDir is for all, not for a PartitionName; allowed here: " SCOPED "\n"},
	{"User=eve Foo=1", "1: 'Foo': unknown key; allowed: " KEYS "\n"},
	{"User=eve Account=a MaxLimit=1G", "1: 'Account' must come first on its line\n"},
	{"MaxLimit=1G User=eve", "1: 'User' must come first on its line\n"},
	{"User=eve MaxLimit=1G MaxLimit=2G", "1: MaxLimit is set twice; first on line 1\n"},
	{"User=eve,,bob MaxLimit=1G", "1: User has an empty name\n"},
	{"User=eve, MaxLimit=1G", "1: User has an empty name\n"},
	{"User=eve MaxLimit=1G\nUser=bob,eve MaxLimit=2G",
	 "2: MaxLimit of User=eve is set twice; first on line 1\n"},
	{"User=" X50 X50 X50 X50 X50 "xxxxxx MaxLimit=1G",
	 "1: User has a name longer than 255 bytes\n"},
	{"DefaultPolicy=prefer,limit=" X50 X50 X50 X50 X50,
	 "1: DefaultPolicy: a policy is no longer than 255 characters\n"},
	{"Account=a,a MaxLimit=1G", "1: MaxLimit of Account=a is set twice; first on line 1\n"},
	{"Devices=0000:c1:00.0", "1: Devices must follow NodeName= on its line\n"},
	{"MaxLimit=1G NodeName=n1", "1: 'NodeName' must come first on its line\n"},
	{"NodeName=n1", "1: NodeName= is followed by Devices= alone\n"},
	{"NodeName=n1 MaxLimit=1G", "1: NodeName= is followed by Devices= alone\n"},
	{"NodeName=n1 Devices=0000:c1:00.0 MaxLimit=1G",
	 "1: NodeName= is followed by Devices= alone\n"},
	{"NodeName=n1 Devices=c1:00.0", "1: Devices: 'c1:00.0': " PCIS "\n"},
	{"NodeName=n1 Devices=0000:c1:00.8", "1: Devices: '0000:c1:00.8': " PCIS "\n"},
	{"NodeName=n1 Devices=0000:g1:00.0", "1: Devices: '0000:g1:00.0': " PCIS "\n"},
	{"NodeName=n1 Devices=0000:c1:00.0,", "1: Devices: '': " PCIS "\n"},
	{"NodeName=n1 Devices=0000:c1:00.0,0000:C1:00.0",
	 "1: Devices: '0000:c1:00.0' is given twice\n"},
	{"NodeName=n[1-2 Devices=0000:c1:00.0",
	 "1: 'NodeName=n[1-2': a bad range in brackets; " NAMES "\n"},
	{"NodeName=n[2-1] Devices=0000:c1:00.0",
	 "1: 'NodeName=n[2-1]': a bad range in brackets; " NAMES "\n"},
	{"NodeName=n[] Devices=0000:c1:00.0",
	 "1: 'NodeName=n[]': a bad range in brackets; " NAMES "\n"},
	{"NodeName=n[1234567890] Devices=0000:c1:00.0",
	 "1: 'NodeName=n[1234567890]': a bad range in brackets; " NAMES "\n"},
	{"NodeName=n1,,n2 Devices=0000:c1:00.0",
	 "1: 'NodeName=n1,,n2': an empty name; " NAMES "\n"},
	{"NodeName=a[1]b[2]c[3] Devices=0000:c1:00.0",
	 "1: 'NodeName=a[1]b[2]c[3]': more than two brackets in a name; " NAMES "\n"},
	{"NodeName=n/1 Devices=0000:c1:00.0",
	 "1: 'NodeName=n/1': a character no node name has; " NAMES "\n"},
	{"NodeName=n1 Devices=0000:c1:00.0\nNodeName=n1 Devices=0000:c1:00.0",
	 "2: NodeName=n1 is given twice; first on line 1\n"},
	{"MaxLimit=1G Device=0009:01:00.0", "1: 'Device' must come first on its line\n"},
	{"Kind=numa", "1: Kind must follow Device= on its line\n"},
	{"MaxLimit=1G File=/dev/x", "1: File must follow Device= on its line\n"},
	{"Device=09:01:00.0 Kind=numa Node=1",
	 "1: 'Device=09:01:00.0': no PCI address; allowed: one like 0009:01:00.0\n"},
	{"Device=0009:01:00.0", "1: Device=0009:01:00.0: Kind= is missing; needed: Kind, Node\n"},
	{"Device=0009:01:00.0 Kind=numa",
	 "1: Device=0009:01:00.0: Node= is missing; needed: Kind, Node\n"},
	{"Device=0009:01:00.0 Kind=svm Node=1",
	 "1: 'Kind=svm': unknown value; allowed: numa, numa-shared\n"},
	{"Device=0009:01:00.0 Kind=numa Node=-1",
	 "1: 'Node=-1': no number of a NUMA node; allowed: 0 to 1023\n"},
	{"Device=0009:01:00.0 Kind=numa Node=1024",
	 "1: 'Node=1024': out of range; allowed: 0 to 1023\n"},
	{"Device=0009:01:00.0 Kind=numa Node=1 Node=2", "1: Node is set twice\n"},
	{"Device=0009:01:00.0 Kind=numa Node=1 MaxLimit=1G",
	 "1: 'MaxLimit': no key of a Device line; allowed: Kind, Node, File, NodeName\n"},
	{"Device=0009:01:00.0 Kind=numa Node=1 File=nvidia0",
	 "1: 'File=nvidia0': not below /dev; " FILES "\n"},
	{"Device=0009:01:00.0 Kind=numa Node=1 File=/dev/../x",
	 "1: 'File=/dev/../x': a .. in the path; " FILES "\n"},
	{"Device=0009:01:00.0 Kind=numa Node=1 File=/dev/" X50 "xxxxxxxxx",
	 "1: 'File=/dev/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...': too long; " FILES "\n"},
	{"Device=0009:01:00.0 Kind=numa Node=1 NodeName=n[",
	 "1: 'NodeName=n[': a bad range in brackets; " NAMES "\n"},
	{"Device=0009:01:00.0 Kind=numa Node=1\nDevice=0009:01:00.0 Kind=numa Node=2",
	 "2: Device=0009:01:00.0 is given twice; first on line 1\n"},
	{"CleanPageCache=maybe", "1: 'CleanPageCache=maybe': unknown value; allowed: yes, no\n"},
	{"MaxLimit=64G \\\nOnLeftover=log",
	 "1: a line does not go on behind '\\': write it as one\n"},
	{"MaxLimit=64G # caf\xe9", "1: not UTF-8 at byte 19 (\\xe9)\n"},
	{"# \xc0\xaf", "1: not UTF-8 at byte 3 (\\xc0)\n"},
	{"# \xed\xa0\x80", "1: not UTF-8 at byte 3 (\\xed)\n"},
	{"# \xf4\x90\x80\x80", "1: not UTF-8 at byte 3 (\\xf4)\n"},
	{"# \xf5\x80\x80\x80", "1: not UTF-8 at byte 3 (\\xf5)\n"},
	{"# \xe2\x82", "1: not UTF-8 at byte 3 (\\xe2)\n"},
	{"Max\rLimit=1G", "1: control character \\x0d at byte 4\n"},
	/* what fits its grammar but not the site's own rules */
	{"DefaultPolicy=prefer\nAllowedPolicies=off,host",
	 "2: DefaultPolicy=prefer: placement 'prefer' is not allowed here; allowed: off, host\n"},
	{"MaxLimit=64G\nDefaultPolicy=prefer,limit=96G",
	 "2: DefaultPolicy=prefer,limit=96G: limit=96G is above the site's maximum of 64G\n"},
	{"MaxLimit=50%\nDefaultPolicy=prefer,limit=51%",
	 "2: DefaultPolicy=prefer,limit=51%: limit=51% is above the site's maximum of 50%\n"},
	{"MaxLimit=64G\nUser=eve DefaultPolicy=prefer,limit=96G",
	 "2: DefaultPolicy=prefer,limit=96G for User=eve: limit=96G is above the site's maximum "
	 "of 64G\n"},
	{"DefaultPolicy=bind\nPartitionName=cpu AllowedPolicies=off",
	 "2: DefaultPolicy=bind for PartitionName=cpu: placement 'bind' is not allowed here; "
	 "allowed: off\n"},
	{"Account=a DefaultPolicy=host,limit=2G\nAccount=a MaxLimit=1G",
	 "2: DefaultPolicy=host,limit=2G for Account=a: limit=2G is above the site's maximum of "
	 "1G\n"},
	/* all of them, in order */
	{"Foo=1\nMaxLimit=0\nbar\nOnLeftover=log\nCpuBudget=x Bar=1\nUser=a MaxLimit=y "
	 "DefaultPolicy=z",
	 "1: 'Foo': unknown key; allowed: " KEYS "\n"
	 "2: 'MaxLimit=0': must be above 0; allowed: " SIZES "\n"
	 "3: 'bar': no '=' after it; write Key=Value, without spaces in the value\n"
	 "5: 'CpuBudget=x': no percentage; allowed: 0.1% to 100% of one core\n"
	 "5: 'Bar': unknown key; allowed: " KEYS "\n"
	 "6: 'MaxLimit=y': not a size; allowed: " SIZES "\n"
	 "6: DefaultPolicy: 'z': unknown placement; allowed: off, host, prefer, bind, "
	 "interleave[:DEV/HOST], advise\n"},
};

static void test_bad(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct gpumem_conf *conf = NULL;
		struct gpumem_error err;
		char all[4096] = "", first[512];

		if (gpumem_conf_parse("f.conf", bad[i].in, strlen(bad[i].in), collect, all, &conf,
				      &err) != -EINVAL)
			fail_msg("'%s' is accepted", bad[i].in);
		if (strcmp(all, bad[i].problems) != 0)
			fail_msg("'%s' gives\n%snot\n%s", bad[i].in, all, bad[i].problems);
		snprintf(first, sizeof(err.text), "f.conf:%.*s", (int)strcspn(all, "\n"), all);
		/* "LINE: " is one shorter than ":LINE: " as printed above */
		assert_string_equal(err.text, first);
		assert_string_equal(err.where, "conf");
		assert_null(conf);
		assert_int_equal(gpumem_conf_parse("f", bad[i].in, strlen(bad[i].in), NULL, NULL,
						   &conf, NULL),
				 -EINVAL);
	}
}

static void test_bad_bytes(void **state)
{
	struct gpumem_conf *conf = NULL;
	char all[4096] = "", *text;

	(void)state;
	assert_int_equal(gpumem_conf_parse("f",
					   "MaxLimit=\0"
					   "64G\nx=1\n",
					   18, collect, all, &conf, NULL),
			 -EINVAL);
	assert_string_equal(all, "1: control character \\x00 at byte 10\n"
				 "2: 'x': unknown key; allowed: " KEYS "\n");
	text = malloc((1 << 20) + 1);
	assert_non_null(text);
	/* a line of 4095 bytes is read, one more is not */
	memset(text, '#', (1 << 20) + 1);
	assert_int_equal(gpumem_conf_parse("f", text, 4095, NULL, NULL, &conf, NULL), 0);
	conf = gpumem_conf_free(conf);
	all[0] = '\0';
	assert_int_equal(gpumem_conf_parse("f", text, 4096, collect, all, &conf, NULL), -EINVAL);
	assert_string_equal(all, "1: line longer than 4095 bytes\n");
	memset(text, '\n', (1 << 20) + 1);
	assert_int_equal(gpumem_conf_parse("f", text, 1 << 20, NULL, NULL, &conf, NULL), 0);
	conf = gpumem_conf_free(conf);
	all[0] = '\0';
	assert_int_equal(gpumem_conf_parse("f", text, (1 << 20) + 1, collect, all, &conf, NULL),
			 -EINVAL);
	assert_string_equal(all, "0: larger than 1M\n");
	free(text);
	assert_null(conf);
}

static struct gpumem_conf *parse(const char *text)
{
	struct gpumem_conf *conf = NULL;
	struct gpumem_error err;

	if (gpumem_conf_parse("f", text, strlen(text), NULL, NULL, &conf, &err) != 0)
		fail_msg("%s", err.text);
	return conf;
}

static void test_defaults(void **state)
{
	struct gpumem_conf *conf = parse("");
	struct gpumem_policy policy;
	char dir[64];

	(void)state;
	assert_string_equal(gpumem_conf_default_policy(conf, NULL), "");
	assert_int_equal(gpumem_conf_leftover(conf), GPUMEM_LEFTOVER_KILL);
	assert_int_equal(gpumem_conf_cpu_budget_permille(conf), 10);
	assert_int_equal(gpumem_conf_verify_seconds(conf), 10);
	assert_int_equal(gpumem_conf_max_limit(conf, NULL, 64 * G), 64 * G);
	assert_int_equal(gpumem_conf_state_dir(conf, "n1", dir, sizeof(dir)), 0);
	assert_string_equal(dir, "/run/gpumem");
	assert_int_equal(gpumem_policy_parse("bind,limit=16383P", &policy, NULL), 0);
	assert_int_equal(gpumem_conf_check(conf, NULL, &policy, NULL), 0);
	gpumem_conf_free(conf);
	assert_null(gpumem_conf_free(NULL));
}

static const char whole[] = "# site rules\r\n"
			    "DefaultPolicy = Prefer,limit=8G\t# caf\xc3\xa9\r\n"
			    "ALLOWEDPOLICIES=host,prefer,off\r\n"
			    "maxlimit=64G StateDir=/var/spool/%n/gpumem/%n///\n"
			    "\n"
			    "   OnLeftover=Drain   CpuBudget=2.5%   VerifySeconds=0\n"
			    "memcgcredit=YES HardLimit=No Accounting=/var/log/%n.jsonl AdminComment=yes\n"
			    "PartitionName=gpu,big MaxLimit=96G\n"
			    "PartitionName=gpu AllowedPolicies=bind,prefer\n"
			    "Account=phys DefaultPolicy=host MaxLimit=50%\n"
			    "User=eve DefaultPolicy=off\n"
			    "User=Bob MaxLimit=1.5G DefaultPolicy=prefer\n"
			    "NodeName=n[1-4,7],x[01-10]y Devices=0000:C6:00.0,0000:c1:00.0\n"
			    "NodeName=n1 Devices=0001:01:00.7\n"
			    "device=0009:01:00.0 KIND=Numa node=1\n"
			    "Device=0009:01:00.0 NodeName=n[1-4] Node=2 Kind=numa-shared "
			    "File=/dev/nvidia0\n"
			    "CleanPageCache=yes\n";

static const struct {
	struct gpumem_subject who;
	const char *policy;
	uint64_t max; /* of a device of 128G */
} subjects[] = {
	{{NULL, NULL, NULL}, "Prefer,limit=8G", 64 * G},
	{{"cpu", "chem", "alice"}, "Prefer,limit=8G", 64 * G},
	{{"big", "chem", "alice"}, "Prefer,limit=8G", 96 * G},
	{{"gp", "chem", "alice"}, "Prefer,limit=8G", 64 * G},
	{{"gpu2", "chem", "alice"}, "Prefer,limit=8G", 64 * G},
	{{"gpu", "phys", "alice"}, "host", 64 * G}, /* 50% of 128G */
	{{"gpu", "phys", "eve"}, "off", 64 * G},
	{{"gpu", "phys", "Bob"}, "prefer", 3 * G / 2},
	{{"gpu", NULL, "Bob"}, "prefer", 3 * G / 2},
	{{"gpu", NULL, "bob"}, "Prefer,limit=8G", 96 * G},
	{{NULL, NULL, "eve"}, "off", 64 * G},
};

static void test_precedence(void **state)
{
	struct gpumem_conf *conf = parse(whole);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		assert_string_equal(gpumem_conf_default_policy(conf, &subjects[i].who),
				    subjects[i].policy);
		if (gpumem_conf_max_limit(conf, &subjects[i].who, 128 * G) != subjects[i].max)
			fail_msg("subject %zu", i);
	}
	assert_true(gpumem_conf_max_limit(conf, NULL, 16 * G) == 16 * G);
	assert_int_equal(gpumem_conf_leftover(conf), GPUMEM_LEFTOVER_DRAIN);
	assert_int_equal(gpumem_conf_cpu_budget_permille(conf), 25);
	assert_int_equal(gpumem_conf_verify_seconds(conf), 0);
	gpumem_conf_free(conf);
}

static const struct {
	const char *partition, *user, *policy;
	int rc;
	const char *error;
} checks[] = {
	{"cpu", "alice", "prefer,limit=64G", 0, ""},
	{"cpu", "alice", "prefer", 0, ""},
	{"cpu", "alice", "prefer,limit=65G", -ERANGE,
	 "limit=65G is above the site's maximum of 64G"},
	{"cpu", "alice", "prefer,limit=100%", 0, ""}, /* unlike units: the node clamps */
	{"gpu", "alice", "prefer,limit=96G", 0, ""},
	{"gpu", "alice", "prefer,limit=98305M", -ERANGE,
	 "limit=98305M is above the site's maximum of 96G"},
	{"cpu", "alice", "bind", -EPERM,
	 "placement 'bind' is not allowed here; allowed: off, host, prefer"},
	{"gpu", "alice", "bind", 0, ""},
	{"gpu", "alice", "off", -EPERM,
	 "placement 'off' is not allowed here; allowed: prefer, bind"},
	{"gpu", "Bob", "bind,limit=2G", -ERANGE, "limit=2G is above the site's maximum of 1536M"},
	/* placement before limit */
	{"cpu", "alice", "bind,limit=65G", -EPERM,
	 "placement 'bind' is not allowed here; allowed: off, host, prefer"},
};

static void test_check(void **state)
{
	struct gpumem_conf *conf = parse(whole);
	struct gpumem_subject phys = {.account = "phys"};
	struct gpumem_policy policy;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		struct gpumem_subject who = {.partition = checks[i].partition,
					     .user = checks[i].user};
		struct gpumem_error err = {0};

		assert_int_equal(gpumem_policy_parse(checks[i].policy, &policy, NULL), 0);
		assert_int_equal(gpumem_conf_check(conf, &who, &policy, &err), checks[i].rc);
		assert_string_equal(err.text, checks[i].error);
	}
	assert_int_equal(gpumem_policy_parse("prefer,limit=51%", &policy, NULL), 0);
	assert_int_equal(gpumem_conf_check(conf, &phys, &policy, NULL), -ERANGE);
	assert_int_equal(gpumem_policy_parse("prefer,limit=500G", &policy, NULL), 0);
	assert_int_equal(gpumem_conf_check(conf, &phys, &policy, NULL), 0);
	gpumem_conf_free(conf);
}

static void test_state_dir(void **state)
{
	struct gpumem_conf *conf = parse(whole);
	char dir[64] = "as it was";

	(void)state;
	assert_int_equal(gpumem_conf_state_dir(conf, "n7", dir, sizeof(dir)), 0);
	assert_string_equal(dir, "/var/spool/n7/gpumem/n7");
	assert_int_equal(gpumem_conf_state_dir(conf, NULL, dir, sizeof(dir)), 0);
	assert_string_equal(dir, "/var/spool/%n/gpumem/%n");
	assert_int_equal(gpumem_conf_state_dir(conf, "n7", dir, 23), -ENOSPC);
	assert_int_equal(gpumem_conf_state_dir(conf, "n7", dir, 24), 0);
	assert_int_equal(gpumem_conf_state_dir(conf, "../etc", dir, sizeof(dir)), -EINVAL);
	assert_int_equal(gpumem_conf_state_dir(conf, "..", dir, sizeof(dir)), -EINVAL);
	assert_int_equal(gpumem_conf_state_dir(conf, "", dir, sizeof(dir)), -EINVAL);
	assert_string_equal(dir, "/var/spool/n7/gpumem/n7");
	gpumem_conf_free(conf);
}

static const struct {
	const char *pair, *error; /* NULL: taken */
} overrides[] = {
	{"OnLeftover=log", NULL},
	{"cpubudget=100%", NULL},
	{"StateDir=/tmp/x", NULL},
	{"VerifySeconds=600", NULL},
	{"MaxLimit=8G", NULL},
	{"DefaultPolicy=interleave:3/1", NULL},
	{"DefaultPolicy=host,limit=4G", NULL},
	{"OnLeftover", "'OnLeftover': not Key=Value"},
	{"OnLeftover=", "'OnLeftover=': not Key=Value"},
	{"OnLeftover=x", "'OnLeftover=x': unknown value; allowed: kill, log, drain"},
	{"Foo=x", "'Foo': no key of gpumem.conf that can be set here"},
	{"User=eve", "'User': no key of gpumem.conf that can be set here"},
	{"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=1",
	 "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...': no key of gpumem.conf that can be set "
	 "here"},
	{"DefaultPolicy=prefer,end=evict", "DefaultPolicy: 'end=evict' is not supported yet; "
					   "supported: end=drop"},
};

static void test_override(void **state)
{
	struct gpumem_conf *conf = parse("MaxLimit=64G OnLeftover=drain");
	char dir[32];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(overrides) / sizeof(overrides[0]); i++) {
		struct gpumem_error err = {0};
		int rc = gpumem_conf_override(conf, overrides[i].pair, &err);

		assert_int_equal(rc, overrides[i].error ? -EINVAL : 0);
		assert_string_equal(err.text, overrides[i].error ? overrides[i].error : "");
	}
	assert_int_equal(gpumem_conf_leftover(conf), GPUMEM_LEFTOVER_LOG);
	assert_int_equal(gpumem_conf_cpu_budget_permille(conf), 1000);
	assert_int_equal(gpumem_conf_verify_seconds(conf), 600);
	assert_int_equal(gpumem_conf_max_limit(conf, NULL, 64 * G), 8 * G);
	assert_string_equal(gpumem_conf_default_policy(conf, NULL), "host,limit=4G");
	assert_int_equal(gpumem_conf_state_dir(conf, "n1", dir, sizeof(dir)), 0);
	assert_string_equal(dir, "/tmp/x");
	gpumem_conf_free(conf);
}

static void test_accounting(void **state)
{
	struct gpumem_conf *conf = parse("StateDir=/run/x/%n");
	char path[64], small[8];

	(void)state;
	assert_false(gpumem_conf_memcg_credit(conf));
	assert_true(gpumem_conf_hard_limit(conf));
	assert_false(gpumem_conf_admin_comment(conf));
	assert_int_equal(gpumem_conf_accounting(conf, "n7", path, sizeof(path)), 0);
	assert_string_equal(path, "/run/x/n7/accounting.jsonl");
	assert_true(gpumem_conf_accounting_default(conf));
	assert_int_equal(gpumem_conf_accounting(conf, "a/b", path, sizeof(path)), -EINVAL);
	assert_int_equal(gpumem_conf_accounting(conf, "n7", small, sizeof(small)), -ENOSPC);
	assert_int_equal(gpumem_conf_override(conf, "Accounting=/run/x/%n/accounting.jsonl", NULL), 0);
	assert_true(gpumem_conf_accounting_default(conf));
	assert_int_equal(gpumem_conf_override(conf, "Accounting=no", NULL), 0);
	assert_int_equal(gpumem_conf_accounting(conf, "n7", path, sizeof(path)), 0);
	assert_string_equal(path, "");
	gpumem_conf_free(conf);
	conf = parse(whole);
	assert_true(gpumem_conf_memcg_credit(conf));
	assert_false(gpumem_conf_hard_limit(conf));
	assert_true(gpumem_conf_admin_comment(conf));
	assert_true(gpumem_conf_clean_page_cache(conf));
	assert_int_equal(gpumem_conf_accounting(conf, "n7", path, sizeof(path)), 0);
	assert_string_equal(path, "/var/log/n7.jsonl");
	assert_false(gpumem_conf_accounting_default(conf));
	gpumem_conf_free(conf);
}

static void test_print(void **state)
{
	static const char expected[] =
		"DefaultPolicy=Prefer,limit=8G\n"
		"AllowedPolicies=off,host,prefer\n"
		"MaxLimit=64G\n"
		"StateDir=/var/spool/%n/gpumem/%n\n"
		"OnLeftover=drain\n"
		"CpuBudget=2.5%\n"
		"VerifySeconds=0\n"
		"MemcgCredit=yes\nHardLimit=no\nAccounting=/var/log/%n.jsonl\nAdminComment=yes\n"
		"CleanPageCache=yes\n"
		"PartitionName=gpu AllowedPolicies=prefer,bind MaxLimit=96G\n"
		"PartitionName=big MaxLimit=96G\n"
		"Account=phys DefaultPolicy=host MaxLimit=50%\n"
		"User=eve DefaultPolicy=off\n"
		"User=Bob DefaultPolicy=prefer MaxLimit=1536M\n"
		"NodeName=n[1-4,7],x[01-10]y Devices=0000:c6:00.0,0000:c1:00.0\n"
		"NodeName=n1 Devices=0001:01:00.7\n"
		"Device=0009:01:00.0 Kind=numa Node=1\n"
		"Device=0009:01:00.0 Kind=numa-shared Node=2 File=/dev/nvidia0 NodeName=n[1-4]\n";
	const struct gpumem_subject who = {"gpu", "phys", "eve"};
	struct gpumem_conf *conf = parse(whole);
	char *text, *again;

	(void)state;
	assert_int_equal(gpumem_conf_print(conf, NULL, &text), 0);
	assert_string_equal(text, expected);
	gpumem_conf_free(conf);
	/* and it is read as the same settings */
	conf = parse(text);
	assert_int_equal(gpumem_conf_print(conf, NULL, &again), 0);
	assert_string_equal(again, text);
	free(text);
	free(again);
	assert_int_equal(gpumem_conf_print(conf, &who, &text), 0);
	assert_string_equal(text, "DefaultPolicy=off\nAllowedPolicies=prefer,bind\nMaxLimit=50%\n"
				  "StateDir=/var/spool/%n/gpumem/%n\nOnLeftover=drain\n"
				  "CpuBudget=2.5%\nVerifySeconds=0\nMemcgCredit=yes\n"
				  "HardLimit=no\nAccounting=/var/log/%n.jsonl\n"
				  "AdminComment=yes\nCleanPageCache=yes\n");
	free(text);
	gpumem_conf_free(conf);
}

static void test_read(void **state)
{
	char path[] = "/tmp/gpumem-test-conf-XXXXXX", all[256] = "";
	struct gpumem_conf *conf = NULL;
	struct gpumem_error err;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "OnLeftover=log\nx\n", 17), 17);
	assert_int_equal(gpumem_conf_read(path, collect, all, &conf, &err), -EINVAL);
	assert_string_equal(all, "2: 'x': no '=' after it; write Key=Value, without spaces in the "
				 "value\n");
	assert_int_equal(ftruncate(fd, 15), 0);
	assert_int_equal(gpumem_conf_read(path, NULL, NULL, &conf, &err), 0);
	assert_int_equal(gpumem_conf_leftover(conf), GPUMEM_LEFTOVER_LOG);
	conf = gpumem_conf_free(conf);
	close(fd);
	unlink(path);
	assert_int_equal(gpumem_conf_read(path, NULL, NULL, &conf, &err), -ENOENT);
	assert_non_null(strstr(err.text, ": No such file or directory"));
	assert_int_equal(gpumem_conf_read("/", NULL, NULL, &conf, &err), -EISDIR);
	assert_null(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),	 cmocka_unit_test(test_bad_bytes),
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_check),	 cmocka_unit_test(test_state_dir),
		cmocka_unit_test(test_override), cmocka_unit_test(test_print),
		cmocka_unit_test(test_read),	 cmocka_unit_test(test_accounting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
