/* SPDX-License-Identifier: MIT */
/*
 * ledger.c: slots, charges and the doorbell, as a process of the job uses them.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#define GM_WHERE "ledger"
#include "base/cleanup.h"
#include "base/page.h"
#include "base/procfs.h"
#include "ledger/ledger.h"

int gm_limits_check(const struct gm_limits *limits, size_t size, struct gpumem_error *err)
{
	if (size < sizeof(*limits) || limits->magic != GM_LIMITS_MAGIC)
		return gm_err(err, -EPROTO, "not a limits file of gpumem");
	if (limits->version != GM_LAYOUT_VERSION || limits->size != sizeof(*limits))
		return gm_err(err, -EPROTO, "the job's record has layout %u, this library knows %u",
			      limits->version, GM_LAYOUT_VERSION);
	if (limits->device_count > GPUMEM_MAX_DEVICES ||
	    !memchr(limits->policy, '\0', sizeof(limits->policy)) ||
	    !memchr(limits->cgroup, '\0', sizeof(limits->cgroup)) ||
	    !memchr(limits->node, '\0', sizeof(limits->node)))
		return gm_err(err, -EPROTO, "the limits file is damaged");
	for (uint32_t i = 0; i < limits->device_count; i++)
		if (!memchr(limits->device[i].pci, '\0', GPUMEM_PCI_LEN))
			return gm_err(err, -EPROTO, "the limits file is damaged");
	return 0;
}

static int map_file(const char *dir, const char *name, bool shared, size_t size, void **ret,
		    struct gpumem_error *err)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	struct stat st;
	void *p;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return gm_err(err, -ENAMETOOLONG, "%s: path too long", dir);
	/* Without waiting for anybody, should it be a FIFO. */
	fd = open(path, (shared ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return gm_err(err, -errno, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (size_t)st.st_size != size)
		return gm_err(err, -EPROTO, "%s: has another layout than this library's", path);
	p = mmap(NULL, size, shared ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return gm_err(err, -errno, "%s: %s", path, strerror(errno));
	*ret = p;
	return 0;
}

int gm_ledger_map(const char *dir, struct gm_ledger *ret, struct gpumem_error *err)
{
	struct gm_ledger l = { 0 };
	void *p;
	int rc;

	rc = map_file(dir, "limits", false, sizeof(*l.limits), &p, err);
	if (rc < 0)
		return rc;
	l.limits = p;
	rc = gm_limits_check(l.limits, sizeof(*l.limits), err);
	if (rc == 0)
		rc = map_file(dir, "ledger", true, sizeof(*l.file), &p, err);
	if (rc == 0) {
		l.file = p;
		if (l.file->head.magic != GM_LEDGER_MAGIC ||
		    l.file->head.version != GM_LAYOUT_VERSION)
			rc = gm_err(err, -EPROTO, "%s/ledger: not a ledger of this layout", dir);
	}
	if (rc < 0) {
		gm_ledger_unmap(&l);
		return rc;
	}
	*ret = l;
	return 0;
}

void gm_ledger_unmap(struct gm_ledger *l)
{
	if (l->limits)
		munmap((void *)l->limits, sizeof(*l->limits));
	if (l->file)
		munmap(l->file, sizeof(*l->file));
	memset(l, 0, sizeof(*l));
}

/* What the last owner did is the job's, and stays in its totals. */
static void fold(struct gm_head *head, const struct gm_slot *s)
{
	for (size_t i = 0; i < GPUMEM_MAX_DEVICES; i++) {
		const struct gm_slot_device *d = &s->device[i];

		atomic_fetch_add(&head->device[i].moved_in, atomic_load(&d->moved_in));
		atomic_fetch_add(&head->device[i].moved_out, atomic_load(&d->moved_out));
		atomic_fetch_add(&head->device[i].refaulted, atomic_load(&d->refaulted));
	}
	for (size_t k = 0; k < GPUMEM_FAIL_COUNT; k++)
		atomic_fetch_add(&head->failed[k], atomic_load(&s->failed[k]));
}

static void slot_clear(struct gm_head *head, struct gm_slot *s)
{
	fold(head, s);
	memset((char *)s + sizeof(s->owner), 0, sizeof(*s) - sizeof(s->owner));
	for (size_t i = 0; i < GPUMEM_MAX_DEVICES; i++)
		atomic_store(&s->device[i].step_limit, UINT64_MAX);
	atomic_store(&s->proc_view, gm_proc_view());
}

static void note_used(struct gm_head *head, unsigned n)
{
	uint32_t used = atomic_load(&head->slots_used);

	while (used < n && !atomic_compare_exchange_weak(&head->slots_used, &used, n))
		;
}

static bool try_slot(struct gm_ledger *l, unsigned n, uint64_t expected, uint64_t mine)
{
	struct gm_slot *s = &l->file->slot[n];

	/* Published first: a sum that stops short of a slot being taken would let two in. */
	note_used(&l->file->head, n + 1);
	if (!atomic_compare_exchange_strong(&s->owner, &expected, mine))
		return false;
	slot_clear(&l->file->head, s);
	atomic_fetch_add(&l->file->head.processes, 1);
	l->slot = s;
	return true;
}

static unsigned slots_used(const struct gm_ledger *l)
{
	uint32_t used = atomic_load(&l->file->head.slots_used);

	return used < GM_SLOTS ? used : GM_SLOTS;
}

/* The first that nobody has, or that is known to be a dead owner's: the lower they stay, the fewer
 * there are to sum up. */
static bool first_free(struct gm_ledger *l, uint64_t mine)
{
	for (unsigned n = 0; n < GM_SLOTS; n++) {
		uint64_t owner = atomic_load(&l->file->slot[n].owner);

		if ((owner == 0 || (owner & GM_OWNER_DEAD)) && try_slot(l, n, owner, mine))
			return true;
	}
	return false;
}

int gm_ledger_claim(struct gm_ledger *l, pid_t pid, uint64_t start_ticks)
{
	uint64_t mine = gm_owner_word(pid, start_ticks);

	for (unsigned n = 0; n < slots_used(l); n++) {
		if (atomic_load(&l->file->slot[n].owner) != mine)
			continue;
		slot_clear(&l->file->head, &l->file->slot[n]);
		l->slot = &l->file->slot[n];
		return 0;
	}
	if (first_free(l, mine) || (gm_ledger_reap(l) && first_free(l, mine)))
		return 0;
	atomic_fetch_add(&l->file->head.turned_away, 1);
	return -ENOSPC;
}

/* Whether the owner of a slot, seen from `view`, is known to have ended. */
static bool has_ended(const struct gm_slot *s, uint64_t owner, uint64_t view)
{
	/* In another pid namespace he may live under a number that is somebody else's here. */
	return atomic_load(&s->proc_view) == view &&
	       !gm_proc_alive(gm_owner_pid(owner), gm_owner_start(owner));
}

/* A child in another pid namespace takes its parent for dead, and counts what they share by itself. */
static bool has_heir(const struct gm_ledger *l, uint64_t parent, uint64_t view)
{
	for (unsigned n = 0; n < slots_used(l); n++) {
		const struct gm_slot *s = &l->file->slot[n];
		uint64_t owner = atomic_load(&s->owner);

		if (owner && !(owner & GM_OWNER_DEAD) && atomic_load(&s->parent) == parent &&
		    atomic_load(&s->proc_view) == view && !has_ended(s, owner, view))
			return true;
	}
	return false;
}

static struct gm_slot *slot_of_parent(const struct gm_ledger *l)
{
	uint64_t parent = l->slot ? atomic_load(&l->slot->parent) : 0;

	for (unsigned n = 0; parent && n < slots_used(l); n++)
		if (atomic_load(&l->file->slot[n].owner) == parent)
			return &l->file->slot[n];
	return NULL;
}

bool gm_ledger_inherits(const struct gm_ledger *l)
{
	const struct gm_slot *s = slot_of_parent(l);

	return s && has_ended(s, atomic_load(&s->owner), gm_proc_view());
}

static void take_off(_Atomic uint64_t *charged, uint64_t bytes)
{
	uint64_t now = atomic_load(charged), then;

	do {
		then = now > bytes ? now - bytes : 0;
	} while (!atomic_compare_exchange_weak(charged, &now, then));
}

void gm_ledger_inherit(struct gm_ledger *l, size_t i, uint64_t bytes)
{
	struct gm_slot *s = slot_of_parent(l);

	if (s)
		take_off(&s->device[i].charged, bytes);
}

void gm_ledger_inherited(struct gm_ledger *l)
{
	struct gm_slot *s = slot_of_parent(l);
	uint64_t parent = atomic_exchange(&l->slot->parent, 0);

	/* Others of its children may still have to look. */
	if (s && !has_heir(l, parent, gm_proc_view()))
		atomic_compare_exchange_strong(&s->owner, &parent, parent | GM_OWNER_DEAD);
}

unsigned gm_ledger_reap(struct gm_ledger *l)
{
	uint64_t view = gm_proc_view();
	unsigned gone = 0;

	for (unsigned n = 0; n < slots_used(l); n++) {
		struct gm_slot *s = &l->file->slot[n];
		uint64_t owner = atomic_load(&s->owner);

		if (owner == 0 || (owner & GM_OWNER_DEAD) || !has_ended(s, owner, view) ||
		    has_heir(l, owner, view))
			continue;
		if (atomic_compare_exchange_strong(&s->owner, &owner, owner | GM_OWNER_DEAD))
			gone++;
	}
	return gone;
}

static uint64_t sum_charged(const struct gm_ledger *l, size_t i, bool one_step, uint32_t step_id)
{
	uint64_t sum = 0;

	for (unsigned n = 0; n < slots_used(l); n++) {
		const struct gm_slot *s = &l->file->slot[n];
		uint64_t owner = atomic_load(&s->owner);

		if (owner == 0 || (owner & GM_OWNER_DEAD))
			continue;
		if (one_step && atomic_load(&s->step_id) != step_id)
			continue;
		sum += atomic_load(&s->device[i].charged);
	}
	return sum;
}

uint64_t gm_ledger_charged(const struct gm_ledger *l, size_t i)
{
	return sum_charged(l, i, false, 0);
}

uint64_t gm_ledger_step_charged(const struct gm_ledger *l, size_t i, uint32_t step_id)
{
	return sum_charged(l, i, true, step_id);
}

/* What was asked for, and the site allows. */
static uint64_t allowed(const struct gm_ledger *l, size_t i)
{
	uint64_t limit = atomic_load(&l->file->head.device[i].limit_bytes);
	uint64_t max = l->limits->device[i].max_bytes;

	return limit < max ? limit : max;
}

/* Root may write it at any time: read it once. */
static uint64_t wall(const struct gm_ledger *l, size_t i)
{
	return *(const volatile uint64_t *)&l->limits->device[i].wall_bytes;
}

bool gm_ledger_walled(const struct gm_ledger *l, size_t i)
{
	uint64_t kernels = wall(l, i);

	/* It is whole pages, a limit need not be. */
	return kernels && kernels + gm_page_bytes() <= allowed(l, i);
}

uint64_t gm_ledger_limit(const struct gm_ledger *l, size_t i)
{
	uint64_t limit = allowed(l, i), kernels = wall(l, i);

	/* Above the kernel's limit each chunk that comes would throw out another one of the job. */
	return kernels && kernels < limit ? kernels : limit;
}

static uint64_t over(uint64_t used, uint64_t limit)
{
	return used > limit ? used - limit : 0;
}

static void raise_to(_Atomic uint64_t *word, uint64_t value)
{
	uint64_t now = atomic_load(word);

	while (now < value && !atomic_compare_exchange_weak(word, &now, value))
		;
}

uint64_t gm_ledger_charge(struct gm_ledger *l, size_t i, uint64_t want, uint64_t cap,
			  uint64_t step_cap)
{
	struct gm_slot_device *d = &l->slot->device[i];
	uint64_t limit = gm_ledger_limit(l, i), sum, much;

	atomic_fetch_add(&d->charged, want);
	sum = gm_ledger_charged(l, i);
	much = over(sum, cap < limit ? cap : limit);
	if (step_cap != UINT64_MAX) {
		uint64_t step = over(gm_ledger_step_charged(l, i, atomic_load(&l->slot->step_id)),
				     step_cap);

		if (step > much)
			much = step;
	}
	if (much > want)
		much = want;
	gm_ledger_uncharge(l, i, much);
	if (much < want)
		raise_to(&l->file->head.device[i].peak, sum - much);
	return want - much;
}

void gm_ledger_uncharge(struct gm_ledger *l, size_t i, uint64_t bytes)
{
	take_off(&l->slot->device[i].charged, bytes);
}

enum gpumem_request gm_ledger_request(const struct gm_ledger *l, size_t i)
{
	uint32_t own = atomic_load(&l->slot->device[i].request);

	return own ? own : atomic_load(&l->file->head.device[i].request);
}

void gm_ledger_wait(const struct gm_ledger *l, uint32_t seen, uint64_t timeout_ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(timeout_ns / 1000000000u),
		.tv_nsec = (long)(timeout_ns % 1000000000u),
	};

	syscall(SYS_futex, &l->file->head.doorbell, FUTEX_WAIT, seen, &ts, NULL, 0);
}

void gm_ledger_wake(const struct gm_ledger *l)
{
	syscall(SYS_futex, &l->file->head.doorbell, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}
