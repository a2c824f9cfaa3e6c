/* SPDX-License-Identifier: MIT */
/*
 * test_ledger: a process's side of the record: slots, charges and the doorbell, with real processes.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "record.h"
#include "base/procfs.h"
#include "ledger/ledger.h"

/* As much as the limits leave, those of the step's plan among them. */
static uint64_t charge(struct gm_ledger *l, size_t i, uint64_t want)
{
	return gm_ledger_charge(l, i, want, UINT64_MAX,
				atomic_load(&l->slot->device[i].step_limit));
}

static struct gm_ledger map(const struct record *r)
{
	struct gpumem_error err = { 0 };
	struct gm_ledger l;

	if (gm_ledger_map(r->dir, &l, &err) < 0)
		fail_msg("%s", err.text);
	return l;
}

static void claim_self(struct gm_ledger *l)
{
	uint64_t start;
	pid_t pid;

	assert_int_equal(gm_proc_self(&pid, &start), 0);
	assert_int_equal(pid, getpid());
	assert_int_equal(gm_ledger_claim(l, pid, start), 0);
}

/* Runs fn in a child that claims a slot, and leaves it dead there. */
static pid_t dead_owner(const struct record *r, uint64_t charged)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct gm_ledger l = map(r);

		claim_self(&l);
		atomic_store(&l.slot->device[0].charged, charged);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return pid;
}

static void test_claim_again(void **state)
{
	struct gm_ledger l = map(*state);
	struct gm_slot *first;

	claim_self(&l);
	first = l.slot;
	atomic_store(&first->device[0].charged, 4096);
	atomic_store(&first->failed[GPUMEM_FAIL_BUSY], 3);
	assert_int_equal(gm_ledger_charged(&l, 0), 4096);
	/* After an exec: same pid and start time, another memory. */
	claim_self(&l);
	assert_ptr_equal(l.slot, first);
	assert_int_equal(gm_ledger_charged(&l, 0), 0);
	assert_int_equal(atomic_load(&first->failed[GPUMEM_FAIL_BUSY]), 0);
	assert_true(atomic_load(&first->device[1].step_limit) == UINT64_MAX);
	assert_int_equal(atomic_load(&l.file->head.slots_used), 1);
	gm_ledger_unmap(&l);
}

static void test_dead_owner(void **state)
{
	struct gm_ledger l = map(*state);

	dead_owner(*state, 4096);
	claim_self(&l);
	/* Until somebody looks, the dead count: never too much room. */
	assert_int_equal(gm_ledger_charged(&l, 0), 4096);
	assert_int_equal(gm_ledger_reap(&l), 1);
	assert_int_equal(gm_ledger_reap(&l), 0);
	assert_int_equal(gm_ledger_charged(&l, 0), 0);
	/* The next takes the slot of the dead, though others were never taken. */
	dead_owner(*state, 0);
	assert_int_equal(atomic_load(&l.file->head.slots_used), 2);
	gm_ledger_unmap(&l);
}

/* What a parent shared with its child is charged to somebody at every moment. */
static void test_inherit(void **state)
{
	struct gm_ledger l = map(*state);
	struct gm_slot *parent = &l.file->slot[0];
	uint64_t word;

	dead_owner(*state, 12288);
	word = atomic_load(&parent->owner);
	claim_self(&l);
	assert_false(gm_ledger_inherits(&l));
	atomic_store(&l.slot->parent, word);
	assert_true(gm_ledger_inherits(&l));
	/* Nobody knows yet what is whose. */
	assert_int_equal(gm_ledger_reap(&l), 0);
	assert_int_equal(gm_ledger_charged(&l, 0), 12288);
	atomic_store(&l.slot->device[0].charged, 8192);
	gm_ledger_inherit(&l, 0, 8192);
	assert_int_equal(gm_ledger_charged(&l, 0), 12288);
	gm_ledger_inherited(&l);
	assert_int_equal(gm_ledger_charged(&l, 0), 8192);
	assert_true(atomic_load(&parent->owner) & GM_OWNER_DEAD);
	assert_false(gm_ledger_inherits(&l));
	gm_ledger_unmap(&l);
}

