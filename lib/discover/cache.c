/* SPDX-License-Identifier: MIT */
/*
 * cache.c: a device list as a file, so that what was discovered once, where everything can be
 * seen, can be used where it cannot (in a job, device cgroups hide GPUs).
 */
#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define GM_WHERE "cache"
#include "base/cleanup.h"
#include "discover/devices.h"
#include "discover/pci.h"

/*
 * gpumem-devices 2
 * device 0000:c1:00.0        one block per device: every key, in any order
 * kind svm
 * ...
 * end 8                      the number of devices: nothing was cut off
 */
#define MAGIC "gpumem-devices 2"
#define FILE_MAX (1u << 20)

enum type { TYPE_TEXT, TYPE_U64, TYPE_U32, TYPE_S32, TYPE_KIND };

static const struct field {
	const char *key;
	enum type type;
	size_t offset, size;
} fields[] = {
#define FIELD(key, type, member)                                                                 \
	{ key, type, offsetof(struct gpumem_device, member),                                     \
	  sizeof(((struct gpumem_device *)0)->member) }
	FIELD("kind", TYPE_KIND, kind),
	FIELD("model", TYPE_TEXT, model),
	FIELD("bytes", TYPE_U64, bytes),
	FIELD("node", TYPE_S32, node),
	FIELD("kfd_id", TYPE_U32, kfd_id),
	FIELD("render_minor", TYPE_S32, render_minor),
	FIELD("file", TYPE_TEXT, file),
	FIELD("cpus", TYPE_TEXT, cpus),
	FIELD("bandwidth", TYPE_U64, bandwidth),
	FIELD("latency", TYPE_U64, latency),
	FIELD("evidence", TYPE_TEXT, evidence),
	FIELD("note", TYPE_TEXT, note),
#undef FIELD
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))
#define ALL_FIELDS ((1u << FIELDS) - 1)

/* ---- writing ----------------------------------------------------------------------------- */

static void print_field(FILE *f, const struct field *field, const struct gpumem_device *dev)
{
	const char *at = (const char *)dev + field->offset;

	fprintf(f, "%s ", field->key);
	switch (field->type) {
	case TYPE_TEXT:
		fprintf(f, "%s\n", at);
		break;
	case TYPE_U64:
		fprintf(f, "%" PRIu64 "\n", *(const uint64_t *)(const void *)at);
		break;
	case TYPE_U32:
		fprintf(f, "%" PRIu32 "\n", *(const uint32_t *)(const void *)at);
		break;
	case TYPE_S32:
		fprintf(f, "%" PRId32 "\n", *(const int32_t *)(const void *)at);
		break;
	case TYPE_KIND:
		fprintf(f, "%s\n", gpumem_kind_name(dev->kind));
		break;
	}
}

static int print_devices(int fd, const struct gpumem_devices *devices)
{
	FILE *f = fdopen(fd, "w");
	bool bad;

	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	fprintf(f, MAGIC "\n");
	for (size_t i = 0; i < devices->count; i++) {
		fprintf(f, "device %s\n", devices->device[i].pci);
		for (size_t j = 0; j < FIELDS; j++)
			print_field(f, &fields[j], &devices->device[i]);
	}
	fprintf(f, "end %zu\n", devices->count);
	errno = 0;
	bad = fflush(f) != 0 || fchmod(fileno(f), 0644) < 0 || fsync(fileno(f)) < 0;
	bad |= ferror(f) != 0;
	if (bad) {
		int rc = errno ? -errno : -EIO;

		fclose(f);
		return rc;
	}
	return fclose(f) == 0 ? 0 : -EIO;
}

int gpumem_devices_save(const struct gpumem_devices *devices, const char *path,
			struct gpumem_error *err)
{
	char temporary[PATH_MAX];
	int fd, rc;

	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= (int)sizeof(temporary))
		return gm_err(err, -ENAMETOOLONG, "%.100s...: name too long", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return gm_err(err, -errno, "%s: %s", temporary, strerror(errno));
	rc = print_devices(fd, devices);
	if (rc == 0 && rename(temporary, path) < 0)
		rc = -errno;
	if (rc < 0) {
		unlink(temporary);
		return gm_err(err, rc, "%s: %s", path, strerror(-rc));
	}
	return 0;
}

/* ---- reading ----------------------------------------------------------------------------- */

static bool parse_text(const char *value, char *to, size_t size)
{
	if (strlen(value) >= size)
		return false;
	for (const char *c = value; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return false;
	}
	strcpy(to, value);
	return true;
}

