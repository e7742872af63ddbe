/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"
#include "needled/tape.h"

/* A file, line by line. What is read is written again, and reads to the same. */

#define BASE UINT64_C(1000000)

static int format(const TapeReader *reader, const TapeLine *line, char *buf, size_t size) {
        Frame frame = tape_frame(reader, line, BASE);

        switch (line->item) {
        case TAPE_NOTHING:
                break;
        case TAPE_FRAME:
                return tape_format_frame(&reader->head, &frame, BASE, buf, size);
        case TAPE_MARK:
                return tape_format_mark(line->time_usec, line->wall_offset_usec, line->text, buf, size);
        case TAPE_END:
                return tape_format_end(line->time_usec, line->wall_offset_usec, line->text, buf, size);
        }

        return 0;
}

/* The head, as the tape's own first lines. */
static void check_head(const TapeHead *head) {
        char buf[TAPE_HEAD_MAX], *at = buf;
        TapeReader again;
        TapeLine line;
        int n = tape_format_head(head, buf, sizeof(buf));

        assert(n > 0);
        tape_reader_init(&again);
        while (*at) {
                char *end = strchr(at, '\n') + 1;

                assert(tape_read(&again, at, (size_t) (end - at), &line) == 0 && line.item == TAPE_NOTHING);
                at = end;
        }
        assert(memcmp(&again.head, head, sizeof(*head)) == 0);
}

static void check_line(const TapeReader *reader, const TapeLine *line) {
        TapeReader again = *reader;
        char buf[TAPE_LINE_MAX];
        TapeLine two;
        int n = format(reader, line, buf, sizeof(buf));

        assert(n > 0 && (size_t) n == strlen(buf) && buf[n - 1] == '\n');
        again.ended = false;
        assert(tape_read(&again, buf, (size_t) n, &two) == 0);
        assert(memcmp(line, &two, sizeof(two)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Input in = { data, size };
        TapeReader reader;
        bool head_checked = false;

        tape_reader_init(&reader);
        while (in.size > 0) {
                const uint8_t *end = memchr(in.data, '\n', in.size);
                size_t n;
                char *text = (char *) input_take(&in, end ? (size_t) (end - in.data) + 1 : in.size, &n);
                TapeLine line;
                int r;

                memset(&line, 0, sizeof(line));
                r = tape_read(&reader, text, n, &line);
                free(text);
                assert((r < 0) == (reader.error != NULL));
                if (r < 0)
                        break;
                if (line.item == TAPE_NOTHING)
                        continue;
                if (!head_checked)
                        check_head(&reader.head);
                head_checked = true;
                check_line(&reader, &line);
        }

        return 0;
}
