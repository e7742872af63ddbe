/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/writer.h"

#include <unistd.h>

#include "store/database.h"
#include "store/intake.h"
#include "store/promise.h"
#include "store/reader.h"
#include "store/writer-private.h"

#define CHECKPOINT_PAGES 1000

typedef enum Turn {
        TURN_WORK,
        TURN_DAMAGED,           /* the check found something */
        TURN_STOP,
} Turn;

void writer_set_works(Writer *w, bool works) {
        (void) atomic_fetch_add(&w->store->writer_steps, 1);
        atomic_store(&w->store->writer_works, works);
}

void writer_set_state(Writer *w, StoreState state, const char *reason, const char *put_aside) {
        shared_lock(w->store);
        shared_set_state(w->store, state, reason, put_aside);
        shared_unlock(w->store);
}

void writer_set_retry(Writer *w) {
        shared_lock(w->store);
        w->retry_usec = CLAMP(2 * w->retry_usec, w->store->retry_min_usec, STORE_RETRY_MAX_USEC);
        shared_unlock(w->store);
        w->retry_at_usec = shared_now_usec() + w->retry_usec;
}

void writer_set_no_retry(Writer *w) {
        w->retry_at_usec = 0;
        w->retry_usec = 0;
}

/* ---- A commit ---- */

/* What is erased does not come in afterwards. */
static int keep_away(Writer *w, const Job *job) {
        int rc = SQLITE_OK;

        if (job->erase == ERASE_OWNER)
                rc = aside_forget(&w->aside, &w->ledger, w->store->path, job->erase_owner, job->erase_owner_name);
        else if (job->erase == ERASE_COPIES)
                aside_stop(&w->aside, &w->ledger);
        eraser_sweep(&w->eraser);
        return rc;
}

int writer_apply(Writer *w, JobList *jobs, bool sync) {
        Job *job;
        int rc = rows_set_sync(&w->ledger.rows, sync);

        if (rc == SQLITE_OK)
                rc = rows_run(&w->ledger.rows, ROWS_BEGIN);
        if (rc == SQLITE_OK && !w->marked_unclean)
                rc = rows_clean(&w->ledger.rows, false);
        TAILQ_FOREACH(job, jobs, entry) {
                if (rc == SQLITE_OK && job->type == JOB_ERASE)
                        rc = keep_away(w, job);
                if (rc != SQLITE_OK)
                        break;
                rc = ledger_apply(&w->ledger, job);
        }
        if (rc == SQLITE_OK)
                rc = promise_make(&w->ledger, jobs, w->store->observer.ring, w->ring_upto);
        w->wrote = false;
        if (rc == SQLITE_OK)
                rc = rows_run(&w->ledger.rows, ROWS_COMMIT);
        if (rc == SQLITE_OK && sync && !w->wrote) /* no page has changed, so nothing was synced, of earlier commits neither */
                rc = rows_synced(&w->ledger.rows, writer_realtime_usec());
        if (rc == SQLITE_OK)
                ledger_committed(&w->ledger, jobs);
        return rc;
}

void writer_finish(Writer *w, JobList *jobs) {
        Job *job;

        shared_lock(w->store);
        TAILQ_FOREACH(job, jobs, entry) {
                if (job->type == JOB_DISCARD && job->result == 0)
                        eraser_add_discarded(&w->eraser, job->wait);
                else if (job->type == JOB_RECORD)
                        shared_wait_answer_recorded(w->store, job);
                else if (job->type == JOB_ERASE)
                        eraser_add(&w->eraser, job); /* answers when it is done */
                else
                        shared_wait_answer(w->store, job->wait, job->result);
                if (job->type >= JOB_INTAKE_BEGIN)
                        intake_written(w->store, job);
                if (w->retention.wanted.count > 0 &&
                    (job->type == JOB_END || job->type == JOB_RECORD || job->type == JOB_INTAKE_FINISH))
                        w->retention.check_at_usec = 0;
                if (job->type == JOB_INTAKE_ABANDON)
                        eraser_sweep(&w->eraser);
                if (job->type == JOB_PIECE && job->skipped)
                        w->store->n_skipped += job->piece.n_frames;
                else if (job->type == JOB_PIECE)
                        w->store->n_committed += job->piece.n_frames;
        }
        shared_ring_committed(w->store, w->ring_upto);
        shared_unlock(w->store);
        while ((job = TAILQ_FIRST(jobs))) {
                TAILQ_REMOVE(jobs, job, entry);
                job_free(job);
        }
}