/* Two children share with one parent: the second to look ends it. A child that has ended is not waited for. */
static void test_heirs(void **state)
{
	struct gm_ledger l = map(*state);
	struct gm_slot *parent = &l.file->slot[0], *other;
	uint64_t word, start;

	dead_owner(*state, 4096);
	word = atomic_load(&parent->owner);
	claim_self(&l);
	atomic_store(&l.slot->parent, word);
	other = &l.file->slot[2];
	assert_int_equal(gm_proc_start_ticks(getppid(), &start), 0);
	atomic_store(&other->proc_view, gm_proc_view());
	atomic_store(&other->parent, word);
	atomic_store(&other->owner, gm_owner_word(getppid(), start));
	atomic_store(&l.file->head.slots_used, 3);
	gm_ledger_inherited(&l);
	assert_int_equal(gm_ledger_reap(&l), 0);
	assert_int_equal(gm_ledger_charged(&l, 0), 4096);
	/* In another pid namespace it would have counted by itself, and nobody could tell when it ends. */
	atomic_store(&other->proc_view, gm_proc_view() + 1);
	assert_int_equal(gm_ledger_reap(&l), 1);
	assert_int_equal(gm_ledger_charged(&l, 0), 0);
	atomic_store(&other->proc_view, gm_proc_view());
	atomic_store(&parent->owner, word);
	assert_int_equal(gm_ledger_reap(&l), 0);
	/* The other one ends without having looked. */
	atomic_store(&other->owner, gm_owner_word(getppid(), start + 1));
	assert_int_equal(gm_ledger_reap(&l), 2);
	assert_int_equal(gm_ledger_charged(&l, 0), 0);
	gm_ledger_unmap(&l);
}

static void test_full(void **state)
{
	struct gm_ledger l = map(*state);
	uint64_t start;
	pid_t pid;

	/* Every slot but two is a living process's: this one's parent will do. */
	assert_int_equal(gm_proc_start_ticks(getppid(), &start), 0);
	for (unsigned n = 0; n < GM_SLOTS - 2; n++) {
		atomic_store(&l.file->slot[n].owner, gm_owner_word(getppid(), start));
		atomic_store(&l.file->slot[n].proc_view, gm_proc_view());
	}
	atomic_store(&l.file->head.slots_used, GM_SLOTS - 2);
	dead_owner(*state, 0);
	dead_owner(*state, 0);
	claim_self(&l);
	assert_true(l.slot >= &l.file->slot[GM_SLOTS - 2]);
	l.slot = NULL;
	pid = fork();
	if (pid == 0) {
		claim_self(&l);
		if (gm_ledger_claim(&l, 1, 1) != -ENOSPC || gm_ledger_claim(&l, 1, 1) != -ENOSPC)
			_exit(1);
		_exit(atomic_load(&l.file->head.turned_away) != 2);
	}
	{
		int status;

		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	gm_ledger_unmap(&l);
}

/* main() may leave by pthread_exit() while others of the process run on. */
static void *nap(void *ms)
{
	usleep((useconds_t)(uintptr_t)ms * 1000);
	return NULL;
}

static void test_zombie_leader(void **state)
{
	struct gm_ledger l = map(*state);
	int status, ready[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		pthread_t thread;

		claim_self(&l);
		pthread_create(&thread, NULL, nap, (void *)(uintptr_t)600000);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		pthread_exit(NULL);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	for (int i = 0; i < 20; i++, usleep(10000))
		assert_int_equal(gm_ledger_reap(&l), 0);
	kill(pid, SIGKILL);
	/* Dead, though nobody has waited for it yet. */
	for (int i = 0; i < 500 && gm_ledger_reap(&l) == 0; i++)
		usleep(10000);
	assert_true(atomic_load(&l.file->slot[0].owner) & GM_OWNER_DEAD);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(ready[0]);
	close(ready[1]);
	gm_ledger_unmap(&l);
}

/* A container with a /proc of its own: its pids are others here, which does not make it dead. */
static void test_other_proc(void **state)
{
	struct gm_ledger l = map(*state);
	int status, ready[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		pid_t inner;

		if (unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS) < 0)
			_exit(77);
		inner = fork();
		if (inner)
			_exit(waitpid(inner, &status, 0) == inner && WIFEXITED(status) ?
				      WEXITSTATUS(status) : 1);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    mount("proc", "/proc", "proc", 0, NULL) < 0)
			_exit(77);
		claim_self(&l);
		atomic_store(&l.slot->device[0].charged, 4096);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) == 1) {
		assert_int_equal(gm_owner_pid(atomic_load(&l.file->slot[0].owner)), 1);
		assert_int_equal(gm_ledger_reap(&l), 0);
		assert_int_equal(gm_ledger_charged(&l, 0), 4096);
	} else {
		print_message("# no namespaces to be had here\n");
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ready[0]);
	gm_ledger_unmap(&l);
}

