/* SPDX-License-Identifier: MIT */
/*
 * test_discover_cache.c: a device list as a file: what is written comes back, what is not ours is
 * refused.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "discover/devices.h"

#define DEVICE(pci)                                                                              \
	"device " pci "\nkind svm\nmodel gfx90a\nbytes 5\nnode -1\nkfd_id 7\n"                   \
	"render_minor 128\nfile \ncpus 0-7\nbandwidth 0\nlatency 0\nevidence kfd:cap28\nnote \n"

static char path[] = "test-cache-XXXXXX";

static int setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static int load_text(const char *text, size_t len, struct gpumem_devices **ret)
{
	struct gpumem_error err = { 0 };
	FILE *f = fopen(path, "w");
	int rc;

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
	rc = gpumem_devices_load(NULL, path, ret, &err);
	assert_int_equal(rc, err.code);
	return rc;
}

static void test_round_trip(void **state)
{
	struct gpumem_devices list = { 0 }, *back;
	struct gpumem_device *dev;
	struct stat st;

	(void)state;
	dev = gm_devices_add(&list, "0000:c1:00.0");
	*dev = (struct gpumem_device){ .pci = "0000:c1:00.0",
				       .kind = GPUMEM_KIND_SVM,
				       .model = "gfx90a 1002:7408",
				       .bytes = UINT64_MAX,
				       .node = 3,
				       .kfd_id = UINT32_MAX,
				       .render_minor = 128,
				       .file = "/dev/dri/renderD128",
				       .cpus = "48-55,112-119",
				       .bandwidth = 1,
				       .latency = 2,
				       .evidence = "kfd:cap28,kfd:iolink11",
				       .note = "a note; with blanks" };
	memset(dev->cpus, '1', sizeof(dev->cpus) - 1); /* full to the brim */
	dev = gm_devices_add(&list, "0000:c6:00.0");
	dev->kind = GPUMEM_KIND_NONE;
	umask(077);
	assert_int_equal(gpumem_devices_save(&list, path, NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(gpumem_devices_load(NULL, path, &back, NULL), 0);
	assert_int_equal(gpumem_devices_count(back), 2);
	for (size_t i = 0; i < 2; i++) {
		const struct gpumem_device *a = &list.device[i], *b = &back->device[i];

		assert_string_equal(a->pci, b->pci);
		assert_int_equal(a->kind, b->kind);
		assert_string_equal(a->model, b->model);
		assert_true(a->bytes == b->bytes && a->kfd_id == b->kfd_id);
		assert_int_equal(a->node, b->node);
		assert_int_equal(a->render_minor, b->render_minor);
		assert_string_equal(a->file, b->file);
		assert_string_equal(a->cpus, b->cpus);
		assert_true(a->bandwidth == b->bandwidth && a->latency == b->latency);
		assert_string_equal(a->evidence, b->evidence);
		assert_string_equal(a->note, b->note);
	}
	free(list.device);
	gpumem_devices_free(back);
}

static void test_empty_list(void **state)
{
	struct gpumem_devices list = { 0 }, *back;

	(void)state;
	assert_int_equal(gpumem_devices_save(&list, path, NULL), 0);
	assert_int_equal(gpumem_devices_load(NULL, path, &back, NULL), 0);
	assert_int_equal(gpumem_devices_count(back), 0);
	gpumem_devices_free(back);
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		"gpumem-devices 1\nend 0\n",
		"gpumem-devices 3\nend 0\n",
		"gpumem-devices 10\nend 0\n",
		"gpumem-devices 2\n",
		"gpumem-devices 2\nend\n",
		"gpumem-devices 2\nend 1\n",
		"gpumem-devices 2\nend 0\nmore\n",
		"gpumem-devices 2\nkind svm\nend 0\n",
		"gpumem-devices 2\ndevice 0000:c1:00.0\nend 1\n",
		"gpumem-devices 2\ndevice word\nend 1\n",
		"gpumem-devices 2\ndevice 0000:C1:00.0\nend 1\n",
		"gpumem-devices 2\n" DEVICE("0000:c1:00.0"),
		"gpumem-devices 2\n" DEVICE("0000:c1:00.0") DEVICE("0000:c1:00.0") "end 2\n",
		"gpumem-devices 2\n" DEVICE("0000:c1:00.0") "kind svm\nend 1\n",
		"gpumem-devices 2\n" DEVICE("0000:c1:00.0") "colour red\nend 1\n",
		"gpumem-devices 2\n" DEVICE("0000:c1:00.0") "end 2\n",
		"gpumem-devices 2\ndevice 0000:c1:00.0\nkind gold\n",
		"gpumem-devices 2\ndevice 0000:c1:00.0\nbytes -1\n",
		"gpumem-devices 2\ndevice 0000:c1:00.0\nbytes 99999999999999999999\n",
		"gpumem-devices 2\ndevice 0000:c1:00.0\nnode -2\n",
		"gpumem-devices 2\ndevice 0000:c1:00.0\nnode 3000000000\n",
		"gpumem-devices 2\ndevice 0000:c1:00.0\nmodel a\tb\n",
	};
	struct gpumem_devices *devices;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (load_text(bad[i], strlen(bad[i]), &devices) != -EPROTO)
			fail_msg("taken: %s", bad[i]);
	}
	assert_int_equal(load_text("gpumem-devices 2\n" DEVICE("0000:c1:00.0") "end 1\n",
				   strlen("gpumem-devices 2\n" DEVICE("0000:c1:00.0") "end 1\n"),
				   &devices),
			 0);
	gpumem_devices_free(devices);
	assert_int_equal(load_text("gpumem-devices 2\n\0end 0\n", 24, &devices), -EPROTO);
}

static void test_too_long(void **state)
{
	struct gpumem_devices *devices;
	char *text = malloc(2 << 20);
	size_t len;

	(void)state;
	assert_non_null(text);
	len = (size_t)sprintf(text, "gpumem-devices 2\ndevice 0000:c1:00.0\nmodel ");
	memset(text + len, 'm', 96);
	strcpy(text + len + 96, "\n");
	assert_int_equal(load_text(text, strlen(text), &devices), -EPROTO);

	memset(text, 'x', 2 << 20);
	assert_int_equal(load_text(text, 2 << 20, &devices), -EPROTO);

	len = (size_t)sprintf(text, "gpumem-devices 2\n");
	for (unsigned i = 0; i < GM_DEVICES_MAX + 1; i++)
		len += (size_t)sprintf(text + len,
				       "device %04x:00:00.0\nkind svm\nmodel \nbytes 5\nnode -1\n"
				       "kfd_id 7\nrender_minor 128\nfile \ncpus \nbandwidth 0\n"
				       "latency 0\nevidence \nnote \n",
				       i);
	len += (size_t)sprintf(text + len, "end %d\n", GM_DEVICES_MAX + 1);
	assert_int_equal(load_text(text, len, &devices), -EPROTO);
	free(text);
}

static void test_no_file(void **state)
{
	struct gpumem_devices list = { 0 }, *devices;

	(void)state;
	assert_int_equal(gpumem_devices_load(NULL, "no/such/file", &devices, NULL), -ENOENT);
	assert_int_equal(gpumem_devices_load(NULL, ".", &devices, NULL), -EPROTO);
	assert_int_equal(gpumem_devices_save(&list, "no/such/file", NULL), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_empty_list),
		cmocka_unit_test(test_refused),	   cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
