/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/reader.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/database.h"
#include "store/events.h"
#include "store/import.h"
#include "store/rows.h"
#include "store/schema.h"

/* What a check looks at, one after the other, so that one that gave way goes on where it was. */
static const char *const checks[] = {
        "PRAGMA quick_check(meta)",  "PRAGMA quick_check(device)", "PRAGMA quick_check(session)",
        "PRAGMA quick_check(tail)",  "PRAGMA quick_check(gap)",    "PRAGMA quick_check(event)",
        "PRAGMA quick_check(chunk)", "PRAGMA quick_check(plan)",   "PRAGMA quick_check(acknowledgement)",
        "PRAGMA quick_check(tombstone)", "PRAGMA quick_check(buried)", "PRAGMA quick_check(erasure)",
        "PRAGMA quick_check(spared)",
};

typedef struct Checking {
        unsigned wanted;        /* the wish that is being fulfilled */
        size_t next;
        uint64_t put_off_usec;  /* what others have taken since its last step */
        uint64_t again_usec;    /* not before: it met an error, 0 for none */
        uint64_t pause_usec;    /* before that, twice as long each time */
} Checking;

#define CHECK_PATIENCE 10u      /* slices of others, after which a check of a small database has its turn */
#define CHECK_PAUSE_MAX_USEC (3600 * UINT64_C(1000000)) /* a disk that does not read does not wake us for ever */

/* With the gate, which keeps the writer from closing its connection meanwhile. */
static int connect_reader(Store *store) {
        bool connected;

        if (store->reader_db)
                return SQLITE_OK;
        shared_lock(store);
        connected = store->connected;
        shared_unlock(store);
        return connected ? database_open_reader(store->path, &store->reader_db) : SQLITE_CANTOPEN;
}

void reader_disconnect(Store *store) {
        (void) sqlite3_close_v2(g_steal_pointer(&store->reader_db));
}

/* Of two indices SQLite would take the owner's, since it knows nothing of how many rows each finds: one person has many sessions, and a name or
 * a device few people. "+" keeps it from that. */
static char *page_sql(const Request *request) {
        g_autofree char *select = rows_session_select();
        const char *by_owner = request->device || request->subject ? " AND +owner = ?" : " AND owner = ?";

        return g_strconcat(select, " WHERE ended = 1",
                           request->since_usec ? " AND start_realtime >= ?" : "",
                           request->until_usec ? " AND start_realtime < ?" : "",
                           request->device ? " AND device_address = ?" : "",
                           request->subject ? " AND subject = ?" : "",
                           request->area ? " AND area = ?" : "",
                           request->owner != (uid_t) -1 ? by_owner : "",
                           request->owner_name ? " AND owner_name IN ('', ?)" : "",
                           request->before ? " AND (start_realtime, id) < (?, ?)" : "",
                           " ORDER BY start_realtime DESC, id DESC LIMIT ?", NULL);
}

/* Where the page before ended. SQLITE_NOTFOUND: that session is gone, or is none of those that are listed. */
static int get_start(sqlite3 *db, const Request *request, sqlite3_int64 *ret) {
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(db, "SELECT start_realtime FROM session WHERE id = ?1 AND ended = 1 AND (owner = ?2 OR ?2 < 0)"
                                        " AND (?3 IS NULL OR owner_name IN ('', ?3))", -1, &stmt, NULL);

        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(stmt, 1, (sqlite3_int64) request->before);
        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(stmt, 2, request->owner == (uid_t) -1 ? -1 : (sqlite3_int64) request->owner);
        if (rc == SQLITE_OK)
                rc = sqlite3_bind_text(stmt, 3, request->owner_name, -1, SQLITE_STATIC);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW)
                *ret = sqlite3_column_int64(stmt, 0);
        (void) sqlite3_finalize(stmt);
        return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_NOTFOUND : rc;
}

