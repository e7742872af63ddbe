/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/ledger.h"

#include <errno.h>

#include "store/schema.h"
#include "store/taken.h"

/* A session that has not ended. */
typedef struct KnownSession {
        uint64_t id;
        StoreSession session;
        RowsCounts committed;   /* what the database should have of it */
        uint64_t n_lost;        /* frames in databases that were put aside */
        uint64_t last_boottime_usec; /* of the frames that were written */
} KnownSession;

typedef struct Tail {
        uint64_t id;
        ChunkBuilder chunk;     /* all that the tail table has of the session and no chunk has yet */
        Summary summary;        /* of its frames */
        uint64_t next_seq;      /* of that chunk */
        GArray *slots; /* sqlite3_int64: the session's rows; the nth piece of a chunk goes into the nth */
        unsigned n_pieces;      /* of that chunk so far */
        RowsCounts added;       /* in this transaction */
        RowsCounts skip;        /* already there: a commit that was reported as failed had succeeded */
        uint64_t last_boottime_usec;
} Tail;

static void known_session_free(gpointer p) {
        KnownSession *known = p;

        job_clear_session(&known->session);
        g_free(known);
}

static void tail_free(gpointer p) {
        Tail *tail = p;

        chunk_builder_done(&tail->chunk);
        g_array_unref(tail->slots);
        g_free(tail);
}

static void device_free(gpointer p) {
        job_clear_device(p);
        g_free(p);
}

static KnownSession *know_session(Ledger *ledger, const StoreSession *session) {
        KnownSession *known = g_hash_table_lookup(ledger->known, &session->id);

        if (known)
                return known;
        known = g_new0(KnownSession, 1);
        known->id = session->id;
        job_copy_session(&known->session, session);
        g_hash_table_insert(ledger->known, &known->id, known);
        return known;
}

static void device_remember(Ledger *ledger, const StoreDevice *device) {
        StoreDevice *copy = g_new(StoreDevice, 1);

        job_copy_device(copy, device);
        g_hash_table_replace(ledger->devices,
                             g_strdup_printf("%s %s", device->address, device->address_type), copy);
}

static void device_forget(Ledger *ledger, const StoreDevice *device) {
        g_autofree char *key = g_strdup_printf("%s %s", device->address, device->address_type);

        g_hash_table_remove(ledger->devices, key);
}

static void plan_free(gpointer p) {
        job_clear_plan(p);
        g_free(p);
}

static void plan_remember(Ledger *ledger, const StorePlan *plan) {
        StorePlan *copy = g_new(StorePlan, 1);

        job_copy_plan(copy, plan);
        g_hash_table_replace(ledger->plans, g_strdup_printf("%u %s", plan->owner, copy->subject), copy);
}

static void acknowledgement_free(gpointer p) {
        job_clear_acknowledgement(p);
        g_free(p);
}

static void acknowledgement_remember(Ledger *ledger, const StoreAcknowledgement *acknowledgement) {
        StoreAcknowledgement *copy = g_new(StoreAcknowledgement, 1);

        job_copy_acknowledgement(copy, acknowledgement);
        g_hash_table_replace(ledger->acknowledgements, GUINT_TO_POINTER(acknowledgement->owner), copy);
}

/* A commit whose sync failed may be in the file all the same. What the database has more than was ever
 * reported as committed came from there, and is what stands first in the queue. */
static uint64_t surplus(uint64_t have, uint64_t committed) {
        return have > committed ? have - committed : 0;
}

static int count(Ledger *ledger, KnownSession *known, Tail *tail) {
        RowsCounts have;
        int rc = rows_session_counts(&ledger->rows, known->id, &have);

        if (rc != SQLITE_OK)
                return rc;
        tail->skip = (RowsCounts) {
                .n_frames = surplus(have.n_frames, known->committed.n_frames),
                .n_gaps = surplus(have.n_gaps, known->committed.n_gaps),
                .n_events = surplus(have.n_events, known->committed.n_events),
        };
        return SQLITE_OK;
}

static int insert_session(Ledger *ledger, KnownSession *known, Tail *tail) {
        uint64_t start_usec = known->session.start_boottime_usec;
        StoreGap gap = { .stream = 0, .lost = known->n_lost };
        int rc = rows_session_insert(&ledger->rows, &known->session, false);

        if (rc == SQLITE_OK)
                rc = rows_id_at_least(&ledger->rows, ledger->next_session_id);
        if (rc != SQLITE_OK || known->n_lost == 0)
                return rc;
        gap.to_usec = known->last_boottime_usec > start_usec ? known->last_boottime_usec - start_usec : 0;
        tail->added.n_gaps++;
        return rows_gap_insert(&ledger->rows, known->id, &gap);
}

