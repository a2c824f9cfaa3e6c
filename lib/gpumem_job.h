/* SPDX-License-Identifier: MIT */
/*
 * gpumem_job.h: the part of gpumem.h about jobs: the record of one on this node, its account, its
 * cgroup, and what it left behind. Programs that move their own memory need none of it. The
 * conventions are those of gpumem.h, which includes this file.
 */
#ifndef GPUMEM_JOB_H
#define GPUMEM_JOB_H

#ifndef GPUMEM_H
#error "include <gpumem.h>, which includes this file"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* As in gpumem.h. */
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* ---- a job's record on this node --------------------------------------------------------- */

struct gpumem_job;

struct gpumem_job_spec {
	const char *state_dir; /* absolute; nobody but root and the caller may write to it */
	uint32_t job_id;
	uid_t uid;
	gid_t gid;
	const char *node;   /* node name, "" unknown */
	const char *policy; /* printed policy, for people */
	const char *cgroup; /* folder of the job's cgroup, "" unknown yet */
	uint32_t device_count;
	struct {
		char pci[GPUMEM_PCI_LEN];
		uint32_t kind, kfd_id;
		int32_t render_minor, node;
		uint64_t bytes;		 /* size */
		uint64_t max_bytes;	 /* the site's largest limit */
		uint64_t limit_bytes;	 /* the job's limit to begin with */
		uint64_t baseline_bytes; /* in use when the job came; UINT64_MAX unknown */
		uint64_t reserve_bytes;	 /* other jobs leave so much of the device to this one */
	} device[GPUMEM_MAX_DEVICES];
	unsigned cpu_budget_permille; /* of one core, per process */
	uint32_t allowed_placements;  /* bit 1 << enum gpumem_placement; what may be chosen live */
};

/* Fills `spec->device` with the managed devices of a list, sizes and limits from the site's rules
 * and the policy, and the baseline as measured. Errors: ENODEV when no device is managed. */
int gpumem_job_spec_devices(struct gpumem_ctx *ctx, const struct gpumem_conf *conf,
			    const struct gpumem_subject *subject, const struct gpumem_devices *devices,
			    const struct gpumem_policy *policy, struct gpumem_job_spec *spec,
			    struct gpumem_error *err);

/* Makes the state directory and its parents, 0755. Errors: EINVAL not an absolute path, EPERM when
 * others than root and the caller could write to it, what mkdir(2) says. */
int gpumem_state_make(const char *dir, struct gpumem_error *err);
/* Makes STATE/job-<id>/ with `limits` (0644, the caller's) and `ledger` (0600, the job owner's),
 * all or nothing. Errors: EEXIST when the job has a record, EINVAL, EPERM, what mkdir(2) says. */
int gpumem_job_create(const struct gpumem_job_spec *spec, struct gpumem_error *err);
/* Writes into an existing record where the job's cgroup is, as seen by the calling slurmstepd: its own
 * cgroup (v2), cut before "/step_". Errors: ENOENT no record, or no such cgroup; EACCES. */
int gpumem_job_note_cgroup(const char *state_dir, uint32_t job_id, struct gpumem_error *err);
/* Opens a record for reading, or also for requests. Errors: ENOENT, EACCES, EPROTO for another
 * format version. */
int gpumem_job_open(const char *state_dir, uint32_t job_id, bool writable, struct gpumem_job **ret,
		    struct gpumem_error *err);
struct gpumem_job *gpumem_job_close(struct gpumem_job *job);
/* Job ids with a record below state_dir, ascending; *ret_ids is malloc'ed. Errors: ENOMEM. */
int gpumem_job_list(const char *state_dir, uint32_t **ret_ids, size_t *ret_count);
/* Notes which devices of the record's table Slurm gave to the job, on top of those noted before. As root,
 * or who made the record. Errors: ENOENT no record, ERANGE no such device. */
int gpumem_job_give(const char *state_dir, uint32_t job_id, const uint8_t *device, size_t count,
		    struct gpumem_error *err);
