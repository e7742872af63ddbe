/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Elapsed Time within a value: it stands in Clock and in session records. */

#include "codec/cursor.h"
#include "needled/omp-clock.h"

static inline OmpElapsed cursor_elapsed(Cursor *c) {
        OmpElapsed elapsed = {};

        elapsed.flags = cursor_u8(c);
        elapsed.count = cursor_le32(c);
        elapsed.count |= (uint64_t) cursor_le16(c) << 32;
        elapsed.source = cursor_u8(c);
        elapsed.offset_quarters = (int8_t) cursor_u8(c);

        return elapsed;
}

/* Bits 6 and 7 of the flags are reserved: "send 0". */
static inline void writer_elapsed(Writer *w, const OmpElapsed *elapsed) {
        writer_u8(w, elapsed->flags & ((OMP_ELAPSED_CURRENT << 1) - 1));
        writer_le32(w, (uint32_t) elapsed->count);
        writer_le16(w, (uint16_t) (elapsed->count >> 32));
        writer_u8(w, elapsed->source);
        writer_u8(w, (uint8_t) elapsed->offset_quarters);
}
