/* SPDX-License-Identifier: MIT */
/*
 * facts.c: what a job's record says, in words.
 */
#include "config.h"

#include <string.h>

#include "facts.h"

/* Bit n is called names[n]. */
static const char *list_bits(uint32_t bits, const char *const *names, size_t count, char *buf)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < count; i++)
		if (bits & (1u << i))
			used += (size_t)snprintf(buf + used, FACTS_LEN - used, "%s%s",
						 used ? "," : "", names[i]);
	return buf;
}

const char *facts_signals(uint32_t signals, char buf[FACTS_LEN])
{
	static const char *const names[] = { "presence",   "scan", "soft-dirty",
					     "referenced", "smi",  "calls" };

	return list_bits(signals, names, sizeof(names) / sizeof(names[0]), buf);
}

const char *facts_notes(uint32_t notes, char buf[FACTS_LEN])
{
	static const char *const names[] = { "memcg", "pressure", "suspended", "bandwidth",
					     "reserved", "wall" };

	return list_bits(notes, names, sizeof(names) / sizeof(names[0]), buf);
}

const char *facts_changed(struct gpumem_job *job, char buf[GPUMEM_POLICY_LEN])
{
	struct gpumem_policy live;
	char text[GPUMEM_POLICY_LEN];
	const char *options;

	buf[0] = '\0';
	if (gpumem_job_live_policy(job, &live) < 0)
		return buf;
	if (live.placement) {
		gpumem_policy_print(&live, text, sizeof(text));
		snprintf(buf, GPUMEM_POLICY_LEN, "policy=%.*s", GPUMEM_POLICY_LEN - 8, text);
		return buf;
	}
	/* The printed form begins with a placement; which one does not matter. */
	live.placement = GPUMEM_PLACE_ADVISE;
	gpumem_policy_print(&live, text, sizeof(text));
	options = strchr(text, ',');
	if (options)
		memcpy(buf, options + 1, strlen(options));
	return buf;
}

const char *facts_step(uint32_t step, char buf[16])
{
	if (step == 0xfffffffbu)
		snprintf(buf, 16, "batch");
	else if (step == 0xfffffffau)
		snprintf(buf, 16, "interactive");
	else
		snprintf(buf, 16, "%u", step);
	return buf;
}

/* /proc/PID/comm is readable for everybody. */
const char *facts_command(pid_t pid, char buf[32])
{
	char path[64];
	FILE *f;

	buf[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return buf;
	if (!fgets(buf, 32, f))
		buf[0] = '\0';
	fclose(f);
	buf[strcspn(buf, "\n")] = '\0';
	/* Its user chose the name, and root may read it on a terminal. */
	for (char *p = buf; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	return buf;
}

/* The marks in force: as changed live, else as the job's policy has them, else the defaults. */
static void marks(struct gpumem_job *job, uint32_t *ret_high, uint32_t *ret_low)
{
	struct gpumem_policy policy = { 0 }, live = { 0 };

	if (gpumem_policy_parse(gpumem_job_policy(job), &policy, NULL) < 0)
		memset(&policy, 0, sizeof(policy));
	if (gpumem_job_live_policy(job, &live) < 0)
		memset(&live, 0, sizeof(live));
	*ret_high = live.high_percent   ? live.high_percent :
		    policy.high_percent ? policy.high_percent :
					  GPUMEM_HIGH_PERCENT;
	*ret_low = live.low_percent   ? live.low_percent :
		   policy.low_percent ? policy.low_percent :
					GPUMEM_LOW_PERCENT;
}

int facts_device(struct gpumem_job *job, size_t i, const struct gpumem_job_process *processes,
		 size_t count, struct facts_device *ret)
{
	struct facts_device f = { 0 };
	uint64_t newest = 0;
	uint32_t high, low;
	int rc = gpumem_job_device(job, i, &f.d);

	if (rc < 0)
		return rc;
	marks(job, &high, &low);
	f.high_bytes = f.d.limit_bytes * high / 100;
	f.low_bytes = f.d.limit_bytes * low / 100;
	for (size_t k = 0; k < count; k++) {
		if (!processes[k].alive)
			continue;
		f.resident += processes[k].device[i].resident_bytes;
		f.active += processes[k].device[i].resident_bytes ||
			    processes[k].device[i].wanted_bytes;
		/* All compute the same; who looked last knows best, and the others are not far off. */
		if (processes[k].device[i].fair_bytes && processes[k].updated_ns >= newest) {
			f.fair_bytes = processes[k].device[i].fair_bytes;
			newest = processes[k].updated_ns;
		}
	}
	*ret = f;
	return 0;
}
