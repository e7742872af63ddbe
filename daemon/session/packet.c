/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/packet.h"

static PacketKind kind_of_channel(uint8_t channel) {
        switch ((OmpChar) channel) {
        case OMP_CHAR_FEATURE:
                return PACKET_FEATURE;
        case OMP_CHAR_LIVE:
                return PACKET_LIVE;
        case OMP_CHAR_WAVEFORM:
                return PACKET_WAVEFORM;
        case OMP_CHAR_EVENT:
                return PACKET_EVENT;
        case OMP_CHAR_STATUS:
                return PACKET_STATUS;
        case OMP_CHAR_CLOCK:
        case OMP_CHAR_CONTROL_POINT:
        case OMP_CHAR_SESSION_DATA:
        case OMP_CHAR_RACP:
                return PACKET_OTHER;
        case _OMP_CHAR_MAX:
                break;
        }

        return PACKET_UNKNOWN;
}

static void set_stream(Packet *p, TallyStream stream, uint16_t sequence) {
        p->stream = stream;
        p->sequence = sequence;
        p->numbered = p->error >= 0;
}

void packet_decode(const Frame *frame, Packet *ret) {
        ret->kind = kind_of_channel(frame->channel);
        ret->error = 0;
        ret->numbered = ret->resumed = false;
        ret->arrival = OMP_ARRIVAL_NEXT;
        ret->missing = 0;
        ret->stream = TALLY_LINK;
        ret->signs = (Signs) { 0 };

        switch (ret->kind) {
        case PACKET_FEATURE:
                ret->error = omp_feature_decode(frame->data, frame->size, &ret->feature);
                break;
        case PACKET_LIVE:
                ret->error = omp_live_decode(frame->data, frame->size, &ret->live);
                set_stream(ret, TALLY_LIVE, ret->error < 0 ? 0 : ret->live.sequence);
                break;
        case PACKET_WAVEFORM:
                ret->error = omp_waveform_decode(frame->data, frame->size, &ret->waveform);
                set_stream(ret, TALLY_WAVEFORM, ret->error < 0 ? 0 : ret->waveform.sequence);
                break;
        case PACKET_EVENT:
                ret->error = omp_event_decode(frame->data, frame->size, &ret->event);
                set_stream(ret, TALLY_EVENT, ret->error < 0 ? 0 : ret->event.sequence);
                break;
        case PACKET_STATUS:
                ret->error = omp_status_decode(frame->data, frame->size, &ret->status);
                break;
        case PACKET_UNKNOWN:
        case PACKET_OTHER:
        case _PACKET_KIND_MAX:
                break;
        }
}

void packet_read_signs(Packet *p, const OmpLive *last) {
        p->signs = (Signs) { 0 };
        if (!packet_is_new(p))
                return;

        switch (p->kind) {
        case PACKET_LIVE:
                p->signs = signs_of_live(&p->live, last);
                break;
        case PACKET_EVENT:
                p->signs.starts = !p->event.replayed && p->event.code == OMP_EVENT_SESSION_START && p->event.asserted;
                p->signs.ends = !p->event.replayed && p->event.code == OMP_EVENT_SESSION_END && p->event.asserted;
                break;
        case PACKET_STATUS:
                p->signs.knows_flag = true;
                p->signs.way = FLAG_WAY_STATUS;
                p->signs.flag = p->status.flags & OMP_STATUS_SESSION;
                break;
        case PACKET_UNKNOWN:
        case PACKET_OTHER:
        case PACKET_FEATURE:
        case PACKET_WAVEFORM:
        case _PACKET_KIND_MAX:
                break;
        }
}
