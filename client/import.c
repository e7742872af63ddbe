/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/archive-file.h"
#include "client/import-send.h"
#include "client/json.h"
#include "client/output.h"
#include "client/session-json.h"
#include "client/verbs.h"

#define BLOCK 65536u

/* What came of all files. */
typedef struct Importing {
        Client *client;
        Profiles *profiles;
        json_t *imported, *failed;      /* for --json */
        unsigned n_imported, n_known, n_failed;
        Exit worst;                     /* of those that failed */
} Importing;

typedef enum Kind {
        KIND_TAPE,
        KIND_JSON,
        KIND_ARCHIVE,
        KIND_EMPTY,
} Kind;

static void note_result(Importing *x, const char *name, Exit e, uint64_t id) {
        if (e == EXIT_DONE) {
                x->n_imported++;
                output_say("%s is session %" PRIu64 " now.", name, id);
                json_array_append_new(x->imported,
                                      json_pack("{s:o s:I}", "file", json_of_text(name), "session", (json_int_t) id));
                return;
        }

        json_array_append_new(x->failed, json_pack("{s:o s:b}", "file", json_of_text(name), "known", e == EXIT_NOTHING_TO_DO));
        if (e == EXIT_NOTHING_TO_DO) {
                x->n_known++;
                return;
        }
        x->n_failed++;
        if (x->worst == EXIT_DONE || e == EXIT_UNREACHABLE)
                x->worst = e == EXIT_USAGE ? EXIT_FAILED : e; /* it is the file that is wrong, not the command line */
}

/* ---- One session ---- */

/* A block goes when the next one was read: that a member of an archive is damaged is told at its end, and a tape without its last
 * line is none. */
static void send_blocks(ImportSend *send, FILE *file) {
        g_autofree char *blocks = g_malloc((size_t) 2 * BLOCK);
        char *now = blocks, *next = blocks + BLOCK;
        size_t n = fread(now, 1, BLOCK, file);

        while (n > 0) {
                size_t n_next = fread(next, 1, BLOCK, file);
                char *sent = now;

                if (ferror(file) || !import_send_write(send, now, n))
                        return;
                now = next;
                next = sent;
                n = n_next;
        }
}

static Exit send_tape(Importing *x, FILE *file, const char *name, uint64_t *ret_id) {
        ImportSend *send;
        bool failed;
        Exit e;

        e = import_send_begin(x->client, NULL, &send);
        if (e != EXIT_DONE)
                return e;
        send_blocks(send, file);
        failed = ferror(file);
        if (failed)
                output_error("%s cannot be read to its end; nothing of it was taken in.", name);
        e = import_send_end(send, failed, ret_id);
        if (e != EXIT_DONE && !failed)
                output_error("This was about %s.", name);
        return e;
}

static bool send_json_frames(SessionJson *j, ImportSend *send, int *ret) {
        char buf[TAPE_HEAD_MAX];

        *ret = tape_format_head(&j->tape, buf, sizeof(buf));
        if (*ret < 0 || !import_send_write(send, buf, (size_t) *ret))
                return false;
        while ((*ret = session_json_frame(j, buf)) > 0)
                if (!import_send_write(send, buf, (size_t) *ret))
                        return false;
        if (*ret == 0)
                *ret = session_json_end(j, buf);

        return *ret > 0 && import_send_write(send, buf, (size_t) *ret);
}

/* What is wrong with the file is found here; a tape without its end is none to the service, which takes nothing in. */
static Exit send_json(Importing *x, FILE *file, const char *name, uint64_t *ret_id) {
        g_auto(SessionJson) j = {};
        ImportSend *send;
        int r;
        Exit e;

        r = session_json_open(&j, file, name, x->profiles);
        if (r < 0) {
                output_error("%s", j.problem);
                return EXIT_FAILED;
        }
        e = import_send_begin(x->client, j.session, &send);
        if (e != EXIT_DONE)
                return e;

        (void) send_json_frames(&j, send, &r);
        if (r < 0)
                output_error("%s", j.problem ? j.problem : "The session cannot be made a tape.");
        e = import_send_end(send, r < 0, ret_id);
        if (e != EXIT_DONE && r >= 0)
                output_error("This was about %s.", name);
        return r < 0 ? EXIT_FAILED : e;
}

/* ---- Files ---- */

/* By what it begins with, which stays in the file (glibc takes back as much as is asked). An archive begins with the
 * name of its first member, which may be any. */
