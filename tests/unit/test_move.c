/* SPDX-License-Identifier: MIT */
/*
 * test_move: a process against its limits, on memory and devices that are tables. The ledger is a real
 * one, so what is checked is what other processes of the job would see.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "proc_fixture.h"
#include "base/procfs.h"

static void test_holes(void **state)
{
	uint64_t bytes;

	start(*state, PREFER_0);
	fake_fill(0, 100);
	fake_fill(120, 11); /* too short a run for the agent */
	fake_fill(200, 312);
	fake_fill(CHUNK, 16);
	passes(4);
	expect_on_0(100 + 312 + 16);
	assert_int_equal(fake_count(HOST, 120, 131), 11);
	assert_int_equal(gm_proc_prefetch(&p, fake_addr(0), CHUNK * PAGE, 0, &bytes), 0);
	assert_int_equal(bytes, (100 + 11 + 312) * PAGE);
	expect_on_0(100 + 11 + 312 + 16);
	/* Unmapped, or given back by the program. */
	memset(fake.where, ABSENT, CHUNK);
	passes(1);
	expect_on_0(16);
	memset(fake.where, ABSENT, FAKE_PAGES);
	passes(1);
	expect_on_0(0);
	assert_int_equal(failures(), 0);
}

/* Memory that is still being filled is left alone until it is full, or the program pauses. */
static void test_settled(void **state)
{
	start(*state, PREFER_0);
	fake_fill(0, 100);
	passes(1);
	expect_on_0(0);
	fake_fill(0, 200);
	passes(1);
	expect_on_0(0);
	passes(1);
	expect_on_0(200);
	fake_fill(CHUNK, CHUNK);
	passes(1);
	expect_on_0(200 + CHUNK);
}

static void test_limit_to_the_page(void **state)
{
	uint64_t bytes;

	start(*state, PREFER_0);
	limit(0, 700 * PAGE + 1234);
	fake_fill(0, 4 * CHUNK);
	passes(3);
	expect_on_0(700);
	assert_int_equal(gm_proc_prefetch(&p, fake_addr(0), 2 * CHUNK * PAGE, 0, &bytes), -EDQUOT);
	expect_on_0(700);
	assert_int_equal(gm_proc_prefetch(&p, fake_addr(0), PAGE, 1, &bytes), -EBUSY);
	limit(0, 0);
	passes(1);
	expect_on_0(0);
	limit(0, UINT64_MAX);
	passes(1);
	expect_on_0(4 * CHUNK);
}

static void test_step_limit(void **state)
{
	start(*state, "v2,place=prefer,step=4,task=0," MARKS ",dev=0:1048576");
	fake_fill(0, 4 * CHUNK);
	passes(3);
	expect_on_0(256);
}

static void test_others_count(void **state)
{
	struct gm_slot *other;
	uint64_t ticks;

	start(*state, PREFER_0);
	other = &p.ledger.file->slot[1];
	assert_int_equal(gm_proc_start_ticks(getppid(), &ticks), 0);
	atomic_store(&other->owner, gm_owner_word(getppid(), ticks));
	atomic_store(&other->device[0].charged, LIMIT - 300 * PAGE);
	atomic_store(&p.ledger.file->head.slots_used, 2);
	fake_fill(0, 2 * CHUNK);
	passes(3);
	expect_on_0(300);
	/* Over it together: it is the other who holds more than its part, and who has to give. */
	limit(0, LIMIT / 2);
	passes(1);
	expect_on_0(300);
	/* It is as large as ours: both give. */
	atomic_store(&other->device[0].charged, 300 * PAGE);
	limit(0, 300 * PAGE);
	passes(1);
	assert_true(fake_count(ON_0, 0, FAKE_PAGES) <= 150);
}

