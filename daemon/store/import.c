/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/import.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/ledger.h"

/* What its clock would have been: a tape does not tell when the computer had started. Not 0, which is none. */
#define BASE_BOOTTIME_USEC UINT64_C(1000000)

static const StoreDecoder *decoder_of(const Import *import) {
        return &import->store->observer.decoder;
}

/* What the caller lent the store may be gone by now. */
static bool may_decode(const Import *import) {
        return !shared_is_closed(import->store);
}

static int fail(Import *import, int error, const char *reason) {
        if (import->tape.line > 0)
                (void) g_snprintf(import->message, sizeof(import->message), "line %u: %s", import->tape.line, reason);
        else
                g_strlcpy(import->message, reason, sizeof(import->message));
        return error;
}

static void set_text(char **text, const char *value) {
        if (*text && **text)
                return;
        g_free(*text);
        *text = g_strdup(value);
}

Import *import_new(Store *store, const StoreImport *wanted, StoreImported done, void *userdata) {
        Import *import = g_new0(Import, 1);

        import->store = store;
        import->done = done;
        import->userdata = userdata;
        import->fd = wanted->fd;
        import->pipe[0] = import->pipe[1] = -1;
        job_copy_session(&import->session, &wanted->session);
        tape_reader_init(&import->tape);
        import->deadline_usec = shared_now_usec() + store->export_usec;
        return import;
}

Import *import_free(Import *import) {
        if (!import)
                return NULL;

        if (import->decoding)
                decoder_of(import)->free(import->decoding);
        intake_part_clear(&import->part);
        job_clear_session(&import->session);
        if (import->pipe[0] >= 0) {
                (void) close(import->pipe[0]);
                (void) close(import->pipe[1]);
        }
        g_free(import);
        return NULL;
}

/* ---- The head ---- */

/* As StoreSession.channels has them: a tape may name those of OMP too, whose numbers never change. */
static char *channels_of(const TapeHead *head) {
        GString *channels = g_string_new(NULL);
        bool known = g_str_equal(head->profile, "omp1");

        for (size_t i = 0; !known && i < head->n_channels; i++)
                g_string_append_printf(channels, "%s%u=%s", i > 0 ? ";" : "", head->channels[i].channel, head->channels[i].uuid);
        return g_string_free(channels, FALSE);
}

/* Of the body's first line: now the head is whole. */
static int take_head(Import *import) {
        const TapeHead *head = &import->tape.head;
        g_autofree char *channels = channels_of(head), *uuid = g_uuid_string_random();
        StoreSession *s = &import->session;

        if (head->start_realtime_usec == 0)
                return fail(import, -EBADMSG, "the head has no clock, so that nobody knows when the session was");

        set_text(&s->uuid, *head->session ? head->session : uuid);
        set_text(&s->device_alias, head->device);
        set_text(&s->device_address, "");
        set_text(&s->profile, head->profile);
        set_text(&s->channels, channels);
        set_text(&s->boot_id, "");
        s->start_boottime_usec = BASE_BOOTTIME_USEC;
        s->start_realtime_usec = head->start_realtime_usec;
        if (decoder_of(import)->begin && may_decode(import))
                import->decoding = decoder_of(import)->begin(s, import->store->userdata);
        return 0;
}

/* ---- Lines ---- */

static void add_events(Import *import) {
        IntakePart *part = &import->part;
        const StoreEvent *events;
        size_t n = decoder_of(import)->events ? decoder_of(import)->events(import->decoding, &events) : 0;

        for (size_t i = 0; i < n; i++) {
                if (part->n_events == import->allocated_events)
                        part->events = g_renew(StoreEvent, part->events, import->allocated_events = 2 * import->allocated_events + 8);
                part->events[part->n_events] = events[i];
                part->events[part->n_events++].text = g_strdup(events[i].text);
        }
}

static void add_gaps(Import *import) {
        IntakePart *part = &import->part;
        const StoreGap *gaps;
        size_t n = decoder_of(import)->gaps ? decoder_of(import)->gaps(import->decoding, &gaps) : 0;

        for (size_t i = 0; i < n; i++) {
                if (part->n_gaps == import->allocated_gaps)
                        part->gaps = g_renew(StoreGap, part->gaps, import->allocated_gaps = 2 * import->allocated_gaps + 8);
                part->gaps[part->n_gaps++] = gaps[i];
        }
}

