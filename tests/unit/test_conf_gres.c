/* SPDX-License-Identifier: MIT */
/*
 * test_conf_gres: which device a node's gres index names, by gpumem.conf and by what was seen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "gpumem.h"

static struct gpumem_conf *parse(const char *text)
{
	struct gpumem_conf *conf = NULL;
	struct gpumem_error err;

	if (gpumem_conf_parse("f", text, strlen(text), NULL, NULL, &conf, &err) != 0)
		fail_msg("%s", err.text);
	return conf;
}

static const struct {
	const char *node;
	unsigned index;
	const char *pci;
} gres[] = {
	{"n1", 0, "0000:c6:00.0"}, /* the first line that names it */
	{"n1", 1, "0000:c1:00.0"},
	{"n1", 2, NULL},
	{"n4", 1, "0000:c1:00.0"},
	{"n5", 0, NULL},
	{"n7", 0, "0000:c6:00.0"},
	{"n", 0, NULL},
	{"n01", 0, NULL},
	{"n11", 0, NULL},
	{"n1x", 0, NULL},
	{"x01y", 0, "0000:c6:00.0"},
	{"x10y", 0, "0000:c6:00.0"},
	{"x1y", 0, NULL},
	{"x11y", 0, NULL},
	{"x01", 0, NULL},
	{"", 0, NULL},
	{NULL, 0, NULL},
};

static void test_gres(void **state)
{
	struct gpumem_conf *conf = parse("NodeName=n[1-4,7],x[01-10]y Devices=0000:C6:00.0,0000:c1:00.0\n"
					 "NodeName=n1 Devices=0001:01:00.7");
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(gres) / sizeof(gres[0]); i++) {
		const char *pci = gpumem_conf_gres_device(conf, gres[i].node, NULL, gres[i].index);

		if (!!pci != !!gres[i].pci || (pci && strcmp(pci, gres[i].pci) != 0))
			fail_msg("%s %u gives %s", gres[i].node ? gres[i].node : "NULL",
				 gres[i].index, pci ? pci : "nothing");
	}
	gpumem_conf_free(conf);
	/* two brackets, and digits that could be split in more than one way */
	conf = parse("NodeName=r[1-12]n[0-99],c[1-2][3-4],z[00-10] Devices=0000:c1:00.0");
	assert_non_null(gpumem_conf_gres_device(conf, "r12n0", NULL, 0));
	assert_non_null(gpumem_conf_gres_device(conf, "r1n99", NULL, 0));
	assert_non_null(gpumem_conf_gres_device(conf, "c24", NULL, 0));
	assert_non_null(gpumem_conf_gres_device(conf, "z00", NULL, 0));
	assert_null(gpumem_conf_gres_device(conf, "z0", NULL, 0));
	assert_null(gpumem_conf_gres_device(conf, "z000", NULL, 0));
	assert_null(gpumem_conf_gres_device(conf, "r13n0", NULL, 0));
	assert_null(gpumem_conf_gres_device(conf, "r1n100", NULL, 0));
	assert_null(gpumem_conf_gres_device(conf, "c33", NULL, 0));
	assert_null(gpumem_conf_gres_device(conf, "c2", NULL, 0));
	gpumem_conf_free(conf);
}

/* Without a line for the node: every GPU seen, in PCI order. */
static void test_gres_seen(void **state)
{
	const char *srcdir = getenv("SRCDIR");
	struct gpumem_conf *conf = parse("NodeName=other Devices=0000:c1:00.0");
	struct gpumem_devices *devices;
	struct gpumem_ctx *ctx;
	char root[4096];
	unsigned i, count;

	(void)state;
	snprintf(root, sizeof(root), "%s/tests/fixtures/mi250x-6.1", srcdir ? srcdir : ".");
	assert_int_equal(gpumem_new(&ctx), 0);
	assert_int_equal(gpumem_set_root(ctx, root, NULL), 0);
	assert_int_equal(gpumem_discover(ctx, GPUMEM_DISCOVER_NO_HWLOC, &devices, NULL), 0);
	count = (unsigned)gpumem_devices_count(devices);
	assert_true(count > 1);
	for (i = 0; i < count; i++)
		assert_string_equal(gpumem_conf_gres_device(conf, "n1", devices, i),
				    gpumem_device_pci(gpumem_devices_get(devices, i)));
	assert_null(gpumem_conf_gres_device(conf, "n1", devices, count));
	assert_string_equal(gpumem_conf_gres_device(conf, "other", devices, 0), "0000:c1:00.0");
	assert_null(gpumem_conf_gres_device(conf, "other", devices, 1));
	gpumem_devices_free(devices);
	gpumem_unref(ctx);
	gpumem_conf_free(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_gres),
					    cmocka_unit_test(test_gres_seen) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