/* Notes that the job has printed its report on this node. Errors: ENOENT no record. */
int gpumem_job_note_report(const char *state_dir, uint32_t job_id, struct gpumem_error *err);
/* Removes the record. No error when there is none. */
int gpumem_job_remove(const char *state_dir, uint32_t job_id, struct gpumem_error *err);
/* Folder of a job's record. Errors: ENOSPC. */
int gpumem_job_path(const char *state_dir, uint32_t job_id, char *buf, size_t len);

uint32_t gpumem_job_id(const struct gpumem_job *job);
/* The state directory that it was opened from; lives as long as the job does. */
const char *gpumem_job_state_dir(const struct gpumem_job *job);
uid_t gpumem_job_uid(const struct gpumem_job *job);
const char *gpumem_job_node(const struct gpumem_job *job);
const char *gpumem_job_policy(const struct gpumem_job *job);
const char *gpumem_job_cgroup(const struct gpumem_job *job);
/* Whether gpumem_job_give() named device i of the table. */
bool gpumem_job_given(const struct gpumem_job *job, size_t i);
/* Whether gpumem_job_note_report() was called before the record was opened. */
bool gpumem_job_reported(const struct gpumem_job *job);

/* One device of the job, as its processes report it now. */
struct gpumem_job_device {
	char pci[GPUMEM_PCI_LEN];
	uint32_t kind, kfd_id;
	int32_t node;
	uint64_t bytes, max_bytes, limit_bytes, baseline_bytes, reserve_bytes;
	uint64_t wall_bytes;	 /* the kernel's own limit (dmem.max); 0: kept by the agents only */
	uint64_t resident_bytes; /* sum over the job's processes */
	uint32_t request;	 /* enum gpumem_request in force for the whole job */
	/* since the job began, processes that ended included */
	uint64_t moved_in_bytes, moved_out_bytes;
	uint64_t refaulted_bytes; /* wanted back soon after they were evicted */
	uint64_t peak_bytes, mean_bytes;
	uint64_t over_limit_ns; /* time spent above the limit */
};

/*
 * Where devices' memory is NUMA nodes: gives the calling thread, and what it executes, the memory policy of the plan,
 * so that programs without an agent obey too. `device` is the job's table. Nothing for other kinds.
 * Errors: EEXIST the thread has a policy already, which stays; EINVAL the cpuset allows none of the nodes.
 */
int gpumem_plan_set_mempolicy(const struct gpumem_plan *plan,
			      const struct gpumem_job_device *device, size_t count,
			      struct gpumem_error *err);
/*
 * interleave:DEV/HOST over devices that are NUMA nodes: makes the kernel's weights fit, which are the whole machine's;
 * so only for a job that has all of them. Root alone. Errors: ENOENT the kernel has no weights (before 6.9).
 */
int gpumem_policy_weigh(const struct gpumem_policy *policy, const struct gpumem_job_device *device,
			size_t count, struct gpumem_error *err);

/* Why a chunk could not be moved, as counted. */
enum gpumem_fail {
	GPUMEM_FAIL_BUSY = 0,	   /* EBUSY, EACCES: pages pinned, shared or locked by the kernel */
	GPUMEM_FAIL_PARTIAL = 1,   /* some pages of the chunk stayed */
	GPUMEM_FAIL_NO_MEMORY = 2, /* ENOMEM, ENOSPC */
	GPUMEM_FAIL_RETRY = 3,	   /* EAGAIN, EINTR after the last retry */
	GPUMEM_FAIL_MAPPING = 4,   /* EFAULT, EINVAL, EADDRINUSE: mapping not eligible or gone */
	GPUMEM_FAIL_DEVICE = 5,	   /* EPERM, EBADF, ENODEV: no access to the device */
	GPUMEM_FAIL_TAKEN_BACK = 6, /* it had moved; the driver evicted it for somebody else */
	GPUMEM_FAIL_COUNT = 7,
};
const char *gpumem_fail_name(enum gpumem_fail fail);

