/* SPDX-License-Identifier: MIT */
/*
 * rocr_user: a library of an application that calls ROCr as HIP does, through its symbol.
 */
int hsa_init(void);
int rocr_user_init(void);

__attribute__((visibility("default"))) int rocr_user_init(void)
{
	return hsa_init();
}
