/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* profile-loop live|vendor COUNT: decodes the same packet COUNT times, with the codec of Live, or with a vendor profile of the same fields.
 * profile-loop track-live|track-vendor COUNT: follows a session of COUNT such packets.
 * profile-loop load COUNT FOLDER: loads a folder of profiles COUNT times, and prints the milliseconds of the quickest. */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "profiles/file.h"
#include "session/tracker.h"

/* Live with all optional fields: all that it can carry but the CRC, whose cost is the same for both. */
static const uint8_t packet[] = {
        0x7f, 0x0b, 0x03, 0x01, 0x36, 0x65, 0xbc, 0x00, 0x30, 0x0c, 0x5a, 0x14, 0x4c, 0xe2, 0x01, 0x00, 0x2a, 0x65,
        0xf4, 0x01, 0xb8, 0x1a, 0x9c, 0x01, 0x23, 0x0f, 0x00, 0x00, 0x3c, 0x6d, 0x01, 0x00, 0x03, 0x07, 0x00,
};

#define FIELD(name, offset, type, rest) "[Field " name "]\nChar=live\nOffset=" offset "\nType=" type "\n" rest "\n"

static const char profile_text[] =
        "[Profile]\nFormat=1\nId=bench.live\nName=Live\nMatch=name:Live\n"
        "[Characteristic live]\nUUID=95840102-2319-423b-8a8e-ee1ffb8d13f8\nUse=notify\nMinLength=18\n"
        FIELD("flags", "0", "u16", "")
        FIELD("sequence", "2", "u16", "Meaning=sequence\nWrap=16")
        FIELD("tick", "4", "u32", "Meaning=timestamp\nScale=1/10000\nWrap=32")
        FIELD("force", "8", "s16", "Meaning=force")
        FIELD("peak", "10", "s16", "Unit=mN")
        FIELD("strokes", "12", "u32", "Meaning=strokes-total\nWrap=32")
        FIELD("last", "16", "u16", "")
        FIELD("depth", "18", "u16", "Meaning=depth\nOptional=true")
        FIELD("rate", "20", "u16", "Meaning=stroke-rate\nOptional=true")
        FIELD("current", "22", "u16", "Meaning=motor-current\nOptional=true")
        FIELD("distance", "24", "u32", "Meaning=distance\nOptional=true")
        FIELD("contact-time", "28", "u32", "Unit=ms\nOptional=true")
        FIELD("area", "32", "u8", "Meaning=area\nOptional=true")
        FIELD("passes", "33", "u16", "Meaning=passes-total\nWrap=16\nOptional=true");

static void print(const char *path, unsigned line, const char *text, void *userdata) {
        (void) fprintf(stderr, "%s:%u: %s\n", path, line, text);
}

static int decode(bool vendor, unsigned long count) {
        VendorReading *reading = g_new0(VendorReading, 1);
        ProfileFile *file;
        OmpLive live;
        int r = 0;

        if (profile_file_parse("live", profile_text, strlen(profile_text), print, NULL, &file) < 0)
                return EXIT_FAILURE;
        while (count-- > 0)
                r |= vendor ? vendor_decode(&file->vendor, 0, packet, sizeof(packet), reading)
                            : omp_live_decode(packet, sizeof(packet), &live);
        if (vendor && reading->n != file->vendor.n_fields)
                r = -1;

        profile_file_free(file);
        g_free(reading);
        return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The next packet: its number, its tick and its strokes go on. */
static void advance(uint8_t *octets, unsigned long i) {
        uint16_t sequence = GUINT16_TO_LE((uint16_t) i);
        uint32_t tick = GUINT32_TO_LE((uint32_t) (i * 1000)), strokes = GUINT32_TO_LE((uint32_t) (i * 12));

        memcpy(octets + 2, &sequence, sizeof(sequence));
        memcpy(octets + 4, &tick, sizeof(tick));
        memcpy(octets + 12, &strokes, sizeof(strokes));
}

static int track(bool vendor, unsigned long count) {
        g_autoptr(ProfileFile) file = NULL;
        g_autoptr(Tracker) tracker = NULL;
        uint8_t octets[sizeof(packet)];
        Frame frame = { .boottime_usec = 1000000, .channel = vendor ? 0 : OMP_CHAR_LIVE, .size = sizeof(octets), .data = octets };
        Figures figures;

        if (profile_file_parse("live", profile_text, strlen(profile_text), print, NULL, &file) < 0)
                return EXIT_FAILURE;

        tracker = tracker_new(&(TrackerSettings) { 0 }, &(TrackerObserver) { 0 }, NULL);
        (void) tracker_set_vendor(tracker, vendor ? &file->vendor : NULL);
        (void) tracker_start(tracker, &(SessionIdentity) { .id = 1 }, frame.boottime_usec, 0);
        memcpy(octets, packet, sizeof(packet));
        for (unsigned long i = 0; i < count; i++) {
                advance(octets, i);
                frame.boottime_usec += 100000;
                tracker_frame(tracker, &frame);
        }

        session_figures(tracker_session(tracker), frame.boottime_usec, &figures);
        return figures.value[FIGURE_STROKES].i == (int64_t) (count - 1) * 12 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int load(const char *folder, unsigned long count) {
        double best_ms = G_MAXDOUBLE;

        while (count-- > 0) {
                struct timespec before, after;
                Profiles *profiles;

                (void) clock_gettime(CLOCK_MONOTONIC, &before);
                profiles = profiles_new();
                profiles_load_folder(profiles, folder, print, NULL);
                (void) clock_gettime(CLOCK_MONOTONIC, &after);
                if (!profiles_all(profiles)[1])
                        return EXIT_FAILURE;
                profiles_free(profiles);
                best_ms = MIN(best_ms, (double) (after.tv_sec - before.tv_sec) * 1e3 + (double) (after.tv_nsec - before.tv_nsec) / 1e6);
        }
        (void) printf("%.3f\n", best_ms);
        return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
        unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

        if (argc == 3 && (g_str_equal(argv[1], "live") || g_str_equal(argv[1], "vendor")))
                return decode(g_str_equal(argv[1], "vendor"), count);
        if (argc == 3 && count > 0 && (g_str_equal(argv[1], "track-live") || g_str_equal(argv[1], "track-vendor")))
                return track(g_str_equal(argv[1], "track-vendor"), count);
        if (argc == 4 && g_str_equal(argv[1], "load"))
                return load(argv[3], count);

        (void) fprintf(stderr, "profile-loop: [track-]live COUNT, [track-]vendor COUNT or load COUNT FOLDER\n");
        return EXIT_FAILURE;
}
