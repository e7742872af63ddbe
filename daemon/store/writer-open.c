/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "store/database.h"
#include "store/reader.h"
#include "store/recover.h"
#include "store/schema.h"
#include "store/writer-private.h"

/* The database is opened, with what earlier processes have left in it, beside it and in the ring; it goes, or is put aside. */

#define PACE_OPCODES 10000              /* of SQLite, from one sign of life to the next */
#define PUT_ASIDE_MAX 8u        /* by one process: then it is the disk, and more copies would only fill it */

static int on_wal(void *userdata, sqlite3 *connection, const char *name, int n_pages) {
        Writer *w = userdata;

        w->n_wal_pages = n_pages;
        w->wrote = true;
        return SQLITE_OK;
}

static int on_progress(void *userdata) {
        Store *store = userdata;

        (void) atomic_fetch_add_explicit(&store->writer_steps, 1, memory_order_relaxed);
        return 0;
}

void writer_say_aside(Writer *w) {
        if (w->aside.trouble)
                writer_set_state(w, STORE_DEGRADED, w->aside.trouble, w->aside.refused);
        aside_done(&w->aside);
}

/* Readers connect only in between: before, they would meet a database that is half made, and read it as damaged. */
static void set_connected(Writer *w, bool connected) {
        shared_lock(w->store);
        w->store->connected = connected;
        shared_wake_reader(w->store);
        shared_unlock(w->store);
}

void writer_disconnect(Writer *w) {
        if (!writer_db(w))
                return;
        aside_stop(&w->aside, &w->ledger);
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

bool writer_connection_survives(int rc) {
        int primary = rc & 0xff;

        return primary == SQLITE_FULL || primary == SQLITE_BUSY || primary == SQLITE_LOCKED ||
               primary == SQLITE_NOMEM;
}

/* What an earlier process had not written: into the database, durably, before anybody hears what is in it. What fails stays in the ring,
 * and is tried again with the next opening; a commit that failed may be in the file all the same, which its promise tells then. */
static int write_kept(Writer *w, Opened *opened) {
        Kept *kept = &w->store->kept;
        GArray *ended = recover_ended(&w->ledger, &kept->jobs);
        int rc = writer_apply(w, &kept->jobs, true);

        if (rc != SQLITE_OK) {
                kept_again(kept, w->store->observer.ring);
                g_array_unref(ended);
                return rc;
        }
        w->marked_unclean = true;
        opened->opened.taken_in = true;
        opened->opened.n_ended = ended->len;
        opened->opened.ended = (StoreGone *) (void *) g_array_free(ended, FALSE);
        return SQLITE_OK;
}

static int take_in(Writer *w, Opened *opened) {
        Kept *kept = &w->store->kept;
        uint64_t in_hand_upto = w->ring_upto; /* something is, if the database could not be opened before */
        int rc = recover_sort(&w->ledger, kept);

        w->ring_upto = kept->upto;
        if (rc == SQLITE_OK && kept_has_any(kept))
                rc = write_kept(w, opened);
        if (rc == SQLITE_OK) {
                writer_finish(w, &kept->jobs);
                kept_done(kept);
        }
        w->ring_upto = in_hand_upto;
        return rc;
}

/* Once more after what was missing has come in. */
static int load(Writer *w, Opened **opened) {
        bool again = kept_has_any(&w->store->kept);
        JobList gaps = TAILQ_HEAD_INITIALIZER(gaps);
        int rc = ledger_load(&w->ledger, *opened, &gaps);

        if (rc == SQLITE_OK && again) {
                kept_free_jobs(&gaps);
                (void) opened_free(*opened);
                *opened = g_new0(Opened, 1);
                rc = take_in(w, *opened);
                if (rc == SQLITE_OK)
                        rc = ledger_load(&w->ledger, *opened, &gaps);
        }
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

                w->must_restore = false;
                ledger_committed(&w->ledger, &none);
                return rc;
        }
        ledger_rolled_back(&w->ledger);
        if (!sqlite3_get_autocommit(writer_db(w)))
                (void) rows_run(&w->ledger.rows, ROWS_ROLLBACK);
        return rc;
}

