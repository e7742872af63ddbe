/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/scan.h"

#include <errno.h>

#include "store/rows.h"
#include "store/schema.h"
#include "store/shared.h"

#define CHUNK_QUERY "SELECT " ROWS_CHUNK_COLUMNS ", seq FROM chunk WHERE session = ? AND seq >= ? ORDER BY seq"
#define ROUTE_QUERY "SELECT seq, t0_boottime, " ROWS_SUMMARY_COLUMNS " FROM chunk WHERE session = ? AND seq >= ? ORDER BY seq"
/* Only while the chunk that its pieces are of is not there: then they are stale. */
#define TAIL_QUERY                                                                                                        \
        "SELECT " ROWS_CHUNK_COLUMNS " FROM tail WHERE session = ?1 AND chunk = ?2"                                       \
        " AND NOT EXISTS (SELECT 1 FROM chunk WHERE session = ?1 AND seq >= ?2) ORDER BY piece"

static const StoreDecoder *decoder_of(const Scan *scan) {
        return &scan->store->observer.decoder;
}

static bool is_replay(const Scan *scan) {
        return scan->replayed;
}

static bool is_series(const Scan *scan) {
        return scan->series_read;
}

static bool is_imported(const Scan *scan) {
        return g_str_equal(scan->session.source, "imported");
}

/* ---- Beginning ---- */

static int prepare_for(sqlite3 *db, const char *sql, uint64_t session, sqlite3_int64 second, sqlite3_stmt **ret) {
        int rc = sqlite3_prepare_v2(db, sql, -1, ret, NULL);

        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(*ret, 1, (sqlite3_int64) session);
        if (rc == SQLITE_OK && sqlite3_bind_parameter_count(*ret) > 1)
                rc = sqlite3_bind_int64(*ret, 2, second);
        return rc;
}

/* It is there, and may be read: a replay is of one that is over, and nobody sees one that is being imported. *ret_version may be NULL. */
static int look_for(const Scan *scan, sqlite3 *db, unsigned *ret_version) {
        sqlite3_stmt *stmt = NULL;
        int rc = prepare_for(db, "SELECT ended, figures_version FROM session WHERE id = ?", scan->id, 0, &stmt);

        if (rc == SQLITE_OK)
                rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) {
                int ended = sqlite3_column_int(stmt, 0);

                if (ret_version)
                        *ret_version = (unsigned) sqlite3_column_int(stmt, 1);
                rc = ended == 1 || (ended == 0 && !is_replay(scan)) ? SQLITE_OK : SQLITE_NOTFOUND;
        } else if (rc == SQLITE_DONE)
                rc = SQLITE_NOTFOUND;
        (void) sqlite3_finalize(stmt);
        return rc;
}

static void begin_decoding(Scan *scan) {
        if (scan->decoding)
                scan->decoding = decoder_of(scan)->free(scan->decoding);
        if (decoder_of(scan)->begin && !shared_is_closed(scan->store))
                scan->decoding = decoder_of(scan)->begin(&scan->session, scan->store->userdata);
        scan->settled = scan->at == 0;
}

/* Fetched from its device, it holds values of any time, beside those that came live. Of one that is imported its chunks say so. */
static bool holds_record(const StoreSession *session) {
        return g_str_equal(session->source, "stored") || g_str_equal(session->source, "both");
}

static int begin(Scan *scan, sqlite3 *db) {
        int rc = rows_session_find(db, scan->id, &scan->session);

        if (rc != SQLITE_OK)
                return rc;
        scan->begun = true;
        if (scan->walk) {
                if (!shared_is_closed(scan->store))
                        scan->walk->begin(&scan->session, scan->userdata);
                return SQLITE_OK;
        }
        if (is_series(scan))
                series_begin(&scan->series, scan->session.start_boottime_usec);
        scan->route.whole = holds_record(&scan->session);
        begin_decoding(scan);
        return SQLITE_OK;
}

/* ---- Frames ---- */

/* Of a curve, a waveform says nothing: half of a session is not decoded. In a vendor's session the number means something else. */
static bool is_needless(const Scan *scan, const Frame *frame) {
        return is_series(scan) && frame->channel == STORE_BULK_CHANNEL && frame->direction == FRAME_FROM_DEVICE && !*scan->session.channels;
}