/* ---- Writing ---- */

/* Another program that begins to read and does not end keeps what was written since in the log. */
static void notice_log(Writer *w, int n_pages, int n_taken) {
        shared_lock(w->store);
        w->log_held = n_taken < n_pages && n_pages > w->store->log_pages_max;
        w->look_at_usec = shared_now_usec() + w->store->retry_idle_usec;
        shared_unlock(w->store);
}

static int checkpoint(Writer *w, int mode) {
        int n_pages = 0, n_taken = 0;
        int rc = sqlite3_wal_checkpoint_v2(writer_db(w), "main", mode, &n_pages, &n_taken);

        if (rc != SQLITE_OK)
                return rc;
        if (mode == SQLITE_CHECKPOINT_TRUNCATE)
                w->n_wal_pages = 0;
        notice_log(w, n_pages, n_taken);
        return SQLITE_OK;
}

/* Nothing is in the way of writing. */
static void set_working(Writer *w) {
        g_autofree char *reason = NULL;

        if (!w->log_held) {
                writer_set_state(w, STORE_READY, "", NULL);
                return;
        }
        reason = g_strdup_printf("Another program keeps reading the database %s, so that its log %s-wal grows without end; end that program"
                                 " (\"fuser -v %s\" names it, beside needled). Recording goes on.",
                                 w->store->path, w->store->path, w->store->path);
        writer_set_state(w, STORE_DEGRADED, reason, NULL);
}

/* With nobody reading: the whole WAL goes into the database and is cut to nothing. */
static int truncate_wal(Writer *w) {
        int rc;

        shared_gate_close(w->store);
        rc = checkpoint(w, SQLITE_CHECKPOINT_TRUNCATE);
        shared_gate_open(w->store);
        return rc;
}

static bool wants_sync(const JobList *jobs) {
        const Job *job;

        TAILQ_FOREACH(job, jobs, entry)
                if (job->wait || job->type == JOB_END || job->type == JOB_DISCARD || job->type == JOB_SYNC ||
                    job->type == JOB_INTAKE_FINISH)
                        return true;
        return false;
}

static void return_jobs(Writer *w, JobList *jobs) {
        shared_lock(w->store);
        queue_return(&w->store->queue, jobs);
        queue_enforce(&w->store->queue, STORE_MEMORY_MAX);
        shared_unlock(w->store);
}

static void trouble(Writer *w, int rc) {
        g_autofree char *reason =
                database_explain(w->store->path, "write to", rc, sqlite3_system_errno(writer_db(w)));

        ledger_rolled_back(&w->ledger);
        if (!sqlite3_get_autocommit(writer_db(w)))
                (void) rows_run(&w->ledger.rows, ROWS_ROLLBACK);
        if (database_is_damage(rc)) {
                writer_disconnect(w);
                writer_put_aside(w);
                (void) writer_ensure_open(w);
                return;
        }
        if (!writer_connection_survives(rc)) {
                writer_disconnect(w);
                w->must_recover = true;
        }
        w->unfinished = true;
        writer_set_state(w, STORE_DEGRADED, reason, NULL);
        writer_set_retry(w);
}

/* Everything is in the database's own file, and synced there by writes that the kernel has not reported on
 * before. */
static int recover(Writer *w) {
        int rc = truncate_wal(w);

        if (rc == SQLITE_OK) {
                w->must_recover = false;
                w->unsynced_since_usec = 0;
        }
        return rc;
}

