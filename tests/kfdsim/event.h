/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events of CREATE_EVENT: ROCr makes some when it starts and waits on them in
 * a thread. No GPU ever sets one; user space can.
 */
#ifndef KS_EVENT_H
#define KS_EVENT_H

#include "process.h"

struct kfd_ioctl_create_event_args;
struct kfd_ioctl_wait_events_args;

void ks_event_init(struct ks_process *p);
void ks_event_drop_all(struct ks_process *p);

int ks_event_create(struct ks_process *p, struct kfd_ioctl_create_event_args *args);
int ks_event_destroy(struct ks_process *p, u32 id);
int ks_event_set(struct ks_process *p, u32 id, bool signaled);
int ks_event_wait(struct ks_process *p, struct kfd_ioctl_wait_events_args *args);

#endif /* KS_EVENT_H */
