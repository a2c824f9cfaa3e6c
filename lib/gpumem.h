/* SPDX-License-Identifier: MIT */
/*
 * gpumem.h: placement and limits for GPU memory that is coherent with the CPU.
 *
 * Conventions
 *   - A function that can fail returns 0 or a negative errno value. Outputs come last and are
 *     left alone on failure. Where there is an `err` argument it may be NULL; otherwise it
 *     receives one line for a person to read.
 *   - Sizes are bytes, times are nanoseconds, unless a name says otherwise.
 *   - An object is used by one thread at a time; different objects by different threads freely.
 *     Functions marked "pure" touch no memory but their arguments and are safe anywhere.
 *   - The library never prints, exits, changes signals or the environment. It logs through the
 *     function given to gpumem_set_log(), by default nowhere.
 */
#ifndef GPUMEM_H
#define GPUMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The library hides its symbols; these are the ones it shows. */
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

#define GPUMEM_MAX_DEVICES 16	 /* devices of one node that a job can use */
#define GPUMEM_PCI_LEN 16	 /* "dddd:bb:dd.f" and its end */
#define GPUMEM_POLICY_LEN 256	 /* a printed policy and its end */
#define GPUMEM_CHUNK_BYTES (2ul << 20) /* unit of migration and eviction */

/* ---- errors ------------------------------------------------------------------------------ */

struct gpumem_error {
	int code;	/* the negative errno value that was returned */
	char where[24]; /* the part that noticed: "policy", "conf", "kfd", ... */
	char text[280]; /* one line, no newline */
};

/* ---- context ----------------------------------------------------------------------------- */

struct gpumem_ctx;

/* Makes a context: where the system's files are read and where messages go. Starts with one
 * reference. Errors: ENOMEM. */
int gpumem_new(struct gpumem_ctx **ret);
struct gpumem_ctx *gpumem_ref(struct gpumem_ctx *ctx);
/* Drops a reference, frees with the last one; returns NULL. NULL is allowed. */
struct gpumem_ctx *gpumem_unref(struct gpumem_ctx *ctx);

/* Reads the system's files below `dir` instead of "/": a saved tree of another machine.
 * Errors: ENOMEM, ENOTDIR, ENOENT. */
int gpumem_set_root(struct gpumem_ctx *ctx, const char *dir, struct gpumem_error *err);

/* Levels are syslog's (LOG_ERR .. LOG_DEBUG). `text` has no newline. */
typedef void gpumem_log_fn(void *data, int level, const char *text);
void gpumem_set_log(struct gpumem_ctx *ctx, gpumem_log_fn *fn, void *data, int level);

/* ---- devices ----------------------------------------------------------------------------- */

enum gpumem_kind {
	GPUMEM_KIND_NONE = 0,	     /* seen, but not coherent: listed with the reason, not managed */
	GPUMEM_KIND_SVM = 1,	     /* MEMORY_DEVICE_COHERENT behind KFD (MI250X on an XGMI host) */
	GPUMEM_KIND_NUMA = 2,	     /* CPU-less NUMA node owned by a GPU (GH200, POWER9 + V100) */
	GPUMEM_KIND_NUMA_SHARED = 3, /* GPU and CPU share the node (MI300A) */
};

struct gpumem_devices; /* an immutable list, in PCI order */
struct gpumem_device;  /* one of them; lives as long as its list */

#define GPUMEM_DISCOVER_NO_HWLOC 1u /* no locality beyond what sysfs says; faster */

/* Looks at sysfs and procfs below the context's root, and at hwloc for locality. Opens no
 * device. A node without a GPU gives an empty list, not an error. The cost grows with the
 * number of GPUs and NUMA nodes; hwloc adds milliseconds. Errors: ENOMEM, EIO. */
int gpumem_discover(struct gpumem_ctx *ctx, unsigned flags, struct gpumem_devices **ret,
		    struct gpumem_error *err);
/* The same from a file written by gpumem_devices_save() (replaced atomically, mode 0644).
 * Errors: ENOENT, EPROTO when the file is not one of ours or of another version. */
int gpumem_devices_load(struct gpumem_ctx *ctx, const char *path, struct gpumem_devices **ret,
			struct gpumem_error *err);
int gpumem_devices_save(const struct gpumem_devices *devices, const char *path,
			struct gpumem_error *err);
struct gpumem_devices *gpumem_devices_free(struct gpumem_devices *devices);

size_t gpumem_devices_count(const struct gpumem_devices *devices);
/* NULL past the end. */
const struct gpumem_device *gpumem_devices_get(const struct gpumem_devices *devices, size_t i);
/* NULL when there is none at that address. */
const struct gpumem_device *gpumem_devices_find(const struct gpumem_devices *devices,
						const char *pci);