/* A move that does nothing and says it went well. */
static void test_silent(void **state)
{
	start(*state, PREFER_0);
	fake.mode = FAKE_SILENT;
	fake_fill(0, CHUNK);
	passes(2);
	expect_on_0(0);
	assert_true(atomic_load(&p.ledger.slot->failed[GPUMEM_FAIL_BUSY]) >= 1);
	passes(200);
	expect_on_0(0);
	/* 2, 4, 8, ... 64 passes apart; the first came with a journey home. */
	if (fake.calls > 14)
		fail_msg("expected at most 14 calls in 202 passes, got %u", fake.calls);
	fake.mode = FAKE_MOVES;
	passes(70);
	expect_on_0(CHUNK);
}

static void test_refused(void **state)
{
	uint64_t bytes = 7;

	start(*state, PREFER_0);
	fake.mode = FAKE_REFUSES;
	fake_fill(0, CHUNK);
	passes(2);
	expect_on_0(0);
	assert_int_equal(atomic_load(&p.ledger.slot->failed[GPUMEM_FAIL_NO_MEMORY]), 1);
	assert_int_equal(gm_proc_prefetch(&p, fake_addr(0), CHUNK * PAGE, 0, &bytes), -EBUSY);
	assert_int_equal(bytes, 0);
	expect_on_0(0);
}

static void test_61(void **state)
{
	uint64_t bytes;

	start(*state, PREFER_0);
	fake.mode = FAKE_61;
	fake.range_at[0] = 1;
	fake_fill(0, CHUNK);
	assert_int_equal(gm_proc_prefetch(&p, fake_addr(0), CHUNK * PAGE, 0, &bytes), 0);
	expect_on_0(CHUNK);
	assert_int_equal(fake.calls, 3);
	assert_int_equal(fake.log[1].index, GM_SVM_HOST);
	assert_int_equal(failures(), 0);
}

static void test_partial(void **state)
{
	uint64_t bytes;

	start(*state, PREFER_0);
	fake_fill(0, CHUNK);
	memset(fake.pinned + 100, true, 50);
	assert_int_equal(gm_proc_prefetch(&p, fake_addr(0), CHUNK * PAGE, 0, &bytes), -EBUSY);
	assert_int_equal(bytes, (CHUNK - 50) * PAGE);
	expect_on_0(CHUNK - 50);
	assert_int_equal(atomic_load(&p.ledger.slot->failed[GPUMEM_FAIL_PARTIAL]), 1);
}

static void test_oldest_first(void **state)
{
	static const unsigned order[] = { 5, 2, 7, 0 };

	start(*state, PREFER_0);
	for (unsigned i = 0; i < 4; i++) {
		fake_fill(order[i] * CHUNK, CHUNK);
		passes(2);
	}
	expect_on_0(4 * CHUNK);
	fake.calls = 0;
	limit(0, 2 * GPUMEM_CHUNK_BYTES);
	passes(1);
	expect_on_0(2 * CHUNK);
	assert_int_equal(fake.calls, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(fake.log[i].page, order[i] * CHUNK);
		assert_int_equal(fake.log[i].index, GM_SVM_HOST);
	}
	/* A byte over is a chunk. */
	limit(0, 2 * GPUMEM_CHUNK_BYTES - 1);
	passes(1);
	assert_int_equal(fake_count(ON_0, 7 * CHUNK, 8 * CHUNK), 0);
}

/* Chunks that stay are tried once in a round, and the next round waits. */
static void test_pinned(void **state)
{
	unsigned calls;

	start(*state, PREFER_0);
	for (unsigned i = 0; i < 8; i++) {
		fake_fill(i * CHUNK, CHUNK);
		passes(2);
	}
	memset(fake.pinned, true, 3 * CHUNK);
	fake.calls = 0;
	atomic_store(&p.ledger.file->head.device[0].request, GPUMEM_REQUEST_EVICT);
	assert_false(gm_proc_settle(&p, LONG));
	expect_on_0(3 * CHUNK);
	assert_int_equal(fake.calls, 8);
	assert_int_equal(atomic_load(&p.ledger.slot->failed[GPUMEM_FAIL_BUSY]), 3);
	for (int i = 0; i < 50; i++)
		assert_false(gm_proc_settle(&p, LONG));
	assert_int_equal(fake.calls, 8);
	/* Who asks again gets it tried again. */
	atomic_fetch_add(&p.ledger.file->head.doorbell, 1);
	assert_false(gm_proc_settle(&p, LONG));
	assert_int_equal(fake.calls, 11);
	/* In slices too short for more than one chunk it is still one round. */
	atomic_fetch_add(&p.ledger.file->head.doorbell, 1);
	calls = fake.calls;
	for (int i = 0; i < 10 && gm_proc_settle(&p, 0); i++)
		;
	assert_int_equal(fake.calls, calls + 3);
	memset(fake.pinned, false, sizeof(fake.pinned));
	atomic_fetch_add(&p.ledger.file->head.doorbell, 1);
	assert_false(gm_proc_settle(&p, LONG));
	expect_on_0(0);
}

