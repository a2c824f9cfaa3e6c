/* SPDX-License-Identifier: MIT */
/*
 * place.c: to each kind of device its own way.
 */
#include <errno.h>

#include "discover/node_now.h"
#include "place/numa.h"
#include "place/place.h"
#include "place/residency.h"

void gm_place_init(struct gm_place *place, const struct gm_place_devices *devices, size_t home)
{
	struct gm_device_nodes nodes = { 0 };

	*place = (struct gm_place){ .devices = *devices, .svm.devices = *devices };
	for (size_t i = 0; i < devices->count; i++) {
		const struct gm_place_device *d = &devices->device[i];

		place->any_svm |= d->kind == GPUMEM_KIND_SVM;
		place->any_node |= gm_is_node(d);
		if (d->kind == GPUMEM_KIND_NUMA || (gm_is_node(d) && i == home))
			gm_device_nodes_add(&nodes, d->node, i);
	}
	gm_residency_set_nodes(&nodes);
	if (place->any_node && home < devices->count)
		place->host_count = gm_nodes_with_cpus(devices->device[home].node, place->host,
						       GM_HOST_NODES);
}

int gm_place_open(struct gm_place *place)
{
	int rc = place->any_svm ? gm_svm_open(&place->svm) : 0;

	if (rc == 0 && !place->any_svm && !place->any_node)
		rc = -ENODEV;
	place->open = rc == 0;
	return rc;
}

void gm_place_forget(struct gm_place *place)
{
	gm_numa_queue_free(&place->queue);
}

void gm_place_close(struct gm_place *place)
{
	gm_place_forget(place);
	gm_svm_close(&place->svm);
	place->open = false;
}

const char *gm_place_way(const struct gm_place *place)
{
	return place->svm.ops ? place->svm.ops->name : "move_pages";
}

/* The nearest node that has room. */
static int to_host(struct gm_place *place, void *addr, size_t len)
{
	int rc = -ENODEV;

	for (size_t i = 0; i < place->host_count; i++) {
		rc = gm_numa_put(addr, len, place->host[i]);
		if (rc != -ENOMEM && rc != -EACCES && rc != -ENODEV)
			break;
	}
	return rc;
}

int gm_place_move(struct gm_place *place, void *addr, size_t len, size_t index)
{
	int rc = 0;

	if (index != GM_PLACE_HOST && index >= place->devices.count)
		return -ENODEV;
	if (!place->open) /* let go of for hsa_init() since the caller looked */
		return -EAGAIN;
	if (index != GM_PLACE_HOST)
		return gm_is_node(&place->devices.device[index]) ?
			       gm_numa_put(addr, len, place->devices.device[index].node) :
			       gm_svm_move(&place->svm, addr, len, index);
	/* Neither way sees the other's pages. */
	if (place->any_svm)
		rc = gm_svm_move(&place->svm, addr, len, GM_SVM_HOST);
	if (place->any_node) {
		int node_rc = to_host(place, addr, len);

		rc = rc ? rc : node_rc;
	}
	return rc;
}

int gm_place_add(struct gm_place *place, void *addr, size_t len, size_t index)
{
	bool in = index != GM_PLACE_HOST, node;
	int rc = 0, node_rc = -ENODEV;

	if (in && index >= place->devices.count)
		return -ENODEV;
	if (!place->open)
		return -EAGAIN;
	node = in ? gm_is_node(&place->devices.device[index]) : place->any_node;
	/* Off the devices: neither way sees the other's pages. */
	if (in ? !node : place->any_svm)
		rc = gm_svm_move(&place->svm, addr, len, index);
	if (!node)
		return rc;
	if (in || place->host_count)
		node_rc = gm_numa_queue_add(&place->queue, addr, len,
					    in ? place->devices.device[index].node : place->host[0]);
	return rc ? rc : node_rc;
}

void gm_place_move_added(struct gm_place *place)
{
	gm_numa_queue_move(&place->queue);
}

bool gm_place_again(const struct gm_place *place, const void *addr, size_t len, int *ret_why)
{
	int why = place->any_node ? gm_numa_queue_why(&place->queue, addr, len) : 0;

	*ret_why = why;
	return place->any_node && (place->queue.guessed || why == -ENOMEM || why == -EACCES || why == -ENODEV);
}

void gm_place_clear(struct gm_place *place, size_t index)
{
	if (place->devices.device[index].kind == GPUMEM_KIND_NUMA && place->host_count)
		gm_numa_clear(0, place->devices.device[index].node, place->host[0]);
}

int gm_place_prefer(struct gm_place *place, void *addr, size_t len, size_t index)
{
	return place->any_svm ? gm_svm_prefer(&place->svm, addr, len, index) : 0;
}

enum gpumem_fail gm_place_reason(int rc)
{
	/* EACCES: shared with another process, as move_pages(2) has it. */
	return rc == -EBUSY || rc == -EACCES ? GPUMEM_FAIL_BUSY : gm_svm_reason(rc);
}