/* What another run of the daemon, or a connection that is gone, left in the tail table. */
static int read_tail(Ledger *ledger, Tail *tail) {
        Chunk chunk;
        int rc;

        while ((rc = rows_read(&ledger->rows, ROWS_TAIL_READ, tail->id, &chunk)) == SQLITE_ROW) {
                g_autofree Frame *frames = NULL;

                tail->n_pieces++;
                if (!chunk_plausible(&chunk))
                        continue;
                frames = g_new(Frame, chunk.n_frames + 1);
                if (chunk_decode(&chunk, frames) < 0)
                        continue;
                for (uint32_t i = 0; i < chunk.n_frames; i++)
                        chunk_builder_add(&tail->chunk, &frames[i]);
                tail->summary.unknown = true; /* the tail table does not keep it */
        }
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int tail_fill(Ledger *ledger, KnownSession *known, Tail *tail) {
        int rc = rows_session_has(&ledger->rows, known->id);

        if (rc == SQLITE_NOTFOUND)
                return insert_session(ledger, known, tail);
        if (rc == SQLITE_OK)
                rc = count(ledger, known, tail);
        if (rc == SQLITE_OK)
                rc = rows_chunk_next(&ledger->rows, known->id, &tail->next_seq);
        if (rc == SQLITE_OK)
                rc = rows_tail_slots(&ledger->rows, known->id, tail->slots);
        return rc == SQLITE_OK ? read_tail(ledger, tail) : rc;
}

/* The session's tail; its row is in the database from then on. SQLITE_NOTFOUND: no such session, or it has
 * ended. */
static int get_tail(Ledger *ledger, uint64_t id, Tail **ret) {
        KnownSession *known = g_hash_table_lookup(ledger->known, &id);
        Tail *tail = g_hash_table_lookup(ledger->tails, &id);
        int rc = SQLITE_OK;

        if (!known)
                return SQLITE_NOTFOUND;
        if (!tail) {
                tail = g_new0(Tail, 1);
                tail->id = id;
                tail->slots = g_array_new(FALSE, TRUE, sizeof(sqlite3_int64));
                rc = tail_fill(ledger, known, tail);
                if (rc != SQLITE_OK) {
                        tail_free(tail);
                        return rc;
                }
                g_hash_table_insert(ledger->tails, &tail->id, tail);
        }
        *ret = tail;
        return SQLITE_OK;
}

static int fold(Ledger *ledger, Tail *tail) {
        Chunk chunk;
        int rc;

        if (tail->chunk.n_frames == 0)
                return SQLITE_OK;
        chunk = chunk_builder_seal(&tail->chunk);
        rc = rows_chunk_insert(&ledger->rows, tail->id, tail->next_seq, &chunk, &tail->summary);
        tail->next_seq++;       /* with that all rows of the tail are stale */
        tail->n_pieces = 0;
        tail->summary = (Summary) {};
        chunk_builder_reset(&tail->chunk);
        chunk_builder_reset(&ledger->piece); /* what it has so far is in the chunk */
        return rc;
}

static int put_piece(Ledger *ledger, Tail *tail, const Chunk *chunk) {
        unsigned piece = tail->n_pieces++;

        if (piece >= tail->slots->len)
                g_array_set_size(tail->slots, piece + 1); /* 0: a new row */
        return rows_tail_put(&ledger->rows, tail->id, tail->next_seq, piece, chunk,
                             &g_array_index(tail->slots, sqlite3_int64, piece));
}

static int apply_piece(Ledger *ledger, Tail *tail, const Piece *piece) {
        size_t offset = 0;
        StoreSample sample;
        Frame frame;
        Chunk chunk;
        int rc = SQLITE_OK;

        chunk_builder_reset(&ledger->piece);
        while (rc == SQLITE_OK && piece_next(piece, &offset, &frame, &sample)) {
                tail->last_boottime_usec = frame.boottime_usec;
                if (tail->skip.n_frames > 0) {
                        tail->skip.n_frames--;
                        tail->added.n_frames++;
                        continue;
                }
                if (ledger_chunk_is_full(&tail->chunk, &frame))
                        rc = fold(ledger, tail);
                chunk_builder_add(&tail->chunk, &frame);
                chunk_builder_add(&ledger->piece, &frame);
                summary_add(&tail->summary, &sample);
                tail->added.n_frames++;
        }
        if (rc != SQLITE_OK || ledger->piece.n_frames == 0)
                return rc;
        chunk = chunk_builder_seal(&ledger->piece);
        return put_piece(ledger, tail, &chunk);
}

static int apply_gap(Ledger *ledger, Tail *tail, const StoreGap *gap) {
        tail->added.n_gaps++;
        if (tail->skip.n_gaps > 0) {
                tail->skip.n_gaps--;
                return SQLITE_OK;
        }
        return rows_gap_insert(&ledger->rows, tail->id, gap);
}

static int apply_event(Ledger *ledger, Tail *tail, const StoreEvent *event) {
        tail->added.n_events++;
        if (tail->skip.n_events > 0) {
                tail->skip.n_events--;
                return SQLITE_OK;
        }
        return rows_event_insert(&ledger->rows, tail->id, event);
}

static int apply_discard(Ledger *ledger, const Job *job) {
        int rc = rows_session_delete(&ledger->rows, job->session);

        /* Discarded before it was ever written, or deleted by a commit that was reported as failed. */
        if (rc == SQLITE_NOTFOUND && g_hash_table_contains(ledger->known, &job->session))
                rc = SQLITE_OK;
        return rc == SQLITE_OK ? rows_bury(&ledger->rows, &job->burial) : rc;
}

static void relabel(char **label, const char *with) {
        if (!with)
                return;
        g_free(*label);
        *label = g_strdup(with);
}

/* A live session is remembered with its new labels, and is in the database from then on. */
static int apply_label(Ledger *ledger, const Job *job) {
        KnownSession *known = g_hash_table_lookup(ledger->known, &job->session);
        const StoreLabels *labels = &job->labels;
        Tail *tail;
        int rc = SQLITE_OK;

        if (known) {
                relabel(&known->session.subject, labels->subject);
                relabel(&known->session.area, labels->area);
                relabel(&known->session.product, labels->product);
                relabel(&known->session.note, labels->note);
                if (labels->rating)
                        known->session.rating = MAX(labels->rating, 0);
                rc = get_tail(ledger, job->session, &tail);
        }
        return rc == SQLITE_OK ? rows_session_label(&ledger->rows, job->session, labels) : rc;
}

static int apply_plan(Ledger *ledger, const StorePlan *plan) {
        int rc = rows_plan_put(&ledger->rows, plan);

        if (rc == SQLITE_OK)
                plan_remember(ledger, plan);
        return rc;
}

static int apply_acknowledgement(Ledger *ledger, const StoreAcknowledgement *acknowledgement) {
        acknowledgement_remember(ledger, acknowledgement);
        return rows_acknowledgement_put(&ledger->rows, acknowledgement);
}

static int apply_to_session(Ledger *ledger, Job *job) {
        Tail *tail;
        int rc;

        if (job->type == JOB_BEGIN) {
                ledger->next_session_id = MAX(ledger->next_session_id, job->session + 1);
                (void) know_session(ledger, job->begin);
        }
        rc = get_tail(ledger, job->session, &tail);
        if (rc != SQLITE_OK)
                return rc;
        switch (job->type) {
        case JOB_PIECE:
                return apply_piece(ledger, tail, &job->piece);
        case JOB_GAP:
                return apply_gap(ledger, tail, &job->gap);
        case JOB_EVENT:
                return apply_event(ledger, tail, &job->event);
        case JOB_END:
                rc = fold(ledger, tail);
                if (rc == SQLITE_OK)
                        rc = rows_tail_delete(&ledger->rows, tail->id);
                return rc == SQLITE_OK ? rows_session_end(&ledger->rows, job->session, &job->end) : rc;
        case JOB_BEGIN:
        case JOB_DEVICE_PUT:
        case JOB_DEVICE_REMOVE:
        case JOB_DISCARD:
        case JOB_LABEL:
        case JOB_PLAN:
        case JOB_ACKNOWLEDGE:
        case JOB_SYNC:
        case JOB_RECORD:
        case JOB_ERASE:
        case JOB_INTAKE_BEGIN:
        case JOB_INTAKE_PART:
        case JOB_INTAKE_FINISH:
        case JOB_INTAKE_ABANDON:
                break;
        }
        return SQLITE_OK;
}

/* What the database refuses for what it is, not for the state of the disk: trying again would hold up
 * everything behind it. */
static bool never_fits(int rc) {
        int primary = rc & 0xff;

        return primary == SQLITE_CONSTRAINT || primary == SQLITE_TOOBIG || primary == SQLITE_MISMATCH;
}

static int result_of(const Job *job, int rc) {
        if (rc == SQLITE_NOTFOUND)
                return -ENOENT;
        if (!never_fits(rc))
                return 0;
        return job->type == JOB_PLAN && rc == SQLITE_TOOBIG ? -ENOSPC : -EIO;
}

void ledger_init(Ledger *ledger) {
        *ledger = (Ledger) {
                .known = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, known_session_free),
                .tails = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, tail_free),
                .devices = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, device_free),
                .plans = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, plan_free),
                .intakes = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL),
                .acknowledgements = g_hash_table_new_full(NULL, NULL, NULL, acknowledgement_free),
                .next_session_id = 1,
                .next_erasure = 1,
        };
}