static void bind_page(sqlite3_stmt *stmt, const Request *request, sqlite3_int64 before_usec) {
        int at = 0;

        if (request->since_usec)
                (void) sqlite3_bind_int64(stmt, ++at, (sqlite3_int64) MIN(request->since_usec, INT64_MAX));
        if (request->until_usec)
                (void) sqlite3_bind_int64(stmt, ++at, (sqlite3_int64) MIN(request->until_usec, INT64_MAX));
        if (request->device)
                (void) sqlite3_bind_text(stmt, ++at, request->device, -1, SQLITE_STATIC);
        if (request->subject)
                (void) sqlite3_bind_text(stmt, ++at, request->subject, -1, SQLITE_STATIC);
        if (request->area)
                (void) sqlite3_bind_text(stmt, ++at, request->area, -1, SQLITE_STATIC);
        if (request->owner != (uid_t) -1)
                (void) sqlite3_bind_int64(stmt, ++at, request->owner);
        if (request->owner_name)
                (void) sqlite3_bind_text(stmt, ++at, request->owner_name, -1, SQLITE_STATIC);
        if (request->before) {
                (void) sqlite3_bind_int64(stmt, ++at, before_usec);
                (void) sqlite3_bind_int64(stmt, ++at, (sqlite3_int64) request->before);
        }
        (void) sqlite3_bind_int64(stmt, ++at, request->limit);
}

static int read_sessions(sqlite3_stmt *stmt, Reply *reply) {
        size_t allocated = 0;
        int rc;

        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                if (reply->n_sessions == allocated)
                        reply->sessions =
                                g_renew(StoreSession, reply->sessions, allocated = 2 * allocated + 8);
                rows_session_get(stmt, &reply->sessions[reply->n_sessions++]);
        }
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int query_events(sqlite3 *db, const Request *request, Reply *reply) {
        reply->events = events_new();
        return events_read(db, &request->events, reply->events);
}

static int query(sqlite3 *db, const Request *request, Reply *reply) {
        g_autofree char *sql = NULL, *select = NULL;
        sqlite3_int64 before_usec = 0;
        sqlite3_stmt *stmt = NULL;
        int rc = SQLITE_OK;

        if (request->get) {
                select = rows_session_select();
                sql = g_strconcat(select, " WHERE id = ? AND ended = 1", NULL);
        } else {
                if (request->before)
                        rc = get_start(db, request, &before_usec);
                sql = page_sql(request);
        }
        if (rc == SQLITE_OK)
                rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
        if (rc == SQLITE_OK) {
                if (request->get)
                        (void) sqlite3_bind_int64(stmt, 1, (sqlite3_int64) request->id);
                else
                        bind_page(stmt, request, before_usec);
                rc = read_sessions(stmt, reply);
        }
        (void) sqlite3_finalize(stmt);
        return rc;
}

static Reply *reply_new(const Request *request, int error) {
        Reply *reply = shared_reply_new(request->events_read ? REPLY_EVENTS : REPLY_LISTED);

        reply->listed = request->done;
        reply->events_read = request->events_read;
        reply->userdata = request->userdata;
        reply->error = error;
        return reply;
}

/* Takes the request, gives back the gate. */
static void serve(Store *store, Request *request) {
        Reply *reply = reply_new(request, 0);
        bool opened;
        int rc;

        rc = connect_reader(store);
        opened = rc == SQLITE_OK;
        if (opened)
                rc = request->events_read ? query_events(store->reader_db, request, reply) : query(store->reader_db, request, reply);
        if (rc != SQLITE_OK && rc != SQLITE_NOTFOUND)
                reader_disconnect(store);
        (void) pthread_mutex_unlock(&store->gate);

        shared_lock(store);
        if (rc != SQLITE_OK) {
                (void) shared_reply_free(reply);
                reply = reply_new(request, rc == SQLITE_NOTFOUND ? -ENOENT : -EIO);
        } else if (request->get && reply->n_sessions == 0)
                reply->error = -ENOENT;
        if (!opened) {
                store->open_wanted = true;
                shared_wake_writer(store);
        } else if (database_is_damage(rc))
                store->check_wanted++;
        shared_reply(store, reply);
        shared_unlock(store);
        (void) request_free(request);
}

