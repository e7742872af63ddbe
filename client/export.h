/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Stored sessions in files: what 'export' and 'export --follow' have in common. */

#include "client/client.h"
#include "client/export-copy.h"

typedef struct ExportOptions {
        ExportFormat format;
        unsigned resample_hz;           /* 0: as they are */
        uint64_t from_usec, to_usec;    /* UINT64_MAX: to the end */
} ExportOptions;

/* EXIT_USAGE; the user was told. `fallback` is the format where none is named. */
Exit export_read_options(const Client *client, ExportFormat fallback, ExportOptions *ret);
/* Into a sink. EXIT_FAILED: it is not whole; *ret_missing says why, as the end of a sentence, or is NULL where the user
 * was told. */
Exit export_session(Client *client, uint64_t id, const ExportOptions *options, ExportSink sink, void *userdata,
                    uint64_t *ret_rows, char **ret_missing);

/* export-follow.c: --follow DIR */
Exit export_follow(Client *client, const char *folder);
