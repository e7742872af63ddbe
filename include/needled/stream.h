/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The records of a stream, as Session1.OpenStream's file descriptor carries them. docs/api.md has the same as tables, for languages
 * that do not read C.
 *
 * The fd is one end of a SOCK_SEQPACKET pair. Each message is one or more whole records, at most NEEDLED_STREAM_MESSAGE_MAX octets.
 * All numbers are little-endian, signed ones two's complement, a double IEEE 754 binary64. Members lie at multiples of their size, so
 * that no compiler pads these structs; the assertions at the end say where each is. A record is the head below, a body, for some types
 * as many more octets as the body says, and zeros up to `size`, which counts all of it and is a multiple of 8.
 *
 * How to stay compatible: bodies grow at their end only, so take what you know and go on at `size`; a body that is shorter than the
 * struct here comes from an older daemon, and what is missing is not known. Skip types that you do not know. Members named `reserved` are 0
 * and are not to be looked at; bits without a name likewise. HELLO comes first. Closing the fd ends the stream; the daemon closes
 * its end after END. */

#include <stddef.h>
#include <stdint.h>

#define NEEDLED_STREAM_MESSAGE_MAX 16384u

enum NeedledStreamType {
        NEEDLED_STREAM_HELLO = 1,
        NEEDLED_STREAM_LIVE = 2,        /* what the device measured in one interval */
        NEEDLED_STREAM_WAVEFORM = 3,    /* with the option "waveform" */
        NEEDLED_STREAM_EVENT = 4,       /* what the device told */
        NEEDLED_STREAM_ALERT = 5,       /* what the daemon warns of */
        NEEDLED_STREAM_STATE = 6,       /* at the beginning, and when the state, the stage or the limits change */
        NEEDLED_STREAM_MARK = 7,        /* a remark that a person set */
        NEEDLED_STREAM_GAP = 8,         /* something did not come from the device */
        NEEDLED_STREAM_FIGURES = 9,     /* the sums so far, once a second */
        NEEDLED_STREAM_FRAME = 10,      /* with the option "frames" */
        NEEDLED_STREAM_END = 11,        /* the last record */
        NEEDLED_STREAM_PAST = 12,       /* with the option "history": what follows is live */
};

struct needled_stream_head {
        uint16_t type;          /* enum NeedledStreamType */
        uint16_t size;          /* of the whole record, padding included */
        uint32_t dropped;       /* records that this reader missed just before this one */
        uint64_t session_usec;  /* since session time 0, the first frame kept */
        uint64_t realtime_usec; /* since the epoch, at receive */
};

struct needled_stream_hello {
        uint32_t version;       /* 1; the body may have grown all the same */
        uint32_t reserved;
        uint64_t session_id;
        uint64_t start_realtime_usec;
};

/* Bits of needled_stream_live.present: which values are known. */
#define NEEDLED_STREAM_HAS_FORCE (1u << 0)      /* force_mean_mn and force_peak_mn */
#define NEEDLED_STREAM_HAS_STROKES (1u << 1)
#define NEEDLED_STREAM_HAS_RATE (1u << 2)
#define NEEDLED_STREAM_HAS_DEPTH (1u << 3)
#define NEEDLED_STREAM_HAS_CONTACT (1u << 4)
#define NEEDLED_STREAM_HAS_AREA (1u << 5)

/* Bits of needled_stream_live.flags. */
#define NEEDLED_STREAM_IN_CONTACT (1u << 0)
#define NEEDLED_STREAM_OVERPRESSURE (1u << 1)
#define NEEDLED_STREAM_MOTOR (1u << 2)
#define NEEDLED_STREAM_SATURATED (1u << 3)
#define NEEDLED_STREAM_DEVICE_DROPPED (1u << 4)

struct needled_stream_live {
        uint32_t present;
        uint32_t flags;
        int32_t force_mean_mn;
        int32_t force_peak_mn;
        uint64_t strokes;       /* of the session so far */
        double stroke_rate;     /* per minute */
        uint32_t depth_um;
        uint8_t area;           /* number of the area, 0 unspecified */
        uint8_t reserved[3];
};

struct needled_stream_waveform { /* followed by n samples of int16_t, mN (encoding 0) or raw counts (1) */
        uint32_t period_usec;
        uint16_t n;
        uint8_t encoding;
        uint8_t channel;        /* 0 axial, 1 lateral */
};

struct needled_stream_event {
        uint8_t code;           /* of the profile, docs/profile.md */
        uint8_t severity;       /* 0 info, 1 notice, 2 warning, 3 alarm */
        uint8_t asserted;
        uint8_t reserved;
        int32_t value;
};

