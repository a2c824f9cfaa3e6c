/* SPDX-License-Identifier: MIT */
/*
 * slurmd.c: once per start of slurmd: look at the node and leave the result for the steps.
 */
#include <string.h>

#include "plugin.h"

void slurmd_init(int ac, char **av)
{
	char dir[PATH_MAX];
	struct site site;

	if (site_open(&site, ac, av) < 0)
		return;
	/* slurmd does not tell its plugins its node name. Where the folder depends on it, the first
	 * prolog looks instead. */
	if (gpumem_conf_state_dir(site.conf, NULL, dir, sizeof(dir)) == 0 && !strstr(dir, "%n"))
		site_refresh(&site);
	site_close(&site);
}