void ledger_done(Ledger *ledger) {
        g_hash_table_unref(ledger->known);
        g_hash_table_unref(ledger->tails);
        g_hash_table_unref(ledger->devices);
        g_hash_table_unref(ledger->plans);
        g_hash_table_unref(ledger->acknowledgements);
        g_hash_table_unref(ledger->intakes);
        chunk_builder_done(&ledger->piece);
}

int ledger_restore(Ledger *ledger) {
        GHashTableIter iter;
        gpointer key, value;
        int rc = SQLITE_OK;

        g_hash_table_iter_init(&iter, ledger->devices);
        while (rc == SQLITE_OK && g_hash_table_iter_next(&iter, &key, &value))
                rc = rows_device_put(&ledger->rows, value);
        g_hash_table_iter_init(&iter, ledger->plans);
        while (rc == SQLITE_OK && g_hash_table_iter_next(&iter, &key, &value))
                rc = rows_plan_put(&ledger->rows, value);
        g_hash_table_iter_init(&iter, ledger->acknowledgements);
        while (rc == SQLITE_OK && g_hash_table_iter_next(&iter, &key, &value))
                rc = rows_acknowledgement_put(&ledger->rows, value);
        g_hash_table_iter_init(&iter, ledger->known);
        while (rc == SQLITE_OK && g_hash_table_iter_next(&iter, &key, &value)) {
                Tail *tail;

                rc = get_tail(ledger, *(uint64_t *) key, &tail);
        }
        return rc == SQLITE_OK ? rows_id_at_least(&ledger->rows, ledger->next_session_id) : rc;
}