static Kind look_at(FILE *file) {
        static const char tape[] = "needled-tape ";
        char head[sizeof(tape) - 1];
        size_t n = fread(head, 1, sizeof(head), file);

        for (size_t i = n; i > 0; i--)
                (void) ungetc((unsigned char) head[i - 1], file);
        if (n == 0)
                return KIND_EMPTY;
        if (head[0] == '{')
                return KIND_JSON;
        return memcmp(head, tape, MIN(n, sizeof(head))) == 0 ? KIND_TAPE : KIND_ARCHIVE;
}

static void import_archive(Importing *x, FILE *file, const char *name);

/* Takes `file`. An archive within an archive is none of ours. */
static void import_stream(Importing *x, FILE *file, const char *name, bool is_member) {
        Kind kind = look_at(file);
        uint64_t id = 0;
        Exit e;

        if (kind == KIND_ARCHIVE && !is_member) {
                import_archive(x, file, name);
                return;
        }
        switch (kind) {
        case KIND_JSON:
                e = send_json(x, file, name, &id);
                break;
        case KIND_TAPE:
                e = send_tape(x, file, name, &id);
                (void) fclose(file);
                break;
        case KIND_ARCHIVE:
        case KIND_EMPTY:
                output_error("%s is %s.", name, kind == KIND_EMPTY ? "empty" : "neither a tape nor a session as JSON");
                (void) fclose(file);
                e = EXIT_FAILED;
                break;
        }
        note_result(x, name, e, id);
}

static void import_archive(Importing *x, FILE *file, const char *name) {
        g_autofree char *problem = NULL;
        g_autoptr(ArchiveReader) archive = archive_reader_new(file, &problem);
        int r = archive ? 1 : -EBADMSG;
        unsigned n = 0;

        while (r > 0) {
                g_autofree char *member = NULL, *whole = NULL;
                FILE *content;

                r = archive_reader_next(archive, &member, &content, &problem);
                if (r <= 0)
                        break;
                whole = g_strdup_printf("%s: %s", name, member);
                n++;
                if (x->worst != EXIT_UNREACHABLE) /* that was said, and stays so */
                        import_stream(x, content, whole, true);
                else {
                        (void) fclose(content);
                        note_result(x, whole, EXIT_UNREACHABLE, 0);
                }
        }
        if (r == 0 && n > 0)
                return;
        if (r == 0) /* to libarchive many a thing is one */
                output_error("%s is neither a tape, nor a session as JSON, nor an archive that holds any.", name);
        else
                output_error("%s is neither a tape, nor a session as JSON, nor a whole archive of them: %s.", name, problem);
        note_result(x, name, EXIT_FAILED, 0);
}

static void import_path(Importing *x, const char *path) {
        bool is_stdin = strcmp(path, "-") == 0;
        FILE *file = is_stdin ? fdopen(dup(STDIN_FILENO), "re") : fopen(path, "re");

        if (!file) {
                Exit e = errno == ENOENT ? EXIT_NOT_FOUND : EXIT_FAILED;

                output_error("%s cannot be read: %s.", path, g_strerror(errno));
                note_result(x, path, e, 0);
                return;
        }
        import_stream(x, file, is_stdin ? "stdin" : path, false);
}

Exit verb_import(Client *client) {
        json_auto *imported = json_array(), *failed = json_array(), *reply = NULL;
        Importing x = { .client = client, .imported = imported, .failed = failed, .worst = EXIT_DONE };
        Exit e;

        (void) signal(SIGPIPE, SIG_IGN); /* the service says why it takes no more */
        e = client_connect(client);
        if (e != EXIT_DONE)
                return e;
        x.profiles = client_profiles(NULL, NULL);
        for (int i = 0; i < client->n_args; i++)
                if (x.worst == EXIT_UNREACHABLE) /* and stays so */
                        note_result(&x, client->args[i], EXIT_UNREACHABLE, 0);
                else
                        import_path(&x, client->args[i]);
        profiles_free(x.profiles);

        if (client_wants_json(client)) {
                reply = json_pack("{s:O s:O}", "imported", imported, "failed", failed);
                output_json(reply);
        } else if (x.n_failed > 0 && x.n_imported > 0)
                output_error("%u taken in, %u not.", x.n_imported, x.n_failed + x.n_known);

        return x.n_failed > 0 ? x.worst : x.n_imported == 0 ? EXIT_NOTHING_TO_DO : EXIT_DONE;
}
