/* SPDX-License-Identifier: MIT */
/*
 * test_record: a job's record from outside: made whole or not at all, read, asked, removed; and what
 * a user may have done to his part of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "record.h"
#include "base/procfs.h"
#include "ledger/layout.h"

static void expect_mode(const char *path, mode_t mode)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	if ((st.st_mode & 07777) != mode)
		fail_msg("%s: expected mode %o, got %o", path, mode, st.st_mode & 07777);
	assert_int_equal(st.st_uid, geteuid());
}

static void test_create(void **state)
{
	struct record *r = *state;
	struct gpumem_job_device d;
	struct gpumem_job *job;
	uint32_t *ids;
	size_t count;
	mode_t old = umask(077);

	assert_int_equal(gpumem_job_create(&r->spec, NULL), 0);
	umask(old);
	expect_mode(r->dir, 0755);
	expect_mode(r->limits, 0644);
	expect_mode(r->ledger, 0600);
	assert_int_equal(gpumem_job_create(&r->spec, NULL), -EEXIST);
	assert_int_equal(gpumem_job_list(r->state, &ids, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(ids[0], JOB);
	free(ids);
	assert_int_equal(gpumem_job_open(r->state, JOB, false, &job, NULL), 0);
	assert_int_equal(gpumem_job_id(job), JOB);
	assert_int_equal(gpumem_job_uid(job), getuid());
	assert_string_equal(gpumem_job_node(job), "n1");
	assert_string_equal(gpumem_job_policy(job), "prefer,limit=64M");
	assert_int_equal(gpumem_job_device_count(job), 2);
	assert_int_equal(gpumem_job_device(job, 1, &d), 0);
	assert_string_equal(d.pci, "0000:c1:00.0");
	assert_int_equal(d.limit_bytes, LIMIT);
	assert_int_equal(d.max_bytes, MAX);
	assert_int_equal(d.baseline_bytes, 5);
	assert_int_equal(d.resident_bytes, 0);
	assert_int_equal(gpumem_job_device(job, 2, &d), -ERANGE);
	gpumem_job_close(job);
	assert_int_equal(gpumem_job_remove(r->state, JOB, NULL), 0);
	assert_int_equal(gpumem_job_remove(r->state, JOB, NULL), 0);
	assert_int_equal(access(r->dir, F_OK), -1);
	assert_int_equal(gpumem_job_open(r->state, JOB, false, &job, NULL), -ENOENT);
	assert_int_equal(gpumem_job_list(r->state, &ids, &count), 0);
	assert_int_equal(count, 0);
	free(ids);
}

static void test_create_refused(void **state)
{
	struct record *r = *state;
	struct gpumem_error err;

	r->spec.device_count = 0;
	assert_int_equal(gpumem_job_create(&r->spec, &err), -EINVAL);
	r->spec.device_count = GPUMEM_MAX_DEVICES + 1;
	assert_int_equal(gpumem_job_create(&r->spec, &err), -EINVAL);
	r->spec.device_count = 1;
	r->spec.state_dir = "relative";
	assert_int_equal(gpumem_job_create(&r->spec, &err), -EINVAL);
	r->spec.state_dir = "/proc/nothing/here";
	assert_true(gpumem_job_create(&r->spec, &err) < 0);
	r->spec.state_dir = r->state;
	chmod(r->state, 0777);
	assert_int_equal(gpumem_job_create(&r->spec, &err), -EPERM);
	chmod(r->state, 0775);
	assert_int_equal(gpumem_job_create(&r->spec, &err), -EPERM);
	assert_non_null(strstr(err.text, "root alone"));
	assert_int_equal(access(r->dir, F_OK), -1);
}

/* A state directory that is a link would be another one the next moment. */
static void test_state_link(void **state)
{
	struct record *r = *state;
	char link[80];

	snprintf(link, sizeof(link), "%s-link", r->state);
	assert_int_equal(symlink(r->state, link), 0);
	r->spec.state_dir = link;
	assert_int_equal(gpumem_job_create(&r->spec, NULL), -EPERM);
	unlink(link);
}

/* The folders it makes are for everybody to enter, whatever umask the job's user chose. */
static void test_umask(void **state)
{
	struct record *r = *state;
	char dir[80], sub[96];
	mode_t old;

	snprintf(dir, sizeof(dir), "%s/a", r->state);
	snprintf(sub, sizeof(sub), "%s/b", dir);
	old = umask(077);
	assert_int_equal(gpumem_state_make(sub, NULL), 0);
	umask(old);
	expect_mode(dir, 0755);
	expect_mode(sub, 0755);
	assert_int_equal(gpumem_state_make(sub, NULL), 0);
	rmdir(sub);
	rmdir(dir);
}

