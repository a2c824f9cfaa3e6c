/* SPDX-License-Identifier: MIT */
/*
 * test_given: devices that gpumem.conf names: what becomes of them on machines that fit and that do not, who gets
 * them, and when a saved list is still theirs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "gpumem.h"

struct seen {
	struct gpumem_ctx *ctx;
	struct gpumem_conf *conf;
	struct gpumem_devices *devices;
};

static struct gpumem_conf *parse(const char *text)
{
	struct gpumem_conf *conf = NULL;
	struct gpumem_error err;

	if (gpumem_conf_parse("f", text, strlen(text), NULL, NULL, &conf, &err) != 0)
		fail_msg("%s", err.text);
	return conf;
}

static void look(const char *machine, const char *text, const char *node, struct seen *s)
{
	const char *srcdir = getenv("SRCDIR");
	char root[4096];

	snprintf(root, sizeof(root), "%s/tests/fixtures/%s", srcdir ? srcdir : ".", machine);
	s->conf = parse(text);
	assert_int_equal(gpumem_new(&s->ctx), 0);
	assert_int_equal(gpumem_set_root(s->ctx, root, NULL), 0);
	assert_int_equal(gpumem_discover(s->ctx, GPUMEM_DISCOVER_NO_HWLOC, &s->devices, NULL), 0);
	assert_int_equal(gpumem_devices_given(s->ctx, s->conf, node, s->devices, NULL), 0);
	assert_true(gpumem_devices_given_same(s->conf, node, s->devices));
}

static void done(struct seen *s)
{
	gpumem_devices_free(s->devices);
	gpumem_conf_free(s->conf);
	gpumem_unref(s->ctx);
}

static const struct given_case {
	const char *machine, *line;
	enum gpumem_kind kind;
	const char *evidence, *note;
} cases[] = {
	{"knl", "Kind=numa Node=4", GPUMEM_KIND_NUMA, "conf:Device,sysfs:cpuless",
	 "node 4 also holds the kernel's own data"},
	{"gh200-numa", "Kind=numa Node=1", GPUMEM_KIND_NUMA,
	 "conf:Device,sysfs:cpuless,sysfs:movable", ""},
	{"gh200-numa", "Kind=numa Node=2", GPUMEM_KIND_NONE, "conf:Device",
	 "line 2 of gpumem.conf: node 2 has no memory"},
	{"gh200-numa", "Kind=numa Node=9", GPUMEM_KIND_NONE, "conf:Device",
	 "line 2 of gpumem.conf: node 9 does not exist"},
	{"gh200-numa", "Kind=numa Node=0", GPUMEM_KIND_NONE, "conf:Device",
	 "line 2 of gpumem.conf: node 0 has CPUs: not Kind=numa"},
	{"gh200-numa", "Kind=numa-shared Node=1", GPUMEM_KIND_NONE, "conf:Device",
	 "line 2 of gpumem.conf: node 1 has no CPUs: not Kind=numa-shared"},
	{"mi300a", "Kind=numa-shared Node=3", GPUMEM_KIND_NUMA_SHARED, "conf:Device", ""},
};

/* At an address where nothing was seen. */
static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct given_case *c = &cases[i];
		const struct gpumem_device *dev;
		char text[128], why[256], want[256];
		struct seen s;

		snprintf(text, sizeof(text), "# one\nDevice=00ff:01:00.0 %s", c->line);
		look(c->machine, text, NULL, &s);
		dev = gpumem_devices_find(s.devices, "00ff:01:00.0");
		assert_non_null(dev);
		if (gpumem_device_kind(dev) != c->kind)
			fail_msg("%s %s: %s", c->machine, c->line,
				 gpumem_kind_name(gpumem_device_kind(dev)));
		assert_string_equal(gpumem_device_evidence(dev), c->evidence);
		assert_string_equal(gpumem_device_note(dev), c->note);
		assert_true(!!gpumem_device_bytes(dev) == (c->kind != GPUMEM_KIND_NONE));
		snprintf(want, sizeof(want), "00ff:01:00.0: %s", c->note);
		assert_string_equal(gpumem_devices_why_none(s.devices, "00ff:01:00.0", why, sizeof(why)),
				    c->kind == GPUMEM_KIND_NONE ? want : "");
		done(&s);
	}
}

