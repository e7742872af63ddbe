/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stage-parts.h"
#include "stage-walk.h"

#include <errno.h>
#include <string.h>

#include "autoptr.h"

/* The store likewise. */

typedef struct Query {
        StoreListed done;
        void *userdata;
        uint64_t id;                    /* 0: List */
        StoreFilter filter;
        sd_event_source *source;
} Query;

static GPtrArray *queries;

StoreState store_state(const Store *store) {
        return stage->storage;
}

const char *store_reason(const Store *store) {
        return stage->storage == STORE_READY ? "" : "The disk is full; make room.";
}

const char *store_state_name(StoreState state) {
        static const char *const names[] = { "opening", "ready", "degraded", "unavailable" };

        return names[state];
}

static int on_query(sd_event_source *source, void *userdata) {
        Query *q = userdata;
        g_autofree StoreSession *found = g_new0(StoreSession, stage->history->len + 1);
        size_t n = 0;

        for (unsigned i = 0; i < stage->history->len; i++) {
                const StoreSession *s = stage->history->pdata[i];

                if (q->id ? s->id == q->id
                          : (q->filter.owner == (uid_t) -1 || q->filter.owner == s->owner) &&
                                    n < q->filter.limit)
                        found[n++] = *s;
        }
        g_ptr_array_remove(queries, q);
        q->done(stage->store_error
                        ?: q->id && n == 0 ? -ENOENT
                                           : 0,
                found, stage->store_error ? 0 : n, q->userdata);
        sd_event_source_disable_unref(q->source);
        g_free(q);
        return 0;
}

static void query(uint64_t id, const StoreFilter *filter, StoreListed done, void *userdata) {
        Query *q = g_new0(Query, 1);

        stage->n_queries++;
        q->done = done;
        q->userdata = userdata;
        q->id = id;
        if (filter) {
                stage->filter = q->filter = *filter;
                stage->filter.device = g_intern_string(filter->device); /* the caller's are gone when somebody looks */
                stage->filter.subject = g_intern_string(filter->subject);
                stage->filter.area = g_intern_string(filter->area);
        }
        g_ptr_array_add(queries, q);
        g_assert_cmpint(sd_event_add_defer(stage->event, &q->source, on_query, q), >=, 0);
        if (stage->store_holds)
                g_assert_cmpint(sd_event_source_set_enabled(q->source, SD_EVENT_OFF), >=, 0);
}

void store_list(Store *store, const StoreFilter *filter, StoreListed done, void *userdata) {
        query(0, filter, done, userdata);
}

void store_get(Store *store, uint64_t id, StoreListed done, void *userdata) {
        query(id, NULL, done, userdata);
}

void store_events(Store *store, const StoreEventFilter *filter, StoreEventsRead done, void *userdata) {
        stage->event_filter = *filter;
        done(stage->store_error, (const StoreEvent *) stage->events->data, stage->store_error ? 0 : stage->events->len, userdata);
}

void stage_keep_labels(const StoreLabels *labels, uint64_t session) {
        stage->n_labels++;
        stage->labelled = session;
        stage->labels = (StoreLabels) {
                .subject = g_intern_string(labels->subject),
                .area = g_intern_string(labels->area),
                .product = g_intern_string(labels->product),
                .note = g_intern_string(labels->note),
                .rating = labels->rating,
        };
}

void store_session_label(Store *store, uint64_t session_id, const StoreLabels *labels, StoreDone done, void *userdata) {
        stage_keep_labels(labels, session_id);
        stage->label_done = done;
        stage->label_userdata = userdata;
}

/* A replay or a series that is not answered yet. */
typedef struct StageScan {
        uint64_t id;
        StoreReplayed replayed;
        StoreSeriesRead series_read;
        void *userdata;
        bool forgotten;
} StageScan;

static GArray *scans;

static void answer_scan(const StageScan *scan) {
        StoreReplay replay = stage->replay;

        if (scan->forgotten) {
                if (scan->series_read)
                        scan->series_read(-ECANCELED, NULL, 0, scan->userdata);
                else
                        scan->replayed(-ECANCELED, NULL, scan->userdata);
                return;
        }
        if (scan->series_read) {
                scan->series_read(stage->scan_error, (const StorePoint *) (void *) stage->points->data,
                                  stage->scan_error ? 0 : stage->points->len, scan->userdata);
                return;
        }
        for (unsigned i = 0; i < stage->history->len; i++)
                if (((const StoreSession *) stage->history->pdata[i])->id == scan->id)
                        replay.session = stage->history->pdata[i];
        scan->replayed(stage->scan_error ?: replay.session ? stage->scan_error : -ENOENT, stage->scan_error ? NULL : &replay, scan->userdata);
}

