/* SPDX-License-Identifier: MIT */
/*
 * test_keep: what the processes of a job keep together: bandwidth, totals, decisions; and what a slot's
 * last owner leaves behind.
 */
#include <pthread.h>

#include "record.h"
#include "agent/headroom.h"
#include "base/procfs.h"
#include "engine/share.h"
#include "ledger/ledger.h"

#define M (1ull << 20)
#define S 1000000000ull

static struct gm_ledger claimed(const struct record *r)
{
	struct gpumem_error err;
	struct gm_ledger l;
	uint64_t ticks;
	pid_t pid;

	if (gm_ledger_map(r->dir, &l, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(gm_proc_self(&pid, &ticks), 0);
	assert_int_equal(gm_ledger_claim(&l, pid, ticks), 0);
	return l;
}

/* Over any second what was let through is the rate, give or take one chunk. */
static void test_bandwidth(void **state)
{
	struct gm_ledger l = claimed(*state);
	uint64_t now = 5 * S, moved = 0, wait = 0, begun = now, sent[4000];
	size_t n = 0, from = 0;

	while (now < begun + 10 * S) {
		if (gm_ledger_bandwidth(&l, now, 2 * M, 128 * M, &wait)) {
			sent[n++] = now;
			moved += 2 * M;
			now += S / 1000; /* the move itself */
		} else {
			assert_true(wait > 0 && wait < S);
			now += wait;
		}
	}
	if (moved < 1278 * M || moved > 1284 * M)
		fail_msg("in 10 s at 128M/s %ju MiB went", (uintmax_t)(moved / M));
	for (size_t k = 0; k < n; k++) {
		while (sent[k] - sent[from] >= S)
			from++;
		if ((k - from + 1) * 2 > 128 + 4)
			fail_msg("%zu MiB in one second", (k - from + 1) * 2);
	}
	/* A pause is not saved up. */
	now += 100 * S;
	for (n = 0; gm_ledger_bandwidth(&l, now, 2 * M, 128 * M, &wait); n++)
		;
	assert_in_range(n, 1, 3);
	gm_ledger_unmap(&l);
}

static void *take(void *data)
{
	struct gm_ledger *l = data;
	uint64_t wait, *n = calloc(1, sizeof(*n));

	for (uint64_t now = 0; now < 10 * S; now += S / 10000)
		*n += gm_ledger_bandwidth(l, now, 2 * M, 64 * M, &wait);
	return n;
}

/* One bucket for all. Their clocks here do not agree, so only the upper end can be checked. */
static void test_bandwidth_shared(void **state)
{
	struct gm_ledger l = claimed(*state);
	uint64_t sum = 0;
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, take, &l), 0);
	for (int i = 0; i < 4; i++) {
		void *n;

		pthread_join(t[i], &n);
		sum += *(uint64_t *)n;
		free(n);
	}
	assert_in_range(sum, 1, 64 * 10 / 2 + 2);
	gm_ledger_unmap(&l);
}

static void test_totals(void **state)
{
	struct record *r = *state;
	struct gm_ledger l = claimed(r);
	struct gpumem_job_device d;
	struct gpumem_job *job;
	uint32_t processes, turned_away;
	uint64_t ns;

	gm_ledger_sample(&l, 10 * S);
	atomic_store(&l.slot->device[0].charged, 10 * M);
	gm_ledger_sample(&l, 11 * S);
	atomic_store(&l.slot->device[0].charged, 30 * M);
	gm_ledger_sample(&l, 12 * S);
	gm_ledger_sample(&l, 12 * S + 1000); /* too soon */
	atomic_store(&l.slot->device[0].charged, 2 * M);
	atomic_store(&l.file->head.device[0].limit_bytes, M);
	gm_ledger_sample(&l, 14 * S);
	atomic_store(&l.slot->device[0].moved_in, 7 * M);
	atomic_store(&l.slot->failed[GPUMEM_FAIL_BUSY], 3);
	assert_int_equal(gpumem_job_open(r->state, JOB, false, &job, NULL), 0);
	assert_int_equal(gpumem_job_device(job, 0, &d), 0);
	assert_int_equal(d.peak_bytes, 30 * M);
	assert_int_equal(d.mean_bytes, (10 + 30 + 2 + 2) * M / 4);
	assert_int_equal(d.over_limit_ns, 2 * S);
	assert_int_equal(d.moved_in_bytes, 7 * M);
	assert_int_equal(gpumem_job_totals(job, &processes, &turned_away, &ns), 0);
	assert_int_equal(processes, 1);
	assert_int_equal(turned_away, 0);
	assert_int_equal(ns, 4 * S);
	gpumem_job_close(job);
	gm_ledger_unmap(&l);
}

