/* SPDX-License-Identifier: MIT */
/*
 * replay.h: accesses to chunks, who keeps them on a device of limited size, and how many of them
 * meet it.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- what is accessed: workloads.c */

#define WORKLOADS 8u

struct workload {
	const char *name;
	uint32_t chunks; /* numbers below this */
	size_t count; /* accesses */
	uint32_t *access; /* chunk numbers, malloc'ed */
};

/* splitmix64 */
uint64_t next_random(uint64_t *state);
uint32_t random_below(uint64_t *state, uint32_t bound);
void *must_alloc(size_t count, size_t size);

struct workload workload_make(unsigned which, uint32_t chunks, size_t count, uint64_t seed);
void workload_free(struct workload *w);

/* ---- what is the most that can be had: belady.c */

/* Hits of Belady's MIN. */
uint64_t belady_hits(const struct workload *w, uint32_t room);
/* The same when the room changes before access number `change`. */
uint64_t belady_hits_until(const struct workload *w, uint32_t room, size_t change, uint32_t after);
/* Hits in units of size when chunks have sizes: what is used last leaves until the new one fits.
 * Not the most that can be had. */
uint64_t belady_sized(const struct workload *w, const uint8_t *size, uint32_t room);

/* ---- what others do: peers.c, queues.c */

/* A rule as the simulation sees it. All chunks are known by number; the simulation keeps who is
 * resident. */
struct sim {
	const struct workload *workload;
	uint32_t room, resident_count;
	uint8_t *resident, *bit; /* by chunk: on the device; accessed since the last scan */
	uint32_t *who, *place; /* the chunks on the device in the order in which scans tell of them; place in it, by chunk */
	uint32_t scan_every;
	uint64_t random;
	uint64_t faults;
	void *state; /* the rule's */
};

struct peer {
	const char *name;
	bool exact; /* sees every access, as no daemon does */
	void (*begin)(struct sim *s);
	void (*hit)(struct sim *s, uint32_t chunk); /* of every access if exact, else at a scan */
	void (*scan)(struct sim *s); /* bits are complete; before hit() */
	uint32_t (*victim)(struct sim *s, uint32_t wanted);
	void (*came)(struct sim *s, uint32_t chunk);
	void (*end)(struct sim *s);
};

extern const struct peer peer_rand, peer_lrf, peer_lru, peer_mru, peer_sieve, peer_s3fifo, peer_2q,
	peer_arc, peer_age, peer_heat, peer_duel;

uint64_t peer_hits(const struct peer *peer, const struct workload *w, uint32_t room,
		   uint32_t scan_every, uint64_t seed);

/* ---- what gpumem does: product.c */

enum moves {
	MOVES_DEMAND, /* each miss is moved in */
	MOVES_COHERENT, /* a miss may stay remote */
	MOVES_AT_SCANS, /* misses are not seen: scans alone tell, and move */
};

struct product {
	const char *name;
	int order; /* enum gpumem_evict_order */
	enum moves when;
	unsigned without; /* GM_WITHOUT_* */
};

struct outcome {
	uint64_t hits, moves;
	uint32_t switches;
};

struct outcome product_run(const struct product *product, const struct workload *w, uint32_t room,
			   uint32_t scan_every, uint64_t seed);

/* ---- cases beside the published ones: further.c, tenants.c, sized.c */

struct further {
	uint32_t chunks, accesses, scan_every, seed;
};

/* Prints all tables, and a last line with the lowest figures of each. */
void further_print(const struct further *f);
/* These return the lowest figure of gpumem's default. */
double tenants_print(const struct further *f);
double sized_print(const struct further *f);

/* ---- what others found: published.c */

/* Prints the published cases with the given seed, what was published for them, and which cells differ. */
void published_print(uint64_t seed);

/* ---- what comes in and out: trace.c, plot.c, main.c */

struct score {
	const char *name;
	double mean, worst;
};

/* A trace in the format of tests/bench/README.md as a workload. Errors: EPROTO, ENODATA, open(2)'s.
 */
int trace_read(const char *path, struct workload *ret);
int plot_write(const char *path, const char *title, const struct score *score, size_t count);

#endif
