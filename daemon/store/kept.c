/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/kept.h"

#include <string.h>

#define TEXT_MAX 16384u                 /* octets of one */
#define SESSIONS_MAX 256u               /* at a time: far more than a host has devices */

/* ---- What is not a number ---- */

static void put_text(GByteArray *to, const char *text) {
        g_byte_array_append(to, (const uint8_t *) (text ?: ""), (guint) strlen(text ?: "") + 1);
}

/* *p is behind it then; NULL: there is none. */
static char *get_text(const uint8_t **p, const uint8_t *end) {
        const uint8_t *zero = *p < end ? memchr(*p, '\0', MIN((size_t) (end - *p), TEXT_MAX)) : NULL;
        char *text;

        if (!zero || !g_utf8_validate((const char *) *p, zero - *p, NULL))
                return NULL;
        text = g_strdup((const char *) *p);
        *p = zero + 1;
        return text;
}

typedef struct BeginNumbers {
        uint64_t start_boottime_usec, start_realtime_usec;
        int64_t utc_offset_sec;
        uint32_t owner, acknowledged;
} BeginNumbers;

/* What goes into the ring as it lies in memory; of structs with pointers in them the size is a computer's of 64 bits. */
#define IS_64_BIT (sizeof(void *) == 8)
G_STATIC_ASSERT(RING_VERSION == 1 && sizeof(BeginNumbers) == 32 && sizeof(StoreGap) == 32 && JOB_FRAME_HEAD == 20);
G_STATIC_ASSERT(RING_VERSION == 1 && sizeof(Figures) == 264 && _FIGURE_MAX == 32 && _STORE_METRIC_MAX == 3);
G_STATIC_ASSERT(RING_VERSION == 1 && (!IS_64_BIT || (sizeof(StoreEvent) == 48 && sizeof(StoreEnd) == 40 && sizeof(StoreBurial) == 24)));

/* In this order. */
#define BEGIN_TEXTS(s) \
        { &(s)->uuid, &(s)->device_address, &(s)->device_alias, &(s)->profile, &(s)->channels, &(s)->owner_name, &(s)->boot_id, &(s)->subject, \
          &(s)->area, &(s)->product, &(s)->note }
#define N_BEGIN_TEXTS 11u
G_STATIC_ASSERT(RING_VERSION == 1 && N_BEGIN_TEXTS == 11);

static void put_begin(GByteArray *to, StoreSession *s) {
        char **const texts[N_BEGIN_TEXTS] = BEGIN_TEXTS(s);
        BeginNumbers numbers = {
                .start_boottime_usec = s->start_boottime_usec,
                .start_realtime_usec = s->start_realtime_usec,
                .utc_offset_sec = s->utc_offset_sec,
                .owner = s->owner,
                .acknowledged = s->acknowledged,
        };

        g_byte_array_append(to, (const uint8_t *) &numbers, sizeof(numbers));
        for (size_t i = 0; i < N_BEGIN_TEXTS; i++)
                put_text(to, *texts[i]);
}

static bool get_begin(const RingRecord *record, StoreSession *s) {
        char **const texts[N_BEGIN_TEXTS] = BEGIN_TEXTS(s);
        const uint8_t *p = record->data, *end = p + record->size;
        BeginNumbers numbers;

        if (record->size < sizeof(numbers))
                return false;
        memcpy(&numbers, p, sizeof(numbers));
        p += sizeof(numbers);
        *s = (StoreSession) {
                .id = record->session,
                .start_boottime_usec = numbers.start_boottime_usec,
                .start_realtime_usec = numbers.start_realtime_usec,
                .utc_offset_sec = (int) numbers.utc_offset_sec,
                .owner = numbers.owner,
                .acknowledged = numbers.acknowledged != 0,
        };
        for (size_t i = 0; i < N_BEGIN_TEXTS; i++)
                if (!(*texts[i] = get_text(&p, end)))
                        return false;
        return p == end && numbers.start_boottime_usec == record->start_boottime_usec;
}

/* ---- Numbers as they are, a text behind them ---- */

static void put_end(GByteArray *to, const StoreEnd *end) {
        StoreEnd numbers = *end;
        uint8_t has_figures = end->figures != NULL;

        numbers.reason = NULL;
        numbers.figures = NULL;
        g_byte_array_append(to, (const uint8_t *) &numbers, sizeof(numbers));
        g_byte_array_append(to, &has_figures, 1);
        if (has_figures)
                g_byte_array_append(to, (const uint8_t *) end->figures, sizeof(*end->figures));
        put_text(to, end->reason);
}

