/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/cursor.h"

/* Octet 1; bits 4–6 are reserved. */
enum {
        EVENT_SEVERITY = 3u << 0,
        EVENT_ASSERTED = 1u << 2,
        EVENT_REPLAYED = 1u << 3,
        EVENT_CRC = 1u << 7,
};

static const char *const event_names[] = {
        [OMP_EVENT_OVERPRESSURE]        = "overpressure",
        [OMP_EVENT_CONTACT_LOST]        = "contact-lost",
        [OMP_EVENT_CONTACT]             = "contact",
        [OMP_EVENT_DEPTH]               = "depth",
        [OMP_EVENT_MOTOR]               = "motor",
        [OMP_EVENT_STALL]               = "stall",
        [OMP_EVENT_SESSION_START]       = "session-start",
        [OMP_EVENT_SESSION_END]         = "session-end",
        [OMP_EVENT_TIME_LIMIT]          = "time-limit",
        [OMP_EVENT_CARTRIDGE_IN]        = "cartridge-in",
        [OMP_EVENT_CARTRIDGE_OUT]       = "cartridge-out",
        [OMP_EVENT_CARTRIDGE_WORN]      = "cartridge-worn",
        [OMP_EVENT_CARTRIDGE_REUSED]    = "cartridge-reused",
        [OMP_EVENT_BATTERY_LOW]         = "battery-low",
        [OMP_EVENT_BATTERY_CRITICAL]    = "battery-critical",
        [OMP_EVENT_CHARGER]             = "charger",
        [OMP_EVENT_BUTTON]              = "button",
        [OMP_EVENT_DROP]                = "drop",
        [OMP_EVENT_OVER_TEMPERATURE]    = "over-temperature",
        [OMP_EVENT_CLOCK_LOST]          = "clock-lost",
        [OMP_EVENT_STORAGE_NEARLY_FULL] = "storage-nearly-full",
        [OMP_EVENT_RECORD_OVERWRITTEN]  = "record-overwritten",
        [OMP_EVENT_SENSOR_FAULT]        = "sensor-fault",
        [OMP_EVENT_CALIBRATION]         = "calibration",
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
        if (code >= OMP_EVENT_VENDOR_FIRST)
                return "vendor";
        if (code < sizeof(event_names) / sizeof(event_names[0]) && event_names[code])
                return event_names[code];

        return "unknown";
}