/* Ids are never used twice, and a database that was put aside, or cannot be read, does not say which were:
 * the clock's seconds are more than any daemon can have counted to. */
static void leap_ids(Writer *w, uint64_t at_least) {
        w->ledger.next_session_id =
                MAX(MAX(w->ledger.next_session_id, at_least), writer_realtime_usec() / 1000000u);
}

static void unavailable(Writer *w, const char *reason, const char *put_aside) {
        leap_ids(w, 0);
        w->unfinished = false; /* while there is nothing to write, it is tried at long intervals */
        writer_set_state(w, STORE_UNAVAILABLE, reason, put_aside);
        if (!w->told)
                tell_opened(w, g_new0(Opened, 1));
        writer_set_retry(w);
}

/* The file was put aside; the reader may have found the same damage, which the next file does not have. */
static void lose_file(Writer *w, uint64_t next_session_id) {
        w->n_put_aside++;
        w->must_restore = true;
        leap_ids(w, next_session_id);
        ledger_lost(&w->ledger);
        shared_lock(w->store);
        w->store->check_failed = false;
        w->store->check_wanted++;
        shared_unlock(w->store);
}

/* An erasure or an import may have been cut off. */
static int look_for_hidden(Writer *w) {
        uint64_t id;
        int rc = rows_next_hidden(&w->ledger.rows, 0, &id);

        if (rc == SQLITE_OK)
                eraser_sweep(&w->eraser);
        if (rc == SQLITE_OK || rc == SQLITE_NOTFOUND)
                rc = w->loaded ? SQLITE_OK : eraser_resume(&w->eraser, &w->ledger);
        return rc;
}

/* What an older version put aside, at the first opening: devices and ids of it are told with the rest. Why a file is not taken in is said, and goes
 * with its name as that of one that is put aside now. */
static int take_back(Writer *w) {
        int rc;

        writer_set_works(w, false); /* it is looked through and led on to this version: that takes as long as it takes */
        rc = aside_begin(&w->aside, &w->ledger, w->store->path, w->store->free_min);
        writer_set_works(w, true);
        writer_say_aside(w);
        return rc;
}

/* Another needled would go on with the same sessions. It is the folder that is locked: SQLite's locks of a file go when any descriptor of it is
 * closed. Where nothing can be locked it is done without. False: another one is there. */
static bool lock_folder(Writer *w) {
        g_autofree char *dir = g_path_get_dirname(w->store->path);
        bool taken = false;
        int fd;

        if (w->lock_fd >= 0)
                return true;
        fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) >= 0) {
                w->lock_fd = fd;
                return true;
        }
        taken = fd >= 0 && errno == EWOULDBLOCK;
        if (fd >= 0)
                (void) close(fd);
        return !taken;
}

static int open_file(Writer *w, Database *database, char **ret_reason) {
        if (lock_folder(w))
                return database_open(w->store->path, database, ret_reason);
        *database = (Database) {};
        *ret_reason = g_strdup_printf("Another needled uses the database %s. Stop that one. Recording goes on in memory.", w->store->path);
        return -EBUSY;
}

/* A file that is new gets what this process remembers, be it at the second attempt; one that is not has what it must not forget. */
static int take_file(Writer *w, Database *database) {
        rows_init(&w->ledger.rows, g_steal_pointer(&database->db));
        w->n_wal_pages = 0;
        w->log_held = false;
        (void) sqlite3_wal_hook(writer_db(w), on_wal, w);
        sqlite3_progress_handler(writer_db(w), PACE_OPCODES, on_progress, w->store);
        w->marked_unclean = database->fresh || database->unclean;
        if (database->put_aside) {
                lose_file(w, database->next_session_id);
                writer_set_state(w, STORE_DEGRADED, database->reason, database->put_aside);
        } else if (database->fresh) {
                w->must_restore = true;
                ledger_lost(&w->ledger); /* the file went away, if there was one */
        }
        if (database->fresh && database->has_aside)
                leap_ids(w, 0);
        return w->must_restore ? restore(w) : SQLITE_OK;
}

