/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "client/session-json.h"
#include "fuzz.h"

/* A session as JSON, which `needlectl import` makes a tape of. What it makes is a tape: every line reads. */

static void check(TapeReader *reader, const char *text, int size) {
        TapeLine line;

        assert(size > 0);
        assert(tape_read(reader, text, (size_t) size, &line) == 0);
}

static void check_head(TapeReader *reader, const TapeHead *head) {
        char buf[TAPE_HEAD_MAX], *end;
        int n = tape_format_head(head, buf, sizeof(buf));

        assert(n > 0);
        for (char *at = buf; *at; at = end) {
                end = strchr(at, '\n') + 1;
                check(reader, at, (int) (end - at));
        }
}

static void read_frames(SessionJson *j) {
        char buf[TAPE_LINE_MAX];
        TapeReader reader;
        int r;

        tape_reader_init(&reader);
        check_head(&reader, &j->tape);
        while ((r = session_json_frame(j, buf)) > 0)
                check(&reader, buf, r);
        if (r == 0)
                r = session_json_end(j, buf);
        assert((r < 0) == (j->problem != NULL));
        /* The end may be earlier than the last frame: the service says so. */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static Profiles *profiles;
        g_auto(SessionJson) j = {};
        FILE *file;

        if (!profiles)
                profiles = profiles_new();
        if (size == 0)
                return 0;
        file = fmemopen((void *) data, size, "r");
        assert(file);
        if (session_json_open(&j, file, "fuzz", profiles) == 0)
                read_frames(&j);
        else
                assert(j.problem);
        return 0;
}