static void test_set_limit(void **state)
{
	struct record *r = *state;
	struct gpumem_job_device d;
	struct gpumem_error err;
	struct gpumem_job *job;

	assert_int_equal(gpumem_job_open(r->state, JOB, false, &job, NULL), 0);
	assert_int_equal(gpumem_job_set_limit(job, 0, 1, &err), -EROFS);
	assert_int_equal(gpumem_job_request(job, 0, 0, GPUMEM_REQUEST_EVICT, &err), -EROFS);
	gpumem_job_close(job);
	assert_int_equal(gpumem_job_open(r->state, JOB, true, &job, NULL), 0);
	assert_int_equal(gpumem_job_set_limit(job, 0, 97ull << 20, &err), -ERANGE);
	assert_string_equal(err.text, "limit=97M is above the site's maximum of 96M on 0000:c0:00.0");
	assert_int_equal(gpumem_job_set_limit(job, 2, 1, &err), -ERANGE);
	assert_string_equal(err.text, "job 7 has 2 devices");
	assert_int_equal(gpumem_job_set_limit(job, 1, MAX, &err), 0);
	assert_int_equal(gpumem_job_device(job, 1, &d), 0);
	assert_int_equal(d.limit_bytes, MAX);
	assert_int_equal(gpumem_job_device(job, 0, &d), 0);
	assert_int_equal(d.limit_bytes, LIMIT);
	assert_int_equal(gpumem_job_request(job, 0, 0, GPUMEM_REQUEST_EVICT, &err), 0);
	assert_int_equal(gpumem_job_device(job, 0, &d), 0);
	assert_int_equal(d.request, GPUMEM_REQUEST_EVICT);
	assert_int_equal(gpumem_job_request(job, 1, 0, GPUMEM_REQUEST_EVICT, &err), -ESRCH);
	gpumem_job_close(job);
}

/* A limit that a user wrote into his ledger himself counts up to the site's maximum. */
static void test_forged_limit(void **state)
{
	struct record *r = *state;
	const uint64_t much = UINT64_MAX;
	struct gpumem_job_device d;
	struct gpumem_job *job;
	int fd = open(r->ledger, O_WRONLY);

	assert_int_equal(pwrite(fd, &much, sizeof(much), offsetof(struct gm_head, device)),
			 sizeof(much));
	close(fd);
	assert_int_equal(gpumem_job_open(r->state, JOB, false, &job, NULL), 0);
	assert_int_equal(gpumem_job_device(job, 0, &d), 0);
	assert_int_equal(d.limit_bytes, MAX);
	gpumem_job_close(job);
}

static int all_readers(struct gpumem_job *job)
{
	struct gpumem_job_process *p;
	struct gpumem_survivor *s;
	struct gpumem_job_device d;
	struct gpumem_error err;
	size_t count;

	if (gpumem_job_device(job, 0, &d) != -EIO || gpumem_job_processes(job, &p, &count) != -EIO)
		return 1;
	if (gpumem_job_survivors(job, &s, &count) != 0 || count != 0)
		return 2;
	if (gpumem_job_set_limit(job, 0, 1, &err) != -EPROTO ||
	    gpumem_job_request(job, 0, 0, GPUMEM_REQUEST_EVICT, &err) != -EPROTO)
		return 3;
	return 0;
}

/* In a child, where a SIGBUS would be seen. */
static void expect_readers_fail(struct gpumem_job *job)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(all_readers(job));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_cut(void **state)
{
	struct record *r = *state;
	struct gpumem_job *job;

	assert_int_equal(gpumem_job_open(r->state, JOB, true, &job, NULL), 0);
	assert_int_equal(truncate(r->ledger, 100), 0);
	expect_readers_fail(job);
	assert_int_equal(truncate(r->ledger, 0), 0);
	expect_readers_fail(job);
	gpumem_job_close(job);
}

