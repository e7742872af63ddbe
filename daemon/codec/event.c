/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/cursor.h"
#include "needled/omp-words.h"

/* Octet 1. */
enum {
        EVENT_SEVERITY = 3u << 0,
        EVENT_ASSERTED = 1u << 2,
        EVENT_REPLAYED = 1u << 3,
        EVENT_RESERVED = 7u << 4,
        EVENT_CRC = 1u << 7,
};

int omp_event_decode(const uint8_t *data, size_t size, OmpEvent *ret) {
        Cursor c = cursor_begin(data, size);
        OmpEvent event = {};
        uint8_t flags;
        int r;

        event.code = cursor_u8(&c);
        flags = cursor_u8(&c);
        event.severity = flags & EVENT_SEVERITY;
        event.asserted = flags & EVENT_ASSERTED;
        event.replayed = flags & EVENT_REPLAYED;
        event.crc = flags & EVENT_CRC;
        event.reserved = flags & EVENT_RESERVED;
        event.sequence = cursor_le16(&c);
        event.tick = cursor_le32(&c);
        event.value = (int32_t) cursor_le32(&c);

        r = cursor_finish(&c, event.crc);
        if (r < 0)
                return r;

        *ret = event;
        return 0;
}

int omp_event_encode(const OmpEvent *event, uint8_t *buf, size_t size) {
        Writer w = writer_begin(buf, size);

        if (event->severity > EVENT_SEVERITY)
                return -EINVAL;

        writer_u8(&w, event->code);
        writer_u8(&w, (uint8_t) (event->severity |
                                 (event->asserted ? EVENT_ASSERTED : 0) |
                                 (event->replayed ? EVENT_REPLAYED : 0) |
                                 (event->crc ? EVENT_CRC : 0)));
        writer_le16(&w, event->sequence);
        writer_le32(&w, event->tick);
        writer_le32(&w, (uint32_t) event->value);

        return writer_finish(&w, event->crc);
}

const char *omp_event_name(uint8_t code) {
        const char *name = omp_name(OMP_WORDS_EVENT, code);

        if (name)
                return name;

        return code >= OMP_EVENT_VENDOR_FIRST ? "vendor" : "unknown";
}