static void add_frame(Import *import, const TapeLine *line) {
        Frame frame = tape_frame(&import->tape, line, BASE_BOOTTIME_USEC);
        IntakePart *part = &import->part;
        StoreSample sample = {};

        chunk_builder_add(&part->chunk, &frame);
        if (!import->decoding || !may_decode(import)) {
                part->summary.unknown = true;
                return;
        }
        decoder_of(import)->frame(import->decoding, &frame, &sample);
        if (store_is_of_record(&import->session, &frame))
                part->summary.unknown = true; /* of other times than its own, and what counts of it shows when all is known */
        summary_add(&part->summary, &sample);
        add_events(import);
        add_gaps(import);
}

static void add_end(Import *import, const TapeLine *line) {
        import->has_end = true;
        import->end_usec = line->time_usec;
        import->end_realtime_usec = import->session.start_realtime_usec + line->time_usec + (uint64_t) line->wall_offset_usec;
        g_strlcpy(import->end_reason, line->text, sizeof(import->end_reason));
        if (!import->decoding || !may_decode(import))
                return;
        decoder_of(import)->figures(import->decoding, BASE_BOOTTIME_USEC + import->end_usec, &import->figures);
        import->has_figures = true;
        add_gaps(import);               /* that might still have been filled */
}

static int take_line(Import *import, const char *text, size_t size) {
        bool was_in_body = import->tape.in_body;
        TapeLine line;
        int r;

        r = tape_read(&import->tape, text, size, &line);
        if (r < 0)
                return fail(import, r, import->tape.error);
        if (line.item == TAPE_NOTHING)
                return 0;
        if (line.time_usec > IMPORT_LENGTH_USEC)
                return fail(import, -EFBIG, "the session is longer than 24 hours");
        r = was_in_body ? 0 : take_head(import);
        if (r < 0)
                return r;

        if (line.item == TAPE_END)
                add_end(import, &line);
        else if (line.item == TAPE_FRAME || line.size > 0)
                add_frame(import, &line);
        return 0;
}

/* A live session's chunks are as long. */
static bool part_is_full(const IntakePart *part) {
        const ChunkBuilder *chunk = &part->chunk;

        return chunk->size >= LEDGER_FOLD_PAGE ||
               (chunk->n_frames > 0 && chunk->t1_boottime_usec - chunk->t0_boottime_usec >= LEDGER_FOLD_USEC_MAX);
}

/* What is in the buffer, until a part is full. 0: it is empty. */
static int take_buffer(Import *import, uint64_t until_usec) {
        while (import->at < import->size && !part_is_full(&import->part)) {
                const uint8_t *from = import->buffer + import->at, *end = memchr(from, '\n', import->size - import->at);
                size_t n = end ? (size_t) (end - from) + 1 : import->size - import->at;
                size_t taken = MIN(n, sizeof(import->line) - import->line_size);
                int r;

                memcpy(import->line + import->line_size, from, taken);
                import->line_size += taken;
                import->at += taken;
                if (!end && import->line_size < sizeof(import->line))
                        continue;
                r = take_line(import, import->line, import->line_size); /* also one that is too long: it says so */
                if (r < 0)
                        return r;
                import->line_size = 0;
                if (shared_now_usec() >= until_usec)
                        break;
        }

        return import->at < import->size;
}

/* ---- The disk ---- */

/* What is recorded goes before what is taken in: room for it has to stay. */
static int check_room(Import *import) {
        g_autofree char *folder = g_path_get_dirname(import->store->path);
        uint64_t free_octets, least = import->store->free_min;
        struct statvfs s;

        if (statvfs(folder, &s) < 0)
                return 0; /* the writer will see */
        free_octets = (uint64_t) s.f_bavail * s.f_frsize;
        least = MAX(least, (uint64_t) s.f_blocks * s.f_frsize / 20);
        if (free_octets >= least)
                return 0;

        (void) g_snprintf(import->message, sizeof(import->message), "less than %" PRIu64 " MiB are free on the disk of the record, which sessions need",
                          least / (1024 * 1024));
        return -EDQUOT;
}

/* ---- The pipe ---- */