/* Why a chunk moved, or did not. */
enum gpumem_reason {
	GPUMEM_REASON_NONE = 0,
	/* to a device */
	GPUMEM_REASON_ROOM = 1,	   /* there was room */
	GPUMEM_REASON_HOTTER = 2,  /* in exchange for a colder one */
	GPUMEM_REASON_FAULTED = 3, /* in exchange, as the policy follows every fault */
	GPUMEM_REASON_EXPLORE = 4, /* to try what the other rule would do */
	GPUMEM_REASON_RESUMED = 5, /* was there before the job was suspended */
	/* either way */
	GPUMEM_REASON_ASKED = 6, /* the application, or gpumem migrate and evict */
	/* to system memory */
	GPUMEM_REASON_LIMIT = 7,    /* the job, or the step, is over its limit */
	GPUMEM_REASON_MARK = 8,	    /* over the high mark */
	GPUMEM_REASON_COLDER = 9,   /* made room for a hotter one of the process */
	GPUMEM_REASON_SHARE = 10,   /* made room for a process below its fair share */
	GPUMEM_REASON_PRESSURE = 11, /* before the driver must evict somebody's */
	GPUMEM_REASON_SUSPENDED = 12,
	GPUMEM_REASON_POLICY = 13, /* the placement is host */
	/* stayed in system memory */
	GPUMEM_REASON_FULL = 14,     /* no room, and the policy exchanges nothing */
	GPUMEM_REASON_PINNED = 15,   /* what is there stays: exchanging would only go round */
	GPUMEM_REASON_NOT_HOTTER = 16, /* than what it would replace */
	GPUMEM_REASON_SETTLING = 17, /* what it would replace came too lately */
	GPUMEM_REASON_BANDWIDTH = 18, /* bw= is used up for now */
	GPUMEM_REASON_MEMCG = 19,    /* the memory cgroup is near its limit */
	GPUMEM_REASON_KEPT_OUT = 20, /* by the application's advice */
	GPUMEM_REASON_FAILED = 21,   /* the move was tried; the counters say why it failed */
	GPUMEM_REASON_COUNT = 22,
};
/* "room", "hotter", ...; static text. */
const char *gpumem_reason_name(enum gpumem_reason reason);

enum gpumem_agent_state {
	GPUMEM_AGENT_WATCHING = 1, /* nothing to do, or nothing eligible yet */
	GPUMEM_AGENT_MOVING = 2,
	GPUMEM_AGENT_WAITING = 3, /* for ROCr to come up before the device may be opened */
	GPUMEM_AGENT_NO_DEVICE = 4, /* the device cannot be opened; data stays in system memory */
};
const char *gpumem_agent_state_name(enum gpumem_agent_state state);

/* Which rule an engine goes by at the moment; `duel` changes between heat, pin, often and age. */
enum gpumem_rule {
	GPUMEM_RULE_HEAT = 0, /* the coldest leaves */
	GPUMEM_RULE_PIN = 1,  /* what is there stays, nothing new is let in */
	GPUMEM_RULE_AGE = 2,  /* who was idle longest leaves */
	GPUMEM_RULE_LRF = 3,  /* who was faulted in first leaves */
	GPUMEM_RULE_NONE = 4, /* nobody leaves but for a limit */
	GPUMEM_RULE_OFTEN = 5, /* who is touched least often over a long time leaves, of equals the newest */
};
const char *gpumem_rule_name(enum gpumem_rule rule);
const char *gpumem_evict_order_name(enum gpumem_evict_order order);

