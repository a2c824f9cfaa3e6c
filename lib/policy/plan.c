/* SPDX-License-Identifier: MIT */
/*
 * plan.c: what a policy becomes for one task, and the line of text that carries it into the task's
 * environment. Pure. The reader trusts nothing: the line comes from an environment.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define GM_WHERE "plan"
#include "base/err.h"
#include "policy/size.h"
#include "policy/words.h"

static void no_limits(struct gpumem_plan *plan)
{
	size_t i;

	for (i = 0; i < GPUMEM_MAX_DEVICES; i++)
		plan->limit_bytes[i] = UINT64_MAX;
}

/* Whether the placement means nothing without a device. */
static bool needs_device(enum gpumem_placement placement)
{
	return placement == GPUMEM_PLACE_PREFER || placement == GPUMEM_PLACE_BIND ||
	       placement == GPUMEM_PLACE_INTERLEAVE;
}

static int check_devices(const uint8_t *device, size_t count, struct gpumem_error *err)
{
	uint32_t seen = 0;
	size_t i;

	if (count > GPUMEM_MAX_DEVICES)
		return gm_err(err, -EINVAL, "%zu devices; the most is %d", count,
			      GPUMEM_MAX_DEVICES);
	for (i = 0; i < count; i++) {
		if (device[i] >= GPUMEM_MAX_DEVICES)
			return gm_err(err, -EINVAL, "no device can have the index %u", device[i]);
		if (seen & (1u << device[i]))
			return gm_err(err, -EINVAL, "device %u is given twice", device[i]);
		seen |= 1u << device[i];
	}
	return 0;
}

static uint64_t step_limit(const struct gpumem_policy *policy, uint64_t device_bytes)
{
	if (policy->limit_percent)
		return gm_percent_of(device_bytes, policy->limit_percent);
	return policy->limit_bytes ? policy->limit_bytes : UINT64_MAX;
}

/* order[] becomes the positions 0..count-1 by distance; equal ones keep their order. */
static void sort_by_distance(const uint32_t *distance, size_t count, size_t *order)
{
	size_t i, j;

	for (i = 0; i < count; i++) {
		for (j = i; j > 0 && distance[order[j - 1]] > distance[i]; j--)
			order[j] = order[j - 1];
		order[j] = i;
	}
}

int gpumem_plan_make(const struct gpumem_policy *policy, const uint8_t *device,
		     const uint32_t *distance, size_t count, const uint64_t *device_bytes,
		     uint32_t step_id, uint32_t task_id, struct gpumem_plan *ret,
		     struct gpumem_error *err)
{
	struct gpumem_plan plan = {
		.placement = policy->placement,
		.step_id = step_id,
		.task_id = task_id,
		.evict = policy->evict,
		.high_percent = policy->high_percent,
		.low_percent = policy->low_percent,
		.bandwidth_bytes = policy->bandwidth_bytes,
		.suspend = policy->suspend,
		.ratio_device = policy->ratio_device,
		.ratio_host = policy->ratio_host,
	};
	size_t order[GPUMEM_MAX_DEVICES];
	size_t first, end, i;
	int rc = check_devices(device, count, err);

	if (rc < 0)
		return rc;
	if (count == 0 && needs_device(policy->placement))
		return gm_err(err, -EINVAL, "%s needs a device",
			      gpumem_placement_name(policy->placement));
	no_limits(&plan);
	sort_by_distance(distance, count, order);
	for (first = 0; first < count; first = end) {
		for (end = first + 1; end < count; end++)
			if (distance[order[end]] != distance[order[first]])
				break;
		for (i = first; i < end; i++)
			plan.device[i] =
				device[order[first + (i - first + task_id) % (end - first)]];
	}
	for (i = 0; i < count; i++)
		plan.limit_bytes[device[i]] = step_limit(policy, device_bytes[i]);
	plan.device_count = (uint32_t)count;
	*ret = plan;
	return 0;
}

/* Those that the user named. */
static void print_options(const struct gpumem_plan *plan, char *text, size_t size)
{
	if (plan->ratio_device)
		gm_append(text, size, ",ratio=%u/%u", plan->ratio_device, plan->ratio_host);
	if (plan->evict)
		gm_append(text, size, ",evict=%s", gm_name_of(gm_evict_orders, plan->evict));
	if (plan->high_percent)
		gm_append(text, size, ",high=%u", plan->high_percent);
	if (plan->low_percent)
		gm_append(text, size, ",low=%u", plan->low_percent);
	if (plan->bandwidth_bytes)
		gm_append(text, size, ",bw=%" PRIu64, plan->bandwidth_bytes);
	if (plan->suspend)
		gm_append(text, size, ",suspend=%s", gm_name_of(gm_on_suspend, plan->suspend));
}

int gpumem_plan_print(const struct gpumem_plan *plan, char *buf, size_t len)
{
	char text[GPUMEM_PLAN_LEN] = "";
	size_t i;

	gm_append(text, sizeof(text), "v2,place=%s,step=%u,task=%u",
		  gpumem_placement_name(plan->placement), plan->step_id, plan->task_id);
	print_options(plan, text, sizeof(text));
	for (i = 0; i < plan->device_count && i < GPUMEM_MAX_DEVICES; i++) {
		unsigned index = plan->device[i];
		uint64_t limit = index < GPUMEM_MAX_DEVICES ? plan->limit_bytes[index] : 0;

		if (limit == UINT64_MAX)
			gm_append(text, sizeof(text), ",dev=%u:max", index);
		else
			gm_append(text, sizeof(text), ",dev=%u:%" PRIu64, index, limit);
	}
	if (strlen(text) >= len)
		return -ENOSPC;
	memcpy(buf, text, strlen(text) + 1);
	return 0;
}