/* Not with the mutex, which the loop waits for: a pipe is locked while whoever has its other end reads or writes it, also if that waits for
 * memory from a file system of their own. Called and returns with the mutex held. */
static void close_dead(Store *store) {
        g_autoptr(GArray) fds = NULL;

        if (store->dead_fds->len == 0)
                return;
        fds = g_steal_pointer(&store->dead_fds);
        store->dead_fds = g_array_new(FALSE, FALSE, sizeof(int));
        shared_unlock(store);
        for (guint i = 0; i < fds->len; i++)
                (void) close(g_array_index(fds, int, i));
        shared_lock(store);
}

/* ---- Slices of exports and scans ---- */

static int slice_errno(int rc) {
        switch (rc) {
        case SQLITE_OK:
                return 0;
        case SQLITE_DONE:
                return 1;
        case SQLITE_NOTFOUND:
                return -ENOENT;
        case SQLITE_MISMATCH:
                return -EINVAL;
        default:
                return -EIO;
        }
}

/* All of a slice is of one moment of the database: between two statements a record may be added to its session. */
static int read_one_moment(Store *store, Export *export, Scan *scan) {
        uint64_t until_usec = shared_now_usec() + store->slice_usec;
        int rc = schema_exec(store->reader_db, "BEGIN"), end;

        if (rc != SQLITE_OK)
                return rc;
        rc = export ? export_read(export, store->reader_db, until_usec) : scan_read(scan, store->reader_db, until_usec);
        end = schema_exec(store->reader_db, "COMMIT");
        return end != SQLITE_OK && slice_errno(rc) != -EIO ? end : rc;
}

/* The next slice of one or the other, with the gate, which it gives back. 1: a scan is done, 0: not yet; negative errno. */
static int read_slice(Store *store, Export *export, Scan *scan) {
        int rc = connect_reader(store);
        bool opened = rc == SQLITE_OK;

        if (opened)
                rc = read_one_moment(store, export, scan);
        if (slice_errno(rc) == -EIO)
                reader_disconnect(store);
        (void) pthread_mutex_unlock(&store->gate);
        if (opened && !database_is_damage(rc))
                return slice_errno(rc);

        shared_lock(store);
        if (opened)
                store->check_wanted++;
        else {
                store->open_wanted = true;
                shared_wake_writer(store);
        }
        shared_unlock(store);
        return slice_errno(rc);
}

static void remove_scan(Store *store, Scan *scan, int error) {
        TAILQ_REMOVE(&store->scans, scan, entry);
        store->n_scans--;
        shared_scan_end(store, scan, error);
}

static void reap_scans(Store *store) {
        Scan *scan, *next;

        for (scan = TAILQ_FIRST(&store->scans); scan; scan = next) {
                next = TAILQ_NEXT(scan, entry);
                if (scan->cancelled)
                        remove_scan(store, scan, -ECANCELED);
        }
}

/* All that they asked for goes behind what others did, in its order: each has one turn, however much they want. */
static void pass_turn(Store *store, uid_t asker) {
        ScanList theirs = TAILQ_HEAD_INITIALIZER(theirs);
        Scan *scan, *next;

        for (scan = TAILQ_FIRST(&store->scans); scan; scan = next) {
                next = TAILQ_NEXT(scan, entry);
                if (scan->asker != asker)
                        continue;
                TAILQ_REMOVE(&store->scans, scan, entry);
                TAILQ_INSERT_TAIL(&theirs, scan, entry);
        }
        TAILQ_CONCAT(&store->scans, &theirs, entry);
}