/* In place of what was seen; its model, CPUs and file stay. */
static void test_replaces(void **state)
{
	const struct gpumem_device *dev;
	struct seen s;

	(void)state;
	look("gh200-numa", "Device=0009:01:00.0 Kind=numa Node=1", "n1", &s);
	assert_int_equal(gpumem_devices_count(s.devices), 1);
	dev = gpumem_devices_get(s.devices, 0);
	assert_string_equal(gpumem_device_model(dev), "NVIDIA GH200 480GB 10de:2342");
	assert_string_equal(gpumem_device_cpus(dev), "0-71");
	assert_string_equal(gpumem_device_file(dev), "/dev/nvidia0");
	assert_int_equal(gpumem_device_node(dev), 1);
	done(&s);
	/* What the driver said of it is told too. */
	look("gh200-cdmm", "Device=0009:01:00.0 Kind=numa Node=1 File=/dev/nvidia7", "n1", &s);
	dev = gpumem_devices_get(s.devices, 0);
	assert_int_equal(gpumem_device_kind(dev), GPUMEM_KIND_NONE);
	assert_string_equal(gpumem_device_file(dev), "/dev/nvidia7");
	assert_string_equal(gpumem_device_note(dev),
			    "line 1 of gpumem.conf: node 1 has no memory; driver-managed (CDMM): "
			    "CoherentGPUMemoryMode=driver; placements leave data in system memory");
	done(&s);
	/* CPUs of one that is not on the bus: those of the nearest node that has some. */
	look("gh200-numa", "Device=0001:01:00.0 Kind=numa Node=1", "n1", &s);
	dev = gpumem_devices_get(s.devices, 0);
	assert_string_equal(gpumem_device_pci(dev), "0001:01:00.0");
	assert_string_equal(gpumem_device_cpus(dev), "0-71");
	done(&s);
}

static void test_nodes(void **state)
{
	static const char lines[] = "Device=00ff:01:00.0 Kind=numa Node=1 NodeName=n[1-2]\n"
				    "Device=00ff:01:00.0 Kind=numa-shared Node=0\n"
				    "Device=00fe:01:00.0 Kind=numa Node=1 NodeName=n2\n";
	struct gpumem_conf *other = parse("Device=00ff:01:00.0 Kind=numa Node=2 NodeName=n[1-2]");
	struct gpumem_conf *none = parse("");
	struct seen s;

	(void)state;
	look("gh200-numa", lines, "n2", &s);
	assert_int_equal(gpumem_devices_count(s.devices), 3);
	assert_int_equal(gpumem_device_node(gpumem_devices_find(s.devices, "00ff:01:00.0")), 1);
	assert_false(gpumem_devices_given_same(s.conf, "n1", s.devices));
	assert_false(gpumem_devices_given_same(other, "n2", s.devices));
	assert_false(gpumem_devices_given_same(none, "n2", s.devices));
	done(&s);
	look("gh200-numa", lines, "n7", &s);
	assert_int_equal(gpumem_devices_count(s.devices), 2);
	assert_int_equal(gpumem_device_node(gpumem_devices_find(s.devices, "00ff:01:00.0")), 0);
	done(&s);
	look("gh200-numa", lines, NULL, &s);
	assert_int_equal(gpumem_devices_count(s.devices), 2);
	done(&s);
	gpumem_conf_free(other);
	gpumem_conf_free(none);
}

static void test_why_none(void **state)
{
	char why[256], brief[8];
	struct seen s;

	(void)state;
	look("mi210", "", NULL, &s);
	assert_string_equal(gpumem_devices_why_none(s.devices, "0000:43:00.0", why, sizeof(why)),
			    "0000:43:00.0: not coherent: PCIe link, capability bit 28 clear");
	assert_string_equal(gpumem_devices_why_none(s.devices, "0000:44:00.0", why, sizeof(why)),
			    "0000:44:00.0: no such GPU on this node");
	assert_string_equal(gpumem_devices_why_none(s.devices, NULL, brief, sizeof(brief)), "its add");
	done(&s);
}

/* What a record has of nodes: no baseline where CPUs use the node too. */
static void test_record(void **state)
{
	const struct gpumem_subject nobody = {NULL, NULL, NULL};
	const struct gpumem_policy policy = {.placement = GPUMEM_PLACE_PREFER, .limit_percent = 50};
	struct gpumem_job_spec spec = {0};
	struct seen s;

	(void)state;
	look("gh200-numa", "", NULL, &s);
	assert_int_equal(gpumem_job_spec_devices(s.ctx, s.conf, &nobody, s.devices, &policy, &spec, NULL),
			 0);
	assert_int_equal(spec.device_count, 1);
	assert_int_equal(spec.device[0].kind, GPUMEM_KIND_NUMA);
	assert_int_equal(spec.device[0].node, 1);
	assert_int_equal(spec.device[0].bytes, 97280ull << 20);
	assert_int_equal(spec.device[0].limit_bytes, (97280ull << 20) / 100 * 50 & ~4095ull);
	assert_int_equal(spec.device[0].baseline_bytes, 1 << 20);
	done(&s);
	look("mi300a", "", NULL, &s);
	assert_int_equal(gpumem_job_spec_devices(s.ctx, s.conf, &nobody, s.devices, &policy, &spec, NULL),
			 0);
	assert_int_equal(spec.device_count, 4);
	assert_int_equal(spec.device[3].kind, GPUMEM_KIND_NUMA_SHARED);
	assert_int_equal(spec.device[3].node, 3);
	assert_true(spec.device[3].baseline_bytes == UINT64_MAX);
	done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),	 cmocka_unit_test(test_replaces),
		cmocka_unit_test(test_nodes),	 cmocka_unit_test(test_why_none),
		cmocka_unit_test(test_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
