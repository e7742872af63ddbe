/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/writer.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "store/database.h"
#include "store/reader.h"
#include "store/eraser.h"
#include "store/intake.h"
#include "store/ledger.h"
#include "store/retention.h"
#include "store/schema.h"

#define CHECKPOINT_PAGES 1000
#define PUT_ASIDE_MAX 8u        /* by one process: then it is the disk, and more copies would only fill it */

typedef struct Writer {
        Store *store;
        Ledger ledger;
        Eraser eraser;
        Retention retention;
        bool told;              /* `opened` was told, be it that there is no database */
        bool loaded;            /* what an earlier process left in the database is known */
        bool marked_unclean;    /* the database says that it was not closed */
        bool must_recover;      /* a sync failed: what the kernel reported once it will not report again */
        uint64_t unsynced_since_usec; /* 0: all that is committed is synced */
        uint64_t retry_at_usec; /* 0: no trouble */
        bool unfinished; /* a failure with nothing left to write: whether it is over is to be found out */
        uint64_t retry_usec;
        unsigned n_put_aside;
        int n_wal_pages;
        bool log_held;          /* it is large, and somebody who reads keeps it from being taken in */
        uint64_t look_at_usec;  /* then: when to look again, with nothing to write */
} Writer;

typedef enum Turn {
        TURN_WORK,
        TURN_DAMAGED,           /* the check found something */
        TURN_STOP,
} Turn;

static uint64_t realtime_usec(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_REALTIME, &now);
        return (uint64_t) now.tv_sec * 1000000u + (uint64_t) now.tv_nsec / 1000u;
}

static sqlite3 *db(Writer *w) {
        return w->ledger.rows.db;
}

static int on_wal(void *userdata, sqlite3 *connection, const char *name, int n_pages) {
        Writer *w = userdata;

        w->n_wal_pages = n_pages;
        return SQLITE_OK;
}

static void set_state(Writer *w, StoreState state, const char *reason, const char *put_aside) {
        shared_lock(w->store);
        shared_set_state(w->store, state, reason, put_aside);
        shared_unlock(w->store);
}

static void set_retry(Writer *w) {
        shared_lock(w->store);
        w->retry_usec = CLAMP(2 * w->retry_usec, w->store->retry_min_usec, STORE_RETRY_MAX_USEC);
        shared_unlock(w->store);
        w->retry_at_usec = shared_now_usec() + w->retry_usec;
}

static void set_no_retry(Writer *w) {
        w->retry_at_usec = 0;
        w->retry_usec = 0;
}

/* ---- Opening ---- */

/* Readers connect only in between: before, they would meet a database that is half made, and read it as damaged. */
static void set_connected(Writer *w, bool connected) {
        shared_lock(w->store);
        w->store->connected = connected;
        shared_wake_reader(w->store);
        shared_unlock(w->store);
}

static void disconnect(Writer *w) {
        if (!db(w))
                return;
        set_connected(w, false);
        shared_gate_close(w->store);
        reader_disconnect(w->store); /* before ours: the last one to close would checkpoint */
        database_abandon(rows_done(&w->ledger.rows));
        shared_gate_open(w->store);
}

static void tell_opened(Writer *w, Opened *opened) {
        Reply *reply;

        w->told = true;
        opened->opened.next_session_id = w->ledger.next_session_id;
        reply = shared_reply_new(REPLY_OPENED);
        reply->opened = opened;
        shared_lock(w->store);
        for (size_t i = 0; i < opened->opened.n_sessions; i++)
                shared_live_add(w->store, &opened->opened.sessions[i].session);
        shared_reply(w->store, reply);
        w->store->opening_over = true;
        shared_wake_reader(w->store);
        shared_unlock(w->store);
}

static int load(Writer *w, Opened *opened) {
        JobList gaps = TAILQ_HEAD_INITIALIZER(gaps);
        int rc = ledger_load(&w->ledger, opened, &gaps);

        shared_lock(w->store);
        queue_return(&w->store->queue, &gaps);
        shared_unlock(w->store);
        return rc;
}

/* What the process remembers, into a database that is new. */
static int restore(Writer *w) {
        int rc = rows_set_sync(&w->ledger.rows, true);

        if (rc == SQLITE_OK)
                rc = rows_run(&w->ledger.rows, ROWS_BEGIN);
        if (rc == SQLITE_OK)
                rc = ledger_restore(&w->ledger);
        if (rc == SQLITE_OK)
                rc = rows_run(&w->ledger.rows, ROWS_COMMIT);
        if (rc == SQLITE_OK) {
                JobList none = TAILQ_HEAD_INITIALIZER(none);

                ledger_committed(&w->ledger, &none);
                return rc;
        }
        ledger_rolled_back(&w->ledger);
        if (!sqlite3_get_autocommit(db(w)))
                (void) rows_run(&w->ledger.rows, ROWS_ROLLBACK);
        return rc;
}

