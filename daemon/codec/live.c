/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/cursor.h"

#define LIVE_BASE 18u /* octets before the optional fields */

/* Octets of the optional field of each presence bit. The field of bit 7 is a later minor version's. */
static const uint8_t live_field_size[] = { 2, 2, 2, 4, 4, 1, 2 };
#define LIVE_FIELDS (sizeof(live_field_size) / sizeof(live_field_size[0]))

/* "1 is read as 0" */
static uint16_t live_plain_contact(uint16_t flags) {
        if ((flags & OMP_LIVE_CONTACT_MASK) == 1u << 8)
                flags &= (uint16_t) ~OMP_LIVE_CONTACT_MASK;

        return flags;
}

int omp_live_decode(const uint8_t *data, size_t size, OmpLive *ret) {
        Cursor c = cursor_begin(data, size);
        OmpLive live = {};
        uint16_t flags;
        int r;

        flags = cursor_le16(&c);
        live.flags = live_plain_contact(flags);
        live.sequence = cursor_le16(&c);
        live.tick = cursor_le32(&c);
        live.force_mean_mn = cursor_le16s(&c);
        live.force_peak_mn = cursor_le16s(&c);
        live.strokes = cursor_le32(&c);
        live.last_stroke = cursor_le16(&c);
        if (flags & OMP_LIVE_DEPTH)
                live.depth_um = cursor_le16(&c);
        if (flags & OMP_LIVE_RATE)
                live.rate_per_min = cursor_le16(&c);
        if (flags & OMP_LIVE_CURRENT)
                live.current_ma = cursor_le16(&c);
        if (flags & OMP_LIVE_DISTANCE)
                live.distance_mm = cursor_le32(&c);
        if (flags & OMP_LIVE_CONTACT_TIME)
                live.contact_ms = cursor_le32(&c);
        if (flags & OMP_LIVE_AREA)
                live.area = cursor_u8(&c);
        if (flags & OMP_LIVE_PASSES)
                live.passes = cursor_le16(&c);

        /* A presence bit "that the receiver does not know means extra octets after the known ones": however
         * many, they end where the CRC begins. */
        r = cursor_finish(&c, flags & OMP_LIVE_CRC);
        if (r < 0)
                return r;

        *ret = live;
        return 0;
}

/* "The device leaves out optional fields from the highest bit down, and the CRC last of all." The
 * highest, bit 7, is left out in any case: its field is not ours to know. */
static uint16_t live_fit(uint16_t flags, size_t size) {
        size_t need = LIVE_BASE + (flags & OMP_LIVE_CRC ? 2 : 0);

        flags &= (uint16_t) ~(1u << LIVE_FIELDS);
        for (size_t i = 0; i < LIVE_FIELDS; i++)
                if (flags & 1u << i)
                        need += live_field_size[i];

        for (size_t i = LIVE_FIELDS; i-- > 0 && need > size;)
                if (flags & 1u << i) {
                        flags &= (uint16_t) ~(1u << i);
                        need -= live_field_size[i];
                }

        return need > size ? (uint16_t) (flags & ~OMP_LIVE_CRC) : flags;
}

int omp_live_encode(const OmpLive *live, uint8_t *buf, size_t size) {
        Writer w = writer_begin(buf, size);
        uint16_t flags = live_fit(live_plain_contact(live->flags), size);

        writer_le16(&w, flags);
        writer_le16(&w, live->sequence);
        writer_le32(&w, live->tick);
        writer_le16(&w, (uint16_t) live->force_mean_mn);
        writer_le16(&w, (uint16_t) live->force_peak_mn);
        writer_le32(&w, live->strokes);
        writer_le16(&w, live->last_stroke);
        if (flags & OMP_LIVE_DEPTH)
                writer_le16(&w, live->depth_um);
        if (flags & OMP_LIVE_RATE)
                writer_le16(&w, live->rate_per_min);
        if (flags & OMP_LIVE_CURRENT)
                writer_le16(&w, live->current_ma);
        if (flags & OMP_LIVE_DISTANCE)
                writer_le32(&w, live->distance_mm);
        if (flags & OMP_LIVE_CONTACT_TIME)
                writer_le32(&w, live->contact_ms);
        if (flags & OMP_LIVE_AREA)
                writer_u8(&w, live->area);
        if (flags & OMP_LIVE_PASSES)
                writer_le16(&w, live->passes);

        return writer_finish(&w, flags & OMP_LIVE_CRC);
}