/* What the device had stored itself has its turn behind all else. */
static bool is_put_off(Scan *scan, const Frame *frame) {
        bool of_record = store_is_of_record(&scan->session, frame);

        if (!is_series(scan))
                return false;
        scan->found_record |= of_record;
        return of_record != scan->reads_record;
}

static void add_stored(Scan *scan) {
        const StoreTimedSample *samples;
        size_t n = decoder_of(scan)->stored ? decoder_of(scan)->stored(scan->decoding, &samples) : 0;

        for (size_t i = 0; i < n; i++)
                series_add(&scan->series, samples[i].boottime_usec, &samples[i].sample);
}

/* `used`: its values are a part of the curve. */
static void take_frames(Scan *scan, bool used) {
        scan->summary = (Summary) {};
        scan->found_record = false;
        for (uint32_t i = 0; i < scan->frames.n; i++) {
                const Frame *frame = &scan->frames.frames[i];
                StoreSample sample = {};

                if (is_needless(scan, frame) || is_put_off(scan, frame))
                        continue;
                decoder_of(scan)->frame(scan->decoding, frame, &sample);
                if (scan->reads_record)
                        add_stored(scan);
                if (is_replay(scan) || sample.has == 0)
                        continue;
                summary_add(&scan->summary, &sample);
                if (used)
                        series_add(&scan->series, frame->boottime_usec, &sample);
        }
}

static void take_chunk(Scan *scan, const Chunk *chunk, bool used) {
        if (shared_is_closed(scan->store))
                return;
        scan->replay.n_chunks++;
        if (chunk_unpack(chunk, &scan->frames) < 0)
                scan->replay.n_damaged++;
        scan->replay.n_frames += scan->frames.n;
        if (scan->decoding)
                take_frames(scan, used);
}

static int read_chunks(Scan *scan, sqlite3 *db, uint64_t until_usec) {
        sqlite3_stmt *stmt = NULL;
        int rc = prepare_for(db, CHUNK_QUERY, scan->id, scan->next_seq, &stmt);

        while (rc == SQLITE_OK) {
                Chunk chunk;

                rc = sqlite3_step(stmt);
                if (rc != SQLITE_ROW)
                        break;
                chunk = rows_chunk_get(stmt);
                take_chunk(scan, &chunk, true);
                scan->next_seq = sqlite3_column_int64(stmt, ROWS_CHUNK_N_COLUMNS) + 1;
                if (shared_now_usec() >= until_usec)
                        break;
                rc = SQLITE_OK;
        }
        (void) sqlite3_finalize(stmt);
        return rc;
}

/* ---- Of a replay ---- */

/* With the record of its device, which it was given meanwhile: what was read is a part of that. */
static bool has_changed(const Scan *scan, const StoreSession *now) {
        bool changed = g_strcmp0(now->source, scan->session.source) != 0;

        for (Figure i = 0; i < _FIGURE_MAX && !changed; i++)
                changed = figures_differ(&now->figures, &scan->session.figures, i);

        return changed;
}

/* Of one moment, however many slices it takes. */
static int read_replay(Scan *scan, sqlite3 *db, uint64_t until_usec) {
        StoreSession now = {};
        bool changed;
        int rc = read_chunks(scan, db, until_usec);

        if (rc != SQLITE_DONE)
                return rc;
        rc = rows_session_find(db, scan->id, &now);
        changed = rc == SQLITE_OK && has_changed(scan, &now);
        job_clear_session(&now);
        if (changed) { /* anew */
                job_clear_session(&scan->session);
                scan->replay = (StoreReplay) {};
                scan->next_seq = 0;
                scan->begun = false;
                return SQLITE_ROW;
        }

        return rc == SQLITE_OK ? SQLITE_DONE : rc;
}

/* ---- Of a series ---- */

/* Decoding that did not begin with the first frame has come to something else: from there, then. */
static void begin_anew(Scan *scan) {
        route_take_whole(&scan->route);
        series_clear(&scan->series);
        scan->at = 0;
}