enum NeedledStreamState {
        NEEDLED_STREAM_STATE_OPEN,
        NEEDLED_STREAM_STATE_RUNNING,
        NEEDLED_STREAM_STATE_PAUSED,
        NEEDLED_STREAM_STATE_INTERRUPTED,
        NEEDLED_STREAM_STATE_FINISHED,
};

struct needled_stream_state {
        uint8_t state;          /* enum NeedledStreamState */
        uint8_t stage;          /* 0 none, 1 cleanse, 2 numb, 3 needling, 4 aftercare */
        uint8_t reserved[6];
        /* Where the zones good, high and over begin, in mN; all 0: nobody has set limits. */
        int32_t zone_low_mn, zone_high_mn, overpressure_mn;
        uint32_t reserved2;
};

struct needled_stream_alert { /* when one is raised, and when it is cleared */
        uint8_t code;           /* 0 overpressure, 1 time-limit, 2 depth, 3 head-worn, 4 head-reused, 5 battery-low, 6 samples-lost,
                                 * 7 clock-unset, 8 rest-not-over, 9 events-left-out */
        uint8_t level;          /* 1 notice, 2 warning, 3 alarm */
        uint8_t raised;         /* 1; 0 cleared */
        uint8_t has_value;
        int32_t value;          /* in the unit of the code: mN, s, um, strokes, uses, %, packets, events */
        uint64_t raised_usec;   /* session time */
};

struct needled_stream_mark { /* followed by `length` octets of UTF-8 */
        uint16_t length;        /* at most 255 */
        uint16_t reserved[3];
};

struct needled_stream_gap {
        uint64_t from_usec;     /* session time */
        uint64_t to_usec;
        uint32_t lost;          /* packets, 0 where the link was away */
        uint8_t stream;         /* 0 all (the link), else 1 live, 2 waveform, 3 event */
        uint8_t reserved[3];
};

/* Followed by `count` values of 8 octets, in the order of the table of figures in docs/api.md: stroke_rate a double, all others int64_t. */
struct needled_stream_figures {
        uint64_t present;       /* bit i: value i is known; the others are 0 */
        uint32_t count;         /* a later daemon has more of them */
        uint32_t reserved;
};

/* needled_stream_frame.direction, as FrameDirection. */
enum NeedledStreamDirection {
        NEEDLED_STREAM_FROM_DEVICE,
        NEEDLED_STREAM_TO_DEVICE,
        NEEDLED_STREAM_OF_LINK, /* not on the air: one octet, 0 the link is up (sequence numbers begin anew), 1 it is lost, 2 the computer
                                 * went to sleep; channel is 0 */
        NEEDLED_STREAM_OF_HOST, /* likewise: a note, docs/tape.md; channel is 0 */
};

/* Followed by `length` octets as on the air. All frames that the session keeps come, each before what follows from it: what was measured,
 * the device's Feature, what happened to the link. A reader that comes later is told the Feature at once. */
struct needled_stream_frame {
        uint8_t channel;        /* characteristic: of "omp1" by its number in docs/profile.md, else the place in the vendor profile */
        uint8_t direction;      /* enum NeedledStreamDirection */
        uint16_t length;        /* at most 512 */
        uint32_t reserved;
};

/* Between what was and what is. Records before it were made again from what is stored, with the times of then; none of them follows a second time,
 * and none is missing between. */
struct needled_stream_past {
        uint64_t from_usec;     /* session time at which it was to begin: that of HELLO */
        uint64_t to_usec;       /* up to which it came */
        uint8_t whole;          /* 1; 0: what lies behind `to_usec` could not be read in time, or the reader did not take it, or some of it is damaged.
                                 * How many records that are is not known; STATE, alerts and FIGURES of now follow */
        uint8_t reserved[7];
};

struct needled_stream_end {
        uint8_t reason;         /* 1 device, 2 user, 3 idle, 4 window, 5 shutdown, 6 discarded */
        uint8_t reserved[7];
};

