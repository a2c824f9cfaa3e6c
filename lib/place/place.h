/* SPDX-License-Identifier: MIT */
/*
 * place.h: moves of a process's own memory to devices of any kind and back: through KFD where the device is
 * of kind svm, by move_pages(2) where its memory is a NUMA node.
 */
#ifndef GM_PLACE_H
#define GM_PLACE_H

#include "place/numa_queue.h"
#include "place/svm.h"

#define GM_HOST_NODES 8u
#define GM_PLACE_HOST GM_SVM_HOST

struct gm_place {
	struct gm_place_devices devices;
	struct gm_svm svm;
	bool any_svm, any_node, open;
	int host[GM_HOST_NODES]; /* where memory from a device's node goes, nearest first */
	size_t host_count;
	struct gm_numa_queue queue;
};

/* `home` is the device whose neighbours evicted memory goes to; of kind numa-shared it alone counts as a
 * device, as the others' nodes are where its overflow goes. Reads sysfs for kinds that are nodes. */
void gm_place_init(struct gm_place *place, const struct gm_place_devices *devices, size_t home);
/* Errors: those of gm_svm_open(). */
int gm_place_open(struct gm_place *place);
void gm_place_close(struct gm_place *place);
/* In a forked child: frees what is not the driver's. */
void gm_place_forget(struct gm_place *place);
static inline bool gm_place_is_open(const struct gm_place *place)
{
	return place->open;
}
/* "hsakmt", "kfd", "kfd-alone" or "move_pages". */
const char *gm_place_way(const struct gm_place *place);

/* Moves to device `index`, or to system memory with GM_PLACE_HOST. 0 says nothing about what moved. */
int gm_place_move(struct gm_place *place, void *addr, size_t len, size_t index);
/* The same for many: what goes to nodes, or comes from them, waits for gm_place_move_added(); the rest moves at once.
 * Errors: of the move, or of the adding. */
int gm_place_add(struct gm_place *place, void *addr, size_t len, size_t index);
void gm_place_move_added(struct gm_place *place);
/* After that, of a piece that did not move, or not all of it: whether gm_place_move() may do better, as it tries other
 * nodes and looks at what is guessed here; and why it stayed, 0 not known. */
bool gm_place_again(const struct gm_place *place, const void *addr, size_t len, int *ret_why);
/* Where the device's memory is a node: takes what moves by no policy (stacks, libraries' data) off it too. */
void gm_place_clear(struct gm_place *place, size_t index);
/* Preferred location; GM_PLACE_HOST, or GM_PLACE_HOST + 1 for none. NUMA nodes know no such thing. */
int gm_place_prefer(struct gm_place *place, void *addr, size_t len, size_t index);
/* The counter a failed move goes to. Pure. */
enum gpumem_fail gm_place_reason(int rc);

#endif
