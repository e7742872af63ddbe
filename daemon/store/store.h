/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The record: SQLite on two threads of its own, behind bounded queues. The writer's connection is the only one that ever writes
 * or checkpoints; the reader's is read-only. Nothing here blocks the caller: functions queue and return; replies are callbacks,
 * run by store_dispatch() on the caller's thread in the order they became ready. After store_free() no callback runs.
 *
 * Plain structs only; strings are copied by the callee and may be NULL where said. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "needled/figures.h"
#include "needled/frame.h"
#include "needled/tape.h"

/* The channel whose frames go first when memory is full: an OMP_CHAR_WAVEFORM. The store does not know the codec;
 * test-job.c holds the two together. */
#define STORE_BULK_CHANNEL 2u

typedef struct Store Store;

typedef enum StoreState {
        STORE_OPENING,
        STORE_READY,
        STORE_DEGRADED,         /* writing fails or lags; kept in memory, tried again */
        STORE_UNAVAILABLE,      /* no database could be opened; kept in memory as far as it goes, tried again */
        _STORE_STATE_MAX,
} StoreState;

typedef struct StoreDevice {
        char *path;             /* last part of its D-Bus path; never changes */
        char *address;          /* identity address, "AA:BB:CC:DD:EE:FF"; with address_type the key */
        char *address_type;     /* "public", "random" */
        char *adapter;          /* address of the adapter, NULL if any */
        char *name, *alias, *profile, *manufacturer, *model, *serial, *firmware; /* "" if unknown */
        int kind;               /* OmpKind */
        uid_t owner;
        bool bonded, allow_unbonded, auto_connect;
        uint64_t adopted_realtime_usec;
        bool released;
        uint64_t released_until_usec; /* wall clock; 0: until it is asked for */
} StoreDevice;

typedef struct StoreSession {
        uint64_t id;
        char *uuid;             /* 36 characters */
        char *device_address, *device_alias, *profile;
        char *channels;         /* what the frames' channel numbers stand for, "0=<uuid>;1=<uuid>": a vendor profile may have been
                                 * edited since; "" for "omp1" */
        uid_t owner;
        char *owner_name;       /* user name, so that a uid used again does not inherit; "" if unknown */
        char *boot_id;          /* of the start, 32 hex digits */
        int utc_offset_sec;
        uint64_t start_boottime_usec, start_realtime_usec; /* session time 0 */
        char *subject, *area, *product, *note; /* "" if unset */
        bool acknowledged;
        /* Filled in what is read: */
        int rating;             /* 1 … 5; 0 none */
        uint64_t areas;         /* bit n: there was a STORE_EVENT_AREA with code n */
        char *state;            /* "live" while not ended, else "finished" */
        char *end_reason;       /* "" while live */
        char *source;           /* "live" */
        uint64_t end_boottime_usec, end_realtime_usec;
        Figures figures;        /* absent while live */
} StoreSession;

typedef struct StoreGap {
        uint64_t from_usec, to_usec; /* session time */
        int stream;             /* as needled_stream_gap */
        uint64_t lost;
} StoreGap;

typedef enum StoreEventKind {            /* numbers stay: they are in databases */
        STORE_EVENT_DEVICE,             /* of the device: code is its code */
        STORE_EVENT_ALERT,              /* code: AlertCode; severity: its level; asserted: raised */
        STORE_EVENT_STATE,              /* code: SessionState */
        STORE_EVENT_STAGE,              /* code: Stage */
        STORE_EVENT_AREA,               /* code: of the profile */
        STORE_EVENT_MARK,               /* text */
} StoreEventKind;

typedef struct StoreEvent {
        uint64_t session_usec, realtime_usec;
        StoreEventKind kind;
        uint8_t code, severity;
        bool asserted;
        int64_t value;
        const char *text;               /* of a MARK; NULL: none */
        uint64_t id;                    /* filled in what is read: grows in the order of writing */
} StoreEvent;

#define STORE_EVENTS_MAX 1000u          /* a page */

typedef struct StoreEventFilter {
        uint64_t session;
        uint64_t after, before;         /* ids of events, 0: no bound; with `before` alone the newest before it, else the oldest */
        unsigned limit;                 /* 1 … STORE_EVENTS_MAX */
} StoreEventFilter;

/* The labels of a session; NULL stays as it is. */
typedef struct StoreLabels {
        const char *subject, *area, *product, *note;
        int rating;                     /* 1 … 5; 0 stays as it is */
} StoreLabels;

/* What a person set for one subject ("": themselves): -1 as configured. */
typedef struct StorePlan {
        uid_t owner;
        char *owner_name;       /* as of a session */
        char *subject;
        int64_t rest_300_usec, rest_500_usec, rest_1000_usec, rest_deeper_usec;
        int weekly_max, course_weeks;
} StorePlan;

typedef struct StoreAcknowledgement {
        uid_t owner;
        char *owner_name;       /* as of a session */
        char *version;                  /* of the list that was acknowledged; "" none */
        uint64_t realtime_usec;
} StoreAcknowledgement;

/* A session that was live when the daemon went, with all its frames in order: main replays them. Frames point into `bytes`. */
typedef struct StoreOpenSession {
        StoreSession session;
        Frame *frames;
        size_t n_frames;
} StoreOpenSession;

typedef struct StoreOpened {
        StoreDevice *devices;
        size_t n_devices;
        StoreOpenSession *sessions; /* those that had not ended, newest first */
        size_t n_sessions;
        StorePlan *plans;
        size_t n_plans;
        StoreAcknowledgement *acknowledgements; /* one for each owner */
        size_t n_acknowledgements;
        uint64_t next_session_id;   /* never one that was used before, not even in a database that was put aside */
} StoreOpened;

