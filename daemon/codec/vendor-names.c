/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "needled/vendor.h"

#include <errno.h>
#include <string.h>

/* What each meaning is called, its canonical unit, and the feature bit that it stands for. */
static const struct {
        const char *name, *unit;
        uint32_t feature;
} meanings[_VENDOR_MEANING_MAX] = {
        [VENDOR_NONE]           = { "", "1", 0 },
        [VENDOR_FORCE]          = { "force", "mN", OMP_FEATURE_FORCE },
        [VENDOR_FORCE_RAW]      = { "force-raw", "1", 0 },
        [VENDOR_FORCE_LEVEL]    = { "force-level", "1", 0 },
        [VENDOR_OVERPRESSURE]   = { "overpressure", "1", OMP_FEATURE_OVERPRESSURE },
        [VENDOR_PRESSURE]       = { "pressure", "kPa", 0 },
        [VENDOR_CONTACT]        = { "contact", "1", OMP_FEATURE_CONTACT },
        [VENDOR_STROKES_TOTAL]  = { "strokes-total", "1", OMP_FEATURE_STROKES },
        [VENDOR_STROKES_DELTA]  = { "strokes-delta", "1", OMP_FEATURE_STROKES },
        [VENDOR_STROKE_RATE]    = { "stroke-rate", "/min", OMP_FEATURE_MOTOR_SPEED },
        [VENDOR_PASSES_TOTAL]   = { "passes-total", "1", OMP_FEATURE_PASSES },
        [VENDOR_DISTANCE]       = { "distance", "mm", OMP_FEATURE_DISTANCE },
        [VENDOR_DEPTH]          = { "depth", "µm", OMP_FEATURE_DEPTH },
        [VENDOR_MOTOR_RUNNING]  = { "motor-running", "1", 0 },
        [VENDOR_MOTOR_SPEED]    = { "motor-speed", "/min", OMP_FEATURE_MOTOR_SPEED },
        [VENDOR_MOTOR_CURRENT]  = { "motor-current", "mA", OMP_FEATURE_MOTOR_CURRENT },
        [VENDOR_SESSION_TIME]   = { "session-time", "s", 0 },
        [VENDOR_SESSION_STATE]  = { "session-state", "1", 0 },
        [VENDOR_AREA]           = { "area", "1", OMP_FEATURE_AREA },
        [VENDOR_AREA_COUNT]     = { "area-count", "1", 0 },
        [VENDOR_BATTERY]        = { "battery", "%", 0 },
        [VENDOR_BATTERY_TIME]   = { "battery-time", "s", 0 },
        [VENDOR_BATTERY_MV]     = { "battery-mv", "mV", 0 },
        [VENDOR_CARTRIDGE_ID]   = { "cartridge-id", "1", OMP_FEATURE_CARTRIDGE_ID },
        [VENDOR_CARTRIDGE_LIFE] = { "cartridge-life", "%", 0 },
        [VENDOR_BUTTON]         = { "button", "1", 0 },
        [VENDOR_TEMPERATURE]    = { "temperature", "°C", 0 },
        [VENDOR_TIMESTAMP]      = { "timestamp", "s", 0 },
        [VENDOR_SEQUENCE]       = { "sequence", "1", 0 },
};

const char *vendor_meaning_name(VendorMeaning meaning) {
        return (unsigned) meaning < _VENDOR_MEANING_MAX ? meanings[meaning].name : "";
}

int vendor_meaning_from_name(const char *name, VendorMeaning *ret) {
        for (unsigned i = VENDOR_NONE + 1; i < _VENDOR_MEANING_MAX; i++)
                if (strcmp(meanings[i].name, name) == 0) {
                        *ret = (VendorMeaning) i;
                        return 0;
                }

        return -ENOENT;
}

const char *vendor_meaning_unit(VendorMeaning meaning) {
        return (unsigned) meaning < _VENDOR_MEANING_MAX ? meanings[meaning].unit : "1";
}

void vendor_feature(const VendorProfile *profile, OmpFeature *ret) {
        OmpFeature feature = {
                .major = OMP_MAJOR,
                .kind = profile->kind,
                .needles = profile->stroke_is_pass ? 0 : profile->needles,
                .area_centi_mm2 = profile->area_centi_mm2,
                .max_depth_um = profile->max_depth_um,
        };

        for (unsigned i = 0; i < _VENDOR_MEANING_MAX; i++)
                if (profile->meanings & UINT32_C(1) << i)
                        feature.bits |= meanings[i].feature;
        for (size_t i = 0; i < profile->n_actions; i++)
                if (profile->actions[i].when == VENDOR_ON_STOP_MOTOR)
                        feature.bits |= OMP_FEATURE_REMOTE_STOP;

        *ret = feature;
}
