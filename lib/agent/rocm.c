/* SPDX-License-Identifier: MIT */
/*
 * rocm.c: what ROCr finds in the agent's library.
 *
 * Whoever opens KFD second with a descriptor of its own is refused, and ROCr does not survive
 * that. A program that loads ROCm late would meet an agent that has opened it already. So the
 * agent stands in the way of hsa_init(): it lets go of the device, calls the real one, and comes
 * back by the way that is for processes with ROCr.
 */
#include <dlfcn.h>

#include "agent/rocm.h"

#define PUBLIC __attribute__((visibility("default")))
#define HSA_ERROR 0x1000u /* HSA_STATUS_ERROR */

typedef unsigned hsa_init_fn(void);

static hsa_init_fn *real_hsa_init(void)
{
	void *rocr = dlopen("libhsa-runtime64.so.1", RTLD_NOW | RTLD_NOLOAD);
	void *fn = rocr ? dlsym(rocr, "hsa_init") : dlsym(RTLD_NEXT, "hsa_init");

	if (rocr)
		dlclose(rocr);
	return (hsa_init_fn *)fn;
}

unsigned hsa_init(void);
PUBLIC unsigned hsa_init(void)
{
	hsa_init_fn *real = real_hsa_init();
	struct gm_proc *p = gm_agent_attached();
	unsigned status;

	if (!real)
		return HSA_ERROR;
	gm_rocr_set_coming();
	if (p)
		gm_proc_release(p);
	status = real();
	if (status == 0)
		gm_rocr_set_up();
	return status;
}

/* ROCr calls these in each library that HSA_TOOLS_LIB names, at the end of hsa_init(): for programs
 * that do not reach it through the symbol above. */
bool OnLoad(void *table, uint64_t runtime_version, uint64_t failed_count,
	    const char *const *failed_names);
PUBLIC bool OnLoad(void *table, uint64_t runtime_version, uint64_t failed_count,
		   const char *const *failed_names)
{
	(void)table;
	(void)runtime_version;
	(void)failed_count;
	(void)failed_names;
	gm_rocr_set_up();
	return true;
}

void OnUnload(void);
PUBLIC void OnUnload(void)
{
}
