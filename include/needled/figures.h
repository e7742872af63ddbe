/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The figures of a session, one table for all: session computes them, store keeps them as columns, bus shows them as dictionary
 * keys, stream carries them, clients print them. New figures are added at the end. An unknown figure is absent, never zero. */

#include <stdbool.h>
#include <stdint.h>

/*        id              name           D-Bus type, unit
 * Names with a dot are members of the dictionary before the dot (zone_time, lost, late). */
#define FIGURES_TABLE(X)                                                                                       \
        X(DURATION,       "duration",       't', "us")      /* start to end of use, gaps and pauses included */ \
        X(LEAD_IN,        "lead_in",        't', "us")      /* kept before the start */                         \
        X(CONTACT_TIME,   "contact_time",   't', "us")                                                          \
        X(STROKES,        "strokes",        't', "1")       /* all of them, whatever the contact */             \
        X(STROKE_RATE,    "stroke_rate",    'd', "/min")                                                        \
        X(PASSES,         "passes",         'u', "1")                                                           \
        X(DISTANCE,       "distance",       'u', "mm")                                                          \
        X(FORCE,          "force",          'i', "mN")      /* the newest interval mean */                      \
        X(FORCE_MEAN,     "force_mean",     'i', "mN")      /* of interval means in contact, weighted by time */ \
        X(FORCE_P95,      "force_p95",      'i', "mN")      /* likewise, nearest rank */                        \
        X(FORCE_PEAK,     "force_peak",     'i', "mN")      /* the largest peak */                              \
        X(ZONE_LOW,       "zone_time.low",  't', "us")                                                          \
        X(ZONE_GOOD,      "zone_time.good", 't', "us")                                                          \
        X(ZONE_HIGH,      "zone_time.high", 't', "us")                                                          \
        X(ZONE_OVER,      "zone_time.over", 't', "us")                                                          \
        X(OVER_COUNT,     "over_count",     'u', "1")                                                           \
        X(OVER_TIME,      "over_time",      't', "us")                                                          \
        X(DEPTH,          "depth",          'u', "um")                                                          \
        X(DEPTH_MAX,      "depth_max",      'u', "um")                                                          \
        X(PUNCTURES,      "punctures",      't', "1")       /* strokes in contact × needles; pens */            \
        X(GAPS,           "gaps",           'u', "1")       /* link gaps and runs of lost packets */            \
        X(GAP_TIME,       "gap_time",       't', "us")                                                          \
        X(LOST_LIVE,      "lost.live",      't', "1")                                                           \
        X(LOST_WAVEFORM,  "lost.waveform",  't', "1")                                                           \
        X(LOST_EVENT,     "lost.event",     't', "1")                                                           \
        X(LATE_LIVE,      "late.live",      't', "1")                                                           \
        X(LATE_WAVEFORM,  "late.waveform",  't', "1")                                                           \
        X(LATE_EVENT,     "late.event",     't', "1")                                                           \
        X(PAUSED_TIME,    "paused_time",    't', "us")      /* within the duration */                           \
        X(LIMIT,          "limit",          't', "us")      /* of time in use; absent: none */                  \
        X(REMAINING,      "remaining",      't', "us")      /* what is left of it */                           \
        X(DEVICE_TIME_OFFSET, "device_time_offset", 'x', "us") /* CLOCK_BOOTTIME less the device's ticks */

typedef enum Figure {
#define FIGURE_ENUM(id, name, type, unit) FIGURE_##id,
        FIGURES_TABLE(FIGURE_ENUM)
#undef FIGURE_ENUM
        _FIGURE_MAX,
} Figure;

typedef struct FigureInfo {
        const char *name;
        char type;              /* of D-Bus: t u i x d */
        const char *unit;
} FigureInfo;

static const FigureInfo figure_info[_FIGURE_MAX] __attribute__((unused)) = {
#define FIGURE_INFO(id, name, type, unit) [FIGURE_##id] = { name, type, unit },
        FIGURES_TABLE(FIGURE_INFO)
#undef FIGURE_INFO
};

typedef union FigureValue {
        int64_t i;              /* types t, u, i, x */
        double d;               /* type d */
} FigureValue;

typedef struct Figures {
        uint64_t present;       /* bit FIGURE_x */
        FigureValue value[_FIGURE_MAX];
} Figures;

_Static_assert(_FIGURE_MAX <= 64, "`present` has 64 bits");

static inline bool figures_has(const Figures *f, Figure id) {
        return f->present >> id & 1;
}

/* The octets of a double count: from the same frames comes the same. */
static inline bool figures_differ(const Figures *a, const Figures *b, Figure id) {
        if (figures_has(a, id) != figures_has(b, id))
                return true;

        return figures_has(a, id) && a->value[id].i != b->value[id].i;
}

static inline void figures_set(Figures *f, Figure id, int64_t value) {
        f->present |= UINT64_C(1) << id;
        f->value[id].i = value;
}

static inline void figures_set_double(Figures *f, Figure id, double value) {
        f->present |= UINT64_C(1) << id;
        f->value[id].d = value;
}
