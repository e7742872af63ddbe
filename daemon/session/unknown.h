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
void unknown_look(Unknown *unknown, const Frame *frame, const Packet *packet);

#define UNKNOWN_LIVE_FLAGS (1u << 7)     /* of a live value: version 1.0 gives them no meaning */
#define UNKNOWN_KIND_FIELD 0x100u       /* of a vendor profile: this + its index */
