/* SPDX-License-Identifier: MIT */
/*
 * names.c: what tools call the numbers of a record.
 */
#include "gpumem.h"

const char *gpumem_fail_name(enum gpumem_fail fail)
{
	static const char *const names[] = { "busy",	"partial", "no-memory", "retry",
					     "mapping", "device",  "taken-back" };

	return (unsigned)fail < GPUMEM_FAIL_COUNT ? names[fail] : "unknown";
}

const char *gpumem_agent_state_name(enum gpumem_agent_state state)
{
	switch (state) {
	case GPUMEM_AGENT_WATCHING:
		return "watching";
	case GPUMEM_AGENT_MOVING:
		return "moving";
	case GPUMEM_AGENT_WAITING:
		return "waiting-for-rocm";
	case GPUMEM_AGENT_NO_DEVICE:
		return "no-device";
	}
	return "starting";
}

const char *gpumem_rule_name(enum gpumem_rule rule)
{
	static const char *const names[] = { "heat", "pin", "age", "lrf", "none", "often" };

	return (unsigned)rule < sizeof(names) / sizeof(names[0]) ? names[rule] : "unknown";
}

const char *gpumem_reason_name(enum gpumem_reason reason)
{
	static const char *const names[GPUMEM_REASON_COUNT] = {
		"-",	      "room",	    "hotter",	 "faulted",   "explore",  "resumed",
		"asked",      "limit",	    "mark",	 "colder",    "share",	  "pressure",
		"suspended",  "policy",	    "full",	 "pinned",    "not-hotter", "settling",
		"bandwidth",  "memcg",	    "kept-out",	 "failed",
	};

	return (unsigned)reason < GPUMEM_REASON_COUNT ? names[reason] : "unknown";
}