/* Why the memory at the address (NULL: of a GPU whose address is not known) is not managed, for a message:
 * "0009:01:00.0: MIG enabled..."; "" when it is. Returns buf; what is too long is cut. Pure. */
const char *gpumem_devices_why_none(const struct gpumem_devices *devices, const char *pci, char *buf,
				    size_t len);

#define gpumem_devices_foreach(devices, dev, i)                                                  \
	for ((i) = 0; ((dev) = gpumem_devices_get((devices), (i))) != NULL; (i)++)

/* Getters; all pure. Strings live as long as the list and are never NULL. */
const char *gpumem_device_pci(const struct gpumem_device *dev);
enum gpumem_kind gpumem_device_kind(const struct gpumem_device *dev);
const char *gpumem_kind_name(enum gpumem_kind kind); /* "svm", "numa", "numa-shared", "none" */
const char *gpumem_device_model(const struct gpumem_device *dev); /* "gfx90a 1002:7408", ... */
uint64_t gpumem_device_bytes(const struct gpumem_device *dev);	  /* size of its memory */
int gpumem_device_node(const struct gpumem_device *dev);	  /* NUMA node; -1 unknown */
uint32_t gpumem_device_kfd_id(const struct gpumem_device *dev);	  /* KFD gpu_id; 0 none */
int gpumem_device_render_minor(const struct gpumem_device *dev);  /* /dev/dri/renderD<n>; -1 none */
/* The file by which a devices cgroup lets a job use it, "/dev/dri/renderD128"; "" not known. */
const char *gpumem_device_file(const struct gpumem_device *dev);
const char *gpumem_device_cpus(const struct gpumem_device *dev); /* nearest CPUs, "0-7,64-71"; "" */
/* Whether the CPU is one of gpumem_device_cpus(). */
bool gpumem_device_near_cpu(const struct gpumem_device *dev, unsigned cpu);
/* Whether the calling process's devices cgroup lets it open the device; nothing is opened. */
bool gpumem_device_permitted(const struct gpumem_device *dev);
uint64_t gpumem_device_bandwidth(const struct gpumem_device *dev); /* MiB/s of the node; 0 unknown */
uint64_t gpumem_device_latency(const struct gpumem_device *dev);   /* ns of the node; 0 unknown */
/* Comma list of what the verdict rests on: "kfd:cap28,kfd:iolink11". */
const char *gpumem_device_evidence(const struct gpumem_device *dev);
/* Why a device of kind none is not managed, or what to know of a managed one; may be "". */
const char *gpumem_device_note(const struct gpumem_device *dev);

/* Bytes in use on the device now, by whomever, as the driver counts them (whole buffers), read
 * below the context's root; of kind numa those of its node without the page cache. Errors: ENODATA when
 * the driver, or the kernel of the node, does not say. */
int gpumem_device_used(struct gpumem_ctx *ctx, const struct gpumem_device *dev, uint64_t *ret_bytes);
/* Whether the kernel counts the device's memory in its dmem controller, so that it can keep a job's limit
 * itself; read below the context's root. */
bool gpumem_device_walled(struct gpumem_ctx *ctx, const struct gpumem_device *dev);

/* ---- policy ------------------------------------------------------------------------------ */

enum gpumem_placement {
	GPUMEM_PLACE_OFF = 1,
	GPUMEM_PLACE_HOST = 2,
	GPUMEM_PLACE_PREFER = 3,
	GPUMEM_PLACE_BIND = 4,
	GPUMEM_PLACE_INTERLEAVE = 5,
	GPUMEM_PLACE_ADVISE = 6,
};

enum gpumem_evict_order {
	GPUMEM_EVICT_DEFAULT = 0, /* not named by the user */
	GPUMEM_EVICT_DUEL = 1,
	GPUMEM_EVICT_HEAT = 2,
	GPUMEM_EVICT_AGE = 3,
	GPUMEM_EVICT_LRF = 4,
	GPUMEM_EVICT_PIN = 5,
	GPUMEM_EVICT_NONE = 6,
};

enum gpumem_on_suspend { GPUMEM_SUSPEND_DEFAULT = 0, GPUMEM_SUSPEND_EVICT = 1, GPUMEM_SUSPEND_KEEP = 2 };
enum gpumem_at_end { GPUMEM_END_DEFAULT = 0, GPUMEM_END_EVICT = 1, GPUMEM_END_DROP = 2 };

#define GPUMEM_HIGH_PERCENT 95u /* of the limit, where a policy names no mark */
#define GPUMEM_LOW_PERCENT 88u