static void test_charge(void **state)
{
	struct gm_ledger l = map(*state);

	claim_self(&l);
	assert_int_equal(charge(&l, 0, LIMIT - 4096), LIMIT - 4096);
	assert_int_equal(charge(&l, 0, 8192), 4096);
	assert_int_equal(charge(&l, 0, 4096), 0);
	assert_int_equal(gm_ledger_charged(&l, 0), LIMIT);
	assert_int_equal(gm_ledger_charged(&l, 1), 0);
	gm_ledger_uncharge(&l, 0, 12288);
	assert_int_equal(charge(&l, 0, UINT32_MAX), 12288);
	gm_ledger_uncharge(&l, 0, UINT64_MAX);
	assert_int_equal(gm_ledger_charged(&l, 0), 0);
	/* The smaller of job and step. */
	atomic_store(&l.slot->step_id, 3);
	atomic_store(&l.slot->device[0].step_limit, 8192);
	assert_int_equal(charge(&l, 0, 1 << 20), 8192);
	assert_int_equal(gm_ledger_step_charged(&l, 0, 3), 8192);
	assert_int_equal(gm_ledger_step_charged(&l, 0, 4), 0);
	gm_ledger_uncharge(&l, 0, 8192);
	/* A user who writes a larger limit gets the site's. */
	atomic_store(&l.slot->device[0].step_limit, UINT64_MAX);
	atomic_store(&l.file->head.device[0].limit_bytes, UINT64_MAX);
	assert_int_equal(gm_ledger_limit(&l, 0), MAX);
	assert_int_equal(charge(&l, 0, 1ull << 30), MAX);
	atomic_store(&l.file->head.device[0].limit_bytes, 0);
	assert_int_equal(charge(&l, 0, 1), 0);
	gm_ledger_unmap(&l);
}

#define WORKERS 8
#define CHARGES 100000

struct watch {
	_Atomic uint64_t granted, most; /* bytes, as those who got them say */
	_Atomic unsigned done;
};

static void work(const struct record *r, struct watch *w, unsigned seed)
{
	struct gm_ledger l = map(r);
	uint64_t mine = 0;

	srandom(seed);
	claim_self(&l);
	atomic_store(&l.slot->step_id, seed % 2);
	if (seed % 2)
		atomic_store(&l.slot->device[0].step_limit, LIMIT / 4);
	for (int i = 0; i < CHARGES; i++) {
		uint64_t want = (uint64_t)(random() % 4096) * 4096, got, sum, most;

		if (mine && random() % 2) {
			/* Told before it is given back: what is told is never less than what is. */
			atomic_fetch_sub(&w->granted, mine);
			gm_ledger_uncharge(&l, 0, mine);
			mine = 0;
			continue;
		}
		got = charge(&l, 0, want);
		if (got > want)
			_exit(2);
		mine += got;
		sum = atomic_fetch_add(&w->granted, got) + got;
		most = atomic_load(&w->most);
		while (sum > most && !atomic_compare_exchange_weak(&w->most, &most, sum))
			;
	}
	atomic_fetch_sub(&w->granted, mine);
	gm_ledger_uncharge(&l, 0, mine);
	atomic_fetch_add(&w->done, 1);
	_exit(0);
}

