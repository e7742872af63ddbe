/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/unknown.h"

#include <glib.h>

typedef enum UnknownKind {
        UNKNOWN_CHARACTERISTIC,
        UNKNOWN_FEATURE_FLAG,
        UNKNOWN_FEATURE_KIND,
        UNKNOWN_LIVE_FLAG,
        UNKNOWN_LIVE_AREA,
        UNKNOWN_WAVEFORM_ENCODING,
        UNKNOWN_WAVEFORM_CHANNEL,
        UNKNOWN_EVENT,
        UNKNOWN_EVENT_FLAG,
        UNKNOWN_STATUS_STATE,
        _UNKNOWN_KIND_MAX,
} UnknownKind;

static const char *const kind_names[_UNKNOWN_KIND_MAX] = {
        [UNKNOWN_CHARACTERISTIC] = "characteristic",
        [UNKNOWN_FEATURE_FLAG] = "feature flag",
        [UNKNOWN_FEATURE_KIND] = "feature kind",
        [UNKNOWN_LIVE_FLAG] = "live flag",
        [UNKNOWN_LIVE_AREA] = "live area",
        [UNKNOWN_WAVEFORM_ENCODING] = "waveform encoding",
        [UNKNOWN_WAVEFORM_CHANNEL] = "waveform channel",
        [UNKNOWN_EVENT] = "event",
        [UNKNOWN_EVENT_FLAG] = "event flag",
        [UNKNOWN_STATUS_STATE] = "status state",
};

/* What version 1.0 gives a meaning to. */
#define FEATURE_BITS ((OMP_FEATURE_CONTACT_STROKES << 1) - 1u)
#define EVENT_RESERVED (7u << 4)        /* of its octet 1 */
#define WAVEFORM_CHANNELS 2u

void unknown_begin(Unknown *u, UnknownTell tell, void *userdata) {
        *u = (Unknown) { .tell = tell, .userdata = userdata };
}

void unknown_note(Unknown *u, uint32_t kind, int64_t number, const char *name, bool with_number) {
        char text[UNKNOWN_TEXT_MAX];

        for (unsigned i = 0; i < u->n; i++)
                if (u->told[i].kind == kind && u->told[i].number == number)
                        return;
        if (u->n >= UNKNOWN_MAX)
                return;

        u->told[u->n].kind = kind;
        u->told[u->n++].number = number;
        if (!u->tell)
                return;
        if (with_number)
                (void) g_snprintf(text, sizeof(text), "%s unknown-%" G_GINT64_FORMAT, name, number);
        else
                (void) g_snprintf(text, sizeof(text), "%s unknown", name);
        u->tell(text, u->userdata);
}

static void note(Unknown *u, UnknownKind kind, uint32_t number) {
        unknown_note(u, kind, number, kind_names[kind], true);
}

static void note_bits(Unknown *u, UnknownKind kind, uint32_t bits) {
        for (unsigned bit = 0; bit < 32 && bits >> bit; bit++)
                if (bits >> bit & 1)
                        note(u, kind, bit);
}

static void look_at_live(Unknown *u, const OmpLive *live) {
        if (live->flags & UNKNOWN_LIVE_FLAGS)
                note_bits(u, UNKNOWN_LIVE_FLAG, live->flags & UNKNOWN_LIVE_FLAGS);
        /* A number without a name is called as 0 is. */
        if (live->flags & OMP_LIVE_AREA && live->area != 0 && omp_area_name(live->area) == omp_area_name(0))
                note(u, UNKNOWN_LIVE_AREA, live->area);
}

void unknown_look(Unknown *u, const Frame *frame, const Packet *p) {
        if (p->error < 0)
                return;

        switch (p->kind) {
        case PACKET_LIVE:
                look_at_live(u, &p->live);
                break;
        case PACKET_FEATURE:
                note_bits(u, UNKNOWN_FEATURE_FLAG, p->feature.bits & ~FEATURE_BITS);
                if (p->feature.kind >= _OMP_KIND_MAX)
                        note(u, UNKNOWN_FEATURE_KIND, p->feature.kind);
                break;
        case PACKET_WAVEFORM:
                if (p->waveform.encoding > OMP_ENCODING_RAW)
                        note(u, UNKNOWN_WAVEFORM_ENCODING, p->waveform.encoding);
                if (p->waveform.channel >= WAVEFORM_CHANNELS)
                        note(u, UNKNOWN_WAVEFORM_CHANNEL, p->waveform.channel);
                break;
        case PACKET_EVENT:
                if (g_str_equal(omp_event_name(p->event.code), "unknown"))
                        note(u, UNKNOWN_EVENT, p->event.code);
                note_bits(u, UNKNOWN_EVENT_FLAG, frame->data[1] & EVENT_RESERVED);
                break;
        case PACKET_STATUS:
                if (p->status.state >= _OMP_STATE_MAX)
                        note(u, UNKNOWN_STATUS_STATE, p->status.state);
                break;
        case PACKET_UNKNOWN:
                note(u, UNKNOWN_CHARACTERISTIC, frame->channel);
                break;
        case PACKET_OTHER:
        case _PACKET_KIND_MAX:
                break;
        }
}
