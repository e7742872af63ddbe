/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/stream-reader.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define HEAD_SIZE sizeof(struct needled_stream_head)

static uint16_t le16(const uint8_t *p) {
        uint16_t v;

        memcpy(&v, p, sizeof v);
        return le16toh(v);
}

static uint32_t le32(const uint8_t *p) {
        uint32_t v;

        memcpy(&v, p, sizeof v);
        return le32toh(v);
}

static uint64_t le64(const uint8_t *p) {
        uint64_t v;

        memcpy(&v, p, sizeof v);
        return le64toh(v);
}

static double le_double(const uint8_t *p) {
        uint64_t bits = le64(p);
        double d;

        memcpy(&d, &bits, sizeof d);
        return d;
}

static void read_hello(const uint8_t *p, struct needled_stream_hello *ret) {
        *ret = (struct needled_stream_hello) {
                .version = le32(p + offsetof(struct needled_stream_hello, version)),
                .session_id = le64(p + offsetof(struct needled_stream_hello, session_id)),
                .start_realtime_usec = le64(p + offsetof(struct needled_stream_hello, start_realtime_usec)),
        };
}

static void read_live(const uint8_t *p, struct needled_stream_live *ret) {
        *ret = (struct needled_stream_live) {
                .present = le32(p + offsetof(struct needled_stream_live, present)),
                .flags = le32(p + offsetof(struct needled_stream_live, flags)),
                .force_mean_mn = (int32_t) le32(p + offsetof(struct needled_stream_live, force_mean_mn)),
                .force_peak_mn = (int32_t) le32(p + offsetof(struct needled_stream_live, force_peak_mn)),
                .strokes = le64(p + offsetof(struct needled_stream_live, strokes)),
                .stroke_rate = le_double(p + offsetof(struct needled_stream_live, stroke_rate)),
                .depth_um = le32(p + offsetof(struct needled_stream_live, depth_um)),
                .area = p[offsetof(struct needled_stream_live, area)],
        };
}

static void read_event(const uint8_t *p, struct needled_stream_event *ret) {
        *ret = (struct needled_stream_event) {
                .code = p[offsetof(struct needled_stream_event, code)],
                .severity = p[offsetof(struct needled_stream_event, severity)],
                .asserted = p[offsetof(struct needled_stream_event, asserted)],
                .value = (int32_t) le32(p + offsetof(struct needled_stream_event, value)),
        };
}

static void read_gap(const uint8_t *p, struct needled_stream_gap *ret) {
        *ret = (struct needled_stream_gap) {
                .from_usec = le64(p + offsetof(struct needled_stream_gap, from_usec)),
                .to_usec = le64(p + offsetof(struct needled_stream_gap, to_usec)),
                .lost = le32(p + offsetof(struct needled_stream_gap, lost)),
                .stream = p[offsetof(struct needled_stream_gap, stream)],
        };
}

/* One that came before limits did is shorter. */
static void read_state(const uint8_t *p, size_t size, struct needled_stream_state *ret) {
        *ret = (struct needled_stream_state) { .state = p[0], .stage = p[1] };
        if (size < sizeof(struct needled_stream_state))
                return;

        ret->zone_low_mn = (int32_t) le32(p + offsetof(struct needled_stream_state, zone_low_mn));
        ret->zone_high_mn = (int32_t) le32(p + offsetof(struct needled_stream_state, zone_high_mn));
        ret->overpressure_mn = (int32_t) le32(p + offsetof(struct needled_stream_state, overpressure_mn));
}

static void read_alert(const uint8_t *p, struct needled_stream_alert *ret) {
        *ret = (struct needled_stream_alert) {
                .code = p[offsetof(struct needled_stream_alert, code)],
                .level = p[offsetof(struct needled_stream_alert, level)],
                .raised = p[offsetof(struct needled_stream_alert, raised)],
                .has_value = p[offsetof(struct needled_stream_alert, has_value)],
                .value = (int32_t) le32(p + offsetof(struct needled_stream_alert, value)),
                .raised_usec = le64(p + offsetof(struct needled_stream_alert, raised_usec)),
        };
}

static int read_mark(const uint8_t *p, size_t size, StreamRecord *record) {
        record->mark.text = (const char *) p + sizeof(struct needled_stream_mark);
        record->mark.length = le16(p + offsetof(struct needled_stream_mark, length));
        return record->mark.length <= size - sizeof(struct needled_stream_mark) ? 0 : -EPROTO;
}

