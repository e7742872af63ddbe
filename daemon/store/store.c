/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/store.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "store/import.h"
#include "store/reader.h"
#include "store/shared.h"
#include "store/writer.h"

#define CLOSE_GRACE_USEC UINT64_C(1000000)
#define DISPATCH_USEC UINT64_C(2000)    /* of answers in one go, then the devices have their turn */

static const char *const state_names[_STORE_STATE_MAX] = {
        [STORE_OPENING] = "opening",
        [STORE_READY] = "ready",
        [STORE_DEGRADED] = "degraded",
        [STORE_UNAVAILABLE] = "unavailable",
};

/* Signals are the loop's: it takes them by signalfd. */
static void start_threads(Store *store) {
        sigset_t all, before;

        (void) sigfillset(&all);
        (void) pthread_sigmask(SIG_SETMASK, &all, &before);
        if (pthread_create(&store->writer, NULL, writer_main, store) != 0 ||
            pthread_create(&store->reader, NULL, reader_main, store) != 0)
                g_error("Cannot start the store's threads: %m"); /* as with memory: there is no going on */
        (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
        (void) pthread_setname_np(store->writer, "store-writer");
        (void) pthread_setname_np(store->reader, "store-reader");
}

Store *store_new(const char *path, const StoreObserver *observer, void *userdata) {
        Store *store = g_new0(Store, 1);
        pthread_condattr_t attr;

        store->path = g_strdup(path);
        store->observer = *observer;
        store->userdata = userdata;
        if (observer->ring)
                kept_read(observer->ring, &store->kept);
        store->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        store->reader_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (store->event_fd < 0 || store->reader_fd < 0)
                g_error("Cannot make an eventfd: %m");
        store->reason = g_strdup("");
        store->shared_reason = g_strdup("");
        store->answer_usec = STORE_ANSWER_USEC;
        store->read_usec = STORE_READ_USEC;
        store->export_usec = STORE_EXPORT_USEC;
        store->slice_usec = STORE_SLICE_USEC;
        store->free_min = STORE_FREE_MIN;
        store->collect_usec = STORE_COLLECT_USEC;
        store->retention_day_usec = STORE_DAY_USEC;
        store->retry_min_usec = STORE_RETRY_MIN_USEC;
        store->retry_idle_usec = STORE_RETRY_IDLE_USEC;
        store->log_pages_max = STORE_LOG_PAGES_MAX;
        store->generation = 1;
        store->live = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
        queue_init(&store->queue);
        TAILQ_INIT(&store->waits);
        TAILQ_INIT(&store->replies);
        TAILQ_INIT(&store->requests);
        TAILQ_INIT(&store->exports);
        TAILQ_INIT(&store->scans);
        TAILQ_INIT(&store->imports);
        TAILQ_INIT(&store->intakes);
        store->dead_fds = g_array_new(FALSE, FALSE, sizeof(int));
        (void) pthread_mutex_init(&store->mutex, NULL);
        (void) pthread_mutex_init(&store->gate, NULL);
        (void) pthread_condattr_init(&attr);
        (void) pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        (void) pthread_cond_init(&store->writer_cond, &attr);
        (void) pthread_cond_init(&store->done_cond, &attr);
        (void) pthread_condattr_destroy(&attr);
        (void) sqlite3_initialize();
        start_threads(store);
        return store;
}

static void dispatch_reply(Store *store, Reply *reply) {
        switch (reply->type) {
        case REPLY_OPENED:
                store->observer.opened(&reply->opened->opened, store->userdata);
                break;
        case REPLY_STATE:
                store->state = reply->state;
                g_free(store->reason);
                store->reason = g_strdup(reply->reason);
                store->observer.state_changed(reply->state, store->reason, reply->put_aside,
                                              store->userdata);
                break;
        case REPLY_DONE:
                reply->done(reply->error, reply->userdata);
                break;
        case REPLY_LISTED:
                reply->listed(reply->error, reply->sessions, reply->n_sessions, reply->userdata);
                break;
        case REPLY_EVENTS:
                reply->events_read(reply->error, reply->events ? (StoreEvent *) reply->events->data : NULL,
                                   reply->events ? reply->events->len : 0, reply->userdata);
                break;
        case REPLY_COUNTED:
                reply->counted(reply->error, reply->n_rows, reply->userdata);
                break;
        case REPLY_SCANNED:
                if (reply->scan->walk)  /* its owner's from here on, who may free it */
                        scan_answer(g_steal_pointer(&reply->scan), reply->error);
                else
                        scan_answer(reply->scan, reply->error);
                break;
        case REPLY_IMPORTED:
                reply->imported(reply->error, reply->reason, reply->id, reply->userdata);
                break;
        case REPLY_RECORDED:
                reply->recorded(reply->error, reply->fate, reply->recorded_as, reply->userdata);
                break;
        case REPLY_RECORDED_LATE:
                if (store->observer.recorded)
                        store->observer.recorded(reply->fate, reply->recorded_as, reply->sessions, &reply->cursor, store->userdata);
                break;
        case REPLY_ERASED:
                reply->erased_done(reply->error, &reply->erased, reply->userdata);
                break;
        case REPLY_RETIRED:
                if (store->observer.retired)
                        store->observer.retired(&reply->erased, store->userdata);
                break;
        }
}

static void take_replies(Store *store, ReplyList *ret) {
        TAILQ_INIT(ret);
        shared_lock(store);
        TAILQ_CONCAT(ret, &store->replies, entry);
        shared_unlock(store);
}

static void store_free(Store *store) {
        Reply *reply;

        while ((reply = TAILQ_FIRST(&store->replies))) {
                TAILQ_REMOVE(&store->replies, reply, entry);
                (void) shared_reply_free(reply);
        }
        queue_done(&store->queue);
        kept_done(&store->kept);
        g_hash_table_unref(store->live);
        g_array_unref(store->dead_fds);
        (void) pthread_mutex_destroy(&store->mutex);
        (void) pthread_mutex_destroy(&store->gate);
        (void) pthread_cond_destroy(&store->writer_cond);
        (void) pthread_cond_destroy(&store->done_cond);
        (void) close(store->event_fd);
        (void) close(store->reader_fd);
        g_free(store->path);
        g_free(store->reason);
        g_free(store->shared_reason);
        g_free(store);
}

/* Those who wait hear how it ended; what observers would hear is over for them. */
static void answer_rest(Store *store) {
        ReplyList replies;
        Reply *reply;

        take_replies(store, &replies);
        while ((reply = TAILQ_FIRST(&replies))) {
                TAILQ_REMOVE(&replies, reply, entry);
                if (reply->type != REPLY_OPENED && reply->type != REPLY_STATE && reply->type != REPLY_RETIRED &&
                    reply->type != REPLY_RECORDED_LATE)
                        dispatch_reply(store, reply);
                (void) shared_reply_free(reply);
        }
}

Store *store_close(Store *store, uint64_t timeout_usec) {
        uint64_t give_up_usec;
        bool done;

        if (!store)
                return NULL;
        shared_lock(store);
        store->stopping = true;
        store->stop_at_usec = shared_now_usec() + timeout_usec;
        give_up_usec = store->stop_at_usec + CLOSE_GRACE_USEC;
        shared_wake_writer(store);
        shared_interrupt_check(store);
        shared_wake_reader(store);
        while (!(store->writer_done && store->reader_done) && shared_now_usec() < give_up_usec)
                shared_wait(store, &store->done_cond, give_up_usec);
        done = store->writer_done && store->reader_done;
        atomic_store(&store->closed, true);
        while (!TAILQ_EMPTY(&store->waits))
                shared_wait_answer(store, TAILQ_FIRST(&store->waits)->id, -ECANCELED);
        shared_unlock(store);

        if (done) {
                (void) pthread_join(store->writer, NULL);
                (void) pthread_join(store->reader, NULL);
        }
        answer_rest(store);
        if (done)
                store_free(store);
        /* else a thread is stuck in a system call and comes back to its memory when the disk does, or
         * never. */
        return NULL;
}

int store_get_fd(Store *store) {
        return store->event_fd;
}

/* The next that is there; whether others are. */
static Reply *take_reply(Store *store, bool *ret_more) {
        Reply *reply;

        shared_lock(store);
        reply = TAILQ_FIRST(&store->replies);
        if (reply)
                TAILQ_REMOVE(&store->replies, reply, entry);
        *ret_more = !TAILQ_EMPTY(&store->replies);
        shared_unlock(store);
        return reply;
}

void store_dispatch(Store *store) {
        uint64_t until_usec = shared_now_usec() + DISPATCH_USEC;
        bool more = true;
        eventfd_t n;
        Reply *reply;

        (void) eventfd_read(store->event_fd, &n);
        while (more && (reply = take_reply(store, &more))) {
                dispatch_reply(store, reply);
                (void) shared_reply_free(reply);
                if (more && shared_now_usec() >= until_usec) {
                        (void) eventfd_write(store->event_fd, 1);
                        return;
                }
        }
}

StoreState store_state(const Store *store) {
        return store->state;
}

const char *store_reason(const Store *store) {
        return store->reason;
}

const char *store_state_name(StoreState state) {
        return state_names[state];
}

/* What is in the queue of live sessions is in the ring too. With the mutex held. */
static void keep(Store *store, const Job *job) {
        const LiveSession *live = store->observer.ring ? g_hash_table_lookup(store->live, &job->session) : NULL;

        if (live)
                kept_put(store->observer.ring, live->start_boottime_usec, job);
}

/* With the mutex held. */
static void push_locked(Store *store, Job *job, bool urgent) {
        bool was_empty = TAILQ_EMPTY(&store->queue.jobs);

        if (job->type == JOB_DEVICE_PUT || job->type == JOB_DEVICE_REMOVE)
                queue_push_device(&store->queue, job);
        else
                queue_push(&store->queue, job);
        shared_queued(store, was_empty, urgent);
}

static void push(Store *store, Job *job, bool urgent) {
        shared_lock(store);
        push_locked(store, job, urgent);
        shared_unlock(store);
}

void store_device_put(Store *store, const StoreDevice *device) {
        Job *job = job_new(JOB_DEVICE_PUT, 0);

        job_copy_device(&job->device, device);
        push(store, job, false);
}

void store_device_remove(Store *store, const char *address, const char *address_type) {
        Job *job = job_new(JOB_DEVICE_REMOVE, 0);

        job->device.address = g_strdup(address);
        job->device.address_type = g_strdup(address_type);
        push(store, job, false);
}

void store_session_begin(Store *store, const StoreSession *session) {
        Job *job = job_new(JOB_BEGIN, session->id);

        job->begin = g_new0(StoreSession, 1);
        job_copy_session(job->begin, session);
        shared_lock(store);
        shared_live_add(store, session);
        keep(store, job);
        push_locked(store, job, false);
        shared_unlock(store);
}

static void seal(LiveSession *live, uint64_t generation) {
        Piece *piece;

        if (!live->open || live->generation != generation)
                return;
        piece = &live->open->piece;
        piece->sealed = true;
        piece->allocated = piece->size;
        piece->data = g_realloc(piece->data, piece->allocated);
        live->open = NULL;
}

static Job *open_piece(Store *store, LiveSession *live) {
        bool was_empty = TAILQ_EMPTY(&store->queue.jobs);
        Job *job = job_new(JOB_PIECE, live->id);

        job->piece.start_boottime_usec = live->start_boottime_usec;
        queue_push(&store->queue, job);
        shared_queued(store, was_empty, false);
        live->open = job;
        live->generation = store->generation;
        return job;
}

/* The frames of a piece span more than a commit's time: either they come in a burst from the past, or the
 * writer is stuck. */
static void notice_lag(Store *store) {
        if (shared_now_usec() - store->queued_since_usec >= STORE_LAG_USEC)
                shared_set_lagging(store);
}

static void add_frame(Store *store, LiveSession *live, const Frame *frame, const StoreSample *sample) {
        size_t size = piece_size_of(frame, sample);
        Job *job = live->generation == store->generation ? live->open : NULL;
        Piece *piece;

        if (!job)
                job = open_piece(store, live);
        piece = &job->piece;
        if (piece->allocated - piece->size < size)
                piece_reserve(piece, size);
        if (piece->n_frames == 0)
                live->piece_boottime_usec = frame->boottime_usec;
        piece_add(piece, frame, sample);
        if (store->observer.ring)
                ring_put(store->observer.ring, RING_FRAME, live->id, live->start_boottime_usec, piece->data + piece->size - size, size);
        piece->n_bulk += live->has_bulk && frame->channel == STORE_BULK_CHANNEL;
        store->queue.size += size;
        store->n_queued++;
        if (frame->boottime_usec - live->piece_boottime_usec >= STORE_LAG_USEC)
                notice_lag(store);
        if (piece->size >= JOB_PIECE_MAX)
                seal(live, store->generation);
        if (store->queue.size > STORE_MEMORY_MAX)
                queue_enforce(&store->queue, STORE_MEMORY_MAX);
}

void store_session_frame(Store *store, uint64_t session_id, const Frame *frame, const StoreSample *sample) {
        LiveSession *live;

        shared_lock(store);
        live = store->last;
        if (!live || live->id != session_id)
                live = store->last = g_hash_table_lookup(store->live, &session_id);
        if (live)
                add_frame(store, live, frame, sample);
        shared_unlock(store);
}

/* Events and gaps come from a device, as many as it likes: they count against the same bound. */
static void push_detail(Store *store, Job *job) {
        shared_lock(store);
        keep(store, job);
        push_locked(store, job, false);
        if (store->queue.size > STORE_MEMORY_MAX)
                queue_enforce(&store->queue, STORE_MEMORY_MAX);
        shared_unlock(store);
}

void store_session_gap(Store *store, uint64_t session_id, const StoreGap *gap) {
        Job *job = job_new(JOB_GAP, session_id);

        job->gap = *gap;
        push_detail(store, job);
}

void store_session_event(Store *store, uint64_t session_id, const StoreEvent *event) {
        Job *job = job_new(JOB_EVENT, session_id);

        job->event = *event;
        job->event.text = g_strdup(event->text);
        push_detail(store, job);
}

/* No frames are taken for it any more. With the mutex held. */
static void live_remove(Store *store, uint64_t id) {
        LiveSession *live = g_hash_table_lookup(store->live, &id);

        if (!live)
                return;
        seal(live, store->generation);
        if (store->last == live)
                store->last = NULL;
        g_hash_table_remove(store->live, &id);
}

static void push_last(Store *store, Job *job, StoreDone done, void *userdata) {
        shared_lock(store);
        keep(store, job);
        live_remove(store, job->session);
        job->wait = shared_wait_add(store, done, userdata);
        push_locked(store, job, true);
        shared_unlock(store);
}

void store_session_end(Store *store, uint64_t session_id, const StoreEnd *end, StoreDone done, void *userdata) {
        Job *job = job_new(JOB_END, session_id);

        job->end = *end;
        job->end.reason = g_strdup(end->reason);
        job->end.figures = g_memdup2(end->figures, sizeof *end->figures);
        push_last(store, job, done, userdata);
}

void store_session_discard(Store *store, uint64_t session_id, const StoreBurial *burial, StoreDone done, void *userdata) {
        Job *job = job_new(JOB_DISCARD, session_id);

        job->burial = *burial;
        job->burial.device_address = g_strdup(burial->device_address);
        push_last(store, job, done, userdata);
}

/* Done when durable, together with what it was merged into. */
static void push_merged(Store *store, Job *job, StoreDone done, void *userdata) {
        Job *before;

        shared_lock(store);
        before = queue_merge(&store->queue, job);
        if (before)
                before->wait = shared_wait_join(store, before->wait, done, userdata);
        else
                job->wait = shared_wait_add(store, done, userdata);
        shared_unlock(store);
        if (!before)                    /* with the next commit: who asks in a loop gets no more of them */
                push(store, job, false);
}

void store_session_label(Store *store, uint64_t session_id, const StoreLabels *labels, StoreDone done, void *userdata) {
        Job *job = job_new(JOB_LABEL, session_id);

        job->labels = (StoreLabels) {
                .subject = g_strdup(labels->subject),
                .area = g_strdup(labels->area),
                .product = g_strdup(labels->product),
                .note = g_strdup(labels->note),
                .rating = labels->rating,
        };
        push_merged(store, job, done, userdata);
}

void store_plan_put(Store *store, const StorePlan *plan, StoreDone done, void *userdata) {
        Job *job = job_new(JOB_PLAN, 0);

        job_copy_plan(&job->plan, plan);
        push_merged(store, job, done, userdata);
}

void store_acknowledge(Store *store, const StoreAcknowledgement *acknowledgement, StoreDone done, void *userdata) {
        Job *job = job_new(JOB_ACKNOWLEDGE, 0);

        job_copy_acknowledgement(&job->acknowledgement, acknowledgement);
        push_merged(store, job, done, userdata);
}

void store_record_put(Store *store, const StoreRecord *record, StoreRecorded done, void *userdata) {
        Job *job = job_new_record(record);

        shared_lock(store);
        job->wait = shared_wait_add_recorded(store, done, userdata);
        shared_unlock(store);
        push(store, job, true);
}

/* With the mutex held. */
static bool has_room_to_erase(Store *store) {
        return store->n_erasures < STORE_ERASURES_MAX;
}

/* What is on its way in was there before. With the mutex held. */
static GArray *spare_imports(Store *store) {
        GArray *spared = g_array_new(FALSE, FALSE, sizeof(uint64_t));
        Import *import;

        TAILQ_FOREACH(import, &store->imports, entry)
                g_array_append_val(spared, import->session.id);
        return spared;
}

static void push_erase(Store *store, EraseKind kind, uint64_t id, uid_t owner, const char *owner_name, StoreErasedDone done,
                       void *userdata) {
        bool was_empty;
        uint64_t before;
        Job *job;

        shared_lock(store);
        if (!has_room_to_erase(store)) {
                shared_wait_answer_erased(store, shared_wait_add_erased(store, done, userdata), -ENOBUFS, &(StoreErased) {});
                shared_unlock(store);
                return;
        }
        job = job_new(JOB_ERASE, id);
        job->erase = kind;
        job->erase_owner = owner;
        job->erase_owner_name = g_strdup(owner_name);
        job->spared = kind == ERASE_OWNER ? spare_imports(store) : NULL;
        was_empty = TAILQ_EMPTY(&store->queue.jobs);
        before = queue_push_erase(&store->queue, job);
        job->wait = shared_wait_join_erased(store, before, done, userdata);
        store->n_erasures += before == 0;
        shared_queued(store, was_empty, true);
        shared_unlock(store);
}

bool store_can_erase(Store *store) {
        bool has_room;

        shared_lock(store);
        has_room = has_room_to_erase(store);
        shared_unlock(store);
        return has_room;
}

void store_delete(Store *store, uint64_t id, StoreErasedDone done, void *userdata) {
        push_erase(store, ERASE_SESSION, id, (uid_t) -1, NULL, done, userdata);
}

void store_erase_all(Store *store, uid_t owner, const char *owner_name, StoreErasedDone done, void *userdata) {
        push_erase(store, ERASE_OWNER, 0, owner, owner_name, done, userdata);
}

void store_erase_copies(Store *store, StoreErasedDone done, void *userdata) {
        push_erase(store, ERASE_COPIES, 0, (uid_t) -1, NULL, done, userdata);
}

void store_set_retention(Store *store, const StoreRetention *retention) {
        shared_lock(store);
        store->retention = *retention;
        store->retention_set = true;
        shared_wake_writer(store);
        shared_unlock(store);
}

void store_sync(Store *store, StoreDone done, void *userdata) {
        Job *job = job_new(JOB_SYNC, 0);

        shared_lock(store);
        job->wait = shared_wait_add(store, done, userdata);
        shared_unlock(store);
        push(store, job, true);
}

StoreCounters store_counters(Store *store) {
        StoreCounters counters;

        shared_lock(store);
        counters = (StoreCounters) {
                .queued = store->n_queued,
                .committed = store->n_committed,
                .dropped = store->queue.n_dropped + store->n_skipped,
        };
        shared_unlock(store);
        return counters;
}

StorePace store_pace(Store *store) {
        return (StorePace) {
                .writer_works = atomic_load(&store->writer_works),
                .reader_works = atomic_load(&store->reader_works),
                .writer_steps = atomic_load(&store->writer_steps),
                .reader_steps = atomic_load(&store->reader_steps),
        };
}