/* What the user asked for. 0 in a number means: not named. */
struct gpumem_policy {
	enum gpumem_placement placement;
	uint32_t ratio_device, ratio_host; /* interleave:3/1 */
	uint64_t limit_bytes;		   /* limit=SIZE, or */
	uint32_t limit_percent;		   /* limit=N% of each device */
	uint32_t high_percent, low_percent;
	uint64_t reserve_bytes;
	uint64_t bandwidth_bytes; /* per second */
	enum gpumem_evict_order evict;
	enum gpumem_on_suspend suspend;
	enum gpumem_at_end end;
	bool report, verbose;
};

/* Parses the grammar of --gpu-mem-policy. Pure. The error names the offending word and the
 * allowed values. A text of GPUMEM_POLICY_LEN or more is refused. Errors: EINVAL. */
int gpumem_policy_parse(const char *text, struct gpumem_policy *ret, struct gpumem_error *err);
/* Prints a policy so that parsing it gives the same again. Pure. Errors: ENOSPC; GPUMEM_POLICY_LEN
 * is always enough. */
int gpumem_policy_print(const struct gpumem_policy *policy, char *buf, size_t len);
/* Says whether this version can carry the policy out; names the first word it cannot. Pure.
 * Errors: EOPNOTSUPP. */
int gpumem_policy_supported(const struct gpumem_policy *policy, struct gpumem_error *err);
/* The grammar as shown by --gpu-mem-policy=help; static text. */
const char *gpumem_policy_help(void);
const char *gpumem_placement_name(enum gpumem_placement placement);
/* "64M", "1.5GiB", "4096": suffixes K M G T P (with optional iB or B), powers of 1024. Pure.
 * Errors: EINVAL, ERANGE. */
int gpumem_size_parse(const char *text, uint64_t *ret_bytes);
/* The largest unit that keeps it exact: "64M", "96G", "4097". Pure. */
const char *gpumem_size_print(uint64_t bytes, char *buf, size_t len);

/* ---- gpumem.conf ------------------------------------------------------------------------- */

enum gpumem_leftover { GPUMEM_LEFTOVER_KILL = 1, GPUMEM_LEFTOVER_LOG = 2, GPUMEM_LEFTOVER_DRAIN = 3 };

struct gpumem_conf;

/* Whom a rule is looked up for; a NULL member matches no line of its kind. */
struct gpumem_subject {
	const char *partition, *account, *user;
};

typedef void gpumem_conf_problem_fn(void *data, unsigned line, const char *text);

/* Reads gpumem.conf. A missing file at the default path gives the built-in defaults; one named
 * by the caller must exist. Every problem is given to `problem` (may be NULL); the first is also
 * the error. Errors: EINVAL for a bad line, or what open(2) says. */
int gpumem_conf_read(const char *path, gpumem_conf_problem_fn *problem, void *data,
		     struct gpumem_conf **ret, struct gpumem_error *err);
/* The same from text in memory; pure but for its allocation. */
int gpumem_conf_parse(const char *name, const char *text, size_t len,
		      gpumem_conf_problem_fn *problem, void *data, struct gpumem_conf **ret,
		      struct gpumem_error *err);
/* One "Key=Value" on top, as plugstack.conf gives them; a key without a scope. Whether the default
 * policy is still allowed is not looked at here, as the next override may change it again: see
 * gpumem_conf_check(). Errors: EINVAL. */
int gpumem_conf_override(struct gpumem_conf *conf, const char *pair, struct gpumem_error *err);
/* The settings in the file's own syntax: all of them, or with a subject those in force for it.
 * *ret is malloc'ed. Errors: ENOMEM. */
int gpumem_conf_print(const struct gpumem_conf *conf, const struct gpumem_subject *subject,
		      char **ret);
struct gpumem_conf *gpumem_conf_free(struct gpumem_conf *conf);

/* StateDir with %n replaced by the node's name; NULL as node keeps "%n". Errors: ENOSPC, EINVAL
 * when the name would lead to another folder. */
int gpumem_conf_state_dir(const struct gpumem_conf *conf, const char *node, char *buf, size_t len);
enum gpumem_leftover gpumem_conf_leftover(const struct gpumem_conf *conf);
unsigned gpumem_conf_cpu_budget_permille(const struct gpumem_conf *conf);
unsigned gpumem_conf_verify_seconds(const struct gpumem_conf *conf);
/* MemcgCredit=, HardLimit= and AdminComment=. */
bool gpumem_conf_memcg_credit(const struct gpumem_conf *conf);
bool gpumem_conf_hard_limit(const struct gpumem_conf *conf);
bool gpumem_conf_admin_comment(const struct gpumem_conf *conf);
/* The file for the lines of jobs that ended, %n replaced as in gpumem_conf_state_dir(); "" when the
 * site wants none. Errors: ENOSPC, EINVAL. */