/* How it was closed is not known: it is looked through, and an erasure or a discard may have been cut off. */
static void mend(Writer *w) {
        shared_lock(w->store);
        w->store->check_wanted++;
        shared_wake_reader(w->store);
        shared_unlock(w->store);
        eraser_scrub(&w->eraser);
}

static int give_up(Writer *w, int rc) {
        g_autofree char *reason = database_explain(w->store->path, "open", rc, sqlite3_system_errno(writer_db(w)));

        ledger_rolled_back(&w->ledger); /* what it tried to take in */
        writer_disconnect(w);
        if (database_is_damage(rc))
                return -EUCLEAN;
        w->must_recover |= !writer_connection_survives(rc);
        unavailable(w, reason, NULL);
        return -EIO;
}

/* 0 with the connection in place, or negative errno after saying so. */
static int open_database(Writer *w) {
        g_autoptr(Opened) opened = g_new0(Opened, 1);
        g_autofree char *reason = NULL;
        Database database;
        int rc, r;
        bool news;              /* of an earlier process: what a new file has is of this one */

        writer_set_works(w, false);    /* tables of an older version take as long as they take */
        r = open_file(w, &database, &reason);
        writer_set_works(w, true);
        if (r < 0) {
                if (database.put_aside) {
                        g_autofree char *cannot = g_steal_pointer(&reason);

                        reason = g_strdup_printf("%s What was there before was kept as %s.", cannot, database.put_aside);
                        lose_file(w, database.next_session_id);
                }
                unavailable(w, reason, database.put_aside);
                database_done(&database);
                return r;
        }
        rc = take_file(w, &database);
        news = !w->told || (!w->loaded && !database.fresh);
        if (rc == SQLITE_OK && !w->told)
                rc = take_back(w);
        if (rc == SQLITE_OK && (news |= kept_has_any(&w->store->kept)))
                rc = load(w, &opened);
        if (rc == SQLITE_OK)
                rc = look_for_hidden(w);
        w->retention.check_at_usec = 0;
        if (rc == SQLITE_OK && database.unclean)
                mend(w);
        database_done(&database);
        if (rc != SQLITE_OK)
                return give_up(w, rc);
        set_connected(w, true);
        if (!w->retry_at_usec) /* else it is ready when something was written */
                writer_set_state(w, STORE_READY, "", NULL);
        if (news)
                tell_opened(w, g_steal_pointer(&opened));
        w->loaded = true;
        return 0;
}

void writer_put_aside(Writer *w) {
        g_autofree char *name = NULL, *reason = NULL;
        int r = w->n_put_aside < PUT_ASIDE_MAX ? database_put_aside(w->store->path, 0, &name) : -ELOOP;

        if (r < 0) {
                reason = r == -ELOOP ? g_strdup_printf("The database %s was damaged again and again. Check the "
                                                       "disk. Recording goes on in memory.", w->store->path)
                                     : database_explain(w->store->path, "open", SQLITE_CANTOPEN, EUCLEAN);
                unavailable(w, reason, NULL);
                return;
        }
        w->must_recover = false;
        w->unsynced_since_usec = 0;
        writer_set_no_retry(w);
        lose_file(w, 0);
        reason = g_strdup_printf("The database %s was damaged. It was kept as %s and a new one was started.",
                                 w->store->path, name);
        writer_set_state(w, STORE_DEGRADED, reason, name);
}

bool writer_ensure_open(Writer *w) {
        for (unsigned i = 0; i <= PUT_ASIDE_MAX; i++) {
                int r = writer_db(w) ? 0 : open_database(w);

                if (r == 0)
                        return true;
                if (r != -EUCLEAN)
                        return false;
                writer_put_aside(w);
                if (w->retry_at_usec)
                        return false;
        }
        return false;
}
