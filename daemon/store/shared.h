/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the caller's thread, the writer and the reader share. One mutex guards all of it that changes; it is
 * held for a copy or a list operation, never over a call into SQLite. The gate is another matter: the reader
 * holds it while it uses its connection, the writer closes it where nobody may read (a truncation of the
 * WAL, a change of the database). */

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "store/export.h"
#include "store/job.h"
#include "store/kept.h"
#include "store/scan.h"

/* 60 s at 400 frames/s of 60 octets, their heads included, are 1.9 MB. What the writer has in hand comes on
 * top until it has written it or given it back: what is older must not push out what is newer. */
#define STORE_MEMORY_MAX (2u * 1024u * 1024u)
#define STORE_COLLECT_USEC UINT64_C(92000)      /* from the first frame after idle to the commit: it is there within 100 ms */
#define STORE_SYNC_USEC UINT64_C(900000)        /* from the oldest frame that is not synced to a synced commit: it is on the disk within 1 s */
#define STORE_ANSWER_USEC UINT64_C(20000000)    /* "Finish() answers when durable; after 20 s Degraded" */
#define STORE_READ_USEC UINT64_C(5000000)       /* a query that cannot be begun for so long is answered: callers wait no longer than 25 s */
#define STORE_EXPORT_USEC UINT64_C(30000000)    /* "30 s without progress ends it" */
#define STORE_SLICE_USEC UINT64_C(20000)        /* of the reader's time at a stretch, for queries, an export, a scan or an import */
#define STORE_CHECK_SIZE_MAX (64u * 1024u * 1024u) /* octets of a database of which each step of a check takes a moment: that one is not put off for ever */
#define STORE_LAG_USEC UINT64_C(2000000)        /* queued for longer than that: degraded */
#define STORE_FREE_MIN UINT64_C(268435456)      /* octets that an import leaves free on the disk, and a twentieth of it */
#define STORE_DAY_USEC UINT64_C(86400000000)    /* "what is too old goes when it still is after another day" */
#define STORE_RETRY_MIN_USEC UINT64_C(50000)
#define STORE_RETRY_MAX_USEC UINT64_C(1000000)
#define STORE_LOG_PAGES_MAX 16384u              /* 64 MiB of the log that cannot be taken in: somebody is to be told */
#define STORE_RETRY_IDLE_USEC UINT64_C(10000000) /* with nothing to write */

typedef enum ReplyType {
        REPLY_OPENED,
        REPLY_STATE,
        REPLY_DONE,
        REPLY_LISTED,
        REPLY_EVENTS,
        REPLY_COUNTED,
        REPLY_SCANNED,
        REPLY_IMPORTED,
        REPLY_RECORDED,
        REPLY_RECORDED_LATE,    /* who waited has been answered */
        REPLY_ERASED,
        REPLY_RETIRED,          /* what nobody waited for, or not so long */
} ReplyType;

typedef struct Opened {
        StoreOpened opened;
        uint8_t **blobs;        /* what the frames point into */
        size_t n_blobs, allocated_blobs;
} Opened;

typedef struct Reply {
        TAILQ_ENTRY(Reply) entry;
        ReplyType type;
        Opened *opened;
        StoreState state;
        char *reason, *put_aside;
        int error;
        StoreDone done;
        StoreListed listed;
        StoreEventsRead events_read;
        GArray *events;         /* StoreEvent; NULL: none */
        StoreCounted counted;
        uint64_t n_rows;
        Scan *scan;
        StoreImported imported;
        uint64_t id;            /* of it */
        StoreSession *sessions;
        size_t n_sessions;
        StoreRecorded recorded;
        StoreRecordFate fate;
        uint64_t recorded_as;
        StoreCursor cursor;     /* of one that is late; its session is the only one of `sessions` */
        StoreErasedDone erased_done;
        StoreErased erased;     /* the reply's own */
        void *userdata;
} Reply;

typedef TAILQ_HEAD(ReplyList, Reply) ReplyList;

/* Somebody waits for a job: answered by whoever comes first, the writer with the result or the clock with
 * -EIO. */
typedef struct Wait {
        TAILQ_ENTRY(Wait) entry;
        uint64_t id;
        uint64_t deadline_usec;
        StoreDone done;         /* one of the three */
        StoreRecorded recorded;
        StoreErasedDone erased;
        void *userdata;
} Wait;

