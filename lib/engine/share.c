/* SPDX-License-Identifier: MIT */
/*
 * share.c: the fair share and the job-wide heat threshold.
 */
#include <string.h>

#include "engine/share.h"

/* Less is not worth a round of evictions everywhere. */
#define LEAST_CLAIM GPUMEM_CHUNK_BYTES

static uint64_t less(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t above(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* What an owner may claim of its part. */
static uint64_t claim(const struct gm_holder *h, uint64_t fair)
{
	uint64_t bytes = less(above(fair, h->charged), h->wanted);

	return bytes >= LEAST_CLAIM ? bytes : 0;
}

/* Bytes of heat below or in `class` that the process can give; what no histogram has is the coldest. */
static uint64_t up_to(const struct gm_holder *h, uint64_t most, unsigned class)
{
	uint64_t known = 0, sum = 0;

	for (unsigned k = 0; k < GPUMEM_HEAT_CLASSES; k++) {
		known += h->class_bytes[k];
		if (k <= class)
			sum += h->class_bytes[k];
	}
	return less(most, sum + above(h->charged, known));
}

static uint64_t pool(const struct gm_holder *h, size_t n, uint64_t keep, int class)
{
	uint64_t sum = 0;

	for (size_t k = 0; k < n; k++)
		sum += class < 0 ? 0 : up_to(&h[k], above(h[k].charged, keep), (unsigned)class);
	return sum;
}

/* The own part of `excess`, when everybody gives of what is above `keep`, coldest first. */
static uint64_t part(const struct gm_holder *h, size_t n, size_t own, uint64_t keep, uint64_t excess)
{
	uint64_t most = above(h[own].charged, keep), below, mine_below, mine;
	int t = 0;

	while (t < GPUMEM_HEAT_CLASSES - 1 && pool(h, n, keep, t) < excess)
		t++;
	below = pool(h, n, keep, t - 1);
	mine_below = t ? up_to(&h[own], most, (unsigned)t - 1) : 0;
	mine = up_to(&h[own], most, (unsigned)t) - mine_below;
	if (excess > below && mine) {
		uint64_t all = pool(h, n, keep, t) - below;

		/* Rounded up: what each rounds down, nobody evicts. */
		mine = (uint64_t)(((unsigned __int128)less(excess - below, all) * mine + all - 1) /
				  all);
	} else {
		mine = 0;
	}
	return less(most, mine_below + mine);
}

static uint64_t demand(const struct gm_holder *h)
{
	return h->charged + h->wanted;
}

/* The level up to which all can be served when those who want less leave the rest to the others. */
static uint64_t fair_level(const struct gm_holder *h, size_t n, uint64_t high)
{
	uint64_t level = 0, left, next = high;
	size_t over = n;

	/* It only rises, and ends when nobody drops below it: at most once for each. */
	for (size_t round = 0; round <= n && next != level; round++) {
		level = next;
		left = high;
		over = 0;
		for (size_t k = 0; k < n; k++)
			if (demand(&h[k]) > level || (round == 0 && demand(&h[k])))
				over++;
			else
				left -= less(left, demand(&h[k]));
		next = over ? left / over : level;
	}
	return level;
}

void gm_share(const struct gm_holder *h, size_t n, size_t own, const struct gm_levels *levels,
	      struct gm_share *ret)
{
	uint64_t sum = 0, claims = 0, borrowed = 0, free_room, excess, own_claim, others;

	memset(ret, 0, sizeof(*ret));
	for (size_t k = 0; k < n; k++)
		sum += h[k].charged;
	ret->fair = fair_level(h, n, levels->high);
	for (size_t k = 0; k < n; k++) {
		claims += claim(&h[k], ret->fair);
		borrowed += above(h[k].charged, ret->fair);
	}
	ret->over = sum > levels->high || (levels->draining && sum > levels->low);
	free_room = ret->over ? 0 : above(levels->high, sum);
	excess = ret->over ? above(sum, levels->low) : less(above(claims, free_room), borrowed);
	if (excess) {
		ret->give = part(h, n, own, ret->fair, less(excess, borrowed));
		if (excess > borrowed)
			ret->give += above(part(h, n, own, 0, excess), ret->give);
	}
	own_claim = claim(&h[own], ret->fair);
	others = claims - own_claim;
	/* Owners take of the free room before borrowers. */
	ret->room = own_claim ? less(free_room, own_claim > above(free_room, others) ?
							own_claim :
							above(free_room, others)) :
				above(free_room, others);
	ret->cold_room = less(ret->room, above(levels->low, sum));
}
