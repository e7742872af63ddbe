/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/shared.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "store/import.h"

uint64_t shared_now_usec(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * 1000000u + (uint64_t) now.tv_nsec / 1000u;
}

void shared_wait(Store *store, pthread_cond_t *cond, uint64_t until_usec) {
        struct timespec until = {
                .tv_sec = (time_t) (until_usec / 1000000u),
                .tv_nsec = (long) (until_usec % 1000000u * 1000u),
        };

        if (until_usec == UINT64_MAX)
                (void) pthread_cond_wait(cond, &store->mutex);
        else
                (void) pthread_cond_timedwait(cond, &store->mutex, &until);
}

Reply *shared_reply_new(ReplyType type) {
        Reply *reply = g_new0(Reply, 1);

        reply->type = type;
        return reply;
}

Reply *shared_reply_free(Reply *reply) {
        if (!reply)
                return NULL;
        opened_free(reply->opened);
        for (size_t i = 0; i < reply->n_sessions; i++)
                job_clear_session(&reply->sessions[i]);
        g_free(reply->sessions);
        g_clear_pointer(&reply->events, g_array_unref);
        if (reply->scan && !reply->scan->walk) /* that is its owner's */
                (void) scan_free(reply->scan);
        shared_erased_clear(&reply->erased);
        g_free(reply->reason);
        g_free(reply->put_aside);
        g_free(reply);
        return NULL;
}

void shared_reply(Store *store, Reply *reply) {
        bool was_empty = TAILQ_EMPTY(&store->replies);

        TAILQ_INSERT_TAIL(&store->replies, reply, entry);
        if (was_empty)
                (void) eventfd_write(store->event_fd, 1);
}

void shared_set_state(Store *store, StoreState state, const char *reason, const char *put_aside) {
        Reply *reply;

        if (state == store->shared_state && g_strcmp0(reason, store->shared_reason) == 0 && !put_aside)
                return;
        store->shared_state = state;
        g_free(store->shared_reason);
        store->shared_reason = g_strdup(reason);
        reply = shared_reply_new(REPLY_STATE);
        reply->state = state;
        reply->reason = g_strdup(reason);
        reply->put_aside = g_strdup(put_aside);
        shared_reply(store, reply);
}

void shared_set_lagging(Store *store) {
        g_autofree char *reason = NULL;

        if (store->shared_state != STORE_READY)
                return;
        reason = g_strdup_printf(
                "Writing to the database %s takes long. Check what else keeps the disk busy. Recording goes on "
                "in memory, and is written as soon as that is possible.",
                store->path);
        shared_set_state(store, STORE_DEGRADED, reason, NULL);
}

void shared_erased_clear(StoreErased *erased) {
        g_free(erased->sessions);
        g_strfreev(erased->remains);
        *erased = (StoreErased) {};
}

static Wait *add_wait(Store *store, void *userdata) {
        Wait *wait = g_new0(Wait, 1);

        wait->id = ++store->last_wait;
        wait->deadline_usec = shared_now_usec() + store->answer_usec;
        wait->userdata = userdata;
        if (TAILQ_EMPTY(&store->waits))
                shared_wake_reader(store); /* minds the clock: the writer may be stuck */
        TAILQ_INSERT_TAIL(&store->waits, wait, entry);
        return wait;
}

uint64_t shared_wait_add(Store *store, StoreDone done, void *userdata) {
        Wait *wait;

        if (!done)
                return 0;
        wait = add_wait(store, userdata);
        wait->done = done;
        return wait->id;
}

uint64_t shared_wait_add_recorded(Store *store, StoreRecorded done, void *userdata) {
        Wait *wait = add_wait(store, userdata);

        wait->recorded = done;
        return wait->id;
}

uint64_t shared_wait_add_erased(Store *store, StoreErasedDone done, void *userdata) {
        Wait *wait = add_wait(store, userdata);

        wait->erased = done;
        return wait->id;
}

static Wait *find_wait(Store *store, uint64_t id) {
        Wait *wait;

        TAILQ_FOREACH(wait, &store->waits, entry)
                if (wait->id == id)
                        break;
        return wait;
}

