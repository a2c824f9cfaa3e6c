// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks kfdsim against the documented behaviour of the real driver, with
 * nothing but system calls. Runs as root with the module loaded; prints TAP.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/testlib.h"

static const struct {
	const char *name;
	void (*group)(void);
} groups[] = {
	{"abi", group_abi},
	{"acquire", group_acquire},
	{"errors", group_errors},
	{"events", group_events},
	{"ranges", group_ranges},
	{"get", group_get},
	{"xnack", group_xnack},
	{"topology", group_topology},
	{"cgroup", group_cgroup},
	{"pages", group_pages},
	{"special-pages", group_special_pages},
	{"meters", group_meters},
	{"shared-buffer", group_shared_buffer},
	{"process", group_process},
	{"exec", group_exec},
	{"kill", group_kill},
	{"fork-pages", group_fork_pages},
	{"unmap", group_unmap},
	{"memcg", group_memcg},
	{"smi", group_smi},
	{"touch", group_touch},
	{"queues", group_queues},
	{"evict", group_evict},
	{"inject", group_inject},
};

int main(int argc, char **argv)
{
	size_t i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 3 && !strcmp(argv[1], "--exec-child")) {
		setup(argv[0]);
		return exec_child(atoi(argv[2]));
	}
	setup(argv[0]);
	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (argc < 2 || !strcmp(argv[1], groups[i].name))
			run(groups[i].name, groups[i].group);
	plan();
	return failures() ? 1 : 0;
}