static bool parse_kind(const char *value, enum gpumem_kind *ret)
{
	for (int kind = GPUMEM_KIND_NONE; kind <= GPUMEM_KIND_NUMA_SHARED; kind++) {
		if (!strcmp(value, gpumem_kind_name(kind))) {
			*ret = kind;
			return true;
		}
	}
	return false;
}

/* -1 is the only negative number there is. */
static bool parse_s32(const char *value, int32_t *ret)
{
	uint32_t number;

	if (!strcmp(value, "-1")) {
		*ret = -1;
		return true;
	}
	if (!gm_parse_u32(value, 10, &number) || number > INT32_MAX)
		return false;
	*ret = (int32_t)number;
	return true;
}

static bool parse_field(const struct field *field, const char *value, struct gpumem_device *dev)
{
	char *at = (char *)dev + field->offset;

	switch (field->type) {
	case TYPE_TEXT:
		return parse_text(value, at, field->size);
	case TYPE_U64:
		return gm_parse_u64(value, 10, (uint64_t *)(void *)at);
	case TYPE_U32:
		return gm_parse_u32(value, 10, (uint32_t *)(void *)at);
	case TYPE_S32:
		return parse_s32(value, (int32_t *)(void *)at);
	case TYPE_KIND:
		return parse_kind(value, &dev->kind);
	}
	return false;
}

static bool parse_line(const char *key, const char *value, struct gpumem_device *dev,
		       unsigned *seen)
{
	for (size_t i = 0; i < FIELDS; i++) {
		if (strcmp(key, fields[i].key) != 0)
			continue;
		if (*seen & 1u << i)
			return false;
		*seen |= 1u << i;
		return parse_field(&fields[i], value, dev);
	}
	return false;
}

static bool start_device(struct gpumem_devices *devices, const char *pci,
			 struct gpumem_device **ret)
{
	struct gm_pci_address address;
	char same[GPUMEM_PCI_LEN];

	if (!gm_pci_parse(pci, &address))
		return false;
	gm_pci_print(&address, same);
	if (strcmp(same, pci) != 0 || gpumem_devices_find(devices, pci))
		return false;
	*ret = gm_devices_add(devices, pci);
	return *ret != NULL;
}

/* Fills `devices`; the number of the line that is wrong, 0 when none is. */
static unsigned parse_file(char *text, struct gpumem_devices *devices)
{
	struct gpumem_device *dev = NULL;
	unsigned number = 1, seen = ALL_FIELDS;
	char *line = gm_next_line(&text), *value;
	uint64_t count;

	if (!line || strcmp(line, MAGIC) != 0)
		return number;
	while ((line = gm_next_line(&text))) {
		number++;
		value = strchr(line, ' ');
		if (!value)
			return number;
		*value++ = '\0';
		if (!strcmp(line, "end")) {
			bool ok = seen == ALL_FIELDS && gm_parse_u64(value, 10, &count) &&
				  count == devices->count && !*text;

			return ok ? 0 : number;
		}
		if (!strcmp(line, "device")) {
			if (seen != ALL_FIELDS || !start_device(devices, value, &dev))
				return number;
			seen = 0;
		} else if (!dev || !parse_line(line, value, dev, &seen)) {
			return number;
		}
	}
	return number + 1;
}

static int read_file(const char *path, char *buf, size_t len)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	size_t got = 0;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EPROTO;
	while ((n = read(fd, buf + got, len - got)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		got += (size_t)n;
		if (got == len)
			return -EPROTO;
	}
	buf[got] = '\0';
	return strlen(buf) == got ? 0 : -EPROTO;
}

int gpumem_devices_load(struct gpumem_ctx *ctx, const char *path, struct gpumem_devices **ret,
			struct gpumem_error *err)
{
	_cleanup_free_ char *text = malloc(FILE_MAX);
	struct gpumem_devices *devices = calloc(1, sizeof(*devices));
	unsigned line;
	int rc;

	(void)ctx;
	if (!text || !devices) {
		gpumem_devices_free(devices);
		return gm_err(err, -ENOMEM, "out of memory");
	}
	rc = read_file(path, text, FILE_MAX);
	if (rc < 0) {
		gpumem_devices_free(devices);
		return gm_err(err, rc, "%s: %s", path,
			      rc == -EPROTO ? "not a device list" : strerror(-rc));
	}
	line = parse_file(text, devices);
	if (line) {
		gpumem_devices_free(devices);
		return gm_err(err, -EPROTO, "%s: line %u: not a device list of this version", path,
			      line);
	}
	*ret = devices;
	return 0;
}
