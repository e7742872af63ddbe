/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/cursor.h"

int omp_status_decode(const uint8_t *data, size_t size, OmpStatus *ret) {
        Cursor c = cursor_begin(data, size);
        OmpStatus status = {};
        int r;

        status.state = cursor_u8(&c);
        status.flags = cursor_u8(&c);
        status.session_id = cursor_le32(&c);
        status.session_seconds = cursor_le16(&c);
        status.session_strokes = cursor_le32(&c);
        status.depth_um = cursor_le16(&c);
        status.motor_per_min = cursor_le16(&c);
        status.cartridge_uses = cursor_le16(&c);

        r = cursor_finish(&c, status.flags & OMP_STATUS_CRC);
        if (r < 0)
                return r;

        *ret = status;
        return 0;
}

int omp_status_encode(const OmpStatus *status, uint8_t *buf, size_t size) {
        Writer w = writer_begin(buf, size);

        writer_u8(&w, status->state);
        writer_u8(&w, status->flags);
        writer_le32(&w, status->session_id);
        writer_le16(&w, status->session_seconds);
        writer_le32(&w, status->session_strokes);
        writer_le16(&w, status->depth_um);
        writer_le16(&w, status->motor_per_min);
        writer_le16(&w, status->cartridge_uses);

        return writer_finish(&w, status->flags & OMP_STATUS_CRC);
}