/* Cut in the middle of a request: the tool may be root's and must not die of it. */
static void test_cut_meanwhile(void **state)
{
	struct record *r = *state;
	struct gpumem_job *job;
	pid_t asker, cutter;
	int status;

	assert_int_equal(gpumem_job_open(r->state, JOB, true, &job, NULL), 0);
	cutter = fork();
	if (cutter == 0)
		for (;;) {
			if (truncate(r->ledger, 0) < 0 ||
			    truncate(r->ledger, sizeof(struct gm_ledger_file)) < 0)
				_exit(1);
		}
	asker = fork();
	if (asker == 0) {
		for (int i = 0; i < 20000; i++)
			gpumem_job_set_limit(job, 0, LIMIT, NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(asker, &status, 0), asker);
	kill(cutter, SIGKILL);
	waitpid(cutter, NULL, 0);
	assert_int_equal(status, 0);
	gpumem_job_close(job);
}

static void test_damaged(void **state)
{
	static const struct {
		const char *what;
		size_t at;
		uint64_t value;
		size_t len;
	} cases[] = {
		{ "magic", offsetof(struct gm_limits, magic), 1, 8 },
		{ "version", offsetof(struct gm_limits, version), GM_LAYOUT_VERSION + 1, 4 },
		{ "size", offsetof(struct gm_limits, size), 4, 4 },
		{ "device count", offsetof(struct gm_limits, device_count), 17, 4 },
		{ "device count", offsetof(struct gm_limits, device_count), UINT32_MAX, 4 },
	};
	struct record *r = *state;
	struct gm_limits good, bad;
	int fd = open(r->limits, O_RDWR);
	struct gpumem_error err;
	struct gpumem_job *job;

	assert_int_equal(pread(fd, &good, sizeof(good), 0), sizeof(good));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bad = good;
		memcpy((char *)&bad + cases[i].at, &cases[i].value, cases[i].len);
		assert_int_equal(pwrite(fd, &bad, sizeof(bad), 0), sizeof(bad));
		if (gpumem_job_open(r->state, JOB, false, &job, &err) != -EPROTO)
			fail_msg("%s: expected EPROTO", cases[i].what);
	}
	bad = good;
	bad.version = GM_LAYOUT_VERSION + 1;
	assert_int_equal(pwrite(fd, &bad, sizeof(bad), 0), sizeof(bad));
	assert_int_equal(gpumem_job_open(r->state, JOB, false, &job, &err), -EPROTO);
	assert_string_equal(err.text, "the job's record has layout 3, this library knows 2");
	bad = good;
	memset(bad.policy, 'x', sizeof(bad.policy));
	assert_int_equal(pwrite(fd, &bad, sizeof(bad), 0), sizeof(bad));
	assert_int_equal(gpumem_job_open(r->state, JOB, false, &job, &err), -EPROTO);
	bad = good;
	memset(bad.device[1].pci, 'x', sizeof(bad.device[1].pci));
	assert_int_equal(pwrite(fd, &bad, sizeof(bad), 0), sizeof(bad));
	assert_int_equal(gpumem_job_open(r->state, JOB, false, &job, &err), -EPROTO);
	assert_int_equal(ftruncate(fd, sizeof(good) - 1), 0);
	assert_int_equal(gpumem_job_open(r->state, JOB, false, &job, &err), -EPROTO);
	close(fd);
}

static void test_not_a_file(void **state)
{
	struct record *r = *state;
	struct gpumem_job *job;
	char real[200];

	snprintf(real, sizeof(real), "%s.real", r->ledger);
	assert_int_equal(rename(r->ledger, real), 0);
	assert_int_equal(gpumem_job_open(r->state, JOB, false, &job, NULL), -ENOENT);
	assert_int_equal(symlink(real, r->ledger), 0);
	assert_int_equal(gpumem_job_open(r->state, JOB, true, &job, NULL), -ELOOP);
	assert_int_equal(unlink(r->ledger), 0);
	/* Nobody is at its other end: an open that waits would wait for ever. */
	assert_int_equal(mkfifo(r->ledger, 0600), 0);
	assert_int_equal(gpumem_job_open(r->state, JOB, false, &job, NULL), -EPROTO);
	assert_int_equal(unlink(r->ledger), 0);
	assert_int_equal(rename(real, r->ledger), 0);
}

static void test_list(void **state)
{
	static const char *const others[] = { "devices", ".job-7.1", "job-", "job-x", "job-7x", "7" };
	struct record *r = *state;
	char path[128];
	uint32_t *ids;
	size_t count;

	for (unsigned i = 0; i < 6; i++) {
		snprintf(path, sizeof(path), "%s/%s", r->state, others[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	r->spec.job_id = UINT32_MAX;
	assert_int_equal(gpumem_job_create(&r->spec, NULL), 0);
	r->spec.job_id = 0;
	assert_int_equal(gpumem_job_create(&r->spec, NULL), 0);
	assert_int_equal(gpumem_job_list(r->state, &ids, &count), 0);
	assert_int_equal(count, 3);
	assert_int_equal(ids[0], 0);
	assert_int_equal(ids[1], JOB);
	assert_int_equal(ids[2], UINT32_MAX);
	free(ids);
	assert_int_equal(gpumem_job_remove(r->state, 0, NULL), 0);
	assert_int_equal(gpumem_job_remove(r->state, UINT32_MAX, NULL), 0);
	for (unsigned i = 0; i < 6; i++) {
		snprintf(path, sizeof(path), "%s/%s", r->state, others[i]);
		rmdir(path);
	}
	assert_int_equal(gpumem_job_list("/nonexistent", &ids, &count), 0);
	assert_int_equal(count, 0);
	free(ids);
}

/* What a creator that was killed half-way left goes with the record. */
static void test_remove_half_made(void **state)
{
	struct record *r = *state;
	char path[128], other[128];

	snprintf(path, sizeof(path), "%s/.job-%u.4711", r->state, JOB);
	snprintf(other, sizeof(other), "%s/.job-%u1.4711", r->state, JOB);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(mkdir(other, 0755), 0);
	assert_int_equal(gpumem_job_remove(r->state, JOB, NULL), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(access(other, F_OK), 0);
	rmdir(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_spec(test_create),	     with_spec(test_create_refused),
		with_spec(test_state_link),  with_spec(test_umask),
		with_record(test_set_limit), with_record(test_forged_limit),
		with_record(test_cut),	     with_record(test_cut_meanwhile),
		with_record(test_damaged),   with_record(test_not_a_file),
		with_record(test_list),	     with_record(test_remove_half_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
