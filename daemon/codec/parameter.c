/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "needled/omp-control.h"

/* 1.9, Parameters. The bounds are the widest that make sense of a number; a device may have narrower ones. */
static const OmpParameterInfo parameters[_OMP_PARAMETER_MAX] = {
        [OMP_PARAMETER_LIVE_PERIOD]     = { "live_period_ms", "ms", OMP_TYPE_U16, 20, 1000, 100, 100 },
        [OMP_PARAMETER_WAVEFORM_RATE]   = { "waveform_rate_hz", "Hz", OMP_TYPE_U16, 0, UINT16_MAX, 0, 0 },
        [OMP_PARAMETER_OVERPRESSURE]    = { "overpressure_mn", "mN", OMP_TYPE_S16, 1, INT16_MAX, 3000, 5000 },
        [OMP_PARAMETER_HYSTERESIS]      = { "hysteresis_mn", "mN", OMP_TYPE_S16, 0, INT16_MAX, 500, 500 },
        [OMP_PARAMETER_FEEDBACK]        = { "feedback_mask", "", OMP_TYPE_U8, 0, 0x1f, 0x07, 0x07 },
        [OMP_PARAMETER_SESSION_LIMIT]   = { "session_limit_s", "s", OMP_TYPE_U16, 1, UINT16_MAX, 900, 900 },
        [OMP_PARAMETER_CONTACT]         = { "contact_threshold_mn", "mN", OMP_TYPE_S16, 1, INT16_MAX, 200, 200 },
        [OMP_PARAMETER_ZONE_LOW]        = { "zone_low_mn", "mN", OMP_TYPE_S16, 0, INT16_MAX, 300, 500 },
        [OMP_PARAMETER_ZONE_HIGH]       = { "zone_high_mn", "mN", OMP_TYPE_S16, 1, INT16_MAX, 2000, 4000 },
        [OMP_PARAMETER_FEEDBACK_WINDOW] = { "feedback_window_ms", "ms", OMP_TYPE_U16, 0, UINT16_MAX, 200, 200 },
        [OMP_PARAMETER_WAVEFORM_BATCH]  = { "waveform_batch", "", OMP_TYPE_U8, 1, OMP_WAVEFORM_SAMPLES_MAX, 50, 50 },
};

const OmpParameterInfo *omp_parameter_info(uint8_t id) {
        return id < _OMP_PARAMETER_MAX && parameters[id].name ? &parameters[id] : NULL;
}

int omp_parameter_from_name(const char *name, uint8_t *ret_id) {
        for (unsigned id = 1; id < _OMP_PARAMETER_MAX; id++)
                if (strcmp(parameters[id].name, name) == 0) {
                        *ret_id = (uint8_t) id;
                        return 0;
                }

        return -ENOENT;
}

int32_t omp_parameter_default(uint8_t id, OmpKind kind) {
        const OmpParameterInfo *info = omp_parameter_info(id);

        if (!info)
                return 0;

        return kind == OMP_KIND_ROLLER ? info->at_boot_roller : info->at_boot;
}

int omp_parameter_bounds(uint8_t id, const OmpFeature *feature, int32_t *ret_min, int32_t *ret_max) {
        const OmpParameterInfo *info = omp_parameter_info(id);
        int32_t max;

        if (!info)
                return -ENOENT;

        /* A full scale of 0 is a device that has not said it. */
        max = info->max;
        if (info->type == OMP_TYPE_S16 && feature->full_scale_mn > 0 && feature->full_scale_mn < max)
                max = feature->full_scale_mn;
        if (id == OMP_PARAMETER_WAVEFORM_RATE)
                max = feature->sample_rate_hz;

        *ret_min = info->min;
        *ret_max = max;
        return 0;
}

OmpResult omp_parameter_check(uint8_t id, int32_t value, const OmpFeature *feature) {
        int32_t min, max;

        if (omp_parameter_bounds(id, feature, &min, &max) < 0)
                return OMP_RESULT_INVALID;

        return value < min || value > max ? OMP_RESULT_OUT_OF_RANGE : OMP_RESULT_OK;
}
