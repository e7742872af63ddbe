/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"
#include "needled/omp.h"

/* The values that stream. The first octet says which. */

/* Forces end at 32,767 mN, however wide the field. */
static bool feature_may_send(const OmpFeature *feature) {
        return feature->full_scale_mn <= INT16_MAX;
}

static bool feature_same(const OmpFeature *one, const OmpFeature *two) {
        return ((one->bits ^ two->bits) & ((OMP_FEATURE_CONTACT_STROKES << 1) - 1)) == 0 && SAME(major) &&
               SAME(minor) && SAME(kind) && SAME(needles) && SAME(full_scale_mn) && SAME(area_centi_mm2) &&
               SAME(sample_rate_hz) && SAME(max_depth_um) && SAME(capacity);
}

/* Bit 7 announces a field of a later version: it is not known, and not sent. */
static bool live_same(const OmpLive *one, const OmpLive *two) {
        return ((one->flags ^ two->flags) & ~(1u << 7)) == 0 && SAME(sequence) && SAME(tick) &&
               SAME(force_mean_mn) && SAME(force_peak_mn) && SAME(strokes) && SAME(last_stroke) && SAME(depth_um) &&
               SAME(rate_per_min) && SAME(current_ma) && SAME(distance_mm) && SAME(contact_ms) && SAME(area) &&
               SAME(passes);
}

static bool waveform_same(const OmpWaveform *one, const OmpWaveform *two) {
        return SAME(sequence) && SAME(tick) && SAME(period_usec) && SAME(encoding) && SAME(channel) &&
               SAME(lost_before) && SAME(crc) && SAME(n) &&
               memcmp(one->samples, two->samples, one->n * sizeof(one->samples[0])) == 0;
}

static bool event_same(const OmpEvent *one, const OmpEvent *two) {
        return SAME(code) && SAME(severity) && SAME(asserted) && SAME(replayed) && SAME(crc) && SAME(sequence) &&
               SAME(tick) && SAME(value);
}

static bool status_same(const OmpStatus *one, const OmpStatus *two) {
        return SAME(state) && SAME(flags) && SAME(session_id) && SAME(session_seconds) && SAME(session_strokes) &&
               SAME(depth_um) && SAME(motor_per_min) && SAME(cartridge_uses);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Input in = { data, size };

        switch (input_u8(&in) % 5) {
        case 0:
                ROUND_TRIP(OmpFeature, &in, OMP_VALUE_MAX, omp_feature_decode, omp_feature_encode, feature_may_send, feature_same);
                break;
        case 1:
                ROUND_TRIP(OmpLive, &in, OMP_VALUE_MAX, omp_live_decode, omp_live_encode, always, live_same);
                break;
        case 2:
                ROUND_TRIP(OmpWaveform, &in, OMP_VALUE_MAX, omp_waveform_decode, omp_waveform_encode, always, waveform_same);
                break;
        case 3:
                ROUND_TRIP(OmpEvent, &in, OMP_VALUE_MAX, omp_event_decode, omp_event_encode, always, event_same);
                break;
        case 4:
                ROUND_TRIP(OmpStatus, &in, OMP_VALUE_MAX, omp_status_decode, omp_status_encode, always, status_same);
                break;
        }

        return 0;
}