/* The slot is taken again: what was counted in it is not lost, and not counted twice. */
static void test_fold(void **state)
{
	struct record *r = *state;
	struct gm_ledger l = claimed(r);
	uint64_t failed[GPUMEM_FAIL_COUNT];
	struct gpumem_job_device d;
	struct gpumem_job *job;

	atomic_store(&l.slot->device[0].moved_in, 7 * M);
	atomic_store(&l.slot->device[0].refaulted, 2 * M);
	atomic_store(&l.slot->failed[GPUMEM_FAIL_BUSY], 3);
	atomic_fetch_or(&l.slot->owner, GM_OWNER_DEAD);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(gm_ledger_claim(&l, 4000000, (uint64_t)i + 1), 0);
		atomic_fetch_or(&l.slot->owner, GM_OWNER_DEAD);
	}
	assert_int_equal(gpumem_job_open(r->state, JOB, false, &job, NULL), 0);
	assert_int_equal(gpumem_job_device(job, 0, &d), 0);
	assert_int_equal(d.moved_in_bytes, 7 * M);
	assert_int_equal(d.refaulted_bytes, 2 * M);
	assert_int_equal(gpumem_job_failed(job, failed), 0);
	assert_int_equal(failed[GPUMEM_FAIL_BUSY], 3);
	gpumem_job_close(job);
	gm_ledger_unmap(&l);
}

static void test_decisions(void **state)
{
	struct record *r = *state;
	struct gm_ledger l = claimed(r);
	struct gpumem_decision *list;
	struct gpumem_job *job;
	size_t count;

	for (uint64_t i = 1; i <= GM_RING + 10; i++)
		gm_ledger_note(&l, i, 100 + i, (uint32_t)i, 7, GPUMEM_REASON_HOTTER, 1);
	assert_int_equal(gpumem_job_open(r->state, JOB, false, &job, NULL), 0);
	assert_int_equal(gpumem_job_decisions(job, 0, &list, &count), 0);
	assert_int_equal(count, GM_RING);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(list[i].time_ns, GM_RING + 10 - i);
	assert_int_equal(list[0].address, (100 + GM_RING + 10) * GPUMEM_CHUNK_BYTES);
	assert_int_equal(list[0].bytes, (GM_RING + 10) * 4096);
	assert_int_equal(list[0].reason, GPUMEM_REASON_HOTTER);
	assert_int_equal(list[0].device, 1);
	assert_int_equal(list[0].pid, getpid());
	free(list);
	assert_int_equal(gpumem_job_decisions(job, 1, &list, &count), 0);
	assert_int_equal(count, 0);
	free(list);
	gpumem_job_close(job);
	gm_ledger_unmap(&l);
}