static bool get_end(const RingRecord *record, StoreEnd *ret) {
        const uint8_t *p = record->data, *end = p + record->size;
        bool has_figures;

        if (record->size < sizeof(*ret) + 1)
                return false;
        memcpy(ret, p, sizeof(*ret));
        p += sizeof(*ret);
        ret->reason = NULL;
        ret->figures = NULL;
        has_figures = *p++ != 0;
        if (has_figures && (size_t) (end - p) < sizeof(*ret->figures))
                return false;
        if (has_figures) {
                ret->figures = g_memdup2(p, sizeof(*ret->figures));
                p += sizeof(*ret->figures);
        }
        ret->reason = get_text(&p, end);
        return ret->reason && p == end;
}

static void put_event(GByteArray *to, const StoreEvent *event) {
        StoreEvent numbers = *event;

        numbers.text = NULL;
        g_byte_array_append(to, (const uint8_t *) &numbers, sizeof(numbers));
        if (event->text)
                put_text(to, event->text);
}

static bool get_event(const RingRecord *record, StoreEvent *ret) {
        const uint8_t *p = record->data, *end = p + record->size;

        if (record->size < sizeof(*ret) || p[offsetof(StoreEvent, asserted)] > 1)
                return false;
        memcpy(ret, p, sizeof(*ret));
        p += sizeof(*ret);
        ret->text = p < end ? get_text(&p, end) : NULL;
        return p == end;
}

static void put_burial(GByteArray *to, const StoreBurial *burial) {
        StoreBurial numbers = *burial;

        numbers.device_address = NULL;
        g_byte_array_append(to, (const uint8_t *) &numbers, sizeof(numbers));
        put_text(to, burial->device_address);
}

static bool get_burial(const RingRecord *record, StoreBurial *ret) {
        const uint8_t *p = record->data, *end = p + record->size;

        if (record->size < sizeof(*ret))
                return false;
        memcpy(ret, p, sizeof(*ret));
        p += sizeof(*ret);
        ret->device_address = get_text(&p, end);
        return ret->device_address && p == end;
}

/* One frame as a piece has it, all of it. */
static bool get_frame(const RingRecord *record, Piece *ret) {
        const uint8_t *p = record->data;
        size_t size = JOB_FRAME_HEAD;
        Frame frame;

        if (record->size < size)
                return false;
        memcpy(&frame, p, JOB_FRAME_HEAD);
        size += frame.size;
        if (frame.direction & JOB_FRAME_SAMPLED) {
                if (record->size <= size || p[size] >> _STORE_METRIC_MAX != 0)
                        return false;
                size += 1 + (size_t) __builtin_popcount(p[size]) * 2 * sizeof(int32_t);
        }
        if (size != record->size || (frame.direction & ~JOB_FRAME_SAMPLED) > FRAME_OF_HOST)
                return false;
        *ret = (Piece) {
                .data = g_memdup2(p, size),
                .size = size,
                .allocated = size,
                .n_frames = 1,
                .start_boottime_usec = record->start_boottime_usec,
        };
        return true;
}

static const JobType types[_RING_KIND_MAX] = {
        [RING_BEGIN] = JOB_BEGIN,
        [RING_FRAME] = JOB_PIECE,
        [RING_GAP] = JOB_GAP,
        [RING_EVENT] = JOB_EVENT,
        [RING_END] = JOB_END,
        [RING_DISCARD] = JOB_DISCARD,
};

/* _RING_KIND_MAX: it is left alone. */
static RingKind kind_of(JobType type) {
        RingKind kind = RING_BEGIN;

        while (kind < _RING_KIND_MAX && types[kind] != type)
                kind++;
        return kind;
}

void kept_put(Ring *ring, uint64_t start_boottime_usec, const Job *job) {
        g_autoptr(GByteArray) octets = g_byte_array_new();
        RingKind kind = kind_of(job->type);

        switch (kind) {
        case RING_BEGIN:
                put_begin(octets, job->begin);
                break;
        case RING_GAP:
                g_byte_array_append(octets, (const uint8_t *) &job->gap, sizeof(job->gap));
                break;
        case RING_EVENT:
                put_event(octets, &job->event);
                break;
        case RING_END:
                put_end(octets, &job->end);
                break;
        case RING_DISCARD:
                put_burial(octets, &job->burial);
                break;
        case RING_FRAME:                /* frame by frame, as they come */
        case _RING_KIND_MAX:
                return;
        }
        ring_put(ring, kind, job->session, start_boottime_usec, octets->data, octets->len);
}

