/* SPDX-License-Identifier: MIT */
/*
 * paths.c: files that are installed beside the library, found from where the library itself is, so
 * that a build tree and a relocated installation work without settings.
 */
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/paths.h"

bool gm_path_beside(const char *name, char *buf, size_t len)
{
	static const char *const folders[] = { "gpumem/", "" };
	char real[PATH_MAX];
	const char *slash;
	Dl_info info;

	if (!dladdr((void *)&gm_path_beside, &info) || !realpath(info.dli_fname, real))
		return false;
	slash = strrchr(real, '/');
	for (size_t i = 0; i < 2; i++) {
		int n = snprintf(buf, len, "%.*s/%s%s", (int)(slash - real), real, folders[i], name);

		if (n > 0 && (size_t)n < len && access(buf, R_OK) == 0)
			return true;
	}
	return false;
}

static char agent_path[PATH_MAX];

static void find_agent(void)
{
	if (!gm_path_beside("libgpumem-agent.so", agent_path, sizeof(agent_path)))
		agent_path[0] = '\0';
}

const char *gpumem_agent_path(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, find_agent);
	return agent_path;
}