int ledger_apply(Ledger *ledger, Job *job) {
        int rc = SQLITE_OK;

        job->result = 0;
        switch (job->type) {
        case JOB_DEVICE_PUT:
                device_remember(ledger, &job->device);
                rc = rows_device_put(&ledger->rows, &job->device);
                break;
        case JOB_DEVICE_REMOVE:
                device_forget(ledger, &job->device);
                rc = rows_device_remove(&ledger->rows, job->device.address, job->device.address_type);
                break;
        case JOB_DISCARD:
                rc = apply_discard(ledger, job);
                break;
        case JOB_LABEL:
                rc = apply_label(ledger, job);
                break;
        case JOB_PLAN:
                rc = apply_plan(ledger, &job->plan);
                break;
        case JOB_ACKNOWLEDGE:
                rc = apply_acknowledgement(ledger, &job->acknowledgement);
                break;
        case JOB_BEGIN:
        case JOB_PIECE:
        case JOB_GAP:
        case JOB_EVENT:
        case JOB_END:
                rc = apply_to_session(ledger, job);
                break;
        case JOB_RECORD:
        case JOB_INTAKE_BEGIN:
        case JOB_INTAKE_PART:
        case JOB_INTAKE_FINISH:
        case JOB_INTAKE_ABANDON:
                rc = taken_apply(ledger, job);
                break;
        case JOB_ERASE:
                rc = ledger_erase(ledger, job);
                break;
        case JOB_SYNC:
                break;
        }
        job->skipped = rc == SQLITE_NOTFOUND || never_fits(rc);
        if (job->result == 0)
                job->result = result_of(job, rc);
        return job->skipped ? SQLITE_OK : rc;
}

