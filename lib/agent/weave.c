/* SPDX-License-Identifier: MIT */
/*
 * weave.c: turns by a chunk's number: neighbours alternate, and a chunk's place does not change when other memory
 * comes or goes. Where the turns alone miss the ratio, as when a program uses every second chunk, any will do.
 */
#include "agent/weave.h"

static uint64_t devices_part(const struct gpumem_plan *plan)
{
	return plan->ratio_device ? plan->ratio_device : 1;
}

uint64_t gm_weave_part(const struct gpumem_plan *plan, uint64_t total)
{
	uint64_t device = devices_part(plan), sum = device + plan->ratio_host;

	if (!plan->device_count)
		return 0;
	return (uint64_t)((unsigned __int128)total * device / sum / plan->device_count);
}

size_t gm_weave_turn(const struct gpumem_plan *plan, uint64_t number)
{
	uint64_t device = devices_part(plan), sum = device + plan->ratio_host;
	uint64_t round = number / sum, at = number % sum;

	if (!plan->device_count || at >= device)
		return GM_WEAVE_HOST;
	return plan->device[(round * device + at) % plan->device_count];
}

/* The last chunk of a part may be half of it. */
static bool has_room(const struct gm_weave *weave, size_t index, uint64_t bytes)
{
	return index != GM_WEAVE_HOST && weave->room[index] >= bytes / 2 && weave->room[index];
}

size_t gm_weave_target(const struct gm_weave *weave, const struct gpumem_plan *plan,
		       uint64_t number, uint64_t bytes)
{
	size_t turn = gm_weave_turn(plan, number), best = GM_WEAVE_HOST;

	if (has_room(weave, turn, bytes))
		return turn;
	for (uint32_t i = 0; weave->any && i < plan->device_count; i++)
		if (has_room(weave, plan->device[i], bytes) &&
		    (best == GM_WEAVE_HOST || weave->room[plan->device[i]] > weave->room[best]))
			best = plan->device[i];
	return best;
}

void gm_weave_pass(struct gm_weave *weave)
{
	uint64_t most = 0;

	for (size_t i = 0; i < GPUMEM_MAX_DEVICES; i++)
		if (weave->room[i] > most)
			most = weave->room[i];
	weave->any = !weave->moved && most >= GPUMEM_CHUNK_BYTES;
	weave->moved = false;
}