int gpumem_conf_accounting(const struct gpumem_conf *conf, const char *node, char *buf, size_t len);
/* Whether that is the built-in place in StateDir, where nobody but us looks after the file's size. */
bool gpumem_conf_accounting_default(const struct gpumem_conf *conf);
/* The default policy for the subject: the text as written, "" when there is none. */
const char *gpumem_conf_default_policy(const struct gpumem_conf *conf,
				       const struct gpumem_subject *subject);
/* The site's largest limit per device for the subject, on a device of that size; the size itself
 * when the site sets none. */
uint64_t gpumem_conf_max_limit(const struct gpumem_conf *conf, const struct gpumem_subject *subject,
			       uint64_t device_bytes);
/* Whether the site allows the policy: its placement is among AllowedPolicies and its limit is not
 * above MaxLimit (a percentage of MaxLimit is compared with a percentage, bytes with bytes;
 * unlike units are left to the node, which clamps). Errors: EPERM with placement and allowed
 * values, ERANGE with both limits. */
int gpumem_conf_check(const struct gpumem_conf *conf, const struct gpumem_subject *subject,
		      const struct gpumem_policy *policy, struct gpumem_error *err);
bool gpumem_conf_clean_page_cache(const struct gpumem_conf *conf);
/* Puts the Device= lines that hold for the node into the list, in place of what was seen at their addresses:
 * facts about their NUMA nodes are read below the context's root, and a line that these contradict gives a
 * device of kind none with the reason. NULL as node: lines without NodeName= alone. Errors: ENOMEM, EIO. */
int gpumem_devices_given(struct gpumem_ctx *ctx, const struct gpumem_conf *conf, const char *node,
			 struct gpumem_devices *devices, struct gpumem_error *err);
/* Whether gpumem_devices_given() with the same lines made the list, so that it need not be made anew. Pure. */
bool gpumem_devices_given_same(const struct gpumem_conf *conf, const char *node,
			       const struct gpumem_devices *devices);
/* The devices a node's gres indices name, in gres order: the node's Devices= line, else every GPU
 * seen, in PCI order. NULL past the end. */
const char *gpumem_conf_gres_device(const struct gpumem_conf *conf, const char *node,
				    const struct gpumem_devices *devices, unsigned index);

/* ---- plan -------------------------------------------------------------------------------- */

/* What a policy becomes for one task: the devices to use, best first, as indices of the job's
 * device table. */
struct gpumem_plan {
	enum gpumem_placement placement;
	uint32_t step_id, task_id;
	uint32_t device_count;
	uint8_t device[GPUMEM_MAX_DEVICES];
	uint64_t limit_bytes[GPUMEM_MAX_DEVICES]; /* of this step, by table index; UINT64_MAX none */
	uint32_t ratio_device, ratio_host; /* interleave:3/1; 0: devices alone */
	/* As the policy has them, 0 not named. */
	enum gpumem_evict_order evict;
	uint32_t high_percent, low_percent;
	uint64_t bandwidth_bytes;
	enum gpumem_on_suspend suspend;
};

/* The environment the agent reads its plan from. */
#define GPUMEM_ENV_JOB "GPUMEM_JOB"   /* folder of the job's record */
#define GPUMEM_ENV_PLAN "GPUMEM_PLAN" /* gpumem_plan_print() */
#define GPUMEM_ENV_TRACE "GPUMEM_TRACE" /* file for a trace, "%p" in it is the pid; not set: none */
#define GPUMEM_PLAN_LEN 640

/* Orders the devices by distance (distance[i]: of device table index device[i] from the task's
 * CPUs; equal ones are rotated by the task's number on the node, so that tasks spread). device,
 * distance and device_bytes have `count` entries each. Pure. Errors: EINVAL. */
int gpumem_plan_make(const struct gpumem_policy *policy, const uint8_t *device,
		     const uint32_t *distance, size_t count, const uint64_t *device_bytes,
		     uint32_t step_id, uint32_t task_id, struct gpumem_plan *ret,
		     struct gpumem_error *err);
/* One line for the environment. Pure. Errors: ENOSPC; GPUMEM_PLAN_LEN is always enough. */
int gpumem_plan_print(const struct gpumem_plan *plan, char *buf, size_t len);
/* Accepts what gpumem_plan_print() writes and nothing else. Pure. Errors: EINVAL. */
int gpumem_plan_parse(const char *text, struct gpumem_plan *ret, struct gpumem_error *err);