/* One step of what is to go. */
static int erase(Writer *w) {
        int rc = SQLITE_OK;

        if (w->eraser.phase != ERASER_LOG) {
                w->unsynced_since_usec = w->unsynced_since_usec ?: shared_now_usec();
                return eraser_step(&w->eraser, &w->ledger, w->store, writer_realtime_usec());
        }
        if (eraser_wants_log(&w->eraser))
                rc = truncate_wal(w);
        if (rc == SQLITE_BUSY && !eraser_is_asked(&w->eraser)) /* another program reads, and nobody waits */
                rc = SQLITE_OK;
        if (rc == SQLITE_OK)
                eraser_finish(&w->eraser, &w->ledger, w->store);
        return rc;
}

/* One step of what comes back. */
static int take_some(Writer *w) {
        int rc = aside_step(&w->aside, &w->ledger);

        w->unsynced_since_usec = w->unsynced_since_usec ?: shared_now_usec();
        if (!aside_is_busy(&w->aside)) {
                writer_say_aside(w);
                eraser_sweep(&w->eraser); /* it may have been cut off */
                w->retention.check_at_usec = 0;
        }
        return rc;
}

static int check_retention(Writer *w) {
        int64_t offset_usec;

        shared_lock(w->store);
        offset_usec = w->store->wall_offset_usec;
        shared_unlock(w->store);
        return retention_check(&w->retention, &w->ledger, &w->eraser, w->store, writer_realtime_usec() + (uint64_t) offset_usec);
}

/* With what nobody waits for in its queue. */
static bool is_at_work(const Writer *w) {
        return eraser_is_busy(&w->eraser) || aside_is_busy(&w->aside);
}

static int write_and_finish(Writer *w, JobList *jobs, bool sync) {
        bool ended = wants_sync(jobs), marks = is_at_work(w) && !w->marked_unclean;
        int rc = SQLITE_OK;

        if (w->must_recover)
                rc = recover(w);
        if (rc == SQLITE_OK && (sync || marks || !TAILQ_EMPTY(jobs))) {
                rc = writer_apply(w, jobs, sync);
                if (rc == SQLITE_OK) {
                        w->marked_unclean = true;
                        if (sync)
                                w->unsynced_since_usec = 0;
                        else if (w->unsynced_since_usec == 0)
                                w->unsynced_since_usec = w->taken_since_usec;
                        writer_finish(w, jobs);
                }
        }
        if (rc == SQLITE_OK && shared_now_usec() >= w->retention.check_at_usec)
                rc = check_retention(w);
        else if (rc == SQLITE_OK && eraser_is_busy(&w->eraser))
                rc = erase(w);
        else if (rc == SQLITE_OK && aside_is_busy(&w->aside))
                rc = take_some(w);
        if (rc == SQLITE_OK && (w->n_wal_pages >= CHECKPOINT_PAGES || ended))
                rc = checkpoint(w, SQLITE_CHECKPOINT_PASSIVE);
        return rc;
}

static void work(Writer *w, JobList *jobs, uint64_t now_usec, bool stopping) {
        bool sync = stopping || wants_sync(jobs) ||
                    (w->unsynced_since_usec > 0 && now_usec >= w->unsynced_since_usec + STORE_SYNC_USEC);
        int rc;

        if (!writer_ensure_open(w)) {
                return_jobs(w, jobs);
                return;
        }
        rc = write_and_finish(w, jobs, sync);
        if (rc != SQLITE_OK) {
                trouble(w, rc);
                return_jobs(w, jobs);
                return;
        }
        writer_set_no_retry(w);
        w->unfinished = false;
        set_working(w);
}

/* ---- The thread ---- */

/* When there is something to do, 0: now, UINT64_MAX: not before somebody says so. With the mutex held. */
static uint64_t due_usec(const Writer *w) {
        const Store *store = w->store;
        bool queued = !TAILQ_EMPTY(&store->queue.jobs);
        bool at_work = store->stopping ? eraser_is_busy(&w->eraser) : is_at_work(w); /* what comes back the next start goes on with */
        uint64_t due = UINT64_MAX;

        if (w->log_held && !w->retry_at_usec)
                due = w->look_at_usec;
        if (!queued && !w->unsynced_since_usec && !w->unfinished && !at_work &&
            !(store->open_wanted && !w->ledger.rows.db)) {
                if (store->stopping)
                        return UINT64_MAX;
                if (!w->ledger.rows.db)
                        return w->retry_at_usec + store->retry_idle_usec;
                return store->retention_set ? 0 : MIN(due, w->retention.check_at_usec);
        }
        if (w->retry_at_usec)
                return w->retry_at_usec;
        if (store->urgent || store->stopping || store->open_wanted || at_work)
                return 0;
        if (queued)
                due = MIN(due, store->queued_since_usec + store->collect_usec);
        if (w->unsynced_since_usec)
                due = MIN(due, w->unsynced_since_usec + STORE_SYNC_USEC);
        return due;
}

