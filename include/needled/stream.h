/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The records of a stream, as Session1.OpenStream's file descriptor carries them.
 *
 * The fd is one end of a SOCK_SEQPACKET pair. Each message is one or more whole records, at most NEEDLED_STREAM_MESSAGE_MAX octets.
 * All numbers are little-endian. A record is the head below and a body; `size` counts head, body and padding and is a multiple
 * of 8. Bodies grow at their end only: take what you know, skip to `size`; skip types you do not know. HELLO comes first.
 * Closing the fd ends the stream; the daemon closes its end after END. */

#include <stdint.h>

#define NEEDLED_STREAM_MESSAGE_MAX 16384u

enum NeedledStreamType {
        NEEDLED_STREAM_HELLO = 1,
        NEEDLED_STREAM_LIVE = 2,
        NEEDLED_STREAM_WAVEFORM = 3,
        NEEDLED_STREAM_EVENT = 4,
        NEEDLED_STREAM_ALERT = 5,
        NEEDLED_STREAM_STATE = 6,
        NEEDLED_STREAM_MARK = 7,
        NEEDLED_STREAM_GAP = 8,
        NEEDLED_STREAM_FIGURES = 9,
        NEEDLED_STREAM_FRAME = 10,
        NEEDLED_STREAM_END = 11,
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
        int32_t value;          /* in the unit of the code: mN, s, um, strokes, uses, %, packets */
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

struct needled_stream_figures { /* followed by `count` values of 8 octets, in the order of include/needled/figures.h */
        uint64_t present;       /* bit i: value i is known */
        uint32_t count;
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

struct needled_stream_end {
        uint8_t reason;         /* 1 device, 2 user, 3 idle, 4 window, 5 shutdown, 6 discarded */
        uint8_t reserved[7];
};

_Static_assert(sizeof(struct needled_stream_head) == 24, "head");
_Static_assert(sizeof(struct needled_stream_hello) == 24, "hello");
_Static_assert(sizeof(struct needled_stream_live) == 40, "live");
_Static_assert(sizeof(struct needled_stream_waveform) == 8, "waveform");
_Static_assert(sizeof(struct needled_stream_event) == 8, "event");
_Static_assert(sizeof(struct needled_stream_state) == 24, "state");
_Static_assert(sizeof(struct needled_stream_alert) == 16, "alert");
_Static_assert(sizeof(struct needled_stream_mark) == 8, "mark");
_Static_assert(sizeof(struct needled_stream_gap) == 24, "gap");
_Static_assert(sizeof(struct needled_stream_figures) == 16, "figures");
_Static_assert(sizeof(struct needled_stream_frame) == 8, "frame");
_Static_assert(sizeof(struct needled_stream_end) == 8, "end");