static void push_scan(StageScan scan) {
        if (stage->scans_hold)
                g_array_append_val(scans, scan);
        else
                answer_scan(&scan);
}

void stage_scans_answer(void) {
        while (scans->len > 0) {
                StageScan scan = g_array_index(scans, StageScan, 0);

                g_array_remove_index(scans, 0);
                answer_scan(&scan);
        }
}

void store_replay(Store *store, uint64_t id, uid_t asker, StoreReplayed done, void *userdata) {
        push_scan((StageScan) { .id = id, .replayed = done, .userdata = userdata });
}

void store_series(Store *store, const StoreSeries *wanted, StoreSeriesRead done, void *userdata) {
        stage->series = *wanted;
        push_scan((StageScan) { .id = wanted->id, .series_read = done, .userdata = userdata });
}

void store_forget(Store *store, const void *userdata) {
        stage_walk_forget(userdata);

        for (unsigned i = 0; i < scans->len; i++) {
                StageScan *scan = &g_array_index(scans, StageScan, i);

                g_assert_false(scan->forgotten && scan->userdata == userdata);
                scan->forgotten |= scan->userdata == userdata;
        }
        stage->n_forgotten++;
}

void store_export(Store *store, const StoreExport *wanted, StoreCounted counted, StoreDone ended, void *userdata) {
        stage->n_exports++;
        stage->export = *wanted;
        stage->export_head = *wanted->head;
        stage->export_counted = counted;
        stage->export_ended = ended;
        stage->export_userdata = userdata;
}

static void begin_erasing(const char *what, StoreErasedDone done, void *userdata) {
        g_assert_null(stage->erase_done);
        stage->erasing = what;
        stage->erase_done = done;
        stage->erase_userdata = userdata;
}

bool store_can_erase(Store *store) {
        return !stage->cannot_erase;
}

void store_delete(Store *store, uint64_t id, StoreErasedDone done, void *userdata) {
        stage->erase_id = id;
        begin_erasing("delete", done, userdata);
}

void store_erase_all(Store *store, uid_t owner, const char *owner_name, StoreErasedDone done, void *userdata) {
        stage->erase_owner_name = g_intern_string(owner_name);
        stage->erase_owner = owner;
        begin_erasing("all", done, userdata);
}

void store_erase_copies(Store *store, StoreErasedDone done, void *userdata) {
        begin_erasing("copies", done, userdata);
}

void stage_store_erased(int error, const StoreErased *erased) {
        StoreErasedDone done = g_steal_pointer(&stage->erase_done);

        stage->erasing = NULL;
        done(error, erased, stage->erase_userdata);
}

static char *intern(const char *text) {
        return (char *) g_intern_string(text);
}

void store_import(Store *store, const StoreImport *import, StoreImported done, void *userdata) {
        StoreSession *s = &stage->import.session;

        stage->n_imports++;
        stage->import = *import;
        s->uuid = intern(s->uuid);
        s->device_address = intern(s->device_address);
        s->device_alias = intern(s->device_alias);
        s->owner_name = intern(s->owner_name);
        s->subject = intern(s->subject);
        s->area = intern(s->area);
        s->product = intern(s->product);
        s->note = intern(s->note);
        s->source = intern(s->source);
        stage->import_done = done;
        stage->import_userdata = userdata;
}

void stage_store_labelled(int error) {
        StoreDone done = g_steal_pointer(&stage->label_done);

        if (done)
                done(error, stage->label_userdata);
}

void stage_store_answer(void) {
        stage_store_labelled(-ECANCELED);
        stage_scans_answer();
        while (queries->len > 0)
                (void) on_query(NULL, queries->pdata[0]);
}

void stage_store_init(void) {
        queries = g_ptr_array_new();
        scans = g_array_new(FALSE, FALSE, sizeof(StageScan));
}

void stage_store_done(void) {
        g_array_unref(scans);
        g_ptr_array_unref(queries);
}