static void test_never_over(void **state)
{
	struct gm_ledger l = map(*state);
	struct watch *w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			       -1, 0);
	int status;

	for (unsigned i = 0; i < WORKERS; i++)
		if (fork() == 0)
			work(*state, w, i + 1);
	for (unsigned i = 0; i < WORKERS; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(atomic_load(&w->done), WORKERS);
	if (atomic_load(&w->most) > LIMIT)
		fail_msg("expected at most %ju bytes granted at once, got %ju", (uintmax_t)LIMIT,
			 (uintmax_t)atomic_load(&w->most));
	assert_true(atomic_load(&w->most) > LIMIT / 4);
	assert_int_equal(atomic_load(&w->granted), 0);
	assert_int_equal(gm_ledger_charged(&l, 0), 0);
	munmap(w, sizeof(*w));
	gm_ledger_unmap(&l);
}

/* Slots that are left and taken again all the time, while others charge. */
static void test_slots_come_and_go(void **state)
{
	struct gm_ledger l = map(*state);
	int status;

	claim_self(&l);
	for (unsigned i = 0; i < 4; i++)
		if (fork() == 0) {
			for (unsigned k = 0; k < 150; k++) {
				pid_t pid = fork();

				if (pid == 0) {
					struct gm_ledger own = map(*state);

					claim_self(&own);
					if (atomic_load(&own.slot->device[0].charged))
						_exit(2);
					_exit(charge(&own, 0, LIMIT) > LIMIT);
				}
				if (waitpid(pid, &status, 0) != pid || status)
					_exit(1);
			}
			_exit(0);
		}
	for (unsigned done = 0; done < 4;) {
		if (waitpid(-1, &status, WNOHANG) > 0) {
			assert_int_equal(status, 0);
			done++;
		}
		gm_ledger_reap(&l);
	}
	while (gm_ledger_reap(&l))
		;
	assert_int_equal(gm_ledger_charged(&l, 0), 0);
	assert_int_equal(atomic_load(&l.file->head.turned_away), 0);
	gm_ledger_unmap(&l);
}