void shared_wait_extend(Store *store, uint64_t id) {
        Wait *last = TAILQ_LAST(&store->waits, WaitList), *wait = NULL, *next;

        for (next = TAILQ_FIRST(&store->waits); next && wait != last;) {
                wait = next;
                next = TAILQ_NEXT(wait, entry);
                if (wait->id != id)
                        continue;
                wait->deadline_usec = shared_now_usec() + store->answer_usec;
                TAILQ_REMOVE(&store->waits, wait, entry);
                TAILQ_INSERT_TAIL(&store->waits, wait, entry);
        }
}

/* The reply is to be completed by who has more to say than the error. */
static Reply *answer(Store *store, Wait *wait, int error) {
        Reply *reply = shared_reply_new(wait->recorded ? REPLY_RECORDED : wait->erased ? REPLY_ERASED : REPLY_DONE);

        reply->done = wait->done;
        reply->recorded = wait->recorded;
        reply->erased_done = wait->erased;
        reply->userdata = wait->userdata;
        reply->error = error;
        shared_reply(store, reply);
        TAILQ_REMOVE(&store->waits, wait, entry);
        g_free(wait);
        return reply;
}

uint64_t shared_wait_join(Store *store, uint64_t id, StoreDone done, void *userdata) {
        uint64_t own = shared_wait_add(store, done, userdata);

        if (id == 0 || own == 0)
                return id ?: own;
        TAILQ_LAST(&store->waits, WaitList)->id = id;
        return id;
}

uint64_t shared_wait_join_erased(Store *store, uint64_t id, StoreErasedDone done, void *userdata) {
        uint64_t own = shared_wait_add_erased(store, done, userdata);

        if (id == 0)
                return own;
        TAILQ_LAST(&store->waits, WaitList)->id = id;
        return id;
}

void shared_wait_answer(Store *store, uint64_t id, int error) {
        Wait *wait, *next;

        if (id == 0)
                return;
        for (wait = TAILQ_FIRST(&store->waits); wait; wait = next) {
                next = TAILQ_NEXT(wait, entry);
                if (wait->id == id)
                        (void) answer(store, wait, error);
        }
}

static Reply *reply_late(Store *store, const StoreRecord *record) {
        Reply *reply = shared_reply_new(REPLY_RECORDED_LATE);

        reply->sessions = g_new0(StoreSession, reply->n_sessions = 1);
        job_copy_session(reply->sessions, &record->session);
        reply->cursor = record->cursor;
        shared_reply(store, reply);
        return reply;
}

void shared_wait_answer_recorded(Store *store, const Job *job) {
        Wait *wait = find_wait(store, job->wait);
        Reply *reply;

        if (wait)
                reply = answer(store, wait, job->result);
        else if (job->result == 0)
                reply = reply_late(store, job->record);
        else
                return;
        reply->fate = job->fate;
        reply->recorded_as = job->recorded_as;
}

void shared_wait_answer_erased(Store *store, uint64_t id, int error, StoreErased *erased) {
        Wait *wait = find_wait(store, id);
        Reply *reply;

        if (!wait && erased->n_sessions == 0)
                return;
        if (wait)
                reply = answer(store, wait, error);
        else {
                reply = shared_reply_new(REPLY_RETIRED);
                shared_reply(store, reply);
        }
        reply->erased = *erased;
        *erased = (StoreErased) {};
        while ((wait = find_wait(store, id)))
                answer(store, wait, error)->erased.remains = g_strdupv(reply->erased.remains);
}

void shared_wait_expire(Store *store, uint64_t now_usec) {
        Wait *wait;

        while ((wait = TAILQ_FIRST(&store->waits)) && wait->deadline_usec <= now_usec) {
                if (!wait->erased) /* which may take so long, and has nothing of the disk's */
                        shared_set_lagging(store);
                (void) answer(store, wait, -EIO);
        }
}

void shared_wake_writer(Store *store) {
        store->writer_sleeps = false;
        (void) pthread_cond_signal(&store->writer_cond);
}

void shared_queued(Store *store, bool was_empty, bool urgent) {
        if (was_empty)
                store->queued_since_usec = shared_now_usec();
        store->urgent |= urgent;
        if (store->writer_sleeps || urgent)
                shared_wake_writer(store);
}