/* Nothing can be said of the pages: no move, no endless try, nothing uncharged. */
static void test_unreadable(void **state)
{
	start(*state, PREFER_0);
	fake_fill(0, CHUNK);
	passes(2);
	expect_on_0(CHUNK);
	fake.present_rc = -EBADF;
	limit(0, 0);
	assert_false(gm_proc_settle(&p, LONG));
	assert_int_equal(fake.calls, 1);
	expect_on_0(CHUNK);
	fake.present_rc = 0;
	limit(0, 0);
	assert_false(gm_proc_settle(&p, LONG));
	expect_on_0(0);
}

static void test_shared(void **state)
{
	pid_t parent = fork();
	uint64_t ticks;

	if (parent == 0)
		for (;;)
			pause();
	start(*state, PREFER_0);
	assert_int_equal(gm_proc_start_ticks(parent, &ticks), 0);
	atomic_store(&p.ledger.slot->parent, gm_owner_word(parent, ticks));
	memset(fake.where, ON_0, CHUNK);
	memset(fake.shared, true, 400);
	passes(1);
	/* The parent's, as long as it lives. */
	assert_int_equal(atomic_load(&p.ledger.slot->device[0].charged), (CHUNK - 400) * PAGE);
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	passes(16); /* a full look comes round */
	expect_on_0(CHUNK);
}

static void test_part_of_a_chunk(void **state)
{
	uint64_t bytes = 1;

	start(*state, PREFER_0);
	fake_fill(0, 2 * CHUNK);
	passes(2);
	expect_on_0(2 * CHUNK);
	assert_int_equal(gm_proc_evict(&p, fake_addr(300), 400 * PAGE, &bytes), 0);
	assert_int_equal(bytes, 0);
	expect_on_0(2 * CHUNK - 400);
	assert_int_equal(fake_count(HOST, 300, 700), 400);
	/* Kept out until the program says otherwise, whatever the policy. */
	passes(20);
	expect_on_0(2 * CHUNK - 400);
	assert_int_equal(gm_proc_advise(&p, fake_addr(300), PAGE, GPUMEM_ADVISE_NONE, 0), 0);
	passes(2);
	expect_on_0(2 * CHUNK - 188);
	assert_int_equal(gm_proc_prefetch(&p, fake_addr(CHUNK), PAGE, 0, &bytes), 0);
	passes(2);
	expect_on_0(2 * CHUNK);
}

/* Chunks that the ring says stayed for `reason`. */
static unsigned stayed_for(enum gpumem_reason reason)
{
	uint32_t last = atomic_load(&p.ledger.slot->ring_next);
	unsigned n = 0;

	assert_true(last <= GM_RING);
	for (uint32_t i = 0; i < last; i++) {
		const struct gm_ring_entry *e = &p.ledger.slot->ring[i];

		n += atomic_load(&e->reason) == reason && !atomic_load(&e->pages);
	}
	return n;
}

