/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/elapsed.h"
#include "needled/omp-records.h"

#define RECORD_FLAGS ((OMP_RECORD_ALARM << 1) - 1u) /* bits 5–7 are reserved */

int omp_record_decode(const uint8_t *data, size_t size, OmpRecord *ret) {
        Cursor c = cursor_begin_within(data, size, OMP_BODY_MAX);
        uint8_t type = cursor_u8(&c);
        OmpRecord record = {};
        int r;

        record.flags = cursor_u8(&c);
        record.number = cursor_le32(&c);
        record.start = cursor_elapsed(&c);
        record.duration_sec = cursor_le16(&c);
        record.contact_sec = cursor_le16(&c);
        record.strokes = cursor_le32(&c);
        record.passes = cursor_le16(&c);
        record.distance_mm = cursor_le32(&c);
        record.force_mean_mn = cursor_le16s(&c);
        record.force_p95_mn = cursor_le16s(&c);
        record.force_peak_mn = cursor_le16s(&c);
        record.over_count = cursor_le16(&c);
        record.over_100ms = cursor_le16(&c);
        record.depth_um = cursor_le16(&c);
        record.depth_max_um = cursor_le16(&c);
        record.rate_per_min = cursor_le16(&c);
        record.area = cursor_u8(&c);
        record.cartridge_id = cursor_le32(&c);
        record.cartridge_uses = cursor_le16(&c);
        record.battery_start = cursor_u8(&c);
        record.battery_end = cursor_u8(&c);

        r = cursor_finish(&c, true);
        if (r < 0)
                return r;
        if (type != OMP_BODY_RECORD)
                return -EPROTO;

        *ret = record;
        return 0;
}

int omp_record_encode(const OmpRecord *record, uint8_t *buf, size_t size) {
        Writer w = writer_begin(buf, size);

        if (record->start.count > OMP_ELAPSED_COUNT_MAX)
                return -EINVAL;

        writer_u8(&w, OMP_BODY_RECORD);
        writer_u8(&w, record->flags & RECORD_FLAGS);
        writer_le32(&w, record->number);
        writer_elapsed(&w, &record->start);
        writer_le16(&w, record->duration_sec);
        writer_le16(&w, record->contact_sec);
        writer_le32(&w, record->strokes);
        writer_le16(&w, record->passes);
        writer_le32(&w, record->distance_mm);
        writer_le16(&w, (uint16_t) record->force_mean_mn);
        writer_le16(&w, (uint16_t) record->force_p95_mn);
        writer_le16(&w, (uint16_t) record->force_peak_mn);
        writer_le16(&w, record->over_count);
        writer_le16(&w, record->over_100ms);
        writer_le16(&w, record->depth_um);
        writer_le16(&w, record->depth_max_um);
        writer_le16(&w, record->rate_per_min);
        writer_u8(&w, record->area);
        writer_le32(&w, record->cartridge_id);
        writer_le16(&w, record->cartridge_uses);
        writer_u8(&w, record->battery_start);
        writer_u8(&w, record->battery_end);

        return writer_finish(&w, true);
}