static void test_live(void **state)
{
	struct record *r = *state;
	struct gpumem_policy p, live;
	struct gpumem_error err;
	struct gpumem_job *job;
	struct gm_ledger l = claimed(r);
	uint32_t bell = atomic_load(&l.file->head.doorbell);

	assert_int_equal(gpumem_job_open(r->state, JOB, true, &job, NULL), 0);
	assert_int_equal(gpumem_policy_parse("advise,evict=heat,bw=1G,high=90%,low=70%", &p, &err), 0);
	assert_int_equal(gpumem_job_set_policy(job, &p, &err), 0);
	assert_int_equal(atomic_load(&l.file->head.doorbell), bell + 1);
	assert_int_equal(gpumem_job_live_policy(job, &live), 0);
	assert_int_equal(live.placement, GPUMEM_PLACE_ADVISE);
	assert_int_equal(live.evict, GPUMEM_EVICT_HEAT);
	assert_int_equal(live.high_percent, 90);
	assert_int_equal(live.low_percent, 70);
	assert_int_equal(live.bandwidth_bytes, 1ull << 30);
	/* What is not named stays; marks must fit what stays. */
	memset(&p, 0, sizeof(p));
	p.high_percent = 60;
	assert_int_equal(gpumem_job_set_policy(job, &p, &err), -EINVAL);
	assert_string_equal(err.text, "low=70% is above high=60%");
	p.high_percent = 75;
	assert_int_equal(gpumem_job_set_policy(job, &p, &err), 0);
	assert_int_equal(gpumem_job_live_policy(job, &live), 0);
	assert_int_equal(live.evict, GPUMEM_EVICT_HEAT);
	assert_int_equal(live.high_percent, 75);
	memset(&p, 0, sizeof(p));
	p.placement = GPUMEM_PLACE_INTERLEAVE;
	assert_int_equal(gpumem_job_set_policy(job, &p, &err), 0);
	assert_int_equal(gpumem_job_live_policy(job, &live), 0);
	assert_int_equal(live.placement, GPUMEM_PLACE_INTERLEAVE);
	p.end = GPUMEM_END_EVICT;
	assert_int_equal(gpumem_job_set_policy(job, &p, &err), -EOPNOTSUPP);
	p.end = 0;
	gpumem_job_close(job);
	assert_int_equal(gpumem_job_open(r->state, JOB, false, &job, NULL), 0);
	p.placement = GPUMEM_PLACE_HOST;
	assert_int_equal(gpumem_job_set_policy(job, &p, &err), -EROFS);
	gpumem_job_close(job);
	gm_ledger_unmap(&l);
}

/* What another job of the node reserves on a device that Slurm gave it is not ours to fill. */
static void test_neighbours(void **state)
{
	struct record *r = *state;
	struct gm_ledger l = claimed(r);
	struct gpumem_job_spec other = r->spec;
	const uint8_t device = 1;
	struct gm_headroom *h = calloc(1, sizeof(*h));
	struct gpumem_error err;

	other.job_id = JOB + 1;
	other.device[0].reserve_bytes = other.device[1].reserve_bytes = 100 * M;
	assert_int_equal(gpumem_job_create(&other, &err), 0);
	gm_headroom_init(h, r->dir);
	gm_headroom_look(h, &l, 10 * S);
	assert_int_equal(h->reserved[0], 0);
	assert_int_equal(h->reserved[1], 0);
	assert_int_equal(gpumem_job_give(r->state, JOB + 1, &device, 1, &err), 0);
	/* Not before two seconds are over. */
	gm_headroom_look(h, &l, 11 * S);
	assert_int_equal(h->reserved[1], 0);
	gm_headroom_look(h, &l, 13 * S);
	assert_int_equal(h->reserved[0], 0);
	assert_int_equal(h->reserved[1], 100 * M);
	assert_int_equal(gpumem_job_remove(r->state, JOB + 1, &err), 0);
	gm_headroom_look(h, &l, 16 * S);
	assert_int_equal(h->reserved[1], 0);
	free(h);
	gm_ledger_unmap(&l);
}

#define one(test) cmocka_unit_test_setup_teardown(test, record_made, record_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		one(test_bandwidth), one(test_bandwidth_shared), one(test_totals),
		one(test_fold),	     one(test_decisions),	 one(test_live),
		one(test_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
