/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One frame of a device, decoded: what it holds, where it stands in its stream, and what it says about how the device is used. */

#include <stdbool.h>
#include <stdint.h>

#include "needled/frame.h"
#include "needled/omp-time.h"
#include "needled/omp.h"
#include "session/tally.h"

typedef enum FlagWay {                  /* the device's session flag comes by several ways that are not ordered with each other */
        FLAG_WAY_LIVE,
        FLAG_WAY_STATUS,
        _FLAG_WAY_MAX,
} FlagWay;

/* What a packet says about whether the device is used. */
typedef struct Signs {
        bool knows_flag, flag;          /* the device's own session */
        FlagWay way;                    /* by which it says so */
        bool use;                       /* motor running or a stroke, in contact */
        bool rest;                      /* neither flag nor use, by a value that would tell */
        bool ends;                      /* event 11 */
        bool starts;                    /* event 10 */
} Signs;

typedef enum PacketKind {
        PACKET_UNKNOWN,                 /* of a characteristic that nobody knows */
        PACKET_OTHER,                   /* of one that says nothing about a session: Clock, Control Point, … */
        PACKET_FEATURE,
        PACKET_LIVE,
        PACKET_WAVEFORM,
        PACKET_EVENT,
        PACKET_STATUS,
        _PACKET_KIND_MAX,
} PacketKind;

typedef struct Packet {
        PacketKind kind;
        int error;                      /* negative errno: malformed */
        bool numbered;                  /* `sequence` is there, and with it `arrival` */
        uint16_t sequence;
        OmpArrival arrival;             /* NEXT if it has no number */
        unsigned missing;
        bool resumed;                   /* LIVE: the time since the last one is not an interval that was seen */
        TallyStream stream;             /* TALLY_LINK: of none */
        Signs signs;
        union {
                OmpFeature feature;
                OmpLive live;
                OmpWaveform waveform;
                OmpEvent event;
                OmpStatus status;
        };
} Packet;

/* Of the Open Microneedling Profile. Leaves `arrival`, `resumed` and `signs` as those of a packet without a number. */
void packet_decode(const Frame *frame, Packet *ret);
/* Fills in the signs. `last`: the live value before this one, NULL if none is known. */
void packet_read_signs(Packet *packet, const OmpLive *last);

/* Likewise of a live value that is new. */
static inline Signs signs_of_live(const OmpLive *live, const OmpLive *last) {
        bool contact = (live->flags & OMP_LIVE_CONTACT_MASK) == OMP_LIVE_CONTACT_YES;
        bool moves = live->flags & OMP_LIVE_MOTOR || (last && live->strokes != last->strokes);
        Signs signs = { .knows_flag = true, .flag = live->flags & OMP_LIVE_SESSION, .way = FLAG_WAY_LIVE, .use = contact && moves };

        signs.rest = !signs.flag && !signs.use;
        return signs;
}

/* It has not come before, and nothing newer has. */
static inline bool packet_is_new(const Packet *p) {
        return p->error >= 0 && p->arrival != OMP_ARRIVAL_LATE && p->arrival != OMP_ARRIVAL_DUPLICATE;
}