/* Ids are never used twice, and a database that was put aside, or cannot be read, does not say which were:
 * the clock's seconds are more than any daemon can have counted to. */
static void leap_ids(Writer *w, uint64_t at_least) {
        w->ledger.next_session_id =
                MAX(MAX(w->ledger.next_session_id, at_least), realtime_usec() / 1000000u);
}

static void unavailable(Writer *w, const char *reason) {
        leap_ids(w, 0);
        w->unfinished = false; /* while there is nothing to write, it is tried at long intervals */
        set_state(w, STORE_UNAVAILABLE, reason, NULL);
        if (!w->told)
                tell_opened(w, g_new0(Opened, 1));
        set_retry(w);
}

/* An erasure or an import may have been cut off. */
static int look_for_hidden(Writer *w) {
        uint64_t id;
        int rc = rows_next_hidden(&w->ledger.rows, 0, &id);

        if (rc == SQLITE_OK)
                eraser_sweep(&w->eraser);
        return rc == SQLITE_NOTFOUND ? SQLITE_OK : rc;
}

/* 0 with the connection in place, or negative errno after saying so. */
static int open_database(Writer *w) {
        g_autoptr(Opened) opened = g_new0(Opened, 1);
        g_autofree char *reason = NULL;
        Database database;
        int rc = SQLITE_OK, r = database_open(w->store->path, &database, &reason);
        bool news;              /* of an earlier process: what a new file has is of this one */

        if (r < 0) {
                database_done(&database);
                unavailable(w, reason);
                return r;
        }
        rows_init(&w->ledger.rows, g_steal_pointer(&database.db));
        w->n_wal_pages = 0;
        w->log_held = false;
        (void) sqlite3_wal_hook(db(w), on_wal, w);
        w->marked_unclean = database.fresh || database.unclean;
        if (database.put_aside) {
                w->n_put_aside++;
                leap_ids(w, database.next_session_id);
                ledger_lost(&w->ledger);
                set_state(w, STORE_DEGRADED, database.reason, database.put_aside);
        }
        if (database.fresh) {
                ledger_lost(&w->ledger); /* the file went away, if there was one */
                if (database.has_aside)
                        leap_ids(w, 0);
                rc = restore(w);
        }
        news = !w->told || (!w->loaded && !database.fresh);
        if (rc == SQLITE_OK && news)
                rc = load(w, opened);
        if (rc == SQLITE_OK)
                rc = look_for_hidden(w);
        w->retention.check_at_usec = 0;
        if (rc == SQLITE_OK && database.unclean) {
                shared_lock(w->store);
                w->store->check_wanted++;
                shared_wake_reader(w->store);
                shared_unlock(w->store);
                eraser_scrub(&w->eraser); /* an erasure or a discard may have been cut off */
        }
        database_done(&database);
        if (rc != SQLITE_OK) {
                reason = database_explain(w->store->path, "open", rc, sqlite3_system_errno(db(w)));
                disconnect(w);
                if (!database_is_damage(rc))
                        unavailable(w, reason);
                return database_is_damage(rc) ? -EUCLEAN : -EIO;
        }
        set_connected(w, true);
        if (!w->retry_at_usec) /* else it is ready when something was written */
                set_state(w, STORE_READY, "", NULL);
        if (news)
                tell_opened(w, g_steal_pointer(&opened));
        w->loaded = true;
        return 0;
}

/* The connection is closed, and its file is of no use. */
static void put_aside(Writer *w) {
        g_autofree char *name = NULL, *reason = NULL;
        int r = w->n_put_aside < PUT_ASIDE_MAX ? database_put_aside(w->store->path, 0, &name) : -ELOOP;

        if (r < 0) {
                reason = r == -ELOOP ? g_strdup_printf("The database %s was damaged again and again. Check the "
                                                       "disk. Recording goes on in memory.", w->store->path)
                                     : database_explain(w->store->path, "open", SQLITE_CANTOPEN, EUCLEAN);
                unavailable(w, reason);
                return;
        }
        w->n_put_aside++;
        w->must_recover = false;
        w->unsynced_since_usec = 0;
        set_no_retry(w);
        leap_ids(w, 0);
        ledger_lost(&w->ledger);
        reason = g_strdup_printf("The database %s was damaged. It was kept as %s and a new one was started.",
                                 w->store->path, name);
        set_state(w, STORE_DEGRADED, reason, name);
}

