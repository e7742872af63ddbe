/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a device said that nobody here knows: event codes, flags, numbers without a name, characteristics. It is in the frames that are kept;
 * that it came is told once a session, by name and number, never with a measured value. */

#include <stdbool.h>
#include <stdint.h>

#include "session/packet.h"

#define UNKNOWN_MAX 16u                 /* told in a session */
#define UNKNOWN_TEXT_MAX 96u

typedef void (*UnknownTell)(const char *what, void *userdata);

typedef struct Unknown {
        unsigned n;
        uint8_t area;                   /* of the newest live value: it has been looked at */
        struct {
                uint32_t kind;
                int64_t number;
        } told[UNKNOWN_MAX];
        UnknownTell tell;
        void *userdata;
} Unknown;

void unknown_begin(Unknown *unknown, UnknownTell tell, void *userdata); /* a session */
/* `kind` and `number` make it the same as before. Text: "`name` unknown-`number`", or "`name` unknown" where the number would tell too much. */
void unknown_note(Unknown *unknown, uint32_t kind, int64_t number, const char *name, bool with_number);
/* All that is unknown in a packet of the Open Microneedling Profile. */
void unknown_look_closely(Unknown *unknown, const Frame *frame, const Packet *packet);

#define UNKNOWN_LIVE_FLAGS (1u << 7)    /* to which version 1.0 gives no meaning */

/* Most live values have nothing new. */
static inline bool unknown_may_be_in(const Unknown *unknown, const OmpLive *live) {
        return live->flags & UNKNOWN_LIVE_FLAGS || live->area != unknown->area;
}

static inline void unknown_look(Unknown *unknown, const Frame *frame, const Packet *packet) {
        if (packet->kind != PACKET_LIVE || (packet->error >= 0 && unknown_may_be_in(unknown, &packet->live)))
                unknown_look_closely(unknown, frame, packet);
}

#define UNKNOWN_KIND_FIELD 0x100u       /* of a vendor profile: this + its index */
