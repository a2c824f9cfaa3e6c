// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: created, set, reset, waited for by one process.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/kfd_ioctl.h>

#include "event.h"

struct event {
	bool signaled;
	bool auto_reset;
};

void ks_event_init(struct ks_process *p)
{
	spin_lock_init(&p->event_lock);
	init_waitqueue_head(&p->event_wait);
	xa_init_flags(&p->events, XA_FLAGS_ALLOC1);
}

void ks_event_drop_all(struct ks_process *p)
{
	unsigned long id;
	struct event *e;

	xa_for_each (&p->events, id, e)
		kfree(e);
	xa_destroy(&p->events);
}

int ks_event_create(struct ks_process *p, struct kfd_ioctl_create_event_args *args)
{
	struct event *e = kzalloc(sizeof(*e), GFP_KERNEL);
	u32 id;
	int r;

	if (!e)
		return -ENOMEM;
	e->auto_reset = args->auto_reset;
	r = xa_alloc(&p->events, &id, e, XA_LIMIT(1, KFD_SIGNAL_EVENT_LIMIT), GFP_KERNEL);
	if (r) {
		kfree(e);
		return r == -EBUSY ? -ENOSPC : r;
	}
	args->event_id = id;
	args->event_trigger_data = id;
	args->event_slot_index = id - 1;
	return 0;
}

int ks_event_destroy(struct ks_process *p, u32 id)
{
	struct event *e;

	spin_lock(&p->event_lock);
	e = xa_erase(&p->events, id);
	spin_unlock(&p->event_lock);
	kfree(e);
	wake_up_all(&p->event_wait);
	return e ? 0 : -EINVAL;
}

int ks_event_set(struct ks_process *p, u32 id, bool signaled)
{
	struct event *e;

	spin_lock(&p->event_lock);
	e = xa_load(&p->events, id);
	if (e)
		e->signaled = signaled;
	spin_unlock(&p->event_lock);
	wake_up_all(&p->event_wait);
	return e ? 0 : -EINVAL;
}

/* 1: satisfied, and auto-reset events are reset; 0: not yet; -EINVAL: gone. */
static int events_poll(struct ks_process *p, const struct kfd_event_data *data, u32 n, bool all)
{
	u32 i, set = 0;
	struct event *e;
	int r = 0;

	spin_lock(&p->event_lock);
	for (i = 0; i < n && !r; i++) {
		e = xa_load(&p->events, data[i].event_id);
		if (!e)
			r = -EINVAL;
		else
			set += e->signaled;
	}
	if (!r && (all ? set == n : set > 0)) {
		r = 1;
		for (i = 0; i < n; i++) {
			e = xa_load(&p->events, data[i].event_id);
			if (e->signaled && e->auto_reset)
				e->signaled = false;
		}
	}
	spin_unlock(&p->event_lock);
	return r;
}

int ks_event_wait(struct ks_process *p, struct kfd_ioctl_wait_events_args *args)
{
	long timeout =
		args->timeout == U32_MAX ? MAX_SCHEDULE_TIMEOUT : msecs_to_jiffies(args->timeout);
	struct kfd_event_data *data;
	int state = 0;
	long r;

	if (!args->num_events || args->num_events > KFD_SIGNAL_EVENT_LIMIT)
		return -EINVAL;
	data = memdup_user(u64_to_user_ptr(args->events_ptr), args->num_events * sizeof(*data));
	if (IS_ERR(data))
		return PTR_ERR(data);
	r = wait_event_interruptible_timeout(
		p->event_wait,
		(state = events_poll(p, data, args->num_events, args->wait_for_all)) != 0, timeout);
	kfree(data);
	args->wait_result = state > 0	? KFD_IOC_WAIT_RESULT_COMPLETE
			    : state < 0 ? KFD_IOC_WAIT_RESULT_FAIL
					: KFD_IOC_WAIT_RESULT_TIMEOUT;
	if (r < 0)
		return r;
	return state < 0 ? -EINVAL : 0;
}