static bool ensure_open(Writer *w) {
        for (unsigned i = 0; i <= PUT_ASIDE_MAX; i++) {
                int r = db(w) ? 0 : open_database(w);

                if (r == 0)
                        return true;
                if (r != -EUCLEAN)
                        return false;
                put_aside(w);
                if (w->retry_at_usec)
                        return false;
        }
        return false;
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
        int rc = sqlite3_wal_checkpoint_v2(db(w), "main", mode, &n_pages, &n_taken);

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
                set_state(w, STORE_READY, "", NULL);
                return;
        }
        reason = g_strdup_printf("Another program keeps reading the database %s, so that its log %s-wal grows without end; end that program"
                                 " (\"fuser -v %s\" names it, beside needled). Recording goes on.",
                                 w->store->path, w->store->path, w->store->path);
        set_state(w, STORE_DEGRADED, reason, NULL);
}

/* With nobody reading: the whole WAL goes into the database and is cut to nothing. */
static int truncate_wal(Writer *w) {
        int rc;

        shared_gate_close(w->store);
        rc = checkpoint(w, SQLITE_CHECKPOINT_TRUNCATE);
        shared_gate_open(w->store);
        return rc;
}

static int write_jobs(Writer *w, JobList *jobs, bool sync) {
        sqlite3_int64 before = sqlite3_total_changes64(db(w));
        Job *job;
        int rc = rows_set_sync(&w->ledger.rows, sync);

        if (rc == SQLITE_OK)
                rc = rows_run(&w->ledger.rows, ROWS_BEGIN);
        if (rc == SQLITE_OK && !w->marked_unclean)
                rc = rows_clean(&w->ledger.rows, false);
        TAILQ_FOREACH(job, jobs, entry) {
                if (rc != SQLITE_OK)
                        break;
                rc = ledger_apply(&w->ledger, job);
        }
        if (rc == SQLITE_OK && sync && sqlite3_total_changes64(db(w)) == before)
                rc = rows_synced(&w->ledger.rows, realtime_usec()); /* a commit of nothing does not sync */
        if (rc == SQLITE_OK)
                rc = rows_run(&w->ledger.rows, ROWS_COMMIT);
        if (rc == SQLITE_OK)
                ledger_committed(&w->ledger, jobs);
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

/* Answers and frees what was committed. */
static void finish_jobs(Writer *w, JobList *jobs) {
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
        shared_unlock(w->store);
        while ((job = TAILQ_FIRST(jobs))) {
                TAILQ_REMOVE(jobs, job, entry);
                job_free(job);
        }
}

static void return_jobs(Writer *w, JobList *jobs) {
        shared_lock(w->store);
        queue_return(&w->store->queue, jobs);
        queue_enforce(&w->store->queue, STORE_MEMORY_MAX);
        shared_unlock(w->store);
}

/* What can be tried again on the same connection: the next attempt begins where this one did. After anything
 * else, an error of the disk above all, the connection is dead: its caches and the kernel's may differ from
 * the disk. */
static bool connection_survives(int rc) {
        int primary = rc & 0xff;

        return primary == SQLITE_FULL || primary == SQLITE_BUSY || primary == SQLITE_LOCKED ||
               primary == SQLITE_NOMEM;
}

static void trouble(Writer *w, int rc) {
        g_autofree char *reason =
                database_explain(w->store->path, "write to", rc, sqlite3_system_errno(db(w)));

        ledger_rolled_back(&w->ledger);
        if (!sqlite3_get_autocommit(db(w)))
                (void) rows_run(&w->ledger.rows, ROWS_ROLLBACK);
        if (database_is_damage(rc)) {
                disconnect(w);
                put_aside(w);
                (void) ensure_open(w);
                return;
        }
        if (!connection_survives(rc)) {
                disconnect(w);
                w->must_recover = true;
        }
        w->unfinished = true;
        set_state(w, STORE_DEGRADED, reason, NULL);
        set_retry(w);
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
                return eraser_step(&w->eraser, &w->ledger, w->store, realtime_usec());
        }
        if (eraser_wants_log(&w->eraser))
                rc = truncate_wal(w);
        if (rc == SQLITE_BUSY && !eraser_is_asked(&w->eraser)) /* another program reads, and nobody waits */
                rc = SQLITE_OK;
        if (rc == SQLITE_OK)
                eraser_finish(&w->eraser, &w->ledger, w->store);
        return rc;
}

