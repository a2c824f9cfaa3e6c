/* SPDX-License-Identifier: MIT */
/*
 * test_account: a job's account out of its record, as JSON and back, as text, and in its file.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ledger/layout.h"
#include "record.h"

static const char whole_line[] =
	"{\"node\":\"n1\",\"job\":42,\"uid\":1000,\"begin\":1700000000,\"end\":1700000100,"
	"\"policy\":\"prefer,limit=64M\",\"seconds\":12.345,\"processes\":2,\"turned_away\":1,"
	"\"devices\":[{\"pci\":\"0000:c1:00.0\",\"limit\":67108864,\"wall\":0,\"peak\":67108864,"
	"\"mean\":53687091,\"migrated\":134217728,\"evicted\":4096,\"refaulted\":1023,"
	"\"over_limit_s\":0.050}],\"failed\":{\"busy\":3,\"partial\":0,\"no-memory\":0,\"retry\":0,"
	"\"mapping\":0,\"device\":0,\"taken-back\":1},\"leftover\":1099511627775,\"leftover_processes\":1}";

static const char brief_line[] =
	"{\"gpumem\":{\"node\":\"n1\",\"policy\":\"prefer,limit=64M\",\"seconds\":12.345,\"processes\":2,"
	"\"turned_away\":1,\"devices\":[{\"pci\":\"0000:c1:00.0\",\"limit\":67108864,\"peak\":67108864,"
	"\"mean\":53687091,\"migrated\":134217728,\"evicted\":4096,\"refaulted\":1023,"
	"\"over_limit_s\":0.050}],\"failed\":{\"busy\":3,\"taken-back\":1},\"leftover\":1099511627775,"
	"\"leftover_processes\":1}}";

static const char text[] =
	"n1: job 42, prefer,limit=64M: 2 processes in 12.3 s, 1 more found no room in the record\n"
	"n1: 0000:c1:00.0  limit 64.0M  peak 64.0M  mean 51.2M  migrated 128.0M  evicted 4.0K"
	"  refaulted 1023B  over limit 0.0 s\n"
	"n1: moves that failed: busy 3, taken-back 1\n"
	"n1: left behind: 1 process, 1.0T on devices\n";

static struct gpumem_account example(void)
{
	struct gpumem_account a;

	assert_int_equal(gpumem_account_parse(whole_line, &a), 0);
	return a;
}

static void same(int rc, char *got, const char *expected)
{
	assert_int_equal(rc, 0);
	assert_string_equal(got, expected);
	free(got);
}

static void test_print(void **state)
{
	struct gpumem_account a = example();
	char *got = NULL;
	int rc;

	(void)state;
	assert_int_equal(a.failed[GPUMEM_FAIL_TAKEN_BACK], 1);
	assert_int_equal(a.device[0].over_limit_ns, 50000000);
	assert_int_equal(a.watched_ns, 12345000000);
	rc = gpumem_account_json(&a, false, &got);
	same(rc, got, whole_line);
	rc = gpumem_account_json(&a, true, &got);
	same(rc, got, brief_line);
	rc = gpumem_account_text(&a, false, &got);
	same(rc, got, text);
	rc = gpumem_account_text(&a, true, &got);
	assert_int_equal(rc, 0);
	assert_non_null(strstr(got, "  limit 67108864  peak 67108864  mean 53687091  "));
	free(got);
	/* What would break the line, or act on a terminal. */
	snprintf(a.policy, sizeof(a.policy), "a\"b\\c\nd\033");
	rc = gpumem_account_json(&a, false, &got);
	assert_int_equal(rc, 0);
	assert_non_null(strstr(got, "\"policy\":\"a\\\"b\\\\c\\u000ad\\u001b\""));
	assert_int_equal(gpumem_account_parse(got, &a), 0);
	assert_string_equal(a.policy, "a\"b\\c?d?");
	free(got);
}

static void test_sizes(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "limit 0B " },		{ 1023, "limit 1023B " },
		{ 1024, "limit 1.0K " },	{ 1048523, "limit 1023.9K " },
		{ 1048575, "limit 1.0M " },	{ 1536ull << 20, "limit 1.5G " },
		{ UINT64_MAX, "limit 16.0E " },
	};
	struct gpumem_account a = example();
	char *got;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		a.device[0].limit_bytes = cases[i].bytes;
		assert_int_equal(gpumem_account_text(&a, false, &got), 0);
		if (!strstr(got, cases[i].text))
			fail_msg("%s is not in %s", cases[i].text, got);
		free(got);
	}
}