/* Takes the word KEY=VALUE or nothing from *text, up to a comma or the end. */
static bool take(const char **text, const char *key, const char **value, size_t *len)
{
	size_t key_len = strlen(key);

	if (strncmp(*text, key, key_len) != 0)
		return false;
	*value = *text + key_len;
	*len = strcspn(*value, ",");
	*text = *value + *len;
	if (**text == ',')
		(*text)++;
	return true;
}

/* One spelling of a number alone, so that a line has one meaning and one form. */
static bool number(const char *text, size_t len, uint64_t max, uint64_t *ret)
{
	if (len > 1 && text[0] == '0')
		return false;
	return gm_uint_parse(text, len, max, ret) == 0;
}

static bool take_number(const char **text, const char *key, uint32_t *ret)
{
	const char *value;
	uint64_t n;
	size_t len;

	if (!take(text, key, &value, &len) || !number(value, len, UINT32_MAX, &n))
		return false;
	*ret = (uint32_t)n;
	return true;
}

/* A name of the table as it is printed; without the key nothing is taken. False: a bad value. */
static bool take_name(const char **text, const char *key, const struct gm_name *table, uint32_t *ret)
{
	const char *value;
	uint32_t found;
	size_t len;

	if (!take(text, key, &value, &len))
		return true;
	found = gm_name_find(table, value, len);
	/* Names are found in any case; a plan has the one that was printed. */
	if (!found || strncmp(value, gm_name_of(table, found), len) != 0)
		return false;
	*ret = found;
	return true;
}

static bool take_uint(const char **text, const char *key, uint64_t max, uint64_t *ret)
{
	const char *value;
	size_t len;

	if (!take(text, key, &value, &len))
		return true;
	return number(value, len, max, ret) && *ret > 0;
}

/* "3/1", without zeros. */
static bool take_ratio(const char **text, struct gpumem_plan *plan)
{
	const char *value, *slash;
	uint64_t device, host;
	size_t len, at;

	if (!take(text, "ratio=", &value, &len))
		return true;
	slash = memchr(value, '/', len);
	if (!slash || plan->placement != GPUMEM_PLACE_INTERLEAVE)
		return false;
	at = (size_t)(slash - value);
	if (!number(value, at, UINT32_MAX, &device) || !device ||
	    !number(slash + 1, len - at - 1, UINT32_MAX, &host) || !host)
		return false;
	plan->ratio_device = (uint32_t)device;
	plan->ratio_host = (uint32_t)host;
	return true;
}

static bool take_options(const char **text, struct gpumem_plan *plan)
{
	uint32_t evict = 0, suspend = 0;
	uint64_t high = 0, low = 0;

	if (!take_ratio(text, plan) || !take_name(text, "evict=", gm_evict_orders, &evict) ||
	    !take_uint(text, "high=", 100, &high) || !take_uint(text, "low=", 100, &low) ||
	    !take_uint(text, "bw=", UINT64_MAX, &plan->bandwidth_bytes) ||
	    !take_name(text, "suspend=", gm_on_suspend, &suspend))
		return false;
	plan->evict = (enum gpumem_evict_order)evict;
	plan->suspend = (enum gpumem_on_suspend)suspend;
	plan->high_percent = (uint32_t)high;
	plan->low_percent = (uint32_t)low;
	return true;
}

static bool take_device(const char **text, struct gpumem_plan *plan)
{
	uint64_t index, limit = UINT64_MAX;
	const char *value, *colon;
	size_t len, at;

	if (plan->device_count == GPUMEM_MAX_DEVICES || !take(text, "dev=", &value, &len))
		return false;
	colon = memchr(value, ':', len);
	if (!colon)
		return false;
	at = (size_t)(colon - value);
	if (!number(value, at, GPUMEM_MAX_DEVICES - 1, &index))
		return false;
	if ((len - at != 4 || memcmp(colon, ":max", 4) != 0) &&
	    !number(colon + 1, len - at - 1, UINT64_MAX - 1, &limit))
		return false;
	plan->device[plan->device_count++] = (uint8_t)index;
	plan->limit_bytes[index] = limit;
	return true;
}

int gpumem_plan_parse(const char *text, struct gpumem_plan *ret, struct gpumem_error *err)
{
	struct gpumem_plan plan = {0};
	const char *rest = text, *value;
	uint32_t placement = 0;
	char show[GM_SHOW_LEN];
	size_t len = strnlen(text, GPUMEM_PLAN_LEN);

	no_limits(&plan);
	if (len == GPUMEM_PLAN_LEN || (len > 0 && text[len - 1] == ','))
		goto bad;
	if (!take(&rest, "v2", &value, &len) || len > 0 ||
	    !take_name(&rest, "place=", gm_placements, &placement) || !placement)
		goto bad;
	plan.placement = (enum gpumem_placement)placement;
	if (!take_number(&rest, "step=", &plan.step_id) ||
	    !take_number(&rest, "task=", &plan.task_id) || !take_options(&rest, &plan))
		goto bad;
	while (*rest)
		if (!take_device(&rest, &plan))
			goto bad;
	if (plan.device_count == 0 && needs_device(plan.placement))
		goto bad;
	if (check_devices(plan.device, plan.device_count, err) < 0)
		return -EINVAL;
	*ret = plan;
	return 0;
bad:
	return gm_err(err, -EINVAL, "not a plan of this version at '%s'",
		      gm_show(rest, strnlen(rest, GPUMEM_PLAN_LEN), show));
}