static void test_kept_out(void **state)
{
	const uint64_t first = FAKE_BASE / GPUMEM_CHUNK_BYTES;

	start(*state, PREFER_0);
	fake_fill(0, CHUNK);
	assert_int_equal(gm_proc_advise(&p, fake_addr(0), PAGE, GPUMEM_ADVISE_KEEP_OUT, 0), 0);
	passes(20);
	expect_on_0(0);
	assert_int_equal(stayed_for(GPUMEM_REASON_KEPT_OUT), 1);
	assert_int_equal(atomic_load(&p.ledger.slot->ring[0].number), first);
	/* Advice that is repeated is not told again; nor does it keep out what is there. */
	assert_int_equal(gm_proc_advise(&p, fake_addr(0), PAGE, GPUMEM_ADVISE_KEEP_OUT, 0), 0);
	fake_fill(CHUNK, CHUNK);
	passes(2);
	expect_on_0(CHUNK);
	assert_int_equal(gm_proc_advise(&p, fake_addr(CHUNK), PAGE, GPUMEM_ADVISE_KEEP_OUT, 0), 0);
	assert_int_equal(stayed_for(GPUMEM_REASON_KEPT_OUT), 1);
}

/* Nothing comes while the memory cgroup has no room; each epoch some of what would is named. */
static void test_memcg_near(void **state)
{
	start(*state, PREFER_0);
	p.headroom.memcg_near = true;
	p.headroom.not_before_ns = UINT64_MAX; /* no look at this machine's own */
	fake_fill(0, 6 * CHUNK);
	assert_int_equal(gm_proc_advise(&p, fake_addr(0), PAGE, GPUMEM_ADVISE_KEEP_OUT, 0), 0);
	passes(2);
	expect_on_0(0);
	gm_proc_exchange(&p, LONG);
	assert_int_equal(stayed_for(GPUMEM_REASON_MEMCG), 4);
	for (uint32_t i = 1; i < 5; i++)
		assert_int_not_equal(atomic_load(&p.ledger.slot->ring[i].number),
				     FAKE_BASE / GPUMEM_CHUNK_BYTES);
	gm_proc_exchange(&p, LONG);
	assert_int_equal(stayed_for(GPUMEM_REASON_MEMCG), 8);
	expect_on_0(0);
	p.headroom.memcg_near = false;
	passes(2);
	gm_proc_exchange(&p, LONG);
	assert_int_equal(stayed_for(GPUMEM_REASON_MEMCG), 8);
	expect_on_0(5 * CHUNK);
}

/* The plan's marks hold before the agent has settled anything. */
static void test_marks_at_once(void **state)
{
	uint64_t bytes;

	start(*state, "v2,place=prefer,step=0,task=0,evict=lrf,high=50,low=50,dev=0:max");
	limit(0, 4 * GPUMEM_CHUNK_BYTES);
	fake_fill(0, 4 * CHUNK);
	assert_int_equal(gm_proc_prefetch(&p, fake_addr(0), 4 * CHUNK * PAGE, 0, &bytes), -EDQUOT);
	expect_on_0(2 * CHUNK);
}

static void test_requests(void **state)
{
	_Atomic uint32_t *request;

	start(*state, "v2,place=host,step=0,task=0,dev=0:max");
	request = &p.ledger.slot->device[0].request;
	fake_fill(0, CHUNK);
	passes(3);
	expect_on_0(0);
	atomic_store(request, GPUMEM_REQUEST_MIGRATE);
	passes(1);
	expect_on_0(CHUNK);
	atomic_store(request, GPUMEM_REQUEST_EVICT);
	passes(3);
	expect_on_0(0);
	atomic_store(&p.ledger.slot->device[1].request, GPUMEM_REQUEST_MIGRATE);
	passes(1);
	assert_int_equal(fake_count(ON_1, 0, FAKE_PAGES), CHUNK);
	assert_int_equal(atomic_load(&p.ledger.slot->device[1].charged), CHUNK * PAGE);
	expect_on_0(0);
}

static void test_bad_plans(void **state)
{
	static const char *const plans[] = { "", "v2,place=prefer,step=0,task=0,dev=2:max",
					     "v2,place=prefer,step=0,task=0,dev=15:max",
					     "v2,place=prefer,step=0,task=0" };
	struct record *r = *state;
	struct gpumem_error err;

	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(gm_proc_attach(&p, r->dir, plans[i], 0, &err), -EINVAL);
	assert_int_equal(gm_proc_attach(&p, r->dir, plans[1], 0, &err), -EINVAL);
	assert_string_equal(err.text, "the plan names device 2, the job has 2");
	assert_int_equal(gm_proc_attach(&p, "/nonexistent", PREFER_0, 0, &err), -ENOENT);
}

