/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One record of a stream, laid out as needled/stream.h says. A draft is made on the stack once for all
 * readers; those that cannot take it at once share one copy. */

#include <stdbool.h>
#include <stdint.h>

#include "needled/figures.h"
#include "needled/frame.h"
#include "needled/omp.h"
#include "needled/stream.h"
#include "session/session.h"
#include "session/tracker.h"

/* The largest is a frame of OMP_VALUE_MAX octets. */
#define RECORD_MAX (sizeof(struct needled_stream_head) + sizeof(struct needled_stream_frame) + OMP_VALUE_MAX)

typedef struct Record {
        unsigned refs;
        uint16_t size;
        uint8_t data[];
} Record;

typedef struct RecordDraft {
        uint16_t size;
        Record *shared;         /* the copy, once somebody needed it */
        uint8_t data[RECORD_MAX] __attribute__((aligned(8)));
} RecordDraft;

void record_hello(RecordDraft *ret, const Session *session, uint64_t session_usec, uint64_t realtime_usec);
/* `area`: the session's, which stands for one that the device does not tell. */
void record_live(RecordDraft *ret, uint64_t session_usec, uint64_t realtime_usec, const TrackerLive *live, uint8_t area);
void record_waveform(RecordDraft *ret, uint64_t session_usec, uint64_t realtime_usec,
                     const OmpWaveform *waveform);
void record_event(RecordDraft *ret, uint64_t session_usec, uint64_t realtime_usec, const OmpEvent *event);
void record_alert(RecordDraft *ret, uint64_t session_usec, uint64_t realtime_usec, const Alert *alert);
void record_state(RecordDraft *ret, uint64_t session_usec, uint64_t realtime_usec, const Session *session, SessionState state,
                  Stage stage);
/* Cut at NOTE_TEXT_MAX octets, which no note exceeds. */
void record_mark(RecordDraft *ret, uint64_t session_usec, uint64_t realtime_usec, const char *text);
void record_gap(RecordDraft *ret, uint64_t realtime_usec, const SessionGap *gap);
void record_figures(RecordDraft *ret, uint64_t session_usec, uint64_t realtime_usec, const Figures *figures);
/* Cut at OMP_VALUE_MAX octets, which link never exceeds. */
void record_frame(RecordDraft *ret, uint64_t session_usec, const Frame *frame);
/* The past is over: it was to begin at `from_usec` and came up to `to_usec`. */
void record_past(RecordDraft *ret, uint64_t session_usec, uint64_t realtime_usec, uint64_t from_usec, uint64_t to_usec, bool whole);
void record_end(RecordDraft *ret, uint64_t session_usec, uint64_t realtime_usec, SessionEnd end);

bool record_is_live(const RecordDraft *draft);
/* Adds a later LIVE to an earlier one, which stands for `n` already: the newest values, with the mean of all means, the largest peak, and every
 * warning of a flag that one of them had. */
void record_merge_live(RecordDraft *into, unsigned n, const RecordDraft *next);

/* A copy of its own. */
Record *record_new(const uint8_t *data, uint16_t size);
/* A reference to the shared copy, and back. */
Record *record_share(RecordDraft *draft);
Record *record_unref(Record *record);
/* The draft is not needed any more; copies live on. */
void record_done(RecordDraft *draft);
