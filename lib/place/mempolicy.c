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

static bool no_nodes(const struct gm_mempolicy *policy)
{
	for (size_t i = 0; i < sizeof(policy->nodes) / sizeof(policy->nodes[0]); i++)
		if (policy->nodes[i])
			return false;
	return true;
}

int gm_mempolicy_get(struct gm_mempolicy *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (syscall(SYS_get_mempolicy, &ret->mode, ret->nodes, GM_MEMPOLICY_NODES, NULL, 0) < 0)
		return -errno;
	ret->mode &= ~MODE_FLAGS;
	/* Before 5.14 the preference of no node is what local memory is called. */
	if (ret->mode == GM_MPOL_PREFERRED && no_nodes(ret))
		ret->mode = GM_MPOL_LOCAL;
	return 0;
}

static int set(int mode, const unsigned long *nodes)
{
	/* The kernel takes one bit less than it is told. */
	return syscall(SYS_set_mempolicy, mode, nodes, GM_MEMPOLICY_NODES + 1) < 0 ? -errno : 0;
}

int gm_mempolicy_set(const struct gm_mempolicy *policy)
{
	bool none = policy->mode == GM_MPOL_DEFAULT || policy->mode == GM_MPOL_LOCAL;
	int rc = set(policy->mode, none ? NULL : policy->nodes);

	if (rc == -EINVAL && policy->mode == GM_MPOL_PREFERRED_MANY)
		rc = set(GM_MPOL_PREFERRED, policy->nodes);
	else if (rc == -EINVAL && policy->mode == GM_MPOL_WEIGHTED_INTERLEAVE)
		rc = set(GM_MPOL_INTERLEAVE, policy->nodes);
	return rc;
}
