/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is told of a session, as records: the same whether it happens now (stream.c) or has happened and is read again (past.c). Pure: of the session
 * that is passed and nothing else, so that it can be used on any thread. Each draft is the caller's to push and to record_done(). */

#include "bus/record.h"

void fact_live(RecordDraft *ret, const Session *session, const Frame *frame, const OmpLive *live);
void fact_waveform(RecordDraft *ret, const Session *session, const Frame *frame, const OmpWaveform *waveform);
void fact_event(RecordDraft *ret, const Session *session, const Frame *frame, const OmpEvent *event);
void fact_mark(RecordDraft *ret, const Session *session, const Frame *frame, const char *text);
void fact_frame(RecordDraft *ret, const Session *session, const Frame *frame);
/* When it was raised, or cleared. */
void fact_alert(RecordDraft *ret, const Session *session, const Alert *alert);
void fact_gap(RecordDraft *ret, const Session *session, const SessionGap *gap);
/* At a time by both clocks. */
void fact_state(RecordDraft *ret, const Session *session, SessionState state, Stage stage, uint64_t now_usec, uint64_t realtime_usec);
void fact_figures(RecordDraft *ret, const Session *session, uint64_t now_usec, uint64_t realtime_usec);

typedef void (*FactSink)(RecordDraft *draft, void *userdata);

/* What somebody has to know who comes at this time: the state, the alerts that stand, the figures, and with `frames` what the device is, as the
 * record knows it from its beginning. */
void fact_greet(const Session *session, SessionState state, Stage stage, bool frames, uint64_t now_usec, uint64_t realtime_usec,
                FactSink sink, void *userdata);