typedef struct StoreFilter {
        uint64_t since_usec, until_usec; /* 0: no bound; wall clock of the start */
        const char *device, *subject, *area; /* NULL: any */
        uid_t owner;            /* (uid_t) -1: any */
        unsigned limit;         /* 1 … 500 */
        uint64_t before;        /* last id of the previous page, 0: from the newest */
} StoreFilter;

/* A session as a tape, through a pipe. Time 0 of the tape is that of the session. */
#define STORE_EXPORTS_MAX 16u           /* at a time */

typedef struct StoreExport {
        uint64_t id;
        const TapeHead *head;
        uint64_t from_usec, to_usec; /* session time, both included; UINT64_MAX: to the end, and the end is said */
        int fd;                 /* the pipe's end to write to, O_NONBLOCK; the store closes it */
} StoreExport;

typedef struct StoreObserver {
        /* The first opening is over, one way or the other. `opened` is never NULL and is freed after the call. It is empty when no database
         * could be opened; then it is called once more as soon as one can be that has something from before. */
        void (*opened)(const StoreOpened *opened, void *userdata);
        /* `reason` is a sentence for people, "" when ready: what happened, where, and what to do. Called on each change;
         * `put_aside` names the file that an unusable database was renamed to, NULL mostly. */
        void (*state_changed)(StoreState state, const char *reason, const char *put_aside, void *userdata);
} StoreObserver;

/* error: 0, -ENOENT, -EIO (degraded: kept in memory, follows), -ECANCELED (the store is closing). */
typedef void (*StoreDone)(int error, void *userdata);
/* `sessions` is valid for the call. */
typedef void (*StoreListed)(int error, const StoreSession *sessions, size_t n, void *userdata);

/* `events` and their texts are valid for the call, oldest first. */
typedef void (*StoreEventsRead)(int error, const StoreEvent *events, size_t n, void *userdata);

/* How many lines there will be after the head. error: 0, then the lines come and StoreDone is called when they have; else nothing comes any
 * more: -ENOENT no such session that has ended, -EIO, -ECANCELED as above, -EINVAL no tape can have this head, -EPIPE nobody reads,
 * -ENOBUFS too many at a time. */
typedef void (*StoreCounted)(int error, uint64_t n_rows, void *userdata);

/* Starts the threads and returns; the opening goes on in the writer. `path` is the database's, its folder must exist. */
Store *store_new(const char *path, const StoreObserver *observer, void *userdata);
/* Writes what is queued (at most `timeout_usec`), closes, joins. Returns NULL. */
Store *store_close(Store *store, uint64_t timeout_usec);

/* Readable when store_dispatch() has something to do. */
int store_get_fd(Store *store);
void store_dispatch(Store *store);

StoreState store_state(const Store *store);
const char *store_reason(const Store *store);
const char *store_state_name(StoreState state);

void store_device_put(Store *store, const StoreDevice *device);
void store_device_remove(Store *store, const char *address, const char *address_type);

void store_session_begin(Store *store, const StoreSession *session);
/* The hot path: one copy into the current piece, no allocation in the usual case, no system call unless the writer sleeps. */
void store_session_frame(Store *store, uint64_t session_id, const Frame *frame);
void store_session_gap(Store *store, uint64_t session_id, const StoreGap *gap);
void store_session_event(Store *store, uint64_t session_id, const StoreEvent *event);
/* `done` when it is durable (committed under synchronous=FULL). */
void store_session_end(Store *store, uint64_t session_id, const char *end_reason, uint64_t end_boottime_usec,
                       uint64_t end_realtime_usec, const Figures *figures, StoreDone done, void *userdata);
/* Leaves no trace of it. */
void store_session_discard(Store *store, uint64_t session_id, StoreDone done, void *userdata);

/* Of a live session or one that has ended. -ENOENT. */
void store_session_label(Store *store, uint64_t session_id, const StoreLabels *labels, StoreDone done, void *userdata);

/* What one person has set and acknowledged; all are read at the opening (StoreOpened.plans, .acknowledgements) and are small: at most
 * STORE_PLANS_MAX for each owner, else -ENOSPC. Done when durable. What waits for the disk is replaced by what comes after it. */
#define STORE_PLANS_MAX 64u
void store_plan_put(Store *store, const StorePlan *plan, StoreDone done, void *userdata);
void store_acknowledge(Store *store, const StoreAcknowledgement *acknowledgement, StoreDone done, void *userdata);

/* `done` when all that came before is durable, or with -EIO after 20 s. */
void store_sync(Store *store, StoreDone done, void *userdata);

/* On the reader. Only ended sessions. */
void store_list(Store *store, const StoreFilter *filter, StoreListed done, void *userdata);
void store_get(Store *store, uint64_t id, StoreListed done, void *userdata); /* n is 0 or 1 */

/* Of a live session too, as far as it is written. -ENOENT no such session. */
void store_events(Store *store, const StoreEventFilter *filter, StoreEventsRead done, void *userdata);

/* On the reader too. `ended`: 0: all is in the pipe; -ENOENT: the session was deleted; -EPIPE; -ETIMEDOUT: for 30 s the pipe took nothing; -EIO;
 * -ECANCELED. */
void store_export(Store *store, const StoreExport *wanted, StoreCounted counted, StoreDone ended, void *userdata);

/* Counts for tests and figures: frames queued, frames committed, frames dropped because memory's bound was reached. */
typedef struct StoreCounters {
        uint64_t queued, committed, dropped;
} StoreCounters;
StoreCounters store_counters(Store *store);