const StoreSession *ledger_known(const Ledger *ledger, uint64_t id, RowsCounts *ret_committed, RowsCounts *ret_added) {
        const KnownSession *known = g_hash_table_lookup(ledger->known, &id);
        const Tail *tail = g_hash_table_lookup(ledger->tails, &id);

        *ret_committed = known ? known->committed : (RowsCounts) {};
        *ret_added = tail ? tail->added : (RowsCounts) {};
        return known ? &known->session : NULL;
}

bool ledger_chunk_is_full(const ChunkBuilder *chunk, const Frame *frame) {
        uint64_t span_usec = frame->boottime_usec - chunk->t0_boottime_usec;

        if (chunk->n_frames == 0)
                return false;
        if (chunk->size >= LEDGER_FOLD_SIZE || span_usec >= LEDGER_FOLD_USEC_MAX)
                return true;
        return span_usec >= LEDGER_FOLD_USEC &&
               (chunk->size <= LEDGER_FOLD_THIRD || chunk->size + frame->size > LEDGER_FOLD_PAGE);
}

typedef struct Person {
        uid_t owner;
        const char *name;
} Person;

static gboolean is_plan_of(gpointer key, gpointer value, gpointer userdata) {
        const StorePlan *plan = value;
        const Person *person = userdata;

        return plan->owner == person->owner && store_owner_fits(plan->owner_name, person->name);
}

static gboolean is_acknowledgement_of(gpointer key, gpointer value, gpointer userdata) {
        const StoreAcknowledgement *a = value;
        const Person *person = userdata;

        return a->owner == person->owner && store_owner_fits(a->owner_name, person->name);
}

void ledger_forget_person(Ledger *ledger, uid_t owner, const char *owner_name) {
        Person person = { owner, owner_name };

        if (owner == (uid_t) -1) {
                g_hash_table_remove_all(ledger->plans);
                g_hash_table_remove_all(ledger->acknowledgements);
                return;
        }
        (void) g_hash_table_foreach_remove(ledger->plans, is_plan_of, &person);
        (void) g_hash_table_foreach_remove(ledger->acknowledgements, is_acknowledgement_of, &person);
}

void ledger_committed(Ledger *ledger, const JobList *jobs) {
        GHashTableIter iter;
        gpointer value;
        const Job *job;

        g_hash_table_iter_init(&iter, ledger->tails);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                Tail *tail = value;
                KnownSession *known = g_hash_table_lookup(ledger->known, &tail->id);

                if (known) {
                        known->committed.n_frames += tail->added.n_frames;
                        known->committed.n_gaps += tail->added.n_gaps;
                        known->committed.n_events += tail->added.n_events;
                        known->last_boottime_usec = MAX(known->last_boottime_usec, tail->last_boottime_usec);
                }
                tail->added = (RowsCounts) {};
        }
        TAILQ_FOREACH(job, jobs, entry)
                if (job->type == JOB_END || job->type == JOB_DISCARD) {
                        g_hash_table_remove(ledger->tails, &job->session);
                        g_hash_table_remove(ledger->known, &job->session);
                }
}

void ledger_rolled_back(Ledger *ledger) {
        g_hash_table_remove_all(ledger->tails);
}

void ledger_lost(Ledger *ledger) {
        GHashTableIter iter;
        gpointer value;

        ledger_rolled_back(ledger);
        g_hash_table_iter_init(&iter, ledger->known);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                KnownSession *known = value;

                known->n_lost += known->committed.n_frames;
                known->committed = (RowsCounts) {};
        }
}

/* ---- Loading ---- */

typedef struct Frames {
        Frame *frames;
        size_t n, allocated;
} Frames;

static uint8_t *keep_blob(Opened *opened, const Chunk *chunk) {
        if (opened->n_blobs == opened->allocated_blobs)
                opened->blobs = g_renew(uint8_t *, opened->blobs,
                                        opened->allocated_blobs = 2 * opened->allocated_blobs + 64);
        return opened->blobs[opened->n_blobs++] = g_memdup2(chunk->data, chunk->size);
}

static void load_damaged(const StoreSession *session, const Chunk *chunk, JobList *gaps) {
        Job *job = job_new(JOB_GAP, session->id);

        if (chunk->t0_boottime_usec > session->start_boottime_usec)
                job->gap.from_usec = chunk->t0_boottime_usec - session->start_boottime_usec;
        job->gap.to_usec = job->gap.from_usec;
        job->gap.lost = chunk->n_frames;
        TAILQ_INSERT_TAIL(gaps, job, entry);
}

