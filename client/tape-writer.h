/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The records of a stream as the lines of a tape. Pure. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/stream-reader.h"
#include "needled/tape.h"
#include "needled/vendor.h"

typedef struct TapeWriter {
        TapeHead head;
        bool begun;             /* the head is written */
        uint64_t frames, missed;
        uint64_t first_usec, last_usec; /* of the frames */
} TapeWriter;

/* What the head says before the stream begins. `vendor` may be NULL: then channels are known by OMP's names, or by
 * number. Texts are made fit for a tape. */
void tape_writer_init(TapeWriter *w, const char *profile, const char *device, const char *session_uuid,
                      const VendorProfile *vendor);

/* Adds the lines that a record makes, if it makes any. */
void tape_writer_record(TapeWriter *w, const StreamRecord *record, GString *out);
/* Adds that the stream did not tell the end. */
void tape_writer_missing_end(GString *out);
