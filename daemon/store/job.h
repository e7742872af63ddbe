/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the writer has to do, as a queue with a bound: frames are gathered in pieces, and when memory's bound
 * is reached the oldest waveform goes first, then the oldest of all frames, then the oldest events; rows of
 * devices and sessions never go. What goes is counted and becomes a gap. Nothing here locks: the queue is
 * used under the store's mutex. The lists are intrusive, so that what passes between the threads is
 * allocated by nobody's thread-private allocator. */

#include <sys/queue.h>

#include "store/chunk.h"
#include "store/store.h"
#include "store/summary.h"

#define JOB_PIECE_MAX (64u * 1024u) /* octets of frames, heads included, after which a new piece begins */

typedef enum JobType {
        JOB_DEVICE_PUT,
        JOB_DEVICE_REMOVE,
        JOB_BEGIN,
        JOB_PIECE,
        JOB_GAP,
        JOB_EVENT,
        JOB_END,
        JOB_DISCARD,
        JOB_LABEL,
        JOB_PLAN,
        JOB_ACKNOWLEDGE,
        JOB_SYNC,               /* nothing to write, somebody waits until what came before is durable */
        JOB_RECORD,
        JOB_ERASE,              /* plans of who is erased; for the rest it is the eraser's then (eraser.h) */
        JOB_INTAKE_BEGIN,       /* of an import (intake.h) */
        JOB_INTAKE_PART,
        JOB_INTAKE_FINISH,
        JOB_INTAKE_ABANDON,
} JobType;

typedef enum EraseKind {
        ERASE_SESSION,
        ERASE_OWNER,            /* all of theirs */
        ERASE_COPIES,
        ERASE_DISCARDED,        /* what is left in free pages of one that was discarded */
        ERASE_OLD,              /* retention's, by age … */
        ERASE_SURPLUS,          /* … and by count */
} EraseKind;

/* A chunk's frames and what goes with them, of a session that comes whole; or gaps alone, at the end. The buffers are by g_malloc(), texts too. */
typedef struct IntakePart {
        ChunkBuilder chunk;     /* LEDGER_FOLD_* say how long one is */
        Summary summary;
        StoreGap *gaps;
        size_t n_gaps;
        StoreEvent *events;
        size_t n_events;
} IntakePart;

/* Frames as they came: for each the first JOB_FRAME_HEAD octets of struct Frame, then its data; if its direction has JOB_FRAME_SAMPLED, then
 * an octet of StoreSample.has and mean and maximum of each curve that it names. */
typedef struct Piece {
        uint8_t *data;
        size_t size, allocated;
        uint32_t n_frames, n_bulk;
        uint64_t start_boottime_usec; /* of the session */
        bool sealed;            /* nobody adds to it any more */
} Piece;

typedef struct Job {
        TAILQ_ENTRY(Job) entry;
        JobType type;
        uint64_t session;
        uint64_t wait;          /* who waits for the answer, 0: nobody */
        int result;             /* the answer */
        bool skipped;           /* it can never be written */
        bool tried;             /* a commit of it was reported as failed, and may have succeeded */
        union {
                StoreDevice device; /* for JOB_DEVICE_REMOVE only its key */
                StoreSession *begin;
                Piece piece;
                struct {
                        StoreGap gap;
                        bool of_drop;           /* made by queue_enforce() */
                };
                StoreEvent event;               /* its text is the job's own; so are the strings of the labels */
                StoreLabels labels;
                StorePlan plan;
                StoreAcknowledgement acknowledgement;
                StoreEnd end;                   /* likewise its reason and figures */
                StoreBurial burial;             /* of JOB_DISCARD; its address is the job's own */
                struct {
                        EraseKind erase;
                        uid_t erase_owner;      /* (uid_t) -1: everybody */
                        char *erase_owner_name; /* NULL: whatever it is */
                        bool erase_placed;      /* the following is filled in: what stands behind it in the queue is not touched */
                        uint64_t erase_upto;    /* id */
                        uint64_t erase_row;     /* what the database has of it until it is done; 0: nothing */
                        GArray *spared;         /* uint64_t: sessions that were not over; NULL: none */
                };
                struct {
                        StoreRecord *record;
                        uint8_t *record_octets; /* that its frames point into */
                        StoreRecordFate fate;   /* filled in */
                        uint64_t recorded_as;   /* likewise: the session that it is */
                };
                struct {
                        IntakePart part;
                        uint64_t part_seq;
                };
        };
} Job;

typedef TAILQ_HEAD(JobList, Job) JobList;

typedef struct Queue {
        JobList jobs;           /* oldest first */
        size_t size;            /* octets, roughly, of all that is in the list */
        uint64_t n_dropped;     /* frames */
} Queue;

Job *job_new(JobType type, uint64_t session);
Job *job_free(Job *job);
size_t job_size(const Job *job);

#define JOB_FRAME_HEAD 20u
#define JOB_FRAME_SAMPLED 0x80u
/* The next frame of a piece, and its sample (has 0: none; NULL: not wanted); `offset` begins at 0. False at the end. */
bool piece_next(const Piece *piece, size_t *offset, Frame *ret, StoreSample *ret_sample);
/* How many octets a frame takes there; `sample` may be NULL. */
size_t piece_size_of(const Frame *frame, const StoreSample *sample);
/* Adds it; the room must be there. */
void piece_add(Piece *piece, const Frame *frame, const StoreSample *sample);
/* Makes room for that many octets more. */
void piece_reserve(Piece *piece, size_t size);

void queue_init(Queue *queue);
void queue_done(Queue *queue);
void queue_push(Queue *queue, Job *job);
/* Devices: what was queued for the same device before is replaced, so that the newest state alone waits. */
void queue_push_device(Queue *queue, Job *job);
/* Labels, plans and acknowledgements: what waits already for the same session or person is changed to what `job`, which is freed, says.
 * NULL: nothing does, or it is to be erased first. */
Job *queue_merge(Queue *queue, Job *job);
/* An erasure that is the same as one that waits takes its place, at the end. Returns who waits for that one; 0: there was none. */
uint64_t queue_push_erase(Queue *queue, Job *job);
/* Parts and end of an import that comes to nothing: what is in the database of them already is taken away with the rest. */
void queue_drop_intake(Queue *queue, uint64_t session);
/* To the front, in their order; pieces are sealed, `jobs` is empty after it. */
void queue_return(Queue *queue, JobList *jobs);
/* Takes all. */
void queue_take(Queue *queue, JobList *ret);
/* Drops until the queue's size is at most `size`, or nothing is left that may go. Pieces that are not sealed
 * stay, emptied. */
void queue_enforce(Queue *queue, size_t size);

/* Takes a record's copy. */
Job *job_new_record(const StoreRecord *record);
void intake_part_clear(IntakePart *part);
/* Octets, roughly. */
size_t intake_part_size(const IntakePart *part);

/* Copies of what the callers pass. The *_clear functions free the members, not the struct. */
void job_copy_device(StoreDevice *ret, const StoreDevice *device);
void job_clear_device(StoreDevice *device);
void job_copy_session(StoreSession *ret, const StoreSession *session);
void job_clear_session(StoreSession *session);
void job_copy_plan(StorePlan *ret, const StorePlan *plan);
void job_clear_plan(StorePlan *plan);
void job_copy_acknowledgement(StoreAcknowledgement *ret, const StoreAcknowledgement *acknowledgement);
void job_clear_acknowledgement(StoreAcknowledgement *acknowledgement);