static int check_retention(Writer *w) {
        int64_t offset_usec;

        shared_lock(w->store);
        offset_usec = w->store->wall_offset_usec;
        shared_unlock(w->store);
        return retention_check(&w->retention, &w->ledger, &w->eraser, w->store, realtime_usec() + (uint64_t) offset_usec);
}

static int write_and_finish(Writer *w, JobList *jobs, bool sync) {
        bool ended = wants_sync(jobs), marks = eraser_is_busy(&w->eraser) && !w->marked_unclean;
        int rc = SQLITE_OK;

        if (w->must_recover)
                rc = recover(w);
        if (rc == SQLITE_OK && (sync || marks || !TAILQ_EMPTY(jobs))) {
                rc = write_jobs(w, jobs, sync);
                if (rc == SQLITE_OK) {
                        w->marked_unclean = true;
                        if (sync)
                                w->unsynced_since_usec = 0;
                        else if (w->unsynced_since_usec == 0)
                                w->unsynced_since_usec = shared_now_usec();
                        finish_jobs(w, jobs);
                }
        }
        if (rc == SQLITE_OK && shared_now_usec() >= w->retention.check_at_usec)
                rc = check_retention(w);
        else if (rc == SQLITE_OK && eraser_is_busy(&w->eraser))
                rc = erase(w);
        if (rc == SQLITE_OK && (w->n_wal_pages >= CHECKPOINT_PAGES || ended))
                rc = checkpoint(w, SQLITE_CHECKPOINT_PASSIVE);
        return rc;
}

static void work(Writer *w, JobList *jobs, uint64_t now_usec, bool stopping) {
        bool sync = stopping || wants_sync(jobs) ||
                    (w->unsynced_since_usec > 0 && now_usec >= w->unsynced_since_usec + STORE_SYNC_USEC);
        int rc;

        if (!ensure_open(w)) {
                return_jobs(w, jobs);
                return;
        }
        rc = write_and_finish(w, jobs, sync);
        if (rc != SQLITE_OK) {
                trouble(w, rc);
                return_jobs(w, jobs);
                return;
        }
        set_no_retry(w);
        w->unfinished = false;
        set_working(w);
}

/* ---- The thread ---- */

/* When there is something to do, 0: now, UINT64_MAX: not before somebody says so. With the mutex held. */
static uint64_t due_usec(const Writer *w) {
        const Store *store = w->store;
        bool queued = !TAILQ_EMPTY(&store->queue.jobs);
        uint64_t due = UINT64_MAX;

        if (w->log_held && !w->retry_at_usec)
                due = w->look_at_usec;
        if (!queued && !w->unsynced_since_usec && !w->unfinished && !eraser_is_busy(&w->eraser) &&
            !(store->open_wanted && !w->ledger.rows.db)) {
                if (store->stopping)
                        return UINT64_MAX;
                if (!w->ledger.rows.db)
                        return w->retry_at_usec + store->retry_idle_usec;
                return store->retention_set ? 0 : MIN(due, w->retention.check_at_usec);
        }
        if (w->retry_at_usec)
                return w->retry_at_usec;
        if (store->urgent || store->stopping || store->open_wanted || eraser_is_busy(&w->eraser))
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
                        queue_take(&store->queue, ret_jobs);
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
        return turn;
}

static void damaged(Writer *w) {
        disconnect(w);
        put_aside(w);
        (void) ensure_open(w);
}

/* All that could be written is written: the database says that it was closed, unless something was still to be erased, and its WAL is taken
 * in by the last close. */
static void close_database(Writer *w) {
        sqlite3 *connection;

        if (!db(w))
                return;
        if (w->marked_unclean && !w->retry_at_usec && !eraser_is_busy(&w->eraser)) {
                int rc = rows_set_sync(&w->ledger.rows, true);

                if (rc == SQLITE_OK)
                        (void) rows_clean(&w->ledger.rows, true);
        }
        connection = rows_done(&w->ledger.rows);
        shared_gate_close(w->store);
        reader_disconnect(w->store);
        (void) sqlite3_close_v2(connection);
        shared_gate_open(w->store);
}

void *writer_main(void *userdata) {
        Writer writer = { .store = userdata };
        Store *store = writer.store;
        bool stopping, stop = false;
        uint64_t now_usec;
        JobList jobs;

        ledger_init(&writer.ledger);
        eraser_init(&writer.eraser);
        (void) ensure_open(&writer);
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
        eraser_done(&writer.eraser);
        ledger_done(&writer.ledger);
        shared_lock(store);
        store->writer_done = true;
        (void) pthread_cond_signal(&store->done_cond);
        shared_unlock(store);
        return NULL;
}