/* Where an agent learns which memory is in use. */
#define GPUMEM_SIGNAL_PRESENCE 1u   /* pagemap: what came and went */
#define GPUMEM_SIGNAL_SCAN 2u	    /* PAGEMAP_SCAN (Linux 6.7): the same, cheaper */
#define GPUMEM_SIGNAL_SOFT_DIRTY 4u /* what the CPU wrote, by page */
#define GPUMEM_SIGNAL_REFERENCED 8u /* what the CPU read, by mapping */
#define GPUMEM_SIGNAL_SMI 16u	    /* GPU faults and migrations, from KFD's events */
#define GPUMEM_SIGNAL_CALLS 32u	    /* the application's own prefetch and advise calls */

/* What an agent has to say about its situation. */
#define GPUMEM_NOTE_MEMCG 1u	 /* the memory cgroup is near its limit: nothing moves in */
#define GPUMEM_NOTE_PRESSURE 2u	 /* the device is nearly full: cold memory leaves */
#define GPUMEM_NOTE_SUSPENDED 4u /* the device was emptied for a suspend */
#define GPUMEM_NOTE_BANDWIDTH 8u /* bw= held moves back lately */
#define GPUMEM_NOTE_RESERVED 16u /* other jobs' reserve= leaves less than the limit */
#define GPUMEM_NOTE_WALL 32u	 /* the limit was raised, the kernel's own one was not yet */

#define GPUMEM_HEAT_CLASSES 8 /* 0 is the coldest */

struct gpumem_job_process {
	pid_t pid;
	uint64_t start_ticks; /* field 22 of /proc/PID/stat */
	bool alive;	      /* pid and start time still match */
	uint32_t step_id, task_id;
	enum gpumem_agent_state state;
	char path[16];	/* how pages are moved: "hsakmt", "kfd", "kfd-alone", "move_pages", "" not opened */
	int open_error; /* errno of the last failed open of the device, 0 none */
	uint64_t host_bytes; /* eligible bytes in system memory at the last full scan */
	uint64_t updated_ns; /* CLOCK_BOOTTIME of the last report */
	struct {
		uint64_t resident_bytes, step_limit_bytes;
		uint64_t moved_in_bytes, moved_out_bytes; /* since the process began */
		uint64_t refaulted_bytes;
		uint64_t wanted_bytes; /* would move in if there were room */
		uint64_t fair_bytes;   /* what each process is guaranteed; 0 not known yet */
		uint64_t class_bytes[GPUMEM_HEAT_CLASSES];
		uint32_t request; /* enum gpumem_request of this process */
	} device[GPUMEM_MAX_DEVICES];
	uint64_t failed[GPUMEM_FAIL_COUNT]; /* moves that failed, by reason */
	enum gpumem_evict_order order;
	enum gpumem_rule rule;
	uint32_t switches; /* of the rule */
	uint32_t signals, notes;
	uint32_t hit_permille[4]; /* touches that would meet the device under heat, pin, often, age */
	uint32_t seen_permille;	  /* touches that did, lately */
	uint64_t cpu_ns;	  /* the agent's own time, moves apart */
	uint64_t chunk_count;
	uint64_t host_class_bytes[GPUMEM_HEAT_CLASSES];
};

size_t gpumem_job_device_count(const struct gpumem_job *job);
/* Errors: ERANGE past the end, EIO when the ledger was cut short, ENOMEM. */
int gpumem_job_device(struct gpumem_job *job, size_t i, struct gpumem_job_device *ret);
/* Processes that reported, dead owners included until their slot is taken again; *ret is malloc'ed.
 * Grows with the number of slots. Errors: ENOMEM, EIO. */
int gpumem_job_processes(struct gpumem_job *job, struct gpumem_job_process **ret, size_t *ret_count);

/* Moves that failed since the job began, by reason, processes that ended included. Errors: EIO. */
int gpumem_job_failed(struct gpumem_job *job, uint64_t ret[GPUMEM_FAIL_COUNT]);
/* Processes that ever took part; how long the record has been kept. Errors: EIO. */
int gpumem_job_totals(struct gpumem_job *job, uint32_t *ret_processes, uint32_t *ret_turned_away,
		      uint64_t *ret_ns);