static int read_route(Scan *scan, sqlite3 *db, uint64_t until_usec) {
        int oldest = is_imported(scan) ? SCHEMA_FIGURES_VERSION : SCHEMA_SUMMARY_VERSION;
        sqlite3_stmt *stmt = NULL;
        bool more = true;
        int rc = prepare_for(db, ROUTE_QUERY, scan->id, scan->next_seq, &stmt);

        while (rc == SQLITE_OK && more) {
                uint64_t t0_usec, t1_usec;
                Summary summary;

                rc = sqlite3_step(stmt);
                if (rc != SQLITE_ROW)
                        break;
                t0_usec = (uint64_t) sqlite3_column_int64(stmt, 1);
                summary.unknown = !rows_summary_get(stmt, 2, oldest, &t1_usec, &summary);
                if (summary.unknown && is_imported(scan) && !scan->route.whole)
                        begin_anew(scan); /* it may hold what its device had stored */
                scan->next_seq = sqlite3_column_int64(stmt, 0) + 1;
                more = route_add(&scan->route, &scan->series, scan->next_seq - 1, t0_usec, t1_usec, &summary);
                if (more && shared_now_usec() >= until_usec)
                        break;
                rc = SQLITE_OK;
        }
        (void) sqlite3_finalize(stmt);
        if (rc != SQLITE_DONE && more)
                return rc;

        scan->routed = true;
        scan->wants_tail = more && g_strcmp0(scan->session.state, "live") == 0;
        route_settle(&scan->route, scan->wants_tail);
        return SQLITE_ROW;
}

/* The next chunk of the route was decoded. */
static void look_at_values(Scan *scan, RouteChunk *chunk) {
        StoreMetric metric = scan->series.wanted.metric;
        const SummaryMetric *is = &scan->summary.metrics[metric], *want = &chunk->summary;

        scan->at++;
        chunk->of_record = scan->found_record;
        if (scan->route.whole || scan->reads_record)
                return;
        if (chunk->known && is->n == want->n && (is->n == 0 || (is->min == want->min && is->max == want->max && is->sum == want->sum)))
                scan->settled |= is->n > 0;
        else if (chunk->known ? scan->settled || chunk->step == ROUTE_DECODE : !scan->settled && chunk->step == ROUTE_DECODE)
                begin_anew(scan);
}

/* Those that stand together on the route. */
static int read_stretch(Scan *scan, sqlite3 *db, uint64_t until_usec) {
        sqlite3_stmt *stmt = NULL;
        int rc = prepare_for(db, CHUNK_QUERY, scan->id, route_chunk(&scan->route, scan->at)->seq, &stmt);
        bool on = true;

        if (route_begins(&scan->route, scan->at) && !scan->reads_record)
                begin_decoding(scan);
        while (rc == SQLITE_OK && on) {
                RouteChunk *wanted = route_chunk(&scan->route, scan->at);
                unsigned at = scan->at;
                Chunk chunk;

                rc = sqlite3_step(stmt);
                if (rc != SQLITE_ROW)
                        break;
                rc = SQLITE_OK;
                if (sqlite3_column_int64(stmt, ROWS_CHUNK_N_COLUMNS) != wanted->seq) {
                        rc = SQLITE_DONE; /* none is ever taken away alone */
                        break;
                }
                chunk = rows_chunk_get(stmt);
                take_chunk(scan, &chunk, wanted->step == ROUTE_DECODE);
                look_at_values(scan, wanted);
                on = scan->at == at + 1 && scan->at < scan->route.chunks->len && route_chunk(&scan->route, scan->at)->step != ROUTE_SKIP &&
                     shared_now_usec() < until_usec;
        }
        (void) sqlite3_finalize(stmt);
        if (rc == SQLITE_DONE) {        /* it is not there: the session has gone in this moment, or there is damage */
                rc = look_for(scan, db, NULL);
                return rc == SQLITE_OK ? SQLITE_CORRUPT : rc;
        }
        return rc == SQLITE_OK ? SQLITE_ROW : rc;
}

/* Of one that is live: what is not in a chunk yet. It may have become a chunk meanwhile: then the route
 * goes on. */