#ifdef __cplusplus
#define NEEDLED_STREAM_ASSERT static_assert
#else
#define NEEDLED_STREAM_ASSERT _Static_assert
#endif
#define NEEDLED_STREAM_SIZE(type, size) NEEDLED_STREAM_ASSERT(sizeof(struct needled_stream_##type) == (size), #type)
#define NEEDLED_STREAM_AT(type, member, at) \
        NEEDLED_STREAM_ASSERT(offsetof(struct needled_stream_##type, member) == (at), #type "." #member)

NEEDLED_STREAM_SIZE(head, 24);
NEEDLED_STREAM_AT(head, type, 0);
NEEDLED_STREAM_AT(head, size, 2);
NEEDLED_STREAM_AT(head, dropped, 4);
NEEDLED_STREAM_AT(head, session_usec, 8);
NEEDLED_STREAM_AT(head, realtime_usec, 16);
NEEDLED_STREAM_SIZE(hello, 24);
NEEDLED_STREAM_AT(hello, version, 0);
NEEDLED_STREAM_AT(hello, reserved, 4);
NEEDLED_STREAM_AT(hello, session_id, 8);
NEEDLED_STREAM_AT(hello, start_realtime_usec, 16);
NEEDLED_STREAM_SIZE(live, 40);
NEEDLED_STREAM_AT(live, present, 0);
NEEDLED_STREAM_AT(live, flags, 4);
NEEDLED_STREAM_AT(live, force_mean_mn, 8);
NEEDLED_STREAM_AT(live, force_peak_mn, 12);
NEEDLED_STREAM_AT(live, strokes, 16);
NEEDLED_STREAM_AT(live, stroke_rate, 24);
NEEDLED_STREAM_AT(live, depth_um, 32);
NEEDLED_STREAM_AT(live, area, 36);
NEEDLED_STREAM_AT(live, reserved, 37);
NEEDLED_STREAM_SIZE(waveform, 8);
NEEDLED_STREAM_AT(waveform, period_usec, 0);
NEEDLED_STREAM_AT(waveform, n, 4);
NEEDLED_STREAM_AT(waveform, encoding, 6);
NEEDLED_STREAM_AT(waveform, channel, 7);
NEEDLED_STREAM_SIZE(event, 8);
NEEDLED_STREAM_AT(event, code, 0);
NEEDLED_STREAM_AT(event, severity, 1);
NEEDLED_STREAM_AT(event, asserted, 2);
NEEDLED_STREAM_AT(event, reserved, 3);
NEEDLED_STREAM_AT(event, value, 4);
NEEDLED_STREAM_SIZE(state, 24);
NEEDLED_STREAM_AT(state, state, 0);
NEEDLED_STREAM_AT(state, stage, 1);
NEEDLED_STREAM_AT(state, reserved, 2);
NEEDLED_STREAM_AT(state, zone_low_mn, 8);
NEEDLED_STREAM_AT(state, zone_high_mn, 12);
NEEDLED_STREAM_AT(state, overpressure_mn, 16);
NEEDLED_STREAM_AT(state, reserved2, 20);
NEEDLED_STREAM_SIZE(alert, 16);
NEEDLED_STREAM_AT(alert, code, 0);
NEEDLED_STREAM_AT(alert, level, 1);
NEEDLED_STREAM_AT(alert, raised, 2);
NEEDLED_STREAM_AT(alert, has_value, 3);
NEEDLED_STREAM_AT(alert, value, 4);
NEEDLED_STREAM_AT(alert, raised_usec, 8);
NEEDLED_STREAM_SIZE(mark, 8);
NEEDLED_STREAM_AT(mark, length, 0);
NEEDLED_STREAM_AT(mark, reserved, 2);
NEEDLED_STREAM_SIZE(gap, 24);
NEEDLED_STREAM_AT(gap, from_usec, 0);
NEEDLED_STREAM_AT(gap, to_usec, 8);
NEEDLED_STREAM_AT(gap, lost, 16);
NEEDLED_STREAM_AT(gap, stream, 20);
NEEDLED_STREAM_AT(gap, reserved, 21);
NEEDLED_STREAM_SIZE(figures, 16);
NEEDLED_STREAM_AT(figures, present, 0);
NEEDLED_STREAM_AT(figures, count, 8);
NEEDLED_STREAM_AT(figures, reserved, 12);
NEEDLED_STREAM_SIZE(frame, 8);
NEEDLED_STREAM_AT(frame, channel, 0);
NEEDLED_STREAM_AT(frame, direction, 1);
NEEDLED_STREAM_AT(frame, length, 2);
NEEDLED_STREAM_AT(frame, reserved, 4);
NEEDLED_STREAM_SIZE(past, 24);
NEEDLED_STREAM_AT(past, from_usec, 0);
NEEDLED_STREAM_AT(past, to_usec, 8);
NEEDLED_STREAM_AT(past, whole, 16);
NEEDLED_STREAM_AT(past, reserved, 17);
NEEDLED_STREAM_SIZE(end, 8);
NEEDLED_STREAM_AT(end, reason, 0);
NEEDLED_STREAM_AT(end, reserved, 1);

#undef NEEDLED_STREAM_ASSERT
#undef NEEDLED_STREAM_SIZE
#undef NEEDLED_STREAM_AT
