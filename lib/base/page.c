/* SPDX-License-Identifier: MIT */
/*
 * page.c: apart, so that a test can say another size.
 */
#include <unistd.h>

#include "base/page.h"

size_t gm_page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}
