/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/taken.h"

#include <errno.h>

/* ---- From a device ---- */

/* Where a record's frames go. */
typedef struct Place {
        uint64_t session, start_boottime_usec;
        int64_t offset_usec;            /* of the record's beginning, in session time */
} Place;

/* What is in it is of other times than its frames, and counts where nobody saw it live: no summary says that. */
static int put_chunk(Ledger *ledger, uint64_t session, uint64_t *seq, ChunkBuilder *builder) {
        static const Summary none = { .unknown = true };
        Chunk chunk = chunk_builder_seal(builder);
        int rc = rows_chunk_insert(&ledger->rows, session, (*seq)++, &chunk, &none);

        chunk_builder_reset(builder);
        return rc;
}

/* Behind what the session has. Nothing of it is before its beginning. */
static int put_frames(Ledger *ledger, const StoreRecord *record, const Place *place) {
        ChunkBuilder builder = {};
        uint64_t seq = 0;
        int rc = rows_chunk_next(&ledger->rows, place->session, &seq);

        for (size_t i = 0; i < record->n_frames && rc == SQLITE_OK; i++) {
                Frame frame = record->frames[i];
                int64_t at_usec = (int64_t) (frame.boottime_usec - record->session.start_boottime_usec) + place->offset_usec;

                frame.boottime_usec = place->start_boottime_usec + (uint64_t) MAX(at_usec, 0);
                if (ledger_chunk_is_full(&builder, &frame))
                        rc = put_chunk(ledger, place->session, &seq, &builder);
                chunk_builder_add(&builder, &frame);
        }
        if (rc == SQLITE_OK && builder.n_frames > 0)
                rc = put_chunk(ledger, place->session, &seq, &builder);
        chunk_builder_done(&builder);
        return rc;
}

static int add_record(Ledger *ledger, const StoreRecord *record) {
        const StoreSession *s = &record->session;
        const Place place = { .session = s->id, .start_boottime_usec = s->start_boottime_usec };
        const StoreEnd end = {
                .reason = s->end_reason,
                .boottime_usec = s->end_boottime_usec,
                .realtime_usec = s->end_realtime_usec,
                .figures = &s->figures,
        };
        StoreSession row = *s;
        int rc;

        row.source = (char *) "stored";
        rc = rows_session_insert(&ledger->rows, &row, false);
        if (rc == SQLITE_OK)
                rc = rows_id_at_least(&ledger->rows, ledger->next_session_id);
        if (rc == SQLITE_OK)
                rc = put_frames(ledger, record, &place);
        return rc == SQLITE_OK ? rows_session_end(&ledger->rows, s->id, &end) : rc;
}

/* The wall clock is what a record and a session that was followed have in common. */
static int merge_record(Ledger *ledger, const StoreRecord *record, uint64_t id) {
        const StoreSession *s = &record->session;
        Place place = { .session = id };
        RowsSessionState state;
        uint64_t seq = 0;
        int rc = rows_session_state(&ledger->rows, id, &state);

        if (rc == SQLITE_OK)
                rc = rows_chunk_next(&ledger->rows, id, &seq);
        if (rc == SQLITE_OK)
                rc = rows_session_record_seq(&ledger->rows, id, seq);
        if (rc != SQLITE_OK)
                return rc;
        place.start_boottime_usec = state.start_boottime_usec;
        if (!record->start_unknown)
                place.offset_usec = (int64_t) (s->start_realtime_usec - state.start_realtime_usec);
        rc = put_frames(ledger, record, &place);
        return rc == SQLITE_OK ? rows_session_merge(&ledger->rows, id, s) : rc;
}

static int apply_record(Ledger *ledger, Job *job) {
        const StoreRecord *record = job->record;
        const StoreSession *s = &record->session;
        bool merged = false;
        int rc;

        ledger->next_session_id = MAX(ledger->next_session_id, s->id + 1);
        rc = rows_is_buried(&ledger->rows, &(StoreBurial) { s->device_address, s->epoch, s->record, s->record_start });
        if (rc == SQLITE_OK) {
                job->fate = STORE_RECORD_KNOWN;
                return rows_device_cursor(&ledger->rows, s->device_address, record->device_address_type, &record->cursor);
        }
        if (rc != SQLITE_NOTFOUND)
                return rc;
        rc = rows_session_of_record(&ledger->rows, record, &job->recorded_as, &merged);
        if (rc == SQLITE_NOTFOUND) {
                job->recorded_as = s->id;
                job->fate = STORE_RECORD_ADDED;
                rc = add_record(ledger, record);
        } else if (rc == SQLITE_OK && !merged) {
                job->fate = STORE_RECORD_MERGED;
                rc = merge_record(ledger, record, job->recorded_as);
        } else {
                if (rc == SQLITE_OK)
                        rc = rows_session_confirm(&ledger->rows, job->recorded_as, s->epoch);
                if (!job->tried) /* else what an earlier attempt found is what it has come to */
                        job->fate = STORE_RECORD_KNOWN;
        }
        return rc == SQLITE_OK ? rows_device_cursor(&ledger->rows, s->device_address, record->device_address_type, &record->cursor) : rc;
}

