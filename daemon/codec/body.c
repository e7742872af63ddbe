/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/cursor.h"
#include "needled/omp-records.h"

int omp_body_decode(const uint8_t *data, size_t size, OmpBody *ret) {
        Cursor c = cursor_begin_within(data, size, OMP_BODY_MAX);
        uint8_t type = cursor_u8(&c);
        int r = 0;

        if (type == OMP_BODY_RECORD)
                r = omp_record_decode(data, size, &ret->record);
        else if (type == OMP_BODY_TRACE)
                r = omp_trace_decode(data, size, &ret->trace);
        else
                r = cursor_finish(&c, true);
        if (r < 0)
                return r;

        ret->type = type;
        return 0;
}