static bool fill(Job *job, const RingRecord *record) {
        switch (record->kind) {
        case RING_BEGIN:
                job->begin = g_new0(StoreSession, 1);
                return get_begin(record, job->begin);
        case RING_FRAME:
                return get_frame(record, &job->piece);
        case RING_GAP:
                if (record->size != sizeof(job->gap))
                        return false;
                memcpy(&job->gap, record->data, sizeof(job->gap));
                return true;
        case RING_EVENT:
                return get_event(record, &job->event);
        case RING_END:
                return get_end(record, &job->end);
        case RING_DISCARD:
                return get_burial(record, &job->burial);
        case _RING_KIND_MAX:
                break;
        }
        return false;
}

Job *kept_job(const RingRecord *record) {
        Job *job = job_new(types[record->kind], record->session);

        return fill(job, record) ? job : job_free(job);
}

/* ---- All of it ---- */

/* A frame behind another of the same session goes into its piece. */
static bool is_added(JobList *jobs, const Job *job) {
        Job *last = TAILQ_LAST(jobs, JobList);
        Piece *to = last ? &last->piece : NULL;

        if (!last || last->type != JOB_PIECE || job->type != JOB_PIECE || last->session != job->session || to->size >= JOB_PIECE_MAX)
                return false;
        piece_reserve(to, job->piece.size);
        memcpy(to->data + to->size, job->piece.data, job->piece.size);
        to->size += job->piece.size;
        to->n_frames += job->piece.n_frames;
        return true;
}

/* The same session as the others of this id; the first one says which it is. */
static bool fits(GArray *sessions, const RingRecord *record) {
        KeptSession session = { record->session, record->start_boottime_usec };

        for (unsigned i = 0; i < sessions->len; i++) {
                const KeptSession *known = &g_array_index(sessions, KeptSession, i);

                if (known->id == session.id)
                        return known->start_boottime_usec == session.start_boottime_usec;
        }
        if (sessions->len == SESSIONS_MAX)
                return false;
        g_array_append_val(sessions, session);
        return true;
}

/* What gave way while nothing could be written. */
static void note_evicted(const Ring *ring, Kept *kept) {
        JobList *jobs = TAILQ_EMPTY(&kept->promised) ? &kept->jobs : &kept->promised;
        uint64_t n = ring_evicted(ring);
        Job *gap;

        if (n == 0 || TAILQ_EMPTY(jobs))
                return;
        gap = job_new(JOB_GAP, TAILQ_FIRST(jobs)->session);
        gap->gap.lost = n;
        TAILQ_INSERT_HEAD(jobs, gap, entry);
}

void kept_read(const Ring *ring, Kept *ret) {
        uint64_t position = ring_tail(ring);
        RingRecord record;
        bool before;

        *ret = (Kept) { .promise = ring_promised(ring), .upto = ring_head(ring) };
        TAILQ_INIT(&ret->promised);
        TAILQ_INIT(&ret->jobs);
        ret->sessions = g_array_new(FALSE, FALSE, sizeof(KeptSession));
        while (before = position < ret->promise.upto, ring_next(ring, &position, &record) > 0) {
                JobList *to = before ? &ret->promised : &ret->jobs;
                Job *job = fits(ret->sessions, &record) ? kept_job(&record) : NULL;

                if (job && is_added(to, job))
                        job = job_free(job);
                if (job)
                        TAILQ_INSERT_TAIL(to, job, entry);
        }
        note_evicted(ring, ret);
}

bool kept_has_any(const Kept *kept) {
        return kept->sessions && (!TAILQ_EMPTY(&kept->promised) || !TAILQ_EMPTY(&kept->jobs));
}

void kept_free_jobs(JobList *jobs) {
        Job *job;

        while ((job = TAILQ_FIRST(jobs))) {
                TAILQ_REMOVE(jobs, job, entry);
                (void) job_free(job);
        }
}

void kept_join(Kept *kept, bool promised) {
        Job *job;

        if (!promised)
                kept_free_jobs(&kept->promised);
        while ((job = TAILQ_LAST(&kept->promised, JobList))) {
                TAILQ_REMOVE(&kept->promised, job, entry);
                TAILQ_INSERT_HEAD(&kept->jobs, job, entry);
        }
        kept->promise.upto = 0;
}

void kept_again(Kept *kept, const Ring *ring) {
        RingPromise promise = ring_promised(ring);

        if (promise.upto != kept->upto)
                return;
        kept->promise = promise;
        TAILQ_CONCAT(&kept->promised, &kept->jobs, entry);
}

void kept_done(Kept *kept) {
        if (!kept->sessions)
                return;
        kept_free_jobs(&kept->promised);
        kept_free_jobs(&kept->jobs);
        g_clear_pointer(&kept->sessions, g_array_unref);
}