/* One slice of the first, with the gate, which it gives back. Called and returns with the mutex held. */
static void serve_scan(Store *store) {
        Scan *scan = TAILQ_FIRST(&store->scans);
        uid_t asker = scan->asker;
        int r;

        shared_unlock(store);
        r = read_slice(store, NULL, scan);
        shared_lock(store);
        if (r != 0)
                remove_scan(store, scan, MIN(r, 0));
        pass_turn(store, asker);
}

static void remove_export(Store *store, Export *export, int error) {
        TAILQ_REMOVE(&store->exports, export, entry);
        store->n_exports--;
        shared_export_end(store, export, error);
}

static void tell_counted(Store *store, const Export *export) {
        Reply *reply = shared_reply_new(REPLY_COUNTED);

        reply->counted = export->counted;
        reply->n_rows = export->n_rows;
        reply->userdata = export->userdata;
        shared_reply(store, reply);
}

/* One slice of it, then it is the others' turn; with the gate if it `reads`. Called and returns with the mutex held. */
static void serve_export(Store *store, Export *export, bool reads) {
        bool was_counting = export->phase == EXPORT_COUNTING;
        int r = 0;

        TAILQ_REMOVE(&store->exports, export, entry);
        TAILQ_INSERT_TAIL(&store->exports, export, entry);
        shared_unlock(store);
        if (reads)
                r = read_slice(store, export, NULL);
        if (r == 0 && was_counting && export_is_dead(export))
                r = -EPIPE;
        if (r == 0)
                r = export_write(export);
        shared_lock(store);

        if (was_counting && export->phase != EXPORT_COUNTING)
                tell_counted(store, export);
        export->waits = r >= 0 && export_has_lines(export);
        if (r > 0)
                export->deadline_usec = shared_now_usec() + store->export_usec;
        if (r < 0 || (export->phase == EXPORT_WRITTEN && !export_has_lines(export)))
                remove_export(store, export, MIN(r, 0));
}

/* One that does not wait for its pipe; NULL: none. With the mutex held. */
static Export *next_export(Store *store) {
        Export *export;

        TAILQ_FOREACH(export, &store->exports, entry)
                if (!export->waits)
                        break;
        return export;
}

/* ---- Imports ---- */

static void remove_import(Store *store, Import *import, int error) {
        TAILQ_REMOVE(&store->imports, import, entry);
        store->n_imports--;
        shared_import_end(store, import, error);
}

/* NULL: all wait. With the mutex held. */
static Import *next_import(Store *store) {
        Import *import;

        TAILQ_FOREACH(import, &store->imports, entry)
                if (import_is_ready(import))
                        break;
        return import;
}

/* One slice of it, then it is the other's turn. Called and returns with the mutex held. */
static void serve_import(Store *store, Import *import) {
        bool reads = !import->finishing && import->intake.error == 0, waited = import->waits == IMPORT_WAITS_WRITER;
        int came = 0, r;

        TAILQ_REMOVE(&store->imports, import, entry);
        TAILQ_INSERT_TAIL(&store->imports, import, entry);
        if (reads) {
                shared_unlock(store);
                came = import_read(import, shared_now_usec() + store->slice_usec);
                shared_lock(store);
        }
        r = came < 0 ? came : import_hand_over(import);
        if (r != 0) {
                remove_import(store, import, MIN(r, 0));
                return;
        }

        import->waits = import->finishing || (import->begun && !intake_has_room(&import->intake)) ? IMPORT_WAITS_WRITER
                        : came > 0                                                               ? IMPORT_GOES_ON
                                                                                                 : IMPORT_WAITS_PIPE;
        if (!waited && import->waits != IMPORT_WAITS_WRITER && import->n_octets - import->n_counted < IMPORT_LEAST)
                return;
        import->n_counted = import->n_octets;
        import->deadline_usec = shared_now_usec() + store->export_usec;
}

/* ---- The check ---- */

static int on_progress(void *userdata) {
        const Store *store = userdata;

        return atomic_load_explicit(&store->interrupt, memory_order_relaxed);
}