static void test_parse(void **state)
{
	static const char *const good[] = {
		"{\"job\":1}",
		" { \"job\" : 1 , \"new\" : [ 1, {\"a\": [true, null, -1.5e9]}, \"x\" ] }\n",
		"{\"devices\":[],\"job\":4294967295,\"failed\":{\"other\":1}}",
		"{\"job\":1,\"devices\":[{},{\"pci\":\"0000:c1:00.0\",\"colour\":\"red\"}]}",
	};
	static const char *const bad[] = {
		"", "x", "{", "{}", "[]", "{\"job\":}", "{\"job\":1", "{\"job\":1}x", "{\"job\":-1}",
		"{\"job\":4294967296}", "{\"job\":99999999999999999999}", "{\"job\":\"1\"}",
		"{\"job\":1,}", "{\"job\":1,\"devices\":{}}", "{\"job\":1,\"devices\":[1]}",
		"{\"job\":1,\"devices\":[{}", "{\"job\":1,\"failed\":[]}", "{\"job\":1,\"node\":\"x}",
		"{\"job\":1,\"node\":\"\\q\"}", "{\"job\":1,\"node\":\"\\u12\"}", "{\"job\":1,\"node\":\"\\",
		"{\"job\":1,\"a\":[[[[[[[[[[1]]]]]]]]]]}", "{\"job\":1,\"devices\":[{\"pci\":\"0123456789abcdef\"}]}",
		"{\"job\":1,\"seconds\":99999999999999}",
	};
	struct gpumem_account a = { .job_id = 5 };
	char many[256] = "{\"job\":1,\"devices\":[{}";

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (gpumem_account_parse(good[i], &a) != 0)
			fail_msg("refused: %s", good[i]);
	a.job_id = 5;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (gpumem_account_parse(bad[i], &a) != -EINVAL || a.job_id != 5)
			fail_msg("taken: %s", bad[i]);
	for (int i = 0; i < GPUMEM_MAX_DEVICES; i++)
		strcat(many, ",{}");
	strcat(many, "]}");
	assert_int_equal(gpumem_account_parse(many, &a), -EINVAL);
	/* Cut anywhere, it is refused and nothing is read behind its end. */
	for (size_t n = 0; n < sizeof(whole_line) - 1; n++) {
		char *part = strndup(whole_line, n);

		assert_int_equal(gpumem_account_parse(part, &a), -EINVAL);
		free(part);
	}
}

static void put(int fd, size_t offset, uint64_t value)
{
	assert_int_equal(pwrite(fd, &value, sizeof(value), (off_t)offset), sizeof(value));
}

static void test_of_record(void **state)
{
	const struct record *r = *state;
	struct gpumem_account a;
	struct gpumem_job *job;
	const uint8_t one = 0;
	int fd = open(r->ledger, O_RDWR);

#define HEAD(i, member)                                                                          \
	(offsetof(struct gm_head, device) + (i) * sizeof(struct gm_head_device) +                \
	 offsetof(struct gm_head_device, member))
	put(fd, HEAD(1, peak), 8192);
	put(fd, HEAD(1, moved_in), 16384);
	put(fd, offsetof(struct gm_head, failed), 7);
	close(fd);
	/* Used, though not given, then both. */
	assert_int_equal(gpumem_job_open(r->state, JOB, false, &job, NULL), 0);
	assert_int_equal(gpumem_account_of(job, &a), 0);
	gpumem_job_close(job);
	assert_int_equal(a.device_count, 1);
	assert_string_equal(a.device[0].pci, "0000:c1:00.0");
	assert_int_equal(gpumem_job_give(r->state, JOB, &one, 1, NULL), 0);
	assert_int_equal(gpumem_job_open(r->state, JOB, false, &job, NULL), 0);
	assert_int_equal(gpumem_account_of(job, &a), 0);
	gpumem_job_close(job);
	assert_int_equal(a.job_id, JOB);
	assert_int_equal(a.uid, getuid());
	assert_string_equal(a.node, "n1");
	assert_string_equal(a.policy, "prefer,limit=64M");
	assert_int_equal(a.end, 0);
	assert_int_equal(a.device_count, 2);
	assert_int_equal(a.device[0].limit_bytes, LIMIT);
	assert_int_equal(a.device[1].peak_bytes, 8192);
	assert_int_equal(a.device[1].migrated_bytes, 16384);
	assert_int_equal(a.failed[0], 7);
	/* The user cut his ledger short. */
	assert_int_equal(truncate(r->ledger, 100), 0);
	assert_int_equal(gpumem_job_open(r->state, JOB, false, &job, NULL), 0);
	assert_int_equal(gpumem_account_of(job, &a), -EIO);
	gpumem_job_close(job);
}

static size_t lines_of(const char *path)
{
	struct gpumem_account a;
	FILE *f = fopen(path, "r");
	char line[2048];
	size_t n = 0;

	while (f && fgets(line, sizeof(line), f)) {
		assert_int_equal(gpumem_account_parse(line, &a), 0);
		assert_int_equal(a.job_id, 42);
		n++;
	}
	if (f)
		fclose(f);
	return n;
}

static void test_append(void **state)
{
	const struct record *r = *state;
	struct gpumem_account a = example();
	struct gpumem_error err;
	char path[96], old[96];
	struct stat st;
	mode_t mask = umask(0);

	snprintf(path, sizeof(path), "%s/file", r->state);
	snprintf(old, sizeof(old), "%s/file.1", r->state);
	/* Ends of jobs at once: every line whole. */
	for (int i = 0; i < 8; i++)
		if (fork() == 0) {
			for (int k = 0; k < 20; k++)
				if (gpumem_account_append(path, &a, 0, NULL) < 0)
					_exit(1);
			_exit(0);
		}
	for (int i = 0, status; i < 8; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(lines_of(path), 160);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	/* Too large: out of the way, by one of those who come at once. */
	for (int i = 0; i < 4; i++)
		if (fork() == 0)
			_exit(gpumem_account_append(path, &a, 10000, NULL) == 0 ? 0 : 1);
	for (int i = 0, status; i < 4; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(lines_of(old), 160);
	assert_int_equal(lines_of(path), 4);
	unlink(path);
	unlink(old);
	assert_int_equal(gpumem_account_append("/nowhere/at/all", &a, 0, &err), -ENOENT);
	assert_string_equal(err.text, "/nowhere/at/all: No such file or directory");
	assert_int_equal(gpumem_account_append(r->state, &a, 0, &err), -EISDIR);
	assert_int_equal(gpumem_account_append("/dev/null", &a, 0, &err), -EPERM);
	umask(mask);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_print), cmocka_unit_test(test_sizes), cmocka_unit_test(test_parse),
		with_record(test_of_record),  with_spec(test_append),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