typedef TAILQ_HEAD(WaitList, Wait) WaitList;

typedef struct Request {
        TAILQ_ENTRY(Request) entry;
        bool get;               /* one session by its id, else a page */
        uint64_t id;
        StoreEventsRead events_read; /* not NULL: neither, but events */
        StoreEventFilter events;
        uint64_t since_usec, until_usec, before;
        char *device, *subject, *area;
        uid_t owner;
        char *owner_name;       /* NULL: any */
        unsigned limit;
        uint64_t deadline_usec; /* as long as it cannot be begun */
        StoreListed done;
        void *userdata;
} Request;

typedef TAILQ_HEAD(RequestList, Request) RequestList;

typedef struct Import Import;           /* import.h */
typedef TAILQ_HEAD(ImportList, Import) ImportList;
typedef struct Intake Intake;
typedef TAILQ_HEAD(IntakeList, Intake) IntakeList;

/* A session that frames are taken for. */
typedef struct LiveSession {
        uint64_t id;
        uint64_t start_boottime_usec;
        uint64_t piece_boottime_usec; /* of the first frame of the piece */
        bool has_bulk;          /* STORE_BULK_CHANNEL is what it is for OMP: in a vendor's session the number means something else */
        Job *open;              /* in the queue, while `generation` is the store's */
        uint64_t generation;
} LiveSession;

struct Store {
        char *path;             /* these do not change */
        StoreObserver observer;
        void *userdata;
        int event_fd;           /* tells the caller of replies */
        int reader_fd;          /* an eventfd too: tells the reader that there is something to do */
        pthread_t writer, reader;
        Kept kept;              /* of the ring as it was found: the writer's */
        atomic_uint writer_steps, reader_steps;
        atomic_bool writer_works, reader_works;

        StoreState state;       /* these belong to the caller's thread */
        char *reason;

        pthread_mutex_t mutex;
        pthread_cond_t writer_cond, done_cond;
        Queue queue;
        uint64_t queued_since_usec;
        uint64_t generation;    /* of what is in the queue: counts the takings */
        GHashTable *live;       /* uint64_t* → LiveSession* */
        LiveSession *last;      /* most frames are for the same one */
        WaitList waits;         /* by deadline */
        uint64_t last_wait;
        uint64_t answer_usec, read_usec, collect_usec, retry_min_usec, retry_idle_usec; /* STORE_…; tests are in a hurry */
        int log_pages_max;      /* likewise */
        ReplyList replies;
        RequestList requests;
        ExportList exports;     /* what is in one of them is the reader's once it is here */
        unsigned n_exports;
        ScanList scans;         /* likewise; of each who asks the first is under way, so that they have one decoder each, and the first of all is the next */
        unsigned n_scans;
        bool scan_is_next;      /* before an export */
        ImportList imports;     /* the reader's too */
        unsigned n_imports;
        bool import_is_next;    /* before scans and exports */
        unsigned n_abandoned;   /* imports, until that is written */
        unsigned n_erasures;    /* that somebody asked for */
        IntakeList intakes;     /* of imports; each lies in what the reader has of it */
        GArray *dead_fds;       /* ends of others' pipes, for the reader to close: that can take as long as who has the other end likes */
        uint64_t export_usec, slice_usec, free_min; /* STORE_…, as above */
        uint64_t queries_usec;  /* that queries have taken since somebody else had a turn who waits for one */
        StoreRetention retention;
        uint64_t retention_day_usec; /* 24 h; tests are in a hurry … */
        int64_t wall_offset_usec; /* … and their clock is wrong */
        bool retention_set;     /* newly: the writer has not looked at it yet */
        StoreState shared_state;
        char *shared_reason;
        uint64_t n_queued, n_committed;
        uint64_t n_skipped;     /* frames that can never be written */
        uint64_t stop_at_usec;
        bool stopping, writer_done, reader_done;
        bool writer_sleeps, urgent;
        bool opening_over;      /* what is asked before that waits */
        bool connected;         /* the writer has the database open: before, a reader would find one that is half made */
        bool open_wanted;       /* somebody asks for what could not be opened */
        unsigned check_wanted;  /* the number of the last wish */
        unsigned check_done;    /* of the last that is fulfilled */
        bool check_failed;
        bool check_insists;     /* it has given way for long: for a step it does not */
        sqlite3 *checking;      /* the reader's connection while it may be interrupted */
        atomic_bool interrupt;  /* likewise: seen by its progress handler */
        atomic_bool closed;     /* the caller waits for its threads no more: what it lent them is gone */
        bool gate_wanted;