static void test_request_wakes(void **state)
{
	struct record *r = *state;
	struct gm_ledger l = map(r);
	struct gpumem_job *job;
	int status, ready[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		uint32_t seen = atomic_load(&l.file->head.doorbell);

		claim_self(&l);
		if (gm_ledger_request(&l, 0) != GPUMEM_REQUEST_NONE || write(ready[1], "x", 1) != 1)
			_exit(1);
		/* Far longer than any test may take. */
		while (atomic_load(&l.file->head.doorbell) == seen)
			gm_ledger_wait(&l, seen, 3600000000000ull);
		if (gm_ledger_request(&l, 0) != GPUMEM_REQUEST_EVICT ||
		    gm_ledger_request(&l, 1) != GPUMEM_REQUEST_NONE)
			_exit(2);
		while (atomic_load(&l.file->head.doorbell) == seen + 1)
			gm_ledger_wait(&l, seen + 1, 3600000000000ull);
		_exit(gm_ledger_request(&l, 0) == GPUMEM_REQUEST_MIGRATE ? 0 : 3);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(gpumem_job_open(r->state, JOB, true, &job, NULL), 0);
	usleep(50000); /* let it fall asleep; it works without, too */
	assert_int_equal(gpumem_job_request(job, pid, 0, GPUMEM_REQUEST_EVICT, NULL), 0);
	usleep(50000);
	/* What is asked of all replaces what one was asked. */
	assert_int_equal(gpumem_job_request(job, 0, 0, GPUMEM_REQUEST_MIGRATE, NULL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	gpumem_job_close(job);
	close(ready[0]);
	close(ready[1]);
	gm_ledger_unmap(&l);
}

/* Agents stay below the kernel's limit until it is raised: above it, it would throw out what they bring in. */
static void test_walled(void **state)
{
	const struct record *r = *state;
	const size_t at = offsetof(struct gm_limits, device[0].wall_bytes);
	uint64_t wall = LIMIT;
	int fd = open(r->limits, O_WRONLY);
	struct gm_ledger l = map(r);

	claim_self(&l);
	atomic_store(&l.slot->device[0].step_limit, UINT64_MAX);
	assert_int_equal(pwrite(fd, &wall, sizeof(wall), (off_t)at), sizeof(wall));
	assert_int_equal(gm_ledger_limit(&l, 0), LIMIT);
	assert_false(gm_ledger_walled(&l, 0));
	atomic_store(&l.file->head.device[0].limit_bytes, 2 * MAX);
	assert_true(gm_ledger_walled(&l, 0));
	assert_int_equal(charge(&l, 0, MAX), LIMIT);
	atomic_store(&l.file->head.device[0].limit_bytes, 4096);
	assert_int_equal(gm_ledger_limit(&l, 0), 4096);
	assert_false(gm_ledger_walled(&l, 0));
	/* The kernel's is rounded to pages: nobody raised anything. */
	atomic_store(&l.file->head.device[0].limit_bytes, LIMIT + 4095);
	assert_int_equal(gm_ledger_limit(&l, 0), LIMIT);
	assert_false(gm_ledger_walled(&l, 0));
	/* Raised too: the site's limit is the lowest. */
	atomic_store(&l.file->head.device[0].limit_bytes, 2 * MAX);
	wall = 2 * MAX;
	assert_int_equal(pwrite(fd, &wall, sizeof(wall), (off_t)at), sizeof(wall));
	assert_int_equal(gm_ledger_limit(&l, 0), MAX);
	assert_false(gm_ledger_walled(&l, 0));
	close(fd);
	gm_ledger_unmap(&l);
}

static void test_map_refused(void **state)
{
	struct record *r = *state;
	struct gpumem_error err;
	uint32_t version = GM_LAYOUT_VERSION + 1;
	struct gm_ledger l;
	char link[200];
	int fd;

	snprintf(link, sizeof(link), "%s.real", r->ledger);
	assert_int_equal(rename(r->ledger, link), 0);
	assert_int_equal(gm_ledger_map(r->dir, &l, &err), -ENOENT);
	assert_int_equal(symlink(link, r->ledger), 0);
	assert_int_equal(gm_ledger_map(r->dir, &l, &err), -ELOOP);
	unlink(r->ledger);
	assert_int_equal(rename(link, r->ledger), 0);
	fd = open(r->ledger, O_RDWR);
	assert_int_equal(pwrite(fd, &version, 4, offsetof(struct gm_head, version)), 4);
	assert_int_equal(gm_ledger_map(r->dir, &l, &err), -EPROTO);
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(gm_ledger_map(r->dir, &l, &err), -EPROTO);
	close(fd);
	fd = open(r->limits, O_RDWR);
	assert_int_equal(pwrite(fd, &version, 4, offsetof(struct gm_limits, version)), 4);
	assert_int_equal(gm_ledger_map(r->dir, &l, &err), -EPROTO);
	assert_string_equal(err.text, "the job's record has layout 3, this library knows 2");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_record(test_claim_again),	 with_record(test_dead_owner),
		with_record(test_inherit),	 with_record(test_heirs),
		with_record(test_full),		 with_record(test_zombie_leader), with_record(test_other_proc),
		with_record(test_charge),	 with_record(test_never_over),
		with_record(test_slots_come_and_go), with_record(test_request_wakes),
		with_record(test_map_refused),	 with_record(test_walled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