static int run_check(sqlite3 *db, const char *sql) {
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

        if (rc == SQLITE_OK)
                rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) {
                const char *text = (const char *) sqlite3_column_text(stmt, 0);

                /* One that was interrupted says so in its result, as if it were a finding. */
                rc = g_strcmp0(text, "ok") == 0 ? SQLITE_OK : SQLITE_CORRUPT;
        }
        (void) sqlite3_finalize(stmt);
        return rc;
}

/* Something is to be looked through, and now. With the mutex held. */
static bool check_is_due(const Store *store, const Checking *checking) {
        return store->connected && store->check_wanted != store->check_done &&
               (checking->wanted != store->check_wanted || checking->again_usec <= shared_now_usec());
}

static bool is_asked(Store *store) {
        return !TAILQ_EMPTY(&store->requests) || !TAILQ_EMPTY(&store->scans) || next_export(store) || next_import(store);
}

/* Under queries that never end, too; but a large table is walked in one step, for which nobody is to wait. With the mutex held. */
static bool is_put_off(Store *store, Checking *checking) {
        struct stat st;

        if (!check_is_due(store, checking) || checking->put_off_usec < CHECK_PATIENCE * store->slice_usec)
                return false;
        checking->put_off_usec = 0;
        return stat(store->path, &st) == 0 && st.st_size <= STORE_CHECK_SIZE_MAX;
}

/* One step of the check that the writer wants, with the gate, which it gives back; called and returns with
 * the mutex held. */
static void check(Store *store, Checking *checking, bool insists) {
        int rc;

        checking->put_off_usec = 0;
        if (checking->wanted != store->check_wanted)
                *checking = (Checking) { .wanted = store->check_wanted };
        shared_unlock(store);
        rc = connect_reader(store);
        shared_lock(store);
        atomic_store(&store->interrupt, false);
        if (rc == SQLITE_OK && !store->gate_wanted && !store->stopping && (insists || !is_asked(store))) {
                store->checking = store->reader_db;
                store->check_insists = insists;
                shared_unlock(store);
                atomic_store(&store->reader_works, false); /* a table is walked in one step, however large it is */
                sqlite3_progress_handler(store->reader_db, 1, on_progress, store);
                rc = run_check(store->reader_db, checks[checking->next]);
                sqlite3_progress_handler(store->reader_db, 0, NULL, NULL);
                atomic_store(&store->reader_works, true);
                shared_lock(store);
                store->checking = NULL;
                store->check_insists = false;
        } else if (rc == SQLITE_OK)
                rc = SQLITE_INTERRUPT;
        if (rc != SQLITE_OK && atomic_load(&store->interrupt))
                rc = SQLITE_INTERRUPT;
        shared_unlock(store);
        (void) pthread_mutex_unlock(&store->gate);
        shared_lock(store);

        if (rc == SQLITE_INTERRUPT || checking->wanted != store->check_wanted)
                return;
        if (database_is_damage(rc)) {
                store->check_failed = true;
                store->check_done = checking->wanted;
                shared_wake_writer(store);
        } else if (rc != SQLITE_OK) { /* of the moment, or of the disk: then the writer meets it too */
                checking->pause_usec = CLAMP(2 * checking->pause_usec, store->retry_idle_usec, CHECK_PAUSE_MAX_USEC);
                checking->again_usec = shared_now_usec() + checking->pause_usec;
        } else {
                checking->pause_usec = 0;
                if (++checking->next == G_N_ELEMENTS(checks))
                        store->check_done = checking->wanted;
        }
}

/* Never waits for it: the writer, which has it, may be stuck in a sync, and the clock is ours. With the
 * mutex held. */
static bool take_gate(Store *store) {
        return store->opening_over && !store->gate_wanted && pthread_mutex_trylock(&store->gate) == 0;
}