static int load_frames(Ledger *ledger, RowsStatement which, const StoreSession *session, Opened *opened,
                       Frames *frames, JobList *gaps) {
        Chunk chunk;
        int rc;

        while ((rc = rows_read(&ledger->rows, which, session->id, &chunk)) == SQLITE_ROW) {
                if (!chunk_plausible(&chunk)) {
                        load_damaged(session, &chunk, gaps);
                        continue;
                }
                chunk.data = keep_blob(opened, &chunk);
                if (frames->allocated - frames->n < chunk.n_frames) {
                        frames->allocated = 2 * frames->allocated + chunk.n_frames;
                        frames->frames = g_renew(Frame, frames->frames, frames->allocated);
                }
                if (chunk_decode(&chunk, frames->frames + frames->n) < 0)
                        load_damaged(session, &chunk, gaps);
                else
                        frames->n += chunk.n_frames;
        }
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int load_sessions(Ledger *ledger, Opened *ret, JobList *ret_gaps) {
        g_autofree char *select = rows_session_select();
        g_autofree char *sql = g_strconcat(select, " WHERE ended = 0 ORDER BY id DESC", NULL);
        StoreOpened *opened = &ret->opened;
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(ledger->rows.db, sql, -1, &stmt, NULL);

        if (rc != SQLITE_OK)
                return rc;
        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                opened->sessions = g_renew(StoreOpenSession, opened->sessions, opened->n_sessions + 1);
                opened->sessions[opened->n_sessions] = (StoreOpenSession) {};
                rows_session_get(stmt, &opened->sessions[opened->n_sessions++].session);
        }
        (void) sqlite3_finalize(stmt);

        for (size_t i = 0; i < opened->n_sessions && rc == SQLITE_DONE; i++) {
                StoreOpenSession *open = &opened->sessions[i];
                Frames frames = {};
                KnownSession *known;
                int r;

                known = know_session(ledger, &open->session);
                r = rows_session_counts(&ledger->rows, known->id, &known->committed);
                if (r == SQLITE_OK)
                        r = load_frames(ledger, ROWS_CHUNK_READ, &open->session, ret, &frames, ret_gaps);
                if (r == SQLITE_OK)
                        r = load_frames(ledger, ROWS_TAIL_READ, &open->session, ret, &frames, ret_gaps);
                open->frames = frames.frames;
                open->n_frames = frames.n;
                if (r != SQLITE_OK)
                        return r;
                known->last_boottime_usec = frames.n > 0 ? frames.frames[frames.n - 1].boottime_usec : 0;
        }
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int load_personal(Ledger *ledger, StoreOpened *opened) {
        int rc = rows_plan_load(ledger->rows.db, &opened->plans, &opened->n_plans);

        if (rc == SQLITE_OK)
                rc = rows_acknowledgement_load(ledger->rows.db, &opened->acknowledgements, &opened->n_acknowledgements);
        for (size_t i = 0; i < opened->n_plans; i++)
                plan_remember(ledger, &opened->plans[i]);
        for (size_t i = 0; i < opened->n_acknowledgements; i++)
                acknowledgement_remember(ledger, &opened->acknowledgements[i]);
        return rc;
}

int ledger_load(Ledger *ledger, Opened *ret, JobList *ret_gaps) {
        StoreOpened *opened = &ret->opened;
        sqlite3_int64 next = 0;
        int rc = schema_get_meta(ledger->rows.db, "next_session_id", &next);

        if (rc == SQLITE_NOTFOUND)
                return SQLITE_CORRUPT;
        if (rc == SQLITE_OK)
                rc = rows_device_load(ledger->rows.db, &opened->devices, &opened->n_devices);
        for (size_t i = 0; i < opened->n_devices && rc == SQLITE_OK; i++)
                device_remember(ledger, &opened->devices[i]);
        if (rc == SQLITE_OK)
                rc = load_personal(ledger, opened);
        if (rc == SQLITE_OK)
                rc = load_sessions(ledger, ret, ret_gaps);
        if (next > 0)
                ledger->next_session_id = MAX(ledger->next_session_id, (uint64_t) next);
        for (size_t i = 0; i < opened->n_sessions; i++)
                ledger->next_session_id = MAX(ledger->next_session_id, opened->sessions[i].session.id + 1);
        return rc;
}
