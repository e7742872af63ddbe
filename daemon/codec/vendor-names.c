/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "needled/vendor.h"

#include <errno.h>
#include <string.h>

/* What each meaning is called, and its canonical unit. */
static const struct {
        const char *name, *unit;
} meanings[_VENDOR_MEANING_MAX] = {
        [VENDOR_NONE]           = { "", "1" },
        [VENDOR_FORCE]          = { "force", "mN" },
        [VENDOR_FORCE_RAW]      = { "force-raw", "1" },
        [VENDOR_FORCE_LEVEL]    = { "force-level", "1" },
        [VENDOR_OVERPRESSURE]   = { "overpressure", "1" },
        [VENDOR_PRESSURE]       = { "pressure", "kPa" },
        [VENDOR_CONTACT]        = { "contact", "1" },
        [VENDOR_STROKES_TOTAL]  = { "strokes-total", "1" },
        [VENDOR_STROKES_DELTA]  = { "strokes-delta", "1" },
        [VENDOR_STROKE_RATE]    = { "stroke-rate", "/min" },
        [VENDOR_PASSES_TOTAL]   = { "passes-total", "1" },
        [VENDOR_DISTANCE]       = { "distance", "mm" },
        [VENDOR_DEPTH]          = { "depth", "µm" },
        [VENDOR_MOTOR_RUNNING]  = { "motor-running", "1" },
        [VENDOR_MOTOR_SPEED]    = { "motor-speed", "/min" },
        [VENDOR_MOTOR_CURRENT]  = { "motor-current", "mA" },
        [VENDOR_SESSION_TIME]   = { "session-time", "s" },
        [VENDOR_SESSION_STATE]  = { "session-state", "1" },
        [VENDOR_AREA]           = { "area", "1" },
        [VENDOR_AREA_COUNT]     = { "area-count", "1" },
        [VENDOR_BATTERY]        = { "battery", "%" },
        [VENDOR_BATTERY_TIME]   = { "battery-time", "s" },
        [VENDOR_BATTERY_MV]     = { "battery-mv", "mV" },
        [VENDOR_CARTRIDGE_ID]   = { "cartridge-id", "1" },
        [VENDOR_CARTRIDGE_LIFE] = { "cartridge-life", "%" },
        [VENDOR_BUTTON]         = { "button", "1" },
        [VENDOR_TEMPERATURE]    = { "temperature", "°C" },
        [VENDOR_TIMESTAMP]      = { "timestamp", "s" },
        [VENDOR_SEQUENCE]       = { "sequence", "1" },
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
