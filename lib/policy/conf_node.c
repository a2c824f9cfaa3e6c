/* SPDX-License-Identifier: MIT */
/*
 * conf_node.c: which device a node's gres index is: NodeName=... Devices=... lines.
 */
#include <stdlib.h>
#include <string.h>

#define GM_WHERE "conf"
#include "base/err.h"
#include "policy/conf.h"
#include "policy/hostlist.h"
#include "policy/words.h"

#define DEVICES_MAX 64u

bool gm_conf_pci(const char *text, size_t len, char *ret)
{
	static const char form[] = "xxxx:xx:xx.7";
	size_t i;

	if (len != sizeof(form) - 1)
		return false;
	for (i = 0; i < len; i++) {
		char c = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] - 'A' + 'a') : text[i];

		if (form[i] == 'x'   ? !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))
		    : form[i] == '7' ? c < '0' || c > '7'
				     : c != form[i])
			return false;
		ret[i] = c;
	}
	ret[len] = '\0';
	return true;
}

static int read_devices(struct gm_node *node, const char *text, struct gpumem_error *err)
{
	char show[GM_SHOW_LEN];
	size_t i;

	for (;;) {
		size_t len = strcspn(text, ",");

		if (node->count == DEVICES_MAX)
			return gm_err(err, -EINVAL, "Devices: more than %u", DEVICES_MAX);
		if (!gm_conf_pci(text, len, node->pci[node->count]))
			return gm_err(err, -EINVAL,
				      "Devices: '%s': no PCI address; allowed: a list like "
				      "0000:c1:00.0,0000:c6:00.0",
				      gm_show(text, len, show));
		for (i = 0; i < node->count; i++)
			if (strcmp(node->pci[i], node->pci[node->count]) == 0)
				return gm_err(err, -EINVAL, "Devices: '%s' is given twice",
					      node->pci[i]);
		node->count++;
		if (text[len] == '\0')
			return 0;
		text += len + 1;
	}
}

int gm_conf_node_names(const char *names, struct gpumem_error *err)
{
	const char *fault = gm_hostlist_fault(names);
	char show[GM_SHOW_LEN];

	if (!fault)
		return 0;
	return gm_err(err, -EINVAL,
		      "'NodeName=%s': %s; allowed: names like n1 or n[1-4,7], with commas",
		      gm_show(names, strlen(names), show), fault);
}

int gm_conf_node_add(struct gpumem_conf *conf, const char *names, const char *devices,
		     unsigned line, struct gpumem_error *err)
{
	struct gm_node node = {.line = line}, *all;
	int rc = gm_conf_node_names(names, err);
	char show[GM_SHOW_LEN];
	size_t i;

	if (rc < 0)
		return rc;
	for (i = 0; i < conf->node_count; i++)
		if (strcmp(conf->nodes[i].names, names) == 0)
			return gm_err(err, -EINVAL, "NodeName=%s is given twice; first on line %u",
				      gm_show(names, strlen(names), show), conf->nodes[i].line);
	node.names = strdup(names);
	node.pci = calloc(DEVICES_MAX, sizeof(*node.pci));
	rc = node.names && node.pci ? read_devices(&node, devices, err)
				    : gm_err(err, -ENOMEM, "out of memory");
	all = rc == 0 ? reallocarray(conf->nodes, conf->node_count + 1, sizeof(*all)) : NULL;
	if (rc == 0 && !all)
		rc = gm_err(err, -ENOMEM, "out of memory");
	if (rc < 0) {
		free(node.names);
		free(node.pci);
		return rc;
	}
	conf->nodes = all;
	conf->nodes[conf->node_count++] = node;
	return 0;
}

const char *gpumem_conf_gres_device(const struct gpumem_conf *conf, const char *node,
				    const struct gpumem_devices *devices, unsigned index)
{
	const struct gpumem_device *dev;
	size_t i;

	for (i = 0; node && i < conf->node_count; i++)
		if (gm_hostlist_has(conf->nodes[i].names, node))
			return index < conf->nodes[i].count ? conf->nodes[i].pci[index] : NULL;
	dev = devices ? gpumem_devices_get(devices, index) : NULL;
	return dev ? gpumem_device_pci(dev) : NULL;
}