static void cancel_all(Store *store) {
        Request *request;

        while ((request = TAILQ_FIRST(&store->requests))) {
                TAILQ_REMOVE(&store->requests, request, entry);
                shared_reply(store, reply_new(request, -ECANCELED));
                (void) request_free(request);
        }
        while (!TAILQ_EMPTY(&store->exports))
                remove_export(store, TAILQ_FIRST(&store->exports), -ECANCELED);
        while (!TAILQ_EMPTY(&store->scans))
                remove_scan(store, TAILQ_FIRST(&store->scans), -ECANCELED);
        while (!TAILQ_EMPTY(&store->imports))
                remove_import(store, TAILQ_FIRST(&store->imports), -ECANCELED);
}

/* Of what can be waited for: a check whose time has come waits for the writer alone, which wakes us. */
static uint64_t next_deadline(const Store *store, const Checking *checking, uint64_t now_usec) {
        uint64_t deadline_usec = TAILQ_EMPTY(&store->waits) ? UINT64_MAX : TAILQ_FIRST(&store->waits)->deadline_usec;
        const Export *export;
        const Import *import;

        if (!TAILQ_EMPTY(&store->requests))
                deadline_usec = MIN(deadline_usec, TAILQ_FIRST(&store->requests)->deadline_usec);
        TAILQ_FOREACH(export, &store->exports, entry)
                if (export->waits)
                        deadline_usec = MIN(deadline_usec, export->deadline_usec);
        TAILQ_FOREACH(import, &store->imports, entry)
                if (!import_is_ready(import))
                        deadline_usec = MIN(deadline_usec, import->deadline_usec);
        if (store->check_done != store->check_wanted && checking->again_usec > now_usec)
                deadline_usec = MIN(deadline_usec, checking->again_usec);
        return deadline_usec;
}

/* One that waited too long: for its pipe, or for a writer that takes nothing. */
static void expire_imports(Store *store, uint64_t now_usec) {
        Import *import, *next;

        for (import = TAILQ_FIRST(&store->imports); import; import = next) {
                next = TAILQ_NEXT(import, entry);
                if (import->deadline_usec <= now_usec && !import_is_ready(import))
                        remove_import(store, import, import->waits == IMPORT_WAITS_PIPE ? -ETIMEDOUT : -EIO);
        }
}

/* The database is being opened, or the writer has it, and that takes long. */
static void expire_requests(Store *store, uint64_t now_usec) {
        Request *request;

        while ((request = TAILQ_FIRST(&store->requests)) && request->deadline_usec <= now_usec) {
                TAILQ_REMOVE(&store->requests, request, entry);
                shared_reply(store, reply_new(request, -EIO));
                (void) request_free(request);
        }
}

/* Looks at the pipes; if `idle`, until somebody says that there is something to do, a pipe takes or holds more or is closed, or the
 * next deadline. With the mutex held; only this thread takes exports away. */
static void watch(Store *store, const Checking *checking, bool idle) {
        struct pollfd fds[1 + STORE_EXPORTS_MAX + INTAKES_MAX] = { { .fd = store->reader_fd, .events = POLLIN } };
        uint64_t now_usec = shared_now_usec(), until_usec = idle ? next_deadline(store, checking, now_usec) : now_usec;
        uint64_t left_usec = until_usec > now_usec ? until_usec - now_usec : 0;
        struct timespec left = {
                .tv_sec = (time_t) (left_usec / 1000000u),
                .tv_nsec = (long) (left_usec % 1000000u * 1000u),
        };
        Export *exports[STORE_EXPORTS_MAX], *export;
        Import *imports[INTAKES_MAX], *import;
        unsigned n = 0, n_imports = 0;
        eventfd_t ignored;

        TAILQ_FOREACH(export, &store->exports, entry)
                if (export->waits) {
                        exports[n++] = export;
                        fds[n] = (struct pollfd) { .fd = export->fd, .events = POLLOUT };
                }
        TAILQ_FOREACH(import, &store->imports, entry)
                if (import->waits == IMPORT_WAITS_PIPE) {
                        imports[n_imports++] = import;
                        fds[n + n_imports] = (struct pollfd) { .fd = import->fd, .events = POLLIN };
                }
        shared_unlock(store);
        if (ppoll(fds, 1 + n + n_imports, until_usec == UINT64_MAX ? NULL : &left, NULL) > 0 && fds[0].revents)
                (void) eventfd_read(store->reader_fd, &ignored);
        shared_lock(store);
        now_usec = shared_now_usec();
        for (unsigned i = 0; i < n; i++)
                if (fds[1 + i].revents)
                        exports[i]->waits = false;
                else if (exports[i]->deadline_usec <= now_usec)
                        remove_export(store, exports[i], -ETIMEDOUT);
        for (unsigned i = 0; i < n_imports; i++)
                if (fds[1 + n + i].revents)
                        imports[i]->waits = IMPORT_GOES_ON;
        expire_imports(store, now_usec);
}