/* One decision about one chunk. */
struct gpumem_decision {
	pid_t pid;
	uint64_t time_ns; /* CLOCK_BOOTTIME */
	uint64_t address; /* of the chunk */
	uint64_t bytes;	  /* that moved; 0: it stayed */
	uint32_t heat;	  /* at the time, 0 to 65535 */
	uint32_t device;  /* index in the job's table */
	enum gpumem_reason reason;
};
/* The last hundred decisions of each process, or of `pid`, newest first; malloc'ed. Errors: ENOMEM, EIO. */
int gpumem_job_decisions(struct gpumem_job *job, pid_t pid, struct gpumem_decision **ret,
			 size_t *ret_count);

enum gpumem_request {
	GPUMEM_REQUEST_NONE = 0,  /* the policy decides */
	GPUMEM_REQUEST_EVICT = 1, /* off the device, and kept off */
	GPUMEM_REQUEST_MIGRATE = 2, /* onto the device, up to the limit */
};

/* Sets the job's limit on device i, at most max_bytes, and wakes the agents. Takes effect within
 * a fraction of a second; above wall_bytes with the job's next step or gpumem_job_wall().
 * Errors: ERANGE above the site's maximum, EROFS not opened writable, EIO, EPROTO the ledger is cut short or
 * damaged. */
int gpumem_job_set_limit(struct gpumem_job *job, size_t i, uint64_t bytes, struct gpumem_error *err);
/* Changes the placement, evict=, high=, low=, bw= and suspend= of a job that runs, as far as `changes`
 * names them (0: as it is), and wakes the agents; with GPUMEM_PLACE_OFF everything stays where it is.
 * Errors: EPERM the site does not allow the placement, EINVAL low above high, EOPNOTSUPP, EROFS, EIO,
 * EPROTO. */
int gpumem_job_set_policy(struct gpumem_job *job, const struct gpumem_policy *changes,
			  struct gpumem_error *err);
/* What was changed so far; 0 not changed. Errors: EIO. */
int gpumem_job_live_policy(struct gpumem_job *job, struct gpumem_policy *ret);
/* Asks the process `pid`, or with 0 every process of the job, on device i. It stays in force until
 * the next request. Errors: ESRCH no such process in the record, ERANGE, EROFS, EIO, EPROTO. */
int gpumem_job_request(struct gpumem_job *job, pid_t pid, size_t i, enum gpumem_request request,
		       struct gpumem_error *err);

/* ---- accounting -------------------------------------------------------------------------- */

/* What a job did on one node. Its figures are those of its own processes. */
struct gpumem_account {
	uint32_t job_id;
	uid_t uid;
	char node[64];
	char policy[GPUMEM_POLICY_LEN];
	int64_t begin, end; /* seconds since 1970; 0: unknown, or it runs */
	uint64_t watched_ns; /* how long its processes kept the figures; `mean` is over this time */
	uint32_t processes, turned_away;
	uint64_t failed[GPUMEM_FAIL_COUNT];
	uint32_t left_processes; /* after its end, as the epilog saw it */
	uint64_t left_bytes;
	uint32_t device_count; /* the devices it was given, and others that it used */
	struct gpumem_account_device {
		char pci[GPUMEM_PCI_LEN];
		uint64_t limit_bytes, wall_bytes;
		uint64_t peak_bytes, mean_bytes;
		uint64_t migrated_bytes, evicted_bytes, refaulted_bytes;
		uint64_t over_limit_ns;
	} device[GPUMEM_MAX_DEVICES];
};

/* The figures so far. `begin` is when the record was made, `end` 0. Errors: EIO the ledger was cut short. */
int gpumem_account_of(struct gpumem_job *job, struct gpumem_account *ret);
/* One line of JSON without its end; spank_gpumem(8) explains it. With `brief` what is 0 or known to Slurm is
 * left out and all is a member "gpumem" of an outer object. *ret is malloc'ed. Errors: ENOMEM. */
