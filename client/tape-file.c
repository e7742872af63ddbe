/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/tape-file.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "client/output.h"

static int fail(TapeFile *t, int error, char *problem_take) {
        g_free(t->problem);
        t->problem = problem_take;
        return error;
}

Exit tape_file_open(TapeFile *t, const char *path) {
        FILE *file;

        *t = (TapeFile) {};
        if (strcmp(path, "-") == 0)
                file = fdopen(dup(STDIN_FILENO), "re");
        else
                file = fopen(path, "re");
        if (!file) {
                Exit e = errno == ENOENT ? EXIT_NOT_FOUND : EXIT_FAILED;

                output_error("%s cannot be read: %s.", path, g_strerror(errno));
                return e;
        }

        tape_file_take(t, file, strcmp(path, "-") == 0 ? "stdin" : path);
        return EXIT_DONE;
}

void tape_file_take(TapeFile *t, FILE *file, const char *name) {
        *t = (TapeFile) { .name = g_strdup(name), .file = file };
        tape_reader_init(&t->reader);
}

void tape_file_close(TapeFile *t) {
        if (t->file)
                (void) fclose(t->file);
        t->file = NULL;
        g_clear_pointer(&t->name, g_free);
        g_clear_pointer(&t->problem, g_free);
}

/* One line, or as much of it as is more than a tape may have: tape_read() says so. Not fgets(), which hides a NUL. */
static void read_text(TapeFile *t) {
        int c = 0;

        t->size = 0;
        while (c != '\n' && t->size < sizeof t->text && (c = getc_unlocked(t->file)) != EOF)
                t->text[t->size++] = (char) c;
}

int tape_file_line(TapeFile *t, TapeLine *ret) {
        int r;

        errno = 0;
        read_text(t);
        if (ferror(t->file)) {
                r = errno > 0 ? -errno : -EIO;
                return fail(t, r,
                            t->reader.line > 0 ? g_strdup_printf("%s: after line %u it cannot be read: %s.", t->name,
                                                                 t->reader.line, g_strerror(-r))
                                               : g_strdup_printf("%s cannot be read: %s.", t->name, g_strerror(-r)));
        }
        if (t->size == 0 && t->reader.begun)
                return 0;
        if (t->size == 0)
                return fail(t, -EBADMSG, g_strdup_printf("%s:1: it is empty, a tape begins with 'needled-tape %d'.", t->name,
                                                         TAPE_VERSION));

        r = tape_read(&t->reader, t->text, t->size, ret);
        if (r == -EOPNOTSUPP)
                return fail(t, r, g_strdup_printf("%s:%u: this is a tape of a later version: update needled to read it.", t->name,
                                                  t->reader.line));

        return r < 0 ? fail(t, r, g_strdup_printf("%s:%u: %s.", t->name, t->reader.line, t->reader.error)) : 1;
}

bool tape_file_line_is_whole(const TapeFile *t) {
        return t->size > 0 && t->text[t->size - 1] == '\n';
}

int tape_file_next(TapeFile *t, TapeLine *ret) {
        int r;

        do
                r = tape_file_line(t, ret);
        while (r > 0 && ret->item == TAPE_NOTHING);

        return r;
}

Exit tape_file_profile(const TapeFile *t, const Profiles *profiles, const VendorProfile **ret) {
        const Profile *profile = profiles_by_id(profiles, t->reader.head.profile);

        if (!profile) {
                output_error("%s is of a device with the profile '%s', which is not known here: put its file into "
                             "/etc/needled/profiles.d, "
                             "or name its folder in NEEDLED_PROFILES_PATH.",
                             t->name, t->reader.head.profile);
                return EXIT_NOT_FOUND;
        }

        *ret = profile->vendor;
        return EXIT_DONE;
}

int tape_file_channel(const TapeHead *head, uint8_t channel, const VendorProfile *vendor) {
        const TapeChannel *known = NULL;

        for (size_t i = 0; i < head->n_channels; i++)
                if (head->channels[i].channel == channel)
                        known = &head->channels[i];
        if (!known)
                return strcmp(head->profile, vendor->id) == 0 && channel < vendor->n_chars ? channel : -ENOENT;

        for (size_t i = 0; i < vendor->n_chars; i++) {
                const VendorChar *ch = &vendor->chars[i];

                if (*known->uuid ? ch->uuid && g_ascii_strcasecmp(ch->uuid, known->uuid) == 0
                                 : strcmp(ch->alias, known->name) == 0)
                        return (int) i;
        }

        return -ENOENT;
}

void tape_file_unplaced(const TapeFile *t, uint64_t n) {
        if (n > 0)
                output_error("%" PRIu64 " frames of %s are of characteristics that the profile %s does not have "
                                        "here; they were passed over.",
                             n, t->name, t->reader.head.profile);
}
