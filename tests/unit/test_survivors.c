/* SPDX-License-Identifier: MIT */
/*
 * test_survivors: who of a job is found and ended at teardown, and who is not, whatever the ledger
 * says: it is the user's file.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "record.h"
#include "base/procfs.h"
#include "ledger/ledger.h"

#define SECONDS 1000000000ull
#define STRANGER 54321u

static pid_t sleeper(uid_t uid)
{
	int ready[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (uid != getuid() && setuid(uid) < 0)
			_exit(1);
		if (write(ready[1], "x", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Writes slot n as the owner itself would have, with a start time that is off by `off`. */
static void forge(const struct record *r, unsigned n, pid_t pid, uint64_t off)
{
	struct gm_ledger l;
	uint64_t start = 0;

	assert_int_equal(gm_ledger_map(r->dir, &l, NULL), 0);
	gm_proc_start_ticks(pid, &start);
	atomic_store(&l.file->slot[n].owner, gm_owner_word(pid, start + off));
	atomic_store(&l.file->slot[n].device[0].resident, 4096);
	atomic_store(&l.file->slot[n].device[1].resident, 8192);
	if (atomic_load(&l.file->head.slots_used) <= n)
		atomic_store(&l.file->head.slots_used, n + 1);
	gm_ledger_unmap(&l);
}

static size_t survivors(const struct record *r, struct gpumem_survivor **ret)
{
	struct gpumem_job *job;
	size_t count;

	assert_int_equal(gpumem_job_open(r->state, JOB, false, &job, NULL), 0);
	assert_int_equal(gpumem_job_survivors(job, ret, &count), 0);
	gpumem_job_close(job);
	return count;
}

static void test_ledger(void **state)
{
	struct record *r = *state;
	pid_t mine = sleeper(getuid()), reused = sleeper(getuid()), gone = sleeper(getuid());
	struct gpumem_survivor *s;
	char comm[16];

	assert_int_equal(survivors(r, &s), 0);
	free(s);
	forge(r, 0, mine, 0);
	forge(r, 1, mine, 0); /* named twice */
	forge(r, 2, reused, 1);
	forge(r, 3, gone, 0);
	end(gone);
	forge(r, 4, 0, 0);
	forge(r, 5, (1 << GM_OWNER_PID_BITS) - 1, 0);
	assert_int_equal(survivors(r, &s), 1);
	assert_int_equal(s[0].pid, mine);
	assert_int_equal(s[0].resident_bytes, 12288);
	gm_proc_comm(getpid(), comm);
	assert_string_equal(s[0].comm, comm);
	free(s);
	end(mine);
	end(reused);
}

/* The forger may name anybody; only his own processes are ended. */
static void test_others(void **state)
{
	struct record *r = *state;
	struct gpumem_survivor *s;
	pid_t other = getuid() ? 1 : sleeper(STRANGER);

	forge(r, 0, other, 0);
	assert_int_equal(survivors(r, &s), 0);
	free(s);
	if (other != 1)
		end(other);
}

static void test_kill(void **state)
{
	struct record *r = *state;
	pid_t mine = sleeper(getuid()), bystander = sleeper(getuid());
	struct gpumem_survivor *s, wrong;
	int status;

	forge(r, 0, mine, 0);
	assert_int_equal(survivors(r, &s), 1);
	wrong = s[0];
	wrong.pid = bystander;
	wrong.start_ticks += 1000000;
	assert_int_equal(gpumem_survivor_kill(&wrong, SECONDS), 0);
	assert_int_equal(gpumem_survivor_kill(&s[0], 60 * SECONDS), 0);
	assert_int_equal(gpumem_survivor_kill(&s[0], 60 * SECONDS), 0);
	assert_int_equal(waitpid(mine, &status, 0), mine);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(gpumem_survivor_kill(&s[0], SECONDS), 0);
	assert_int_equal(waitpid(bystander, &status, WNOHANG), 0);
	free(s);
	assert_int_equal(survivors(r, &s), 0);
	free(s);
	end(bystander);
}

static void put(const char *dir, const char *sub, const char *text)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, sub);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/%s/cgroup.procs", dir, sub);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* Slurm's tree of a job, with the daemon's own process in the folder `slurm`. */
static void test_cgroup(void **state)
{
	static const char *const folders[] = { "cg/step_0/user/task_1", "cg/step_0/user/task_0",
					       "cg/step_0/user", "cg/step_0/slurm", "cg/step_0",
					       "cg/step_extern", "cg" };
	pid_t task = sleeper(getuid()), extern_pid = sleeper(getuid()), stepd = sleeper(getuid());
	struct record *r = *state;
	struct gpumem_survivor *s;
	char cgroup[128], text[64];

	snprintf(cgroup, sizeof(cgroup), "%s/cg", r->state);
	r->spec.cgroup = cgroup;
	assert_int_equal(gpumem_job_create(&r->spec, NULL), 0);
	assert_int_equal(survivors(r, &s), 0); /* the folder is gone already */
	free(s);
	for (int i = 6; i >= 0; i--)
		put(r->state, folders[i], "");
	snprintf(text, sizeof(text), "%d\n%d\n", (int)task, (int)task);
	put(r->state, "cg/step_0/user/task_0", text);
	snprintf(text, sizeof(text), "%d\n", (int)stepd);
	put(r->state, "cg/step_0/slurm", text);
	snprintf(text, sizeof(text), "%d\n1\n0\n4194303\n", (int)extern_pid);
	put(r->state, "cg/step_extern", text);
	assert_int_equal(survivors(r, &s), getuid() ? 2 : 3); /* root's job, root's init */
	for (size_t i = 0; i < 2; i++) {
		assert_int_not_equal(s[i].pid, stepd);
		assert_int_equal(s[i].resident_bytes, 0);
	}
	free(s);
	/* Named by both: once, with what the ledger knows. */
	forge(r, 0, task, 0);
	assert_int_equal(survivors(r, &s), getuid() ? 2 : 3);
	assert_int_equal(s[0].pid, task);
	assert_int_equal(s[0].resident_bytes, 12288);
	free(s);
	for (size_t i = 0; i < 7; i++) {
		char path[300];

		snprintf(path, sizeof(path), "%s/%s/cgroup.procs", r->state, folders[i]);
		unlink(path);
		*strrchr(path, '/') = '\0';
		rmdir(path);
	}
	end(task);
	end(extern_pid);
	end(stepd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_record(test_ledger),
		with_record(test_others),
		with_record(test_kill),
		with_spec(test_cgroup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
