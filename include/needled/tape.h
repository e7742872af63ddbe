/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tapes: frames with their times, as text; docs/tape.md is the format. One line each, so that a tape can be read, edited by hand and kept
 * under git. Pure functions on libc, one line at a time: who calls them reads and writes the files.
 *
 *     needled-tape 1
 *     profile omp1
 *     device pen
 *     clock 2026-08-22T18:30:00.000000Z
 *     channel 2 waveform 95840103-2319-423b-8a8e-ee1ffb8d13f8
 *     # comment
 *     0.000000 ! up
 *     0.000412 < status 03 1f 39 00 00 00 38 01 e4 70 00 00 f4 01 58 1b 01 00
 *     0.100731 +0.000002 < live 01 1b 02 01 4e 61 bc 00 52 03 96 05 40 e2 01 00 26 61 f4 01
 *     3.200000 % area cheek-left
 *     3.250000 * the hand slipped here
 *     9.700000 = device
 *
 * A line is: seconds since the tape's time 0 by CLOCK_BOOTTIME; if it is not zero, how far the wall clock was off `clock` plus that, signed;
 * what (< from the device, > to the device, ! the link, % a note of the host, * a mark, = the end of the session and why); which characteristic; its octets. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "needled/frame.h"

#define TAPE_VERSION 1
#define TAPE_LINE_MAX 2048u             /* octets of a line with its end; a value of 512 octets takes 1,536 */
#define TAPE_HEAD_MAX 4096u              /* octets of a whole head, with all channels */
#define TAPE_CHANNELS_MAX 32u
#define TAPE_NAME_MAX 32u               /* of a characteristic */
#define TAPE_TEXT_MAX 256u              /* a mark, a header's value */

typedef struct TapeChannel {
        uint8_t channel;                /* Frame.channel */
        char name[TAPE_NAME_MAX + 1];   /* "live", or the alias in the vendor profile: [a-z0-9-]+ */
        char uuid[37];                  /* lower case; "" for what has none (manufacturer data) */
} TapeChannel;

typedef struct TapeHead {               /* what the lines before the first frame say */
        char profile[TAPE_TEXT_MAX];    /* "omp1" or a vendor profile's id */
        char device[TAPE_TEXT_MAX];     /* a label for people, "" */
        char session[37];               /* UUID of the session that it was exported from, "" */
        uint64_t start_realtime_usec;   /* the wall clock at time 0; 0 unknown */
        TapeChannel channels[TAPE_CHANNELS_MAX]; /* those of OMP are known without a line */
        size_t n_channels;
} TapeHead;

typedef enum TapeItem {
        TAPE_NOTHING,                   /* empty line, comment, a line of the head */
        TAPE_FRAME,
        TAPE_MARK,                      /* tape_frame() gives it as a note, unless its text is empty: then size is 0 */
        TAPE_END,
} TapeItem;

typedef struct TapeLine {
        TapeItem item;
        uint64_t time_usec;             /* since time 0 */
        int64_t wall_offset_usec;
        uint8_t direction;              /* FrameDirection */
        uint8_t channel;
        uint16_t size;
        uint8_t data[512];
        char text[TAPE_TEXT_MAX];       /* of a mark, of an end (as Session1.EndReason) */
} TapeLine;

typedef struct TapeReader {
        TapeHead head;
        unsigned line;                  /* number of the line that was read last, from 1 */
        bool begun;                     /* the first line was there: it is a tape */
        bool in_body;                   /* frames have come: the head is whole */
        bool ended;                     /* the end of the session has come: only comments may follow */
        uint64_t last_usec;
        const char *error;              /* after an error: what is wrong, a static sentence without an end stop */
} TapeReader;

void tape_reader_init(TapeReader *reader);
/* Takes the next line, with or without its line end. -EBADMSG: reader->error says why, reader->line where; what came before is good, and
 * nothing can be read after it. -EOPNOTSUPP: a later version of the format (only in the first line). */
int tape_read(TapeReader *reader, const char *line, size_t size, TapeLine *ret);
/* As a frame: boot time and wall clock (0 if the head has no clock) as they were, with time 0 at base_boottime_usec. The data are the line's. */
Frame tape_frame(const TapeReader *reader, const TapeLine *line, uint64_t base_boottime_usec);

/* The way back, lines with their ends; all return the length without the NUL, or -ENOSPC, or -EINVAL for what no tape can hold: a frame
 * from before time 0, control characters in a text, a channel that is there twice. What is written is what tape_read() reads, octet for octet. */
int tape_format_head(const TapeHead *head, char *buf, size_t size); /* several lines */
int tape_format_frame(const TapeHead *head, const Frame *frame, uint64_t base_boottime_usec, char *buf, size_t size);
int tape_format_mark(uint64_t time_usec, int64_t wall_offset_usec, const char *text, char *buf, size_t size);
int tape_format_end(uint64_t time_usec, int64_t wall_offset_usec, const char *reason, char *buf, size_t size);

/* The name of a channel on a tape: as its head says, for OMP omp_char_name(); "channel-<n>" if it has none. */
const char *tape_channel_name(const TapeHead *head, uint8_t channel, char buf[static TAPE_NAME_MAX + 1]);