void shared_wake_reader(Store *store) {
        (void) eventfd_write(store->reader_fd, 1);
}

void shared_close_later(Store *store, int fd) {
        g_array_append_val(store->dead_fds, fd);
        shared_wake_reader(store);
}

void shared_export_end(Store *store, Export *export, int error) {
        Reply *reply = shared_reply_new(export->phase == EXPORT_COUNTING ? REPLY_COUNTED : REPLY_DONE);

        reply->counted = export->counted;
        reply->done = export->ended;
        reply->userdata = export->userdata;
        reply->error = error;
        shared_reply(store, reply);
        shared_close_later(store, export->fd);
        (void) export_free(export);
}

void shared_scan_end(Store *store, Scan *scan, int error) {
        Reply *reply = shared_reply_new(REPLY_SCANNED);

        reply->scan = scan;
        reply->error = error;
        shared_reply(store, reply);
}

void shared_import_end(Store *store, Import *import, int error) {
        Reply *reply = shared_reply_new(REPLY_IMPORTED);

        intake_done(store, &import->intake);
        reply->imported = import->done;
        reply->userdata = import->userdata;
        reply->id = import->session.id;
        reply->error = error;
        reply->reason = g_strdup(error < 0 ? import->message : "");
        shared_reply(store, reply);
        shared_close_later(store, import->fd);
        (void) import_free(import);
}

void shared_live_add(Store *store, const StoreSession *session) {
        LiveSession *live;

        if (g_hash_table_contains(store->live, &session->id))
                return;
        live = g_new0(LiveSession, 1);
        live->id = session->id;
        live->start_boottime_usec = session->start_boottime_usec;
        live->has_bulk = !session->channels || !*session->channels;
        g_hash_table_insert(store->live, &live->id, live);
}

void shared_ring_committed(Store *store, uint64_t upto) {
        Ring *ring = store->observer.ring;

        if (!ring)
                return;
        ring_commit(ring, upto);
        if (g_hash_table_size(store->live) == 0)
                ring_give_back(ring);
}

void shared_interrupt_check(Store *store) {
        if (!store->checking || (store->check_insists && !store->gate_wanted && !store->stopping))
                return;
        atomic_store(&store->interrupt, true);
        sqlite3_interrupt(store->checking);
}

void shared_gate_close(Store *store) {
        shared_lock(store);
        store->gate_wanted = true;
        shared_interrupt_check(store); /* it goes on later */
        shared_unlock(store);
        (void) pthread_mutex_lock(&store->gate);
}

void shared_gate_open(Store *store) {
        (void) pthread_mutex_unlock(&store->gate);
        shared_lock(store);
        store->gate_wanted = false;
        if (store->check_wanted != store->check_done || !TAILQ_EMPTY(&store->requests) || !TAILQ_EMPTY(&store->exports) ||
            !TAILQ_EMPTY(&store->scans))
                shared_wake_reader(store);
        shared_unlock(store);
}

Opened *opened_free(Opened *opened) {
        if (!opened)
                return NULL;
        for (size_t i = 0; i < opened->opened.n_devices; i++)
                job_clear_device(&opened->opened.devices[i]);
        for (size_t i = 0; i < opened->opened.n_sessions; i++) {
                job_clear_session(&opened->opened.sessions[i].session);
                g_free(opened->opened.sessions[i].frames);
        }
        for (size_t i = 0; i < opened->opened.n_plans; i++)
                job_clear_plan(&opened->opened.plans[i]);
        for (size_t i = 0; i < opened->opened.n_acknowledgements; i++)
                job_clear_acknowledgement(&opened->opened.acknowledgements[i]);
        for (size_t i = 0; i < opened->n_blobs; i++)
                g_free(opened->blobs[i]);
        g_free(opened->opened.devices);
        g_free(opened->opened.sessions);
        g_free(opened->opened.plans);
        g_free(opened->opened.acknowledgements);
        g_free(opened->opened.ended);
        g_free(opened->blobs);
        g_free(opened);
        return NULL;
}

Request *request_free(Request *request) {
        if (!request)
                return NULL;
        g_free(request->device);
        g_free(request->subject);
        g_free(request->area);
        g_free(request->owner_name);
        g_free(request);
        return NULL;
}