static int read_tail(Scan *scan, sqlite3 *db) {
        sqlite3_stmt *stmt = NULL;
        bool any = false;
        int rc = prepare_for(db, TAIL_QUERY, scan->id, scan->next_seq, &stmt);

        while (rc == SQLITE_OK || rc == SQLITE_ROW) {
                Chunk chunk;

                rc = sqlite3_step(stmt);
                if (rc != SQLITE_ROW)
                        break;
                any = true;
                chunk = rows_chunk_get(stmt);
                take_chunk(scan, &chunk, true);
        }
        (void) sqlite3_finalize(stmt);
        if (rc != SQLITE_DONE)
                return rc;
        scan->wants_tail = false;
        if (any)
                return SQLITE_ROW;

        rc = prepare_for(db, CHUNK_QUERY, scan->id, scan->next_seq, &stmt);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(stmt);
        (void) sqlite3_finalize(stmt);
        scan->routed = rc != SQLITE_ROW;
        return rc == SQLITE_DONE ? SQLITE_ROW : rc;
}

static int read_series(Scan *scan, sqlite3 *db, uint64_t until_usec) {
        int rc;

        do {
                rc = SQLITE_ROW;
                while (scan->at < scan->route.chunks->len && scan->routed && route_chunk(&scan->route, scan->at)->step == ROUTE_SKIP)
                        scan->at++;
                if (!scan->routed)
                        rc = read_route(scan, db, until_usec);
                else if (scan->at < scan->route.chunks->len)
                        rc = read_stretch(scan, db, until_usec);
                else if (scan->wants_tail && !scan->settled && !scan->route.whole)
                        begin_anew(scan);
                else if (scan->wants_tail)
                        rc = read_tail(scan, db);
                else if (!scan->reads_record && route_take_record(&scan->route)) {
                        scan->reads_record = true;
                        scan->at = 0;
                } else
                        return SQLITE_DONE;
        } while (rc == SQLITE_ROW && shared_now_usec() < until_usec);
        return rc;
}

/* ---- Of a walk ---- */

/* `n_before`: frames of the same chunk that came before these. */
static void walk_frames(Scan *scan, const Chunk *chunk, uint32_t n_before) {
        if (chunk_unpack(chunk, &scan->frames) < 0) {
                scan->replay.n_damaged++;
                scan->n_walked = MAX(scan->n_walked, n_before + chunk->n_frames);
                return;
        }
        for (uint32_t i = scan->n_walked - MIN(scan->n_walked, n_before); i < scan->frames.n && !scan->stopped; i++) {
                scan->stopped = shared_is_closed(scan->store) || !scan->walk->frame(&scan->frames.frames[i], scan->userdata);
                scan->n_walked += !scan->stopped;
        }
}

static int walk_chunks(Scan *scan, sqlite3 *db, uint64_t until_usec) {
        sqlite3_stmt *stmt = NULL;
        int rc = prepare_for(db, CHUNK_QUERY, scan->id, scan->next_seq, &stmt);

        while (rc == SQLITE_OK) {
                Chunk chunk;

                rc = sqlite3_step(stmt);
                if (rc != SQLITE_ROW)
                        break;
                chunk = rows_chunk_get(stmt);
                walk_frames(scan, &chunk, 0);
                if (scan->stopped)
                        break;
                scan->next_seq = sqlite3_column_int64(stmt, ROWS_CHUNK_N_COLUMNS) + 1;
                scan->n_walked = 0;
                if (shared_now_usec() >= until_usec)
                        break;
                rc = SQLITE_OK;
        }
        (void) sqlite3_finalize(stmt);
        return rc;
}

static int walk_tail(Scan *scan, sqlite3 *db) {
        sqlite3_stmt *stmt = NULL;
        uint32_t n_before = 0;
        int rc = prepare_for(db, TAIL_QUERY, scan->id, scan->next_seq, &stmt);

        while (rc == SQLITE_OK) {
                Chunk chunk;

                rc = sqlite3_step(stmt);
                if (rc != SQLITE_ROW)
                        break;
                chunk = rows_chunk_get(stmt);
                if (n_before + chunk.n_frames > scan->n_walked)
                        walk_frames(scan, &chunk, n_before);
                n_before += chunk.n_frames;
                if (scan->stopped)
                        break;
                rc = SQLITE_OK;
        }
        (void) sqlite3_finalize(stmt);
        return rc;
}

