/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "needled/vendor.h"

/* Meanings without a row say nothing that the profile has a bit for. That a force is calibrated, only OMP devices can claim; contact that
 * is derived from the force is not what the device reports. */
static const uint32_t meaning_bits[_VENDOR_MEANING_MAX] = {
        [VENDOR_FORCE]         = OMP_FEATURE_FORCE,
        [VENDOR_OVERPRESSURE]  = OMP_FEATURE_OVERPRESSURE,
        [VENDOR_CONTACT]       = OMP_FEATURE_CONTACT,
        [VENDOR_STROKES_TOTAL] = OMP_FEATURE_STROKES,
        [VENDOR_STROKES_DELTA] = OMP_FEATURE_STROKES,
        [VENDOR_PASSES_TOTAL]  = OMP_FEATURE_PASSES,
        [VENDOR_DISTANCE]      = OMP_FEATURE_DISTANCE,
        [VENDOR_DEPTH]         = OMP_FEATURE_DEPTH,
        [VENDOR_MOTOR_SPEED]   = OMP_FEATURE_MOTOR_SPEED,
        [VENDOR_MOTOR_CURRENT] = OMP_FEATURE_MOTOR_CURRENT,
        [VENDOR_AREA]          = OMP_FEATURE_AREA,
        [VENDOR_CARTRIDGE_ID]  = OMP_FEATURE_CARTRIDGE_ID,
};

void vendor_feature(const VendorProfile *profile, OmpFeature *ret) {
        OmpFeature feature = {
                .major = OMP_MAJOR,
                .minor = OMP_MINOR,
                .kind = profile->kind,
                .area_centi_mm2 = profile->area_centi_mm2,
                .max_depth_um = profile->max_depth_um,
        };

        for (unsigned meaning = 0; meaning < _VENDOR_MEANING_MAX; meaning++)
                if (profile->meanings >> meaning & 1)
                        feature.bits |= meaning_bits[meaning];
        for (size_t i = 0; i < profile->n_actions; i++)
                if (profile->actions[i].when == VENDOR_ON_STOP_MOTOR)
                        feature.bits |= OMP_FEATURE_REMOTE_STOP;

        /* Needles go in at each stroke only where a stroke is one needle extension. */
        if (!profile->stroke_is_pass)
                feature.needles = profile->needles;

        *ret = feature;
}