static int open_pipe(Import *import) {
        if (import->pipe[0] >= 0 || pipe2(import->pipe, O_CLOEXEC | O_NONBLOCK) == 0)
                return 0;

        import->pipe[0] = import->pipe[1] = -1;
        return fail(import, -EIO, "there is no pipe left");
}

/* Whether reading would block is the business of whoever has the pipe, and can change at any time; moved into one of ours nothing does, but for
 * the move itself: it waits while another reads or writes memory there that is not at hand. 1: something came, 0: not now. */
static int fill_pipe(Import *import) {
        ssize_t n;

        do
                n = splice(import->fd, NULL, import->pipe[1], NULL, sizeof(import->buffer), SPLICE_F_NONBLOCK);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return errno == EAGAIN ? 0 : fail(import, -EBADMSG, "this cannot be read as a pipe");

        import->n_piped = (size_t) n;
        import->ended = n == 0;
        return 1;
}

static int fill_buffer(Import *import) {
        int r = import->n_piped > 0 ? 1 : fill_pipe(import);
        ssize_t n;

        if (r <= 0 || import->ended)
                return r;

        import->at = import->size = 0;
        n = read(import->pipe[0], import->buffer, sizeof(import->buffer));
        if (n <= 0)
                return fail(import, -EIO, "the pipe gave an error");
        import->size = (size_t) n;
        import->n_piped -= MIN((size_t) n, import->n_piped);
        import->n_octets += (size_t) n;
        return import->n_octets > IMPORT_SIZE_MAX ? fail(import, -EFBIG, "the tape is larger than 2 GiB") : 1;
}

static int check_end(Import *import) {
        if (import->line_size > 0)
                return fail(import, -EBADMSG, "the tape ends in the middle of the next line");
        if (!import->tape.begun)
                return fail(import, -EBADMSG, "the tape is empty");

        if (import->has_end && !import->begun && import->part.chunk.n_frames == 0)
                return fail(import, -EBADMSG, "there are no frames on the tape");

        return import->has_end ? 0 : fail(import, -EBADMSG, "the tape ends before its session does");
}

int import_read(Import *import, uint64_t until_usec) {
        bool came = import->at < import->size;
        int r = open_pipe(import);

        if (r >= 0 && import->part.chunk.n_frames == 0) /* of each part */
                r = check_room(import);

        while (r >= 0 && !part_is_full(&import->part) && !import->ended) {
                r = take_buffer(import, until_usec);
                if (r != 0 || part_is_full(&import->part))
                        break;
                r = fill_buffer(import);
                if (r <= 0)
                        break;
                came = true;
                if (import->ended)
                        r = check_end(import);
                if (shared_now_usec() >= until_usec)
                        break;
        }

        return r < 0 ? r : came;
}

/* ---- The writer ---- */

static void begin(Import *import) {
        if (import->begun)
                return;
        intake_begin(import->store, &import->intake, &import->session);
        import->begun = true;
}

static void finish(Import *import) {
        StoreEnd end = {
                .reason = import->end_reason,
                .boottime_usec = BASE_BOOTTIME_USEC + import->end_usec,
                .realtime_usec = import->end_realtime_usec,
                .record = import->session.record,
                .epoch = import->session.epoch,
        };

        if (import->has_figures)
                end.figures = &import->figures;
        intake_finish(import->store, &import->intake, &end);
        import->finishing = true;
}

static void hand_part(Import *import) {
        intake_part(import->store, &import->intake, &import->part);
        import->allocated_events = import->allocated_gaps = 0;
}

static int intake_failed(Import *import) {
        return fail(import, import->intake.error,
                    import->intake.error == -EEXIST ? "its owner has this session" : "the database cannot take it");
}

bool import_is_ready(const Import *import) {
        const Intake *intake = &import->intake;

        if (import->waits == IMPORT_WAITS_WRITER)
                return intake->error < 0 || (import->finishing ? intake->finished : intake_has_room(intake));
        return import->waits == IMPORT_GOES_ON;
}

int import_hand_over(Import *import) {
        bool full = part_is_full(&import->part);

        if (import->intake.error < 0)
                return intake_failed(import);
        if (import->finishing)
                return import->intake.finished;
        if (!full && !import->ended)
                return 0;

        begin(import);
        if (import->part.chunk.n_frames > 0 || import->part.n_gaps > 0)
                hand_part(import);
        if (import->ended && import->at == import->size)
                finish(import);
        return 0;
}
