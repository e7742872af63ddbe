/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A store in a folder of its own, what it said, and frames that can be told apart. */

#include <glib.h>
#include <stdbool.h>

#include "store/store.h"

#define FIXTURE_START_BOOTTIME UINT64_C(5000000000)
#define FIXTURE_START_REALTIME UINT64_C(1700000000000000)
#define FIXTURE_FRAME_USEC UINT64_C(2500)       /* 400 a second */
#define FIXTURE_FRAME_SIZE 60u
#define FIXTURE_LENGTH_USEC UINT64_C(60000000)  /* of a session that fixture_end() ends */
/* Under the address or thread sanitizer, where a start of the store takes many times as long, the long sweeps do about a tenth. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || g_macro__has_feature(address_sanitizer) || g_macro__has_feature(thread_sanitizer)
#define FIXTURE_SANITIZED true
#else
#define FIXTURE_SANITIZED false
#endif
#define FIXTURE_CHANNELS "1=95840102-2319-423b-8a8e-ee1ffb8d13f8;2=95840103-2319-423b-8a8e-ee1ffb8d13f8"

typedef struct FixtureFrame {
        Frame frame;
        uint8_t data[512];
} FixtureFrame;

typedef struct FixtureSession {
        uint64_t id;
        char *uuid, *alias, *subject, *channels;
        size_t n_frames;
        FixtureFrame *frames;
} FixtureSession;

typedef struct Fixture {
        char *dir, *path;
        Store *store;
        StoreDecoder decoder;   /* none if not set before the start */
        Ring *ring;             /* likewise; the test's */
        uint64_t collect_usec;  /* instead of 100 ms, 0: as it is */
        bool opened;
        uint64_t next_session_id;
        bool taken_in;          /* the ring had something */
        uint64_t ended;         /* the last session that was over only there; 0: none */
        GPtrArray *devices;     /* "path alias" each, "path alias until 17…" of one that is released */
        GPtrArray *personal;    /* "plan of 1000 for X: 1 2 3 4 5 6", "1000 acknowledged V at T" each */
        FixtureSession *sessions;
        size_t n_sessions;
        GString *states;        /* names, a space after each */
        GString *reasons;       /* likewise, one a line */
        GPtrArray *put_aside;
        int error;              /* of the last answer */
        bool answered;
        StoreSession *listed;
        size_t n_listed;
        StoreErased erased;     /* of the last erasure that was answered */
        unsigned n_late;        /* records that were answered before they were durable; of the newest: */
        uint64_t late_id;
        StoreRecordFate late_fate;
        StoreCursor late_cursor;
        GArray *retired;        /* uint64_t: ids that observers were told of */
} Fixture;

typedef bool (*FixtureCondition)(Fixture *fixture, uint64_t value);

/* Makes the folder; the store is started by fixture_start(), on `path`. */
void fixture_init(Fixture *fixture);
void fixture_done(Fixture *fixture);
/* Until `opened` was told. */
void fixture_start(Fixture *fixture);
void fixture_start_only(Fixture *fixture);
void fixture_stop(Fixture *fixture);
/* Dispatches until it holds; fails the test after a minute. */
void fixture_wait(Fixture *fixture, FixtureCondition condition, uint64_t value);
bool fixture_is_opened(Fixture *fixture, uint64_t value);
bool fixture_is_answered(Fixture *fixture, uint64_t value);
bool fixture_has_committed(Fixture *fixture, uint64_t n_frames);
bool fixture_is_in_state(Fixture *fixture, uint64_t state);
bool fixture_has_put_aside(Fixture *fixture, uint64_t n);

void fixture_begin(Fixture *fixture, uint64_t id);
void fixture_begin_full(Fixture *fixture, uint64_t id, uint64_t start_usec, const char *device,
                        const char *subject, uid_t owner);
/* Frame number i of a session: its octets follow from both. */
void fixture_make_frame(FixtureFrame *ret, uint64_t session, uint64_t i);
void fixture_record(Fixture *fixture, uint64_t session, uint64_t from, uint64_t n);
/* Ends it and waits for the answer, which is returned. */
int fixture_end(Fixture *fixture, uint64_t session);
int fixture_discard(Fixture *fixture, uint64_t session);
int fixture_label(Fixture *fixture, uint64_t session, const StoreLabels *labels);
int fixture_plan(Fixture *fixture, const StorePlan *plan);
int fixture_acknowledge(Fixture *fixture, uid_t owner, const char *version, uint64_t realtime_usec);
int fixture_list(Fixture *fixture, const StoreFilter *filter);
int fixture_get(Fixture *fixture, uint64_t id);

/* These wait for the answer too, and return it. */
int fixture_delete(Fixture *fixture, uint64_t session);
int fixture_erase_all(Fixture *fixture, uid_t owner);
int fixture_erase_copies(Fixture *fixture);
void fixture_on_erased(int error, const StoreErased *erased, void *fixture);
/* Waits until nothing is left of sessions that nobody sees. */
void fixture_sweep(Fixture *fixture);
/* Frames 0 … n - 1 of that session as a tape, or as one that is cut short. `turn` is called while it is taken in. */
int fixture_import(Fixture *fixture, uint64_t id, uint64_t n_frames, bool whole, void (*turn)(void *userdata), void *userdata);
/* The session is there with exactly these; without any, not at all. */
void fixture_assert_imported(Fixture *fixture, uint64_t id, uint64_t n_frames);
/* Whether these octets are in any file of the folder. */
bool fixture_any_file_has(Fixture *fixture, const void *needle, size_t size);

/* All frames of a session, in order, from the file itself; needs no store. */
FixtureFrame *fixture_read_frames(const char *path, uint64_t session, size_t *ret_n);
void fixture_assert_frames(const FixtureFrame *frames, size_t n, uint64_t session, uint64_t from);
/* The first column of the first row, from the file itself. */
int64_t fixture_query(const char *path, const char *sql);
char *fixture_query_text(const char *path, const char *sql);