static Turn next_turn(Writer *w, JobList *ret_jobs, uint64_t *ret_now_usec, bool *ret_stopping) {
        Store *store = w->store;
        Turn turn = TURN_WORK;

        TAILQ_INIT(ret_jobs);
        writer_set_works(w, false);
        shared_lock(store);
        for (;;) {
                uint64_t due = due_usec(w), now = *ret_now_usec = shared_now_usec();

                if (store->stopping && (due == UINT64_MAX || now >= store->stop_at_usec)) {
                        turn = TURN_STOP;
                        break;
                }
                if (store->check_failed) {
                        store->check_failed = false;
                        turn = TURN_DAMAGED;
                        break;
                }
                if (now >= due) {
                        w->taken_since_usec = TAILQ_EMPTY(&store->queue.jobs) ? now : store->queued_since_usec;
                        queue_take(&store->queue, ret_jobs);
                        w->ring_upto = store->observer.ring ? ring_head(store->observer.ring) : 0;
                        store->generation++;
                        store->urgent = store->open_wanted = false;
                        if (store->retention_set)
                                w->retention.check_at_usec = 0;
                        store->retention_set = false;
                        break;
                }
                store->writer_sleeps = TAILQ_EMPTY(&store->queue.jobs);
                shared_wait(store, &store->writer_cond,
                            store->stopping ? MIN(due, store->stop_at_usec) : due);
                store->writer_sleeps = false;
        }
        *ret_stopping = store->stopping;
        shared_unlock(store);
        writer_set_works(w, true);
        return turn;
}

static void damaged(Writer *w) {
        writer_disconnect(w);
        writer_put_aside(w);
        (void) writer_ensure_open(w);
}

/* All that could be written is written: the database says that it was closed, unless something was still to be erased, and its WAL is taken
 * in by the last close. */
static void close_database(Writer *w) {
        sqlite3 *connection;

        if (!writer_db(w))
                return;
        if (w->marked_unclean && !w->retry_at_usec && !eraser_is_busy(&w->eraser)) {
                int rc = rows_set_sync(&w->ledger.rows, true);

                if (rc == SQLITE_OK)
                        (void) rows_clean(&w->ledger.rows, true);
        }
        aside_stop(&w->aside, &w->ledger);
        connection = rows_done(&w->ledger.rows);
        shared_gate_close(w->store);
        reader_disconnect(w->store);
        (void) sqlite3_close_v2(connection);
        shared_gate_open(w->store);
}

void *writer_main(void *userdata) {
        Writer writer = { .store = userdata, .lock_fd = -1 };
        Store *store = writer.store;
        bool stopping, stop = false;
        uint64_t now_usec;
        JobList jobs;

        ledger_init(&writer.ledger);
        eraser_init(&writer.eraser);
        (void) writer_ensure_open(&writer);
        while (!stop) {
                switch (next_turn(&writer, &jobs, &now_usec, &stopping)) {
                case TURN_WORK:
                        work(&writer, &jobs, now_usec, stopping);
                        break;
                case TURN_DAMAGED:
                        damaged(&writer);
                        break;
                case TURN_STOP:
                        stop = true;
                        break;
                }
        }
        close_database(&writer);
        aside_done(&writer.aside);
        eraser_done(&writer.eraser);
        ledger_done(&writer.ledger);
        if (writer.lock_fd >= 0)
                (void) close(writer.lock_fd);
        shared_lock(store);
        store->writer_done = true;
        (void) pthread_cond_signal(&store->done_cond);
        shared_unlock(store);
        return NULL;
}