/* ---- Imported ---- */

/* Of an owner's two with the same uuid, or of the same record of a device, that come at the same time the one that is finished last is one too many. */
static int refuse_twin(Ledger *ledger, Job *job) {
        int rc = rows_session_twin(&ledger->rows, job->session);

        if (rc == SQLITE_OK)
                job->result = -EEXIST;
        return rc == SQLITE_NOTFOUND ? SQLITE_OK : rc;
}

static int begin(Ledger *ledger, Job *job) {
        RowsSessionState state;
        int rc = rows_session_state(&ledger->rows, job->session, &state);

        ledger->next_session_id = MAX(ledger->next_session_id, job->session + 1);
        (void) g_hash_table_add(ledger->intakes, g_memdup2(&job->session, sizeof job->session));
        if (rc == SQLITE_NOTFOUND)
                rc = rows_session_insert(&ledger->rows, job->begin, true);
        if (rc == SQLITE_OK)
                rc = rows_id_at_least(&ledger->rows, ledger->next_session_id);
        return rc == SQLITE_OK ? refuse_twin(ledger, job) : rc;
}

/* A part with frames is known by its chunk; one without by what is in it, if it may be here since a commit that was reported as failed. */
static int add_gap(Ledger *ledger, const Job *job, const StoreGap *gap) {
        int rc = SQLITE_NOTFOUND;

        if (job->tried && job->part.chunk.n_frames == 0)
                rc = rows_gap_has(&ledger->rows, job->session, gap);
        return rc == SQLITE_NOTFOUND ? rows_gap_insert(&ledger->rows, job->session, gap) : rc;
}

static int add_part(Ledger *ledger, Job *job) {
        const IntakePart *part = &job->part;
        Chunk chunk = chunk_builder_seal(&part->chunk);
        int rc = rows_chunk_has(&ledger->rows, job->session, job->part_seq);

        if (rc != SQLITE_NOTFOUND)
                return rc; /* with all that goes with it */
        rc = chunk.n_frames > 0 ? rows_chunk_insert(&ledger->rows, job->session, job->part_seq, &chunk, &part->summary) : SQLITE_OK;
        for (size_t i = 0; i < part->n_gaps && rc == SQLITE_OK; i++)
                rc = add_gap(ledger, job, &part->gaps[i]);
        for (size_t i = 0; i < part->n_events && rc == SQLITE_OK; i++)
                rc = rows_event_insert(&ledger->rows, job->session, &part->events[i]);
        return rc;
}

static int finish(Ledger *ledger, Job *job) {
        RowsSessionState state;
        int rc = rows_session_state(&ledger->rows, job->session, &state);

        if (rc == SQLITE_OK)
                rc = refuse_twin(ledger, job);
        if (rc != SQLITE_OK || job->result < 0)
                return rc;
        (void) g_hash_table_remove(ledger->intakes, &job->session);
        return rows_session_end(&ledger->rows, job->session, &job->end);
}

/* Nobody sees it any more, and the eraser takes it away. */
static int abandon(Ledger *ledger, const Job *job) {
        (void) g_hash_table_remove(ledger->intakes, &job->session);
        return rows_session_conceal(&ledger->rows, job->session);
}

int taken_apply(Ledger *ledger, Job *job) {
        switch (job->type) {
        case JOB_RECORD:
                return apply_record(ledger, job);
        case JOB_INTAKE_BEGIN:
                return begin(ledger, job);
        case JOB_INTAKE_PART:
                return add_part(ledger, job);
        case JOB_INTAKE_FINISH:
                return finish(ledger, job);
        case JOB_INTAKE_ABANDON:
                return abandon(ledger, job);
        case JOB_DEVICE_PUT:
        case JOB_DEVICE_REMOVE:
        case JOB_BEGIN:
        case JOB_PIECE:
        case JOB_GAP:
        case JOB_EVENT:
        case JOB_END:
        case JOB_DISCARD:
        case JOB_LABEL:
        case JOB_PLAN:
        case JOB_ACKNOWLEDGE:
        case JOB_SYNC:
        case JOB_ERASE:
                break;
        }
        return SQLITE_OK;
}