/* With the gate, which it gives back. */
static void serve_request(Store *store, Request *request, bool others_wait) {
        uint64_t begun_usec = shared_now_usec();

        TAILQ_REMOVE(&store->requests, request, entry);
        shared_unlock(store);
        serve(store, request);
        shared_lock(store);
        store->queries_usec = others_wait ? store->queries_usec + shared_now_usec() - begun_usec : 0;
}

/* False: there is nothing to do, or the writer has the database for itself. With the mutex held. */
static bool work(Store *store, Checking *checking) {
        Request *request = TAILQ_FIRST(&store->requests);
        Export *export = next_export(store);
        Import *import = next_import(store);
        bool any_scan = !TAILQ_EMPTY(&store->scans), scan = any_scan && (!export || store->scan_is_next);
        bool others_wait = export || import || any_scan;

        /* "Queries overtake exports", but do not keep them away. */
        if (request && (!others_wait || store->queries_usec < store->slice_usec)) {
                if (!take_gate(store))
                        return false;
                serve_request(store, request, others_wait);
                return true;
        }
        store->queries_usec = 0;
        if (import && (store->import_is_next || (!scan && !export))) {
                store->import_is_next = false;
                serve_import(store, import);
        } else if (scan) {
                if (!take_gate(store))
                        return false;
                store->scan_is_next = false;
                store->import_is_next = true;
                serve_scan(store);
        } else if (export) {
                bool reads = !export_has_lines(export);

                if (reads && !take_gate(store))
                        return false;
                store->scan_is_next = true;
                store->import_is_next = true;
                serve_export(store, export, reads);
        } else {
                if (!check_is_due(store, checking) || !take_gate(store))
                        return false;
                check(store, checking, false);
        }
        return true;
}

/* As above; the check is due when the others have had their time. */
static bool work_in_turn(Store *store, Checking *checking) {
        uint64_t begun_usec = shared_now_usec();
        bool worked;

        if (is_put_off(store, checking) && take_gate(store)) {
                check(store, checking, true);
                return true;
        }
        worked = work(store, checking);
        if (store->check_wanted == store->check_done)
                checking->put_off_usec = 0;
        else if (worked && is_asked(store))
                checking->put_off_usec += shared_now_usec() - begun_usec;
        return worked;
}

void *reader_main(void *userdata) {
        Store *store = userdata;
        Checking checking = {};

        shared_lock(store);
        while (!store->stopping) {
                bool idle;

                shared_wait_expire(store, shared_now_usec());
                close_dead(store);
                reap_scans(store);
                atomic_store(&store->reader_works, true);
                idle = !work_in_turn(store, &checking);
                atomic_store(&store->reader_works, false);
                (void) atomic_fetch_add(&store->reader_steps, 1);
                if (idle)
                        expire_requests(store, shared_now_usec());
                if (idle || !TAILQ_EMPTY(&store->exports) || !TAILQ_EMPTY(&store->imports))
                        watch(store, &checking, idle);
        }
        cancel_all(store);
        close_dead(store);
        store->reader_done = true;
        (void) pthread_cond_signal(&store->done_cond);
        shared_unlock(store);
        return NULL;
}
