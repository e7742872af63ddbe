/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "peripheral-vendor.h"
#include "source.h"

static void on_report(const char *path, unsigned line, const char *text, void *userdata) {
        if (line > 0)
                fprintf(stderr, "needlesim: %s:%u: %s\n", path, line, text);
        else
                fprintf(stderr, "needlesim: %s: %s\n", path, text);
}

static int load_tape(Source *source, const char *path, bool loop) {
        g_autofree char *problem = NULL;
        const char *id, *given = source->profile ? source->profile->profile.id : NULL;
        int r = tape_file_load(path, &source->tape, &problem);

        if (problem)
                fprintf(stderr, "needlesim: %s\n", problem);
        if (r < 0)
                return r;

        id = source->tape->head.profile;
        if (g_strcmp0(given ?: "omp1", id) != 0) {
                fprintf(stderr, "needlesim: %s: this is a tape of the profile %s: give its file with --profile\n", path, id);
                return -EINVAL;
        }
        source->play = (TapePlay) { .file = source->tape, .profile = source->profile, .loop = loop };
        return 0;
}

int source_load(Source *source, const char *profile_path, const char *tape_path, bool loop, PeripheralConfig *config) {
        int r;

        *source = (Source) {};
        if (profile_path) {
                r = profile_file_load(profile_path, on_report, NULL, &source->profile);
                if (r < 0)
                        return r;
                source->name = peripheral_vendor_name(source->profile);
                config->make = peripheral_vendor_make;
                config->from = source->profile;
        }
        if (tape_path) {
                r = load_tape(source, tape_path, loop);
                if (r < 0)
                        return r;
                config->make = peripheral_tape_make;
                config->from = &source->play;
        }

        return 0;
}

void source_clear(Source *source) {
        profile_file_free(source->profile);
        tape_file_free(source->tape);
        g_free(source->name);
        *source = (Source) {};
}
