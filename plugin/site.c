/* SPDX-License-Identifier: MIT */
/*
 * site.c: the site's configuration and the node's devices, as each context needs them.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin.h"

#define CACHE "devices"

static int read_conf(struct site *site, int ac, char **av, struct gpumem_error *err)
{
	const char *path = NULL;
	int rc;

	for (int i = 0; i < ac; i++)
		if (strncmp(av[i], "config=", 7) == 0)
			path = av[i] + 7;
	rc = gpumem_conf_read(path, NULL, NULL, &site->conf, err);
	for (int i = 0; rc == 0 && i < ac; i++)
		if (strncmp(av[i], "config=", 7) != 0)
			rc = gpumem_conf_override(site->conf, av[i], err);
	return rc;
}

int site_open(struct site *site, int ac, char **av)
{
	const char *node = getenv("SLURMD_NODENAME");
	struct gpumem_error err = { 0 };
	int rc;

	memset(site, 0, sizeof(*site));
	if (node && *node)
		snprintf(site->node, sizeof(site->node), "%s", node);
	else if (gethostname(site->node, sizeof(site->node) - 1) == 0)
		site->node[strcspn(site->node, ".")] = '\0';
	rc = read_conf(site, ac, av, &err);
	if (rc == 0)
		rc = gpumem_conf_state_dir(site->conf, site->node, site->state_dir,
					   sizeof(site->state_dir));
	if (rc == 0)
		rc = gpumem_new(&site->ctx);
	if (rc < 0) {
		slurm_error("gpumem: %s", err.text[0] ? err.text : strerror(-rc));
		site_close(site);
	}
	return rc;
}

void site_close(struct site *site)
{
	site->conf = gpumem_conf_free(site->conf);
	site->ctx = gpumem_unref(site->ctx);
}

/* A line of the site's that the kernel contradicts is a mistake, or a driver that has not started. */
static void tell_contradicted(const struct gpumem_devices *devices)
{
	const struct gpumem_device *dev;
	size_t i;

	gpumem_devices_foreach(devices, dev, i)
		if (gpumem_device_kind(dev) == GPUMEM_KIND_NONE &&
		    strncmp(gpumem_device_evidence(dev), "conf:", 5) == 0)
			slurm_error("gpumem: %s: %s", gpumem_device_pci(dev),
				    gpumem_device_note(dev));
}

void site_refresh(struct site *site)
{
	struct gpumem_error err = { 0 };
	struct gpumem_devices *devices;
	char path[PATH_MAX + sizeof(CACHE) + 1];

	if (gpumem_discover(site->ctx, 0, &devices, &err) < 0) {
		slurm_error("gpumem: %s", err.text);
		return;
	}
	if (gpumem_devices_given(site->ctx, site->conf, site->node, devices, &err) < 0)
		slurm_error("gpumem: %s", err.text);
	tell_contradicted(devices);
	snprintf(path, sizeof(path), "%s/" CACHE, site->state_dir);
	if (gpumem_state_make(site->state_dir, &err) < 0 ||
	    gpumem_devices_save(devices, path, &err) < 0)
		slurm_error("gpumem: %s", err.text);
	gpumem_devices_free(devices);
}

struct gpumem_devices *site_devices(struct site *site)
{
	char path[PATH_MAX + sizeof(CACHE) + 1];
	struct gpumem_devices *devices;

	snprintf(path, sizeof(path), "%s/" CACHE, site->state_dir);
	if (gpumem_devices_load(site->ctx, path, &devices, NULL) == 0) {
		/* An edit of gpumem.conf holds for the next job. */
		if (gpumem_devices_given_same(site->conf, site->node, devices))
			return devices;
		gpumem_devices_free(devices);
	}
	site_refresh(site);
	return gpumem_devices_load(site->ctx, path, &devices, NULL) == 0 ? devices : NULL;
}

void owner_of(uid_t uid, const char *partition, const char *account, struct owner *ret)
{
	struct passwd *pw = getpwuid(uid);

	memset(ret, 0, sizeof(*ret));
	if (pw) {
		snprintf(ret->user, sizeof(ret->user), "%s", pw->pw_name);
		ret->subject.user = ret->user;
	}
	ret->subject.partition = partition;
	ret->subject.account = account;
}

int site_policy(const struct site *site, const struct owner *owner, const char *text,
		struct gpumem_policy *ret, struct gpumem_error *err)
{
	int rc;

	if (!text)
		text = gpumem_conf_default_policy(site->conf, &owner->subject);
	if (!text || !*text)
		return 0;
	rc = gpumem_policy_parse(text, ret, err);
	if (rc == 0)
		rc = gpumem_policy_supported(ret, err);
	if (rc == 0)
		rc = gpumem_conf_check(site->conf, &owner->subject, ret, err);
	/* A limit above the site's is cut down to it on the node; the record says so. */
	if (rc == -ERANGE)
		rc = 0;
	if (rc < 0)
		return rc;
	return ret->placement == GPUMEM_PLACE_OFF ? 0 : 1;
}

int site_record(struct site *site, const struct owner *owner, const struct gpumem_policy *policy,
		const struct gpumem_devices *devices, uint32_t job_id, uid_t uid, gid_t gid,
		struct gpumem_error *err)
{
	struct gpumem_job_spec spec = { 0 };
	char text[GPUMEM_POLICY_LEN];
	int rc;

	gpumem_policy_print(policy, text, sizeof(text));
	spec.state_dir = site->state_dir;
	spec.job_id = job_id;
	spec.uid = uid;
	spec.gid = gid;
	spec.node = site->node;
	spec.policy = text;
	rc = gpumem_job_spec_devices(site->ctx, site->conf, &owner->subject, devices, policy, &spec,
				     err);
	return rc == 0 ? gpumem_job_create(&spec, err) : rc;
}