/* Chunks, then the tail; what was its tail may have become a chunk in between. At the end nothing has come of either. */
static int read_walk(Scan *scan, sqlite3 *db, uint64_t until_usec) {
        sqlite3_int64 seq;
        uint32_t n;
        int rc;

        do {
                seq = scan->next_seq;
                n = scan->n_walked;
                rc = walk_chunks(scan, db, until_usec);
                if (rc == SQLITE_DONE)
                        rc = walk_tail(scan, db);
        } while (rc == SQLITE_DONE && (seq != scan->next_seq || n != scan->n_walked));
        return scan->stopped ? SQLITE_DONE : rc;
}

/* ---- ---- */

static Scan *scan_new(const Store *store, uint64_t id, uid_t asker, void *userdata) {
        Scan *scan = g_new0(Scan, 1);

        scan->id = id;
        scan->asker = asker;
        scan->userdata = userdata;
        scan->store = store;
        return scan;
}

Scan *scan_new_replay(const Store *store, uint64_t id, uid_t asker, StoreReplayed done, void *userdata) {
        Scan *scan = scan_new(store, id, asker, userdata);

        scan->replayed = done;
        return scan;
}

Scan *scan_new_series(const Store *store, const StoreSeries *wanted, StoreSeriesRead done, void *userdata) {
        Scan *scan = scan_new(store, wanted->id, wanted->asker, userdata);

        scan->series_read = done;
        series_init(&scan->series, wanted);
        route_init(&scan->route);
        return scan;
}

Scan *scan_new_walk(const Store *store, uint64_t id, uid_t asker, const StoreWalkOps *ops, void *userdata) {
        Scan *scan = scan_new(store, id, asker, userdata);

        scan->walk = ops;
        return scan;
}

Scan *scan_free(Scan *scan) {
        if (!scan)
                return NULL;
        if (scan->decoding)
                decoder_of(scan)->free(scan->decoding);
        job_clear_session(&scan->session);
        chunk_frames_done(&scan->frames);
        if (is_series(scan)) {
                series_done(&scan->series);
                route_done(&scan->route);
        }
        g_free(scan);
        return NULL;
}

int scan_read(Scan *scan, sqlite3 *db, uint64_t until_usec) {
        int rc = look_for(scan, db, &scan->replay.figures_version);

        scan->stopped = false;
        if (rc == SQLITE_OK && !scan->begun)
                rc = begin(scan, db);
        if (rc == SQLITE_OK && is_replay(scan))
                rc = read_replay(scan, db, until_usec);
        else if (rc == SQLITE_OK && scan->walk)
                rc = read_walk(scan, db, until_usec);
        else if (rc == SQLITE_OK && scan->decoding)
                rc = read_series(scan, db, until_usec);
        if (rc == SQLITE_ROW)
                return SQLITE_OK;
        if (rc == SQLITE_OK)            /* nobody can read it: a curve without a value */
                rc = SQLITE_DONE;
        if (rc != SQLITE_DONE)
                return rc;

        if (is_series(scan))
                series_finish(&scan->series);
        else if (is_replay(scan) && scan->decoding && !shared_is_closed(scan->store))
                decoder_of(scan)->figures(scan->decoding, scan->session.end_boottime_usec, &scan->replay.figures);
        return SQLITE_DONE;
}

void scan_answer(const Scan *scan, int error) {
        StoreReplay replay = scan->replay;

        if (scan->walk) {
                scan->walk->stopped(error, error == 0 && !scan->stopped, scan->replay.n_damaged, scan->userdata);
                return;
        }
        if (is_series(scan)) {
                scan->series_read(error, error == 0 ? (const StorePoint *) (void *) scan->series.points->data : NULL,
                                  error == 0 ? scan->series.points->len : 0, scan->userdata);
                return;
        }
        replay.session = &scan->session;
        replay.decoding = scan->decoding;
        scan->replayed(error, error == 0 ? &replay : NULL, scan->userdata);
}