        pthread_mutex_t gate;   /* before the mutex, where both are held */
        sqlite3 *reader_db;     /* under the gate */
};

static inline void shared_lock(Store *store) {
        (void) pthread_mutex_lock(&store->mutex);
}

/* What the caller lent the store is gone: a disk that hung has given something at last, and who knows the codec is not there any more. */
static inline bool shared_is_closed(const Store *store) {
        return atomic_load_explicit(&store->closed, memory_order_relaxed);
}

static inline void shared_unlock(Store *store) {
        (void) pthread_mutex_unlock(&store->mutex);
}

/* CLOCK_MONOTONIC: the threads' own deadlines, which a suspend must not use up. */
uint64_t shared_now_usec(void);
/* Waits until `until_usec`, UINT64_MAX: for ever. With the mutex held. */
void shared_wait(Store *store, pthread_cond_t *cond, uint64_t until_usec);

/* All of these with the mutex held. */
Reply *shared_reply_new(ReplyType type);
Reply *shared_reply_free(Reply *reply);
void shared_reply(Store *store, Reply *reply);
/* Tells the caller's thread if the state or the reason has changed, or if a file was put aside. */
void shared_set_state(Store *store, StoreState state, const char *reason, const char *put_aside);
/* The writer is stuck: until its next success. */
void shared_set_lagging(Store *store);
uint64_t shared_wait_add(Store *store, StoreDone done, void *userdata);
uint64_t shared_wait_add_recorded(Store *store, StoreRecorded done, void *userdata);
uint64_t shared_wait_add_erased(Store *store, StoreErasedDone done, void *userdata);
/* There is progress: its time begins anew. */
void shared_wait_extend(Store *store, uint64_t id);
/* Likewise, answered together with who waits as `id`; 0: nobody does. Returns the id. */
uint64_t shared_wait_join(Store *store, uint64_t id, StoreDone done, void *userdata);
uint64_t shared_wait_join_erased(Store *store, uint64_t id, StoreErasedDone done, void *userdata);
/* Answers that waiter and who joined it, unless the clock did so before. */
void shared_wait_answer(Store *store, uint64_t id, int error);
/* Of one that is durable the observer hears, if nobody waits any more. */
void shared_wait_answer_recorded(Store *store, const Job *job);
/* Takes what `erased` has, if anybody is to hear of it, of which the first who waits hears; who joined it, that there is nothing more. Who does not wait any more hears of it as of something that was retired. */
void shared_wait_answer_erased(Store *store, uint64_t id, int error, StoreErased *erased);
void shared_erased_clear(StoreErased *erased);
void shared_wait_expire(Store *store, uint64_t now_usec);
void shared_wake_writer(Store *store);
/* Something is in the queue, which `was_empty`: what is queued first after idle wakes the writer. */
void shared_queued(Store *store, bool was_empty, bool urgent);
void shared_wake_reader(Store *store);
/* Closes it without the mutex, on the reader's thread. */
void shared_close_later(Store *store, int fd);
/* Answers and frees it; it is in no list any more. Its pipe is closed later. */
void shared_export_end(Store *store, Export *export, int error);
void shared_scan_end(Store *store, Scan *scan, int error);
void shared_import_end(Store *store, Import *import, int error);
/* A check gives way to whoever else needs the reader, and always to the writer. */
void shared_interrupt_check(Store *store);
/* A session that goes on from an earlier run of the daemon, or a new one. */
void shared_live_add(Store *store, const StoreSession *session);

/* What was written is kept in the ring no more, and without sessions no memory is held for what might come. */
void shared_ring_committed(Store *store, uint64_t upto);

/* The reader lets go: with the gate nobody reads until it is given back. Without the mutex. */
void shared_gate_close(Store *store);
void shared_gate_open(Store *store);

Opened *opened_free(Opened *opened);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Opened, opened_free)
Request *request_free(Request *request);