static int read_frame(const uint8_t *p, size_t size, StreamRecord *record) {
        record->frame.head = (struct needled_stream_frame) {
                .channel = p[offsetof(struct needled_stream_frame, channel)],
                .direction = p[offsetof(struct needled_stream_frame, direction)],
                .length = le16(p + offsetof(struct needled_stream_frame, length)),
        };
        record->frame.data = p + sizeof(struct needled_stream_frame);
        return record->frame.head.length <= size - sizeof(struct needled_stream_frame) ? 0 : -EPROTO;
}

/* A newer daemon has more figures than this client knows, an older one fewer. */
static int read_figures(const uint8_t *p, size_t size, Figures *ret) {
        uint64_t present = le64(p + offsetof(struct needled_stream_figures, present));
        uint32_t count = le32(p + offsetof(struct needled_stream_figures, count));
        const uint8_t *values = p + sizeof(struct needled_stream_figures);

        if (count > (size - sizeof(struct needled_stream_figures)) / sizeof(uint64_t))
                return -EPROTO;

        *ret = (Figures) {};
        for (Figure id = 0; id < _FIGURE_MAX && id < count; id++, values += sizeof(uint64_t)) {
                if (!(present >> id & 1))
                        continue;
                if (figure_info[id].type == 'd')
                        figures_set_double(ret, id, le_double(values));
                else
                        figures_set(ret, id, (int64_t) le64(values));
        }

        return 0;
}

static size_t body_min(uint16_t type) {
        switch (type) {
        case NEEDLED_STREAM_HELLO:
                return sizeof(struct needled_stream_hello);
        case NEEDLED_STREAM_LIVE:
                return sizeof(struct needled_stream_live);
        case NEEDLED_STREAM_EVENT:
                return sizeof(struct needled_stream_event);
        case NEEDLED_STREAM_STATE:
                return offsetof(struct needled_stream_state, zone_low_mn);
        case NEEDLED_STREAM_ALERT:
                return sizeof(struct needled_stream_alert);
        case NEEDLED_STREAM_MARK:
                return sizeof(struct needled_stream_mark);
        case NEEDLED_STREAM_GAP:
                return sizeof(struct needled_stream_gap);
        case NEEDLED_STREAM_FIGURES:
                return sizeof(struct needled_stream_figures);
        case NEEDLED_STREAM_FRAME:
                return sizeof(struct needled_stream_frame);
        case NEEDLED_STREAM_END:
                return sizeof(struct needled_stream_end);
        default:
                return 0;
        }
}

static int read_body(const uint8_t *p, size_t size, StreamRecord *record) {
        if (size < body_min(record->type))
                return -EPROTO;

        record->known = true;
        switch (record->type) {
        case NEEDLED_STREAM_HELLO:
                read_hello(p, &record->hello);
                return 0;
        case NEEDLED_STREAM_LIVE:
                read_live(p, &record->live);
                return 0;
        case NEEDLED_STREAM_EVENT:
                read_event(p, &record->event);
                return 0;
        case NEEDLED_STREAM_STATE:
                read_state(p, size, &record->state);
                return 0;
        case NEEDLED_STREAM_ALERT:
                read_alert(p, &record->alert);
                return 0;
        case NEEDLED_STREAM_MARK:
                return read_mark(p, size, record);
        case NEEDLED_STREAM_GAP:
                read_gap(p, &record->gap);
                return 0;
        case NEEDLED_STREAM_FIGURES:
                return read_figures(p, size, &record->figures);
        case NEEDLED_STREAM_FRAME:
                return read_frame(p, size, record);
        case NEEDLED_STREAM_END:
                record->end = (struct needled_stream_end) { .reason = p[0] };
                return 0;
        default: /* "skip types you do not know" */
                record->known = false;
                return 0;
        }
}

int stream_reader_next(const uint8_t *data, size_t size, size_t *offset, StreamRecord *ret) {
        StreamRecord record = {};
        const uint8_t *p;
        size_t left, record_size;
        int r;

        if (*offset >= size)
                return 0;

        p = data + *offset;
        left = size - *offset;
        record_size = left < HEAD_SIZE ? 0 : le16(p + offsetof(struct needled_stream_head, size));
        if (record_size < HEAD_SIZE || record_size > left || record_size % 8 > 0) {
                *offset = size;
                return -EBADMSG;
        }

        *offset += record_size;
        record.type = le16(p + offsetof(struct needled_stream_head, type));
        record.dropped = le32(p + offsetof(struct needled_stream_head, dropped));
        record.session_usec = le64(p + offsetof(struct needled_stream_head, session_usec));
        record.realtime_usec = le64(p + offsetof(struct needled_stream_head, realtime_usec));
        r = read_body(p + HEAD_SIZE, record_size - HEAD_SIZE, &record);
        if (r < 0)
                return r;

        *ret = record;
        return 1;
}
