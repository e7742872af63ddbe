/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"
#include "needled/omp.h"

/* The values that stream. The first octet says which. */

static bool reduce_feature(OmpFeature *feature) {
        feature->bits &= (OMP_FEATURE_CONTACT_STROKES << 1) - 1;
        return feature->full_scale_mn <= INT16_MAX;
}

/* A presence bit of a later version: the field is not known. */
static bool reduce_live(OmpLive *live) {
        live->flags &= (uint16_t) ~(1u << 7);
        return true;
}

static bool reduce_waveform(const OmpWaveform *waveform) {
        return true;
}

static bool reduce_event(OmpEvent *event) {
        event->reserved = 0;
        return true;
}

static bool reduce_status(const OmpStatus *status) {
        return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Input in = { data, size };

        switch (input_u8(&in) % 5) {
        case 0:
                ROUND_TRIP(OmpFeature, &in, OMP_VALUE_MAX, omp_feature_decode, omp_feature_encode, reduce_feature);
                break;
        case 1:
                ROUND_TRIP(OmpLive, &in, OMP_VALUE_MAX, omp_live_decode, omp_live_encode, reduce_live);
                break;
        case 2:
                ROUND_TRIP(OmpWaveform, &in, OMP_VALUE_MAX, omp_waveform_decode, omp_waveform_encode, reduce_waveform);
                break;
        case 3:
                ROUND_TRIP(OmpEvent, &in, OMP_VALUE_MAX, omp_event_decode, omp_event_encode, reduce_event);
                break;
        case 4:
                ROUND_TRIP(OmpStatus, &in, OMP_VALUE_MAX, omp_status_decode, omp_status_encode, reduce_status);
                break;
        }

        return 0;
}
