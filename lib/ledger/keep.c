/* SPDX-License-Identifier: MIT */
/*
 * keep.c: what the processes of a job keep together in its ledger: totals, bandwidth, decisions, and
 * who holds how much of which heat.
 */
#include "engine/share.h"
#include "ledger/ledger.h"

#define SAMPLE_NS 50000000ull
#define BURST_NS 10000000ull /* how far moves may run ahead of bw=, and how much they may catch up */

static bool living(const struct gm_slot *s)
{
	uint64_t owner = atomic_load(&s->owner);

	return owner && !(owner & GM_OWNER_DEAD);
}

size_t gm_ledger_holders(const struct gm_ledger *l, size_t i, struct gm_holder *ret, size_t *ret_own)
{
	uint32_t used = atomic_load(&l->file->head.slots_used);
	size_t count = 0;

	*ret_own = 0;
	for (uint32_t n = 0; n < used && n < GM_SLOTS; n++) {
		const struct gm_slot *s = &l->file->slot[n];
		struct gm_holder *h = &ret[count];

		if (!living(s))
			continue;
		h->charged = atomic_load(&s->device[i].charged);
		h->wanted = atomic_load(&s->device[i].wanted);
		if (s != l->slot && h->charged == 0 && h->wanted == 0)
			continue;
		for (size_t k = 0; k < GPUMEM_HEAT_CLASSES; k++)
			h->class_bytes[k] = (uint64_t)atomic_load(&s->device_class[i][k]) * 4096u;
		if (s == l->slot)
			*ret_own = count;
		count++;
	}
	return count;
}

/* Whoever moves the clock on adds up what passed. */
static uint64_t take_turn(struct gm_head *head, uint64_t now_ns)
{
	uint64_t last = atomic_load(&head->sample_ns), none = 0;

	if (last != 0 && now_ns < last + SAMPLE_NS)
		return 0;
	if (!atomic_compare_exchange_strong(&head->sample_ns, &last, now_ns))
		return 0;
	if (last == 0)
		atomic_compare_exchange_strong(&head->begun_ns, &none, now_ns);
	return last ? now_ns - last : 0;
}

void gm_ledger_sample(struct gm_ledger *l, uint64_t now_ns)
{
	struct gm_head *head = &l->file->head;
	uint64_t passed = take_turn(head, now_ns);

	for (size_t i = 0; passed && i < l->limits->device_count; i++) {
		struct gm_head_device *d = &head->device[i];
		uint64_t sum = gm_ledger_charged(l, i), peak = atomic_load(&d->peak);

		while (peak < sum && !atomic_compare_exchange_weak(&d->peak, &peak, sum))
			;
		atomic_fetch_add(&d->byte_ms,
				 (uint64_t)((unsigned __int128)sum * passed / 1000000u));
		if (sum > gm_ledger_limit(l, i))
			atomic_fetch_add(&d->over_ns, passed);
	}
}

void gm_ledger_note(struct gm_ledger *l, uint64_t now_ns, uint64_t number, uint32_t pages,
		    uint16_t heat, enum gpumem_reason reason, size_t device)
{
	struct gm_ring_entry *e;

	if (!l->slot)
		return;
	e = &l->slot->ring[atomic_fetch_add(&l->slot->ring_next, 1) % GM_RING];
	atomic_store(&e->time_ns, 0);
	atomic_store(&e->number, number);
	atomic_store(&e->pages, pages);
	atomic_store(&e->heat, heat);
	atomic_store(&e->reason, (uint8_t)reason);
	atomic_store(&e->device, (uint8_t)device);
	atomic_store(&e->time_ns, now_ns);
}

/* One word: the time at which everything that moved is paid for (the virtual scheduling form of a
 * token bucket), so that processes share it without a lock. */
bool gm_ledger_bandwidth(struct gm_ledger *l, uint64_t now_ns, uint64_t bytes, uint64_t rate,
			 uint64_t *ret_wait_ns)
{
	_Atomic uint64_t *word = &l->file->head.bucket_ns;
	uint64_t cost = (uint64_t)((unsigned __int128)bytes * 1000000000u / rate);
	uint64_t paid = atomic_load(word), next;

	do {
		uint64_t least = now_ns > BURST_NS ? now_ns - BURST_NS : 0;
		uint64_t from = paid > least ? paid : least;

		if (from > now_ns + BURST_NS) {
			*ret_wait_ns = from - now_ns - BURST_NS;
			return false;
		}
		next = from + cost;
	} while (!atomic_compare_exchange_weak(word, &paid, next));
	return true;
}