/* ---- the own process --------------------------------------------------------------------- */

struct gpumem_process;

/* Prepares the calling process to move its own memory. In a job with a record the limits of the
 * record hold and the moves are counted there; outside one every coherent device of the node is
 * used without a limit (those that only gpumem.conf names are not known). One handle per process is
 * enough: every call returns the same one with one more reference. All functions on it may be called from any thread. After fork() the child
 * attaches again. Nothing is opened before the first move. A program that uses ROCm must call
 * it after hsa_init() or hipInit(). Errors: ENODEV no coherent device, ENOMEM; in a job also EPROTO, EINVAL
 * the record or the plan is damaged, ENOENT, EACCES it is not there, ENOSPC it has no room for the process, ESRCH /proc
 * is not mounted. */
int gpumem_attach(struct gpumem_ctx *ctx, struct gpumem_process **ret, struct gpumem_error *err);
struct gpumem_process *gpumem_detach(struct gpumem_process *process);

/* Devices by index: in a job all managed ones of the node, of which the job may have some alone; outside one all. */
size_t gpumem_process_device_count(const struct gpumem_process *process);
/* Index of the device that is the process's own, the nearest if it has several: of a task what its GPUs are. */
size_t gpumem_process_device_own(const struct gpumem_process *process);
/* PCI address of device i; NULL past the end. */
const char *gpumem_process_device_pci(const struct gpumem_process *process, size_t i);

/* Moves the present pages of [addr, addr+len) to device i, up to the limit; pages that are not
 * present, shared, or of files stay. Where the device's memory is a NUMA node, a huge page that is met moves
 * whole. Holes are never filled. *ret_bytes (may be NULL): bytes of
 * the range measured to be on a device afterwards. Blocks; other threads' mmap() and munmap()
 * wait while a chunk moves (KFD holds mmap_lock). Errors: EINVAL not page aligned, EDQUOT the
 * limit allows no more (what fitted was moved), ENODEV, EBUSY a part would not move, or shares its
 * chunk with pages on another device (evict it first), and the device's errors. In all cases the data stays intact. */
int gpumem_prefetch(struct gpumem_process *process, void *addr, size_t len, size_t i,
		    uint64_t *ret_bytes, struct gpumem_error *err);
/* Moves device pages of the range back to system memory. *ret_bytes (may be NULL): bytes still on a
 * device, every page looked at; without it the answer rests on a sample of the pages that moved.
 * Errors: as gpumem_prefetch(), EBUSY when something stayed. */
int gpumem_evict(struct gpumem_process *process, void *addr, size_t len, uint64_t *ret_bytes,
		 struct gpumem_error *err);

struct gpumem_residency {
	uint64_t device_bytes; /* on a coherent device */
	uint64_t host_bytes;   /* in system memory */
	uint64_t absent_bytes; /* never touched, or swapped out */
};

/* Measures where the pages of the range are, by /proc/self/pagemap and move_pages(2): a page that
 * is mapped and that move_pages() does not know is a device page of kind svm (mm/migrate.c). Those of NUMA nodes are
 * known by the node, once the process has attached; before, they count as system memory. Needs no handle
 * and no privilege; a page under migration looks like a device page for an instant. About a
 * microsecond a page. Errors: EINVAL not page aligned, ENOMEM the range is not fully mapped. */
int gpumem_residency(const void *addr, size_t len, struct gpumem_residency *ret);

enum gpumem_advice {
	GPUMEM_ADVISE_DEVICE = 1, /* GPU faults bring the range to device i; nothing moves now */
	GPUMEM_ADVISE_HOST = 2,	  /* GPU faults leave the range in system memory */
	GPUMEM_ADVISE_NONE = 3,	  /* forget earlier advice */
	GPUMEM_ADVISE_KEEP_OUT = 4, /* as HOST, and the agent never moves it to a device */
};

/* Sets the preferred location (KFD_IOCTL_SVM_ATTR_PREFERRED_LOC) of the range. Where devices are NUMA nodes no GPU's
 * fault moves anything: KEEP_OUT alone says something there, to the agent. Errors: EINVAL, ENODEV, and the device's
 * errors. */
int gpumem_advise(struct gpumem_process *process, void *addr, size_t len, enum gpumem_advice advice,
		  size_t i, struct gpumem_error *err);

/* ---- the library itself ------------------------------------------------------------------ */

/* Path of the agent library beside this library, or "" when it is not there. */
const char *gpumem_agent_path(void);

const char *gpumem_version(void);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#include "gpumem_job.h"

#endif
