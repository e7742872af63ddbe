/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A conversation with a device: what was written, what came of it and how it ended, in one line of text. */

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "link/fetch.h"
#include "needled/omp-control.h"

#define SEC UINT64_C(1000000)

extern Fetch *fetch;
extern GString *said;
extern uint64_t now_usec;
extern unsigned changes;                /* of the progress */
extern bool keep_at_once;               /* each record is durable as soon as it is handed on */
extern bool trace_at_once;              /* and each trace is asked for: nothing else waits */
extern FetchMemory *memory;
extern StoredCursor handed;             /* the last that was */
extern GArray *kept_numbers;            /* uint32_t, of all that were */
extern OmpSegmenter segmenter;          /* of the device: its counter runs over a procedure */
extern const FetchOps fetch_ops;

void begin_with(const FetchOps *with, uint32_t number, uint64_t start, bool clear);
void begin(uint32_t number, uint64_t start, bool clear);
void end(const char *rest);
void again(uint32_t number, uint64_t start, bool clear); /* over another connection */
void written(int error);
void pass(uint64_t usec);

#define expect(text)                                    \
        do {                                            \
                g_assert_cmpstr(said->str, ==, (text)); \
                g_string_truncate(said, 0);             \
        } while (0)

#define response(...)                                                           \
        do {                                                                    \
                static const uint8_t _value[] = { __VA_ARGS__ };                \
                fetch_response(fetch, _value, sizeof(_value), now_usec);        \
        } while (0)

/* What the device sends. */
void procedure(void);                   /* another one begins */
uint64_t packed(uint32_t number);       /* stored_start() of this record */
/* In segments of at most `room` octets, all but those whose bit is set in `lost`. Returns their number. */
unsigned send_body(const uint8_t *body, size_t size, size_t room, uint64_t lost);
size_t make_record(uint32_t number, unsigned flags, uint8_t *body);
void record_in(uint32_t number, unsigned flags, size_t room, uint64_t lost);
void record(uint32_t number);
void chunk(uint32_t number, uint32_t first, uint8_t n, bool last, uint64_t lost);
/* The last record of the device, which comes with the answer. */
void tell_last(uint32_t number);
