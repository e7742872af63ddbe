/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The records of a stream (needled/stream.h) out of the messages they come in. Pure; trusts no length. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "needled/figures.h"
#include "needled/stream.h"

typedef struct StreamRecord {
        uint16_t type;          /* enum NeedledStreamType, or a number that this client does not know */
        bool known;             /* the body below was read: its type is known to this client */
        uint32_t dropped;       /* records that this reader missed just before this one */
        uint64_t session_usec;
        uint64_t realtime_usec;
        union {
                struct needled_stream_hello hello;
                struct needled_stream_live live;
                struct needled_stream_event event;
                struct needled_stream_state state;
                struct needled_stream_gap gap;
                struct {
                        struct needled_stream_frame head;
                        const uint8_t *data; /* head.length octets of the message */
                } frame;
                struct needled_stream_end end;
                struct needled_stream_alert alert;
                struct {
                        const char *text; /* of the message or the tape, without an end */
                        size_t length;
                } mark;
                Figures figures; /* those that this client knows */
        };
} StreamRecord;

/* Takes the record at *offset of a message and moves *offset behind it. Begin with 0.
 * Returns 1 with a record, 0 at the end.
 *   -EPROTO   this record's body is shorter than its type has to be: go on with the next
 *   -EBADMSG  no head, or a size that cannot be: nothing more can be read, *offset is at the end */
int stream_reader_next(const uint8_t *data, size_t size, size_t *offset, StreamRecord *ret);
