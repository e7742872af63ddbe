/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "codec/tape-private.h"
#include "needled/note.h"

#define LIMITS_SIZE (1 + 6 * 4)
#define LIMITS_WHOLE_SIZE (1 + 8 * 4)
#define ALERT_SIZE (1 + 1 + 1 + 4)

static const char *const stage_names[_STAGE_MAX] = {
        [STAGE_NONE] = "",
        [STAGE_CLEANSE] = "cleanse",
        [STAGE_NUMB] = "numb",
        [STAGE_NEEDLING] = "needling",
        [STAGE_AFTERCARE] = "aftercare",
};

static const char *const alert_names[] = {
        "overpressure", "time-limit", "depth", "head-worn", "head-reused", "battery-low", "samples-lost", "clock-unset", "rest-not-over",
        "events-left-out",
};

static uint8_t *put_u32(uint8_t *p, uint32_t v) {
        for (int i = 0; i < 4; i++)
                *p++ = (uint8_t) (v >> 8 * i);

        return p;
}

static uint32_t get_u32(const uint8_t *p) {
        return p[0] | (uint32_t) p[1] << 8 | (uint32_t) p[2] << 16 | (uint32_t) p[3] << 24;
}

static int encode_limits(const NoteLimits *l, uint8_t *p) {
        p = put_u32(p, (uint32_t) l->overpressure_mn);
        p = put_u32(p, (uint32_t) l->hysteresis_mn);
        p = put_u32(p, (uint32_t) l->zone_low_mn);
        p = put_u32(p, (uint32_t) l->zone_high_mn);
        p = put_u32(p, l->time_limit_sec);
        p = put_u32(p, l->depth_max_um);
        if (l->contact_on_mn == 0)
                return LIMITS_SIZE;
        p = put_u32(p, (uint32_t) l->contact_on_mn);
        (void) put_u32(p, (uint32_t) l->contact_off_mn);
        return LIMITS_WHOLE_SIZE;
}

static int encode_mark(const char *text, uint8_t *p) {
        size_t length = strnlen(text, NOTE_TEXT_MAX + 1);

        if (length == 0 || length > NOTE_TEXT_MAX || !tape_text_is_clean(text, length))
                return -EINVAL;

        memcpy(p, text, length);
        return 1 + (int) length;
}

int note_encode(const Note *note, uint8_t buf[static NOTE_SIZE_MAX]) {
        buf[0] = (uint8_t) note->kind;
        buf[1] = note->number;

        switch (note->kind) {
        case NOTE_LIMITS:
                return encode_limits(&note->limits, buf + 1);
        case NOTE_PAUSE:
                if (note->number >= _NOTE_PAUSE_MAX)
                        return -EINVAL;
                return note->number == NOTE_PAUSE_BY_HAND ? 1 : 2;
        case NOTE_RESUME:
                return 1;
        case NOTE_STAGE:
                return note->number < _STAGE_MAX ? 2 : -EINVAL;
        case NOTE_AREA:
                return 2;
        case NOTE_MARK:
                return encode_mark(note->text, buf + 1);
        case NOTE_ALERT:
                buf[2] = note->level;
                (void) put_u32(buf + 3, (uint32_t) note->value);
                return ALERT_SIZE;
        case _NOTE_KIND_MAX:
                break;
        }

        return -EINVAL;
}

static int decode_limits(const uint8_t *data, size_t size, NoteLimits *ret) {
        if (size < LIMITS_SIZE)
                return -EBADMSG;

        *ret = (NoteLimits) {
                .overpressure_mn = (int32_t) get_u32(data + 1),
                .hysteresis_mn = (int32_t) get_u32(data + 5),
                .zone_low_mn = (int32_t) get_u32(data + 9),
                .zone_high_mn = (int32_t) get_u32(data + 13),
                .time_limit_sec = get_u32(data + 17),
                .depth_max_um = get_u32(data + 21),
        };
        if (size >= LIMITS_WHOLE_SIZE) {
                ret->contact_on_mn = (int32_t) get_u32(data + 25);
                ret->contact_off_mn = (int32_t) get_u32(data + 29);
        }
        return 0;
}

static int decode_mark(const uint8_t *data, size_t size, char *ret) {
        const char *text = (const char *) data + 1;

        if (size < 2 || size > NOTE_SIZE_MAX || !tape_text_is_clean(text, size - 1))
                return -EBADMSG;

        memcpy(ret, text, size - 1);
        return 0;
}

/* What has one octet behind the kind. */
static int decode_number(const uint8_t *data, size_t size, unsigned end, uint8_t *ret) {
        if (size < 2)
                return -EBADMSG;
        if (data[1] >= end)
                return -EOPNOTSUPP;

        *ret = data[1];
        return 0;
}

int note_decode(const uint8_t *data, size_t size, Note *ret) {
        Note note = { 0 };
        int r = 0;

        if (size < 1)
                return -EBADMSG;
        if (data[0] >= _NOTE_KIND_MAX)
                return -EOPNOTSUPP;

        note.kind = (NoteKind) data[0];
        switch (note.kind) {
        case NOTE_LIMITS:
                r = decode_limits(data, size, &note.limits);
                break;
        case NOTE_PAUSE:
                r = size > 1 ? decode_number(data, size, _NOTE_PAUSE_MAX, &note.number) : 0;
                break;
        case NOTE_STAGE:
                r = decode_number(data, size, _STAGE_MAX, &note.number);
                break;
        case NOTE_AREA:
                r = decode_number(data, size, UINT8_MAX + 1u, &note.number);
                break;
        case NOTE_MARK:
                r = decode_mark(data, size, note.text);
                break;
        case NOTE_ALERT:
                if (size < ALERT_SIZE)
                        return -EBADMSG;
                note.number = data[1];
                note.level = data[2];
                note.value = (int32_t) get_u32(data + 3);
                break;
        case NOTE_RESUME:
        case _NOTE_KIND_MAX:
                break;
        }
        if (r < 0)
                return r;

        *ret = note;
        return 0;
}

const char *stage_name(Stage stage) {
        return stage_names[stage];
}

int stage_from_name(const char *name, Stage *ret) {
        for (unsigned i = 0; i < _STAGE_MAX; i++)
                if (strcmp(stage_names[i], name) == 0) {
                        *ret = (Stage) i;
                        return 0;
                }

        return -EINVAL;
}

const char *note_alert_name(uint8_t code) {
        return code < sizeof(alert_names) / sizeof(alert_names[0]) ? alert_names[code] : NULL;
}