int gpumem_account_json(const struct gpumem_account *account, bool brief, char **ret);
/* A few lines for people, each with its end; sizes as "64.0M", or in bytes. *ret is malloc'ed.
 * Errors: ENOMEM. */
int gpumem_account_text(const struct gpumem_account *account, bool bytes, char **ret);
/* Reads what gpumem_account_json() wrote, not the brief form; members it does not know are passed over.
 * Pure. Errors: EINVAL. */
int gpumem_account_parse(const char *line, struct gpumem_account *ret);
/* Adds the line to a file, in one write; makes the file, mode 0640. A file of more than `max_bytes` is first
 * renamed to PATH.1; 0: never. Errors: what open(2) and write(2) say, EPERM not a regular file. */
int gpumem_account_append(const char *path, const struct gpumem_account *account, uint64_t max_bytes,
			  struct gpumem_error *err);

/* ---- the job's cgroup (v2), as root ------------------------------------------------------- */

/*
 * A page that moves to a device stays charged to the job's memory cgroup and cannot be reclaimed
 * there. These add the limits of the devices to those of the cgroup, below the context's root.
 */

/* Adds the limits of the devices that the job was given (gpumem_job_give()) to memory.max of the cgroup
 * that gpumem_job_note_cgroup() noted. Slurm writes that file anew with each step: call it after
 * that, as often as you like; the credit is given once on top of what Slurm wrote. Steps of a job may
 * call it at once. A limit of "max" is left alone; memory.high is raised to the same value. Errors: ENOENT
 * no record or cgroup, ENODEV and others of the files, EIO the kernel kept another value. */
int gpumem_job_credit_memory(struct gpumem_ctx *ctx, const char *state_dir, uint32_t job_id,
			     struct gpumem_error *err);
/* Adds `bytes` to the limit of a step's tasks: to be called once for each step, after Slurm has set it.
 * `cgroup` is the step's folder; NULL: that of the calling slurmstepd. Errors: as above. */
int gpumem_step_credit_memory(struct gpumem_ctx *ctx, const char *cgroup, uint64_t bytes,
			      struct gpumem_error *err);

/* Makes the kernel keep the job's limits: writes dmem.max of the job's cgroup for every device of the
 * record, reads it back, and notes what holds (wall_bytes). The wall is the limit that the job began
 * with, or a higher one that gpumem_job_set_limit() gave it. The controller is switched on in the folders
 * above. Errors: ENOTSUP the kernel has no dmem controller or does not count these devices with it,
 * ENOENT no record or cgroup, EPERM root called and the record is a user's own, EIO another value was read
 * back. */
int gpumem_job_wall(struct gpumem_ctx *ctx, const char *state_dir, uint32_t job_id,
		    struct gpumem_error *err);
/* What the kernel still counts for the job's cgroup on the device. Errors: ENODATA when it does not say,
 * or the cgroup is gone. */
int gpumem_job_wall_used(struct gpumem_ctx *ctx, const struct gpumem_job *job, const char *pci,
			 uint64_t *ret_bytes);

/* ---- teardown ---------------------------------------------------------------------------- */

struct gpumem_survivor {
	pid_t pid;
	uint64_t start_ticks;
	char comm[16];
	uint64_t resident_bytes; /* as its slot says, all devices */
};

/* Processes of the job that still live: those of the ledger, by (pid, start time, owner), and those
 * in the job's cgroup if it is known. *ret is malloc'ed. Never follows a pid that was used again.
 * Errors: ENOMEM. A ledger that cannot be read counts as empty. */
int gpumem_job_survivors(struct gpumem_job *job, struct gpumem_survivor **ret, size_t *ret_count);
/* SIGKILL, through a pidfd, so never another process. Waits up to timeout_ns for it to be gone.
 * Errors: ETIMEDOUT, and those of pidfd_open(2). */
int gpumem_survivor_kill(const struct gpumem_survivor *survivor, uint64_t timeout_ns);

