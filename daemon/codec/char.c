/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <errno.h>
#include <strings.h>

#include "needled/omp.h"

static const struct {
        const char *uuid, *name;
} chars[_OMP_CHAR_MAX] = {
        [OMP_CHAR_FEATURE]       = { "95840101-2319-423b-8a8e-ee1ffb8d13f8", "feature" },
        [OMP_CHAR_LIVE]          = { "95840102-2319-423b-8a8e-ee1ffb8d13f8", "live" },
        [OMP_CHAR_WAVEFORM]      = { "95840103-2319-423b-8a8e-ee1ffb8d13f8", "waveform" },
        [OMP_CHAR_EVENT]         = { "95840104-2319-423b-8a8e-ee1ffb8d13f8", "event" },
        [OMP_CHAR_STATUS]        = { "95840105-2319-423b-8a8e-ee1ffb8d13f8", "status" },
        [OMP_CHAR_CLOCK]         = { "95840106-2319-423b-8a8e-ee1ffb8d13f8", "clock" },
        [OMP_CHAR_CONTROL_POINT] = { "95840107-2319-423b-8a8e-ee1ffb8d13f8", "control-point" },
        [OMP_CHAR_SESSION_DATA]  = { "95840108-2319-423b-8a8e-ee1ffb8d13f8", "session-data" },
        /* The SIG's Record Access Control Point, 2A52 on the Bluetooth base UUID. */
        [OMP_CHAR_RACP]          = { "00002a52-0000-1000-8000-00805f9b34fb", "racp" },
};

const char *omp_char_uuid(OmpChar c) {
        assert((unsigned) c < _OMP_CHAR_MAX);

        return chars[c].uuid;
}

int omp_char_from_uuid(const char *uuid, OmpChar *ret) {
        /* RFC 4122, 3: written in lower case, accepted in any. */
        for (unsigned c = 0; c < _OMP_CHAR_MAX; c++)
                if (strcasecmp(chars[c].uuid, uuid) == 0) {
                        *ret = (OmpChar) c;
                        return 0;
                }

        return -ENOENT;
}

const char *omp_char_name(OmpChar c) {
        assert((unsigned) c < _OMP_CHAR_MAX);

        return chars[c].name;
}
