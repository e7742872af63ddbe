/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "fuzz.h"
#include "hub-decode.h"
#include "needled/tape.h"
#include "scratch.h"
#include "store/import.h"
#include "vendor-profile.h"

/* A tape as anybody may hand it to History1.Import: what the service makes of its frames, and what an export says of them. Rows fit, have as many
 * fields as the head, and figures are numbers. */

#define BASE UINT64_C(1000000)

static Hub hub;                         /* its profiles are all that the decoder asks for */
static unsigned n_fields;

static void on_report(const char *path, unsigned line, const char *text, void *userdata) {
        g_error("%s:%u: %s", path, line, text);
}

static unsigned count_fields(const char *row, size_t size) {
        unsigned n = 1;
        bool quoted = false;

        for (size_t i = 0; i < size; i++) {
                quoted ^= row[i] == '"';
                n += !quoted && row[i] == ',';
                assert(quoted || row[i] != '\n');
        }
        assert(!quoted);
        return n;
}

static void begin(void) {
        hub.profiles = profiles_new();
        (void) scratch_write("fuzz.mnprofile", (const uint8_t *) vendor_text, sizeof(vendor_text) - 1);
        profiles_load_folder(hub.profiles, scratch_folder, on_report, NULL);
        assert(profiles_by_id(hub.profiles, "example.fuzz"));
        n_fields = count_fields(hub_decoder.csv_head, strlen(hub_decoder.csv_head));
}

/* As the store makes it of a tape's head. */
static void *decoding_of(const TapeHead *head) {
        g_autoptr(GString) channels = g_string_new(NULL);
        StoreSession s = {
                .uuid = (char *) head->session, .device_alias = (char *) head->device, .device_address = (char *) "",
                .profile = (char *) head->profile, .boot_id = (char *) "", .start_boottime_usec = BASE,
                .start_realtime_usec = head->start_realtime_usec,
        };

        for (size_t i = 0; i < head->n_channels; i++)
                g_string_append_printf(channels, "%s%u=%s", i > 0 ? ";" : "", head->channels[i].channel, head->channels[i].uuid);
        s.channels = channels->str;
        return hub_decoder.begin(&s, &hub);
}

static void check_row(const char *row, size_t size) {
        assert(size < STORE_ROW_MAX);
        assert(count_fields(row, size) == n_fields);
}

static void check_gaps(void *decoding) {
        const StoreGap *gaps;
        size_t n = hub_decoder.gaps(decoding, &gaps);

        assert(n <= DECODING_HAPPENINGS_MAX);
        for (size_t i = 0; i < n; i++)
                assert(gaps[i].from_usec <= gaps[i].to_usec);
}

static void check_frame(void *decoding, const Frame *frame) {
        char *buf = malloc(STORE_ROW_MAX);      /* on the heap: AddressSanitizer sees one octet too far */
        const StoreEvent *events;
        StoreSample sample;
        size_t n;

        hub_decoder.frame(decoding, frame, &sample);
        check_row(buf, hub_decoder.csv_row(decoding, frame, buf));
        check_row(buf, hub_decoder.csv_moment(decoding, frame->boottime_usec + 1000, buf));
        n = hub_decoder.events(decoding, &events);
        assert(n <= DECODING_HAPPENINGS_MAX);
        for (size_t i = 0; i < n; i++) {
                size_t size = hub_decoder.event_json(&events[i], buf);

                assert(size < STORE_ROW_MAX && (size == 0 || (buf[0] == '{' && buf[size - 1] == '}')));
        }
        check_gaps(decoding);
        free(buf);
}

static void check_end(void *decoding, uint64_t boottime_usec) {
        Figures figures = {};

        hub_decoder.figures(decoding, boottime_usec, &figures);
        for (unsigned i = 0; i < _FIGURE_MAX; i++)
                if (figures_has(&figures, (Figure) i) && figure_info[i].type == 'd')
                        assert(isfinite(figures.value[i].d) && figures.value[i].d >= 0);
        check_gaps(decoding);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Input in = { data, size };
        void *decoding = NULL;
        TapeReader reader;
        TapeLine line = {};

        if (!hub.profiles)
                begin();
        tape_reader_init(&reader);
        while (in.size > 0) {
                const uint8_t *end = memchr(in.data, '\n', in.size);
                size_t n = end ? (size_t) (end - in.data) + 1 : in.size;

                if (tape_read(&reader, (const char *) in.data, n, &line) < 0 || line.time_usec > IMPORT_LENGTH_USEC)
                        break;
                in.data += n;
                in.size -= n;
                if (line.item == TAPE_NOTHING)
                        continue;
                if (!decoding && (reader.head.start_realtime_usec == 0 || !(decoding = decoding_of(&reader.head))))
                        break;
                if (line.item == TAPE_END)
                        check_end(decoding, BASE + line.time_usec);
                else if (line.item == TAPE_FRAME || line.size > 0) {
                        Frame frame = tape_frame(&reader, &line, BASE);

                        check_frame(decoding, &frame);
                }
        }
        if (decoding)
                hub_decoder.free(decoding);
        return 0;
}