static atomic_bool over;

static void *watch(void *unused)
{
	while (!atomic_load(&over)) {
		gm_proc_settle(&p, 1000000);
		gm_proc_scan(&p, LONG, 100000);
	}
	return unused;
}

/* The application's calls and the agent's thread on the same memory. */
static void test_together(void **state)
{
	pthread_t thread;
	uint64_t bytes;

	start(*state, PREFER_0);
	limit(0, 6 * GPUMEM_CHUNK_BYTES);
	fake_fill(0, FAKE_PAGES);
	gm_proc_open(&p);
	atomic_store(&over, false);
	assert_int_equal(pthread_create(&thread, NULL, watch, NULL), 0);
	for (unsigned i = 0; i < 2000; i++) {
		void *addr = fake_addr(i * 37 % (FAKE_PAGES - 700));

		if (i % 5 == 0)
			gm_proc_evict(&p, addr, 700 * PAGE, &bytes);
		else if (i % 5 == 1)
			gm_proc_advise(&p, addr, PAGE, GPUMEM_ADVISE_NONE, 0);
		else
			gm_proc_prefetch(&p, addr, 600 * PAGE, 0, &bytes);
	}
	atomic_store(&over, true);
	pthread_join(thread, NULL);
	assert_true(gm_ledger_charged(&p.ledger, 0) <= 6 * GPUMEM_CHUNK_BYTES);
	passes(16);
	expect_on_0((unsigned)(atomic_load(&p.ledger.slot->device[0].charged) / PAGE));
	atomic_store(&p.ledger.file->head.device[0].request, GPUMEM_REQUEST_EVICT);
	passes(1);
	expect_on_0(0);
}

/* To nodes chunks move eight at a time; what is counted and said is that of each. */
static void test_batches(void **state)
{
	const unsigned chunks = 13;
	unsigned before;

	start(*state, PREFER_0);
	p.place.any_node = true;
	p.place.devices.device[0].kind = GPUMEM_KIND_NUMA;
	fake_fill(0, chunks * CHUNK);
	fake.pinned[3 * CHUNK + 7] = true;
	passes(1);
	expect_on_0(chunks * CHUNK - 1);
	if (fake.together != 2)
		fail_msg("expected %u chunks in 2 batches, saw %u", chunks, fake.together);
	assert_int_equal(atomic_load(&p.ledger.slot->failed[GPUMEM_FAIL_PARTIAL]), 1);
	assert_int_equal(failures(), 1);
	assert_int_equal(atomic_load(&p.ledger.slot->device[0].moved_in), (chunks * CHUNK - 1) * PAGE);
	/* Down to five, and no further: a batch takes no more than is asked for. */
	fake.pinned[3 * CHUNK + 7] = false;
	before = fake.together;
	limit(0, 5 * CHUNK * PAGE);
	passes(1);
	expect_on_0(5 * CHUNK);
	if (fake.together - before > 2)
		fail_msg("expected 8 chunks out in at most 2 batches, saw %u", fake.together - before);
	before = fake.together;
	limit(0, UINT64_MAX);
	passes(2);
	expect_on_0(chunks * CHUNK);
	if (fake.together - before > 2)
		fail_msg("expected 8 chunks in by at most 2 batches, saw %u", fake.together - before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		one(test_holes),	 one(test_settled),	one(test_limit_to_the_page),
		one(test_step_limit),	 one(test_others_count), one(test_silent),
		one(test_refused),	 one(test_61),		one(test_partial),
		one(test_oldest_first),	 one(test_pinned),	one(test_unreadable),
		one(test_shared),	 one(test_part_of_a_chunk), one(test_kept_out),
		one(test_memcg_near),	 one(test_marks_at_once),
		one(test_requests),	 one(test_together),
		one(test_batches),
		with_record(test_bad_plans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