/* ---- a device before a job, as root ------------------------------------------------------- */

/* What of others is in the memory of a device that is a NUMA node. */
struct gpumem_clean {
	uint64_t total_bytes; /* of the node */
	uint64_t cache_bytes; /* page cache: data of files that the kernel keeps */
	uint64_t cache_left_bytes; /* the same after it was dropped */
	uint64_t anon_bytes;	   /* memory of processes */
	bool much_cache, much_anon; /* more than 1 % of the node and than 16 MiB */
	bool dropped;
};

/* Looks at the node of a device of kind numa, below the context's root, and, with may_drop, drops its page
 * cache if that is much: by the node's own reclaim file (Linux 7.3), else by /proc/sys/vm/drop_caches, which
 * is for the whole machine. Memory of processes is left alone. Errors: ENOTSUP another kind, and what the
 * files say; `ret` is filled all the same when only the dropping failed. */
int gpumem_device_clean(struct gpumem_ctx *ctx, const struct gpumem_device *dev, bool may_drop,
			struct gpumem_clean *ret, struct gpumem_error *err);

/* ---- processes without an agent ----------------------------------------------------------- */

/*
 * Where a device is a NUMA node, processes of a job that no agent is in (static programs, those that
 * dropped LD_PRELOAD) are moved from outside. They are found through the job's record and its cgroup.
 */
struct gpumem_moved {
	uint64_t bytes;	      /* moved, as measured */
	uint64_t there_bytes; /* were there before */
	/* should have moved and did not: */
	uint64_t pinned_bytes; /* held by DMA, io_uring and the like */
	uint64_t full_bytes;   /* no room where they should go */
	uint64_t shared_bytes; /* mapped by several processes */
	uint64_t other_bytes;
	uint64_t room_bytes;	/* to the device: what limit and device left for them */
	uint32_t processes;	/* without an agent, that were reached */
	uint32_t unreached;	/* could not be: `last_error` */
	int last_error;		/* negative errno value of the last of them; 0 none */
};

/* Moves the private anonymous memory of the process `pid`, or with 0 of every process of the job without a
 * live agent, to device i, up to the job's limit, the device's room and max_bytes, or from it to the nearest
 * nodes with CPUs. `workers`: 1 to 8 threads; with one, and without CAP_SYS_NICE, a process of small pages may take its
 * stacks and the pages of files that it alone maps along, if all has room (migrate_pages(2)); what it touches for the
 * first time meanwhile is not counted against max_bytes then. What did not move is counted in *ret. Blocks. Errors:
 * ERANGE no such device, ENOTSUP it is not of kind numa, ESRCH pid is not of the job or has an agent, EINVAL,
 * ENOMEM, EIO the ledger cannot be read; EPERM, EACCES when none could be reached. */
int gpumem_job_move_outside(struct gpumem_ctx *ctx, struct gpumem_job *job, pid_t pid, size_t i,
			    bool to_device, uint64_t max_bytes, unsigned workers,
			    struct gpumem_moved *ret, struct gpumem_error *err);
/* Bytes on device i of the process, or with 0 of all processes of the job without a live agent, as
 * /proc/PID/numa_maps has them; of those that the caller may look into. 0 where the device is not of kind numa,
 * and where no cgroup names the job's processes.
 * Errors: ERANGE, ENOMEM, EIO. */
int gpumem_job_outside_bytes(struct gpumem_job *job, pid_t pid, size_t i, uint64_t *ret);
/* Bytes of the job on the node that is device i's memory, as the kernel counts them (memory.numa_stat of the job's
 * cgroup, version 2): all its processes' own memory, and the pages of files that they were the first to read.
 * Errors: ERANGE no such device, ENOTSUP its memory is no node, ENOENT the job's cgroup is not known or has no memory
 * controller, EACCES, EPROTO. */
int gpumem_job_kernel_bytes(const struct gpumem_job *job, size_t i, uint64_t *ret);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif
#endif
