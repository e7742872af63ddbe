/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>

#include "client/stream-reader.h"
#include "client/tape-writer.h"
#include "client/watch-model.h"
#include "fuzz.h"

/* Messages of a stream as needlectl reads them, each behind two octets that are its length: what it shows of them, and the tape that it makes of
 * them, which reads to its end. */

#define START_USEC UINT64_C(1700000000000000)

static void check_record(const StreamRecord *record, const uint8_t *message, size_t size) {
        if (record->known && record->type == NEEDLED_STREAM_FRAME)
                assert(record->frame.data >= message && record->frame.data + record->frame.head.length <= message + size);
        if (record->known && record->type == NEEDLED_STREAM_MARK)
                assert((const uint8_t *) record->mark.text >= message &&
                       (const uint8_t *) record->mark.text + record->mark.length <= message + size);
}

static void look(WatchModel *model, uint64_t now_usec) {
        int32_t force_mn;

        (void) watch_model_zones(model);
        (void) watch_model_history(model, 0, 60, now_usec, &force_mn);
        (void) watch_model_hold(model, now_usec, &force_mn);
        (void) watch_model_session_time(model, now_usec);
        (void) watch_model_elapsed(model, now_usec);
        (void) watch_model_notice(model, now_usec);
        g_free(watch_model_take_notice(model));
}

static void read_tape(const GString *tape) {
        TapeReader reader;
        TapeLine line;

        tape_reader_init(&reader);
        for (const char *at = tape->str; *at; at = strchr(at, '\n') + 1)
                assert(tape_read(&reader, at, (size_t) (strchr(at, '\n') + 1 - at), &line) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        g_autoptr(GString) tape = g_string_new(NULL);
        Input in = { data, size };
        uint64_t now_usec = 1000000;
        WatchModel model;
        TapeWriter writer;
        bool over = false;

        watch_model_init(&model);
        watch_model_begin(&model, 1);
        tape_writer_init(&writer, "omp1", "Pen", "", NULL);
        while (in.size > 0 && !over) {
                size_t n, offset = 0;
                uint16_t length = input_u16(&in);
                uint8_t *message = input_take(&in, length, &n);
                StreamRecord record;
                int r;

                while (!over && (r = stream_reader_next(message, n, &offset, &record)) != 0) {
                        assert(r == 1 || r == -EPROTO || (r == -EBADMSG && offset == n));
                        if (r < 0)
                                continue;
                        check_record(&record, message, n);
                        watch_model_record(&model, &record, now_usec);
                        tape_writer_record(&writer, &record, tape);
                        over = record.type == NEEDLED_STREAM_END && record.known;
                }
                now_usec += 100000;
                look(&model, now_usec);
                free(message);
        }
        read_tape(tape);
        watch_model_done(&model);
        return 0;
}
