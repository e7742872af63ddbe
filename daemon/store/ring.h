/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is not in the database yet, in memory that outlives the process: systemd keeps the descriptor, and the next process finds there
 * what this one had taken and not written. Records one behind the other; positions grow for ever, and the place of one is its position
 * modulo the size. `head` is set when a record is complete, so that a process may end between any two instructions; `tail` when a commit
 * is. Between a commit and its `tail` stands the promise: what the database says if the commit is in it.
 *
 * Nothing here locks or allocates, and putting a record makes no system call: all of it that changes is used under the store's mutex. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More than the queue and what the writer has in hand together (2 MiB each), with the heads of short frames. Only what waits for its
 * commit lies in it, from the beginning on: of most of it there is never a page. */
#define RING_SIZE (8u * 1024u * 1024u)
#define RING_RECORD_MAX 65536u          /* octets of one */

/* Of all that lies in it: the next process may be of another version of needled, and must not take one thing for another. Who changes what is
 * put there, or the order of numbers that stand there, counts it up; where a size is changed the compiler says so (ring.c, kept.c). */
#define RING_VERSION 1u

typedef enum RingKind {                 /* numbers stay, within a version of the ring */
        RING_BEGIN = 1,                 /* of a session */
        RING_FRAME,
        RING_GAP,
        RING_EVENT,
        RING_END,
        RING_DISCARD,
        _RING_KIND_MAX,
} RingKind;

typedef struct RingRecord {
        RingKind kind;
        uint64_t session;
        uint64_t start_boottime_usec;   /* of the session: with its id, which it is */
        const uint8_t *data;            /* in the ring */
        uint32_t size;
} RingRecord;

/* How one session stands in the database if all up to a position is committed; it stands otherwise if it is not. */
typedef struct RingPromise {
        uint64_t upto;                  /* 0: there is none */
        uint64_t session;
        uint64_t n_frames, n_gaps, n_events;
        uint64_t state;                 /* RingState */
} RingPromise;

typedef enum RingState {
        RING_ABSENT,
        RING_LIVE,
        RING_OVER,
} RingState;

typedef enum RingTrouble {              /* why one that was handed over is of no use */
        RING_FINE,
        RING_NOT_SEALED,                /* it may be cut short while it is read; or it is no memory at all */
        RING_WRONG_SIZE,
        RING_NOT_READABLE,
        RING_UNKNOWN,                   /* not ours, or of another version */
        RING_OTHER_BOOT,
        RING_DAMAGED,
        _RING_TROUBLE_MAX,
} RingTrouble;

typedef struct Ring Ring;

/* A new one; `boot_id` has 32 digits. The descriptor is the caller's, and may be closed when systemd has it. Errors: of the system. */
int ring_new(const char *boot_id, int *ret_fd, Ring **ret);
/* One that an earlier process has left; the descriptor stays the caller's. */
RingTrouble ring_open(int fd, const char *boot_id, Ring **ret);
const char *ring_trouble_text(RingTrouble trouble);
/* Returns NULL. */
Ring *ring_free(Ring *ring);

/* The oldest give way if there is no room. What does not fit at all is not kept. */
void ring_put(Ring *ring, RingKind kind, uint64_t session, uint64_t start_boottime_usec, const void *data, size_t size);
/* Behind the newest. */
uint64_t ring_head(const Ring *ring);
/* Where what is not committed begins. */
uint64_t ring_tail(const Ring *ring);
bool ring_is_empty(const Ring *ring);
/* Frames that have given way and were not committed. */
uint64_t ring_evicted(const Ring *ring);

/* The next record; *position begins at ring_tail(). 1, 0 at the end, -EBADMSG one that is not whole: what follows cannot be found. */
int ring_next(const Ring *ring, uint64_t *position, RingRecord *ret);

void ring_promise(Ring *ring, const RingPromise *promise);
RingPromise ring_promised(const Ring *ring);
/* All up to there is in the database. */
void ring_commit(Ring *ring, uint64_t upto);
/* One that is empty gives its pages back. */
void ring_give_back(Ring *ring);

/* For tests: the ring in these octets, which are as long as a ring's are. */
RingTrouble ring_adopt(void *memory, size_t size, const char *boot_id, Ring **ret);
