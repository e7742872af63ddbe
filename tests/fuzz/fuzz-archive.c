/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <stdio.h>

#include "client/archive-file.h"
#include "client/tape-file.h"
#include "fuzz.h"

/* An archive of sessions, and in it tapes: what `needlectl import`, `replay` and `verify` do with a file. What libarchive makes of the octets is its
 * own business; here it has to end, and every member has to be readable as far as it goes. */

#define MEMBERS_MAX 64u
#define LINES_MAX 4096u

static void read_member(FILE *content, const char *name) {
        g_auto(TapeFile) tape = {};
        TapeLine line;
        int r = 1;

        tape_file_take(&tape, content, name);
        for (unsigned i = 0; i < LINES_MAX && r > 0; i++)
                r = tape_file_next(&tape, &line);
        assert((r < 0) == (tape.problem != NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        g_autoptr(ArchiveReader) archive = NULL;
        g_autofree char *problem = NULL;
        FILE *file;
        int r = 1;

        if (size == 0)
                return 0;
        file = fmemopen((void *) data, size, "r");
        assert(file);
        archive = archive_reader_new(file, &problem);
        assert(!archive == (problem != NULL));
        for (unsigned i = 0; archive && i < MEMBERS_MAX && r > 0; i++) {
                g_autofree char *name = NULL;
                FILE *content;

                r = archive_reader_next(archive, &name, &content, &problem);
                assert(r == 1 || r == 0 || (r == -EBADMSG && problem));
                if (r == 1)
                        read_member(content, name);
        }
        return 0;
}
