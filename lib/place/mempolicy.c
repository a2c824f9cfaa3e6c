/* SPDX-License-Identifier: MIT */
/*
 * mempolicy.c: get_mempolicy(2), set_mempolicy(2), and the weights beside them.
 */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "place/mempolicy.h"

#define MODE_FLAGS 0xf000 /* MPOL_F_STATIC_NODES and the like, which get_mempolicy() adds */

int gm_mempolicy_get(struct gm_mempolicy *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (syscall(SYS_get_mempolicy, &ret->mode, ret->nodes, GM_MEMPOLICY_NODES, NULL, 0) < 0)
		return -errno;
	ret->mode &= ~MODE_FLAGS;
	return 0;
}

static int set(int mode, const unsigned long *nodes)
{
	/* The kernel takes one bit less than it is told. */
	return syscall(SYS_set_mempolicy, mode, nodes, GM_MEMPOLICY_NODES + 1) < 0 ? -errno : 0;
}

int gm_mempolicy_set(const struct gm_mempolicy *policy)
{
	bool no_nodes = policy->mode == GM_MPOL_DEFAULT || policy->mode == GM_MPOL_LOCAL;
	int rc = set(policy->mode, no_nodes ? NULL : policy->nodes);

	if (rc == -EINVAL && policy->mode == GM_MPOL_PREFERRED_MANY)
		rc = set(GM_MPOL_PREFERRED, policy->nodes);
	else if (rc == -EINVAL && policy->mode == GM_MPOL_WEIGHTED_INTERLEAVE)
		rc = set(GM_MPOL_INTERLEAVE, policy->nodes);
	return rc;
}
