/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/export.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "client/archive-file.h"
#include "client/format.h"
#include "client/history.h"
#include "client/json.h"
#include "client/output-file.h"
#include "client/output.h"
#include "client/service.h"
#include "client/session-filter.h"
#include "client/session-name.h"
#include "client/tape-file.h"
#include "client/verbs.h"

/* It counts the rows before it answers. */
#define EXPORT_TIMEOUT_USEC (120 * SECOND_USEC)
#define SESSION_SECONDS_MAX (24 * 3600)
#define RESAMPLE_HZ_MAX 1000

/* One run of the verb. */
typedef struct Exporting {
        Client *client;
        ExportOptions options;
        ArchiveWriter *archive;         /* NULL: files, or stdout */
        bool single;                    /* one that does not go into a folder */
        json_t *exported;
} Exporting;

/* ---- From the service ---- */

static int append_options(sd_bus_message *call, const ExportOptions *o) {
        int r = sd_bus_message_open_container(call, 'a', "{sv}");

        if (r >= 0 && o->from_usec > 0)
                r = sd_bus_message_append(call, "{sv}", "from", "t", o->from_usec);
        if (r >= 0 && o->to_usec < UINT64_MAX)
                r = sd_bus_message_append(call, "{sv}", "to", "t", o->to_usec);
        if (r >= 0 && o->resample_hz > 0)
                r = sd_bus_message_append(call, "{sv}", "resample_hz", "u", o->resample_hz);

        return r < 0 ? r : sd_bus_message_close_container(call);
}

static Exit call_export(Client *client, uint64_t id, const ExportOptions *o, FILE **ret, uint64_t *ret_rows) {
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        g_autoptr(sd_bus_message) call = NULL, reply = NULL;
        int fd, r;
        Exit e;

        e = client_connect(client);
        if (e == EXIT_DONE)
                e = service_message(client->bus, SERVICE_ROOT, SERVICE_HISTORY, "Export", &call);
        if (e != EXIT_DONE)
                return e;
        r = sd_bus_message_append(call, "ts", id, export_format_name(o->format));
        if (r >= 0)
                r = append_options(call, o);
        if (r < 0)
                return service_message_error(r);

        r = service_send(client->bus, call, EXPORT_TIMEOUT_USEC, &error, &reply);
        if (r < 0)
                return service_error(&error, r);
        r = sd_bus_message_read(reply, "ht", &fd, ret_rows);
        if (r < 0)
                return service_error(NULL, r);
        fd = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* that of the message goes with it */
        *ret = fd >= 0 ? fdopen(fd, "r") : NULL;
        return *ret ? EXIT_DONE : service_error(NULL, -errno);
}

Exit history_export(Client *client, uint64_t id, TapeFile *ret, uint64_t *ret_rows) {
        const ExportOptions whole = { .format = EXPORT_TAPE, .to_usec = UINT64_MAX };
        g_autofree char *name = g_strdup_printf("session %" PRIu64, id);
        FILE *file = NULL;
        Exit e = call_export(client, id, &whole, &file, ret_rows);

        if (e == EXIT_DONE)
                tape_file_take(ret, file, name);
        return e;
}

Exit export_session(Client *client, uint64_t id, const ExportOptions *options, ExportSink sink, void *userdata,
                    uint64_t *ret_rows, char **ret_missing) {
        g_autofree char *name = g_strdup_printf("session %" PRIu64, id);
        FILE *file;
        Exit e;

        *ret_missing = NULL;
        e = call_export(client, id, options, &file, ret_rows);
        if (e != EXIT_DONE)
                return e;

        *ret_missing = export_copy(file, name, options->format, *ret_rows, sink, userdata);
        return *ret_missing ? EXIT_FAILED : EXIT_DONE;
}

/* ---- Into files ---- */

static void tell(Exporting *x, uint64_t id, const char *path, uint64_t rows) {
        json_array_append_new(x->exported, json_pack("{s:I s:s s:o s:I}", "session", (json_int_t) id, "format",
                                                     export_format_name(x->options.format), "file",
                                                     json_of_text(path ? path : "-"), "rows", (json_int_t) rows));
        if (path)
                output_say("Session %" PRIu64 " is in %s.", id, path);
}

typedef struct FileSink {
        OutputFile file;
        const char *path;
        bool force, opened;
        Exit result;                    /* of the opening */
} FileSink;

/* Opened with the first octet: a session that cannot be exported writes over nothing. */
static bool sink_file(const char *data, size_t size, void *userdata) {
        FileSink *s = userdata;

        if (!s->opened) {
                s->result = output_file_open(&s->file, s->path, s->force);
                s->opened = s->result == EXIT_DONE;
        }

        return s->opened && output_file_write(&s->file, data, size);
}

static Exit export_to(Exporting *x, uint64_t id, const char *path) {
        FileSink sink = { .path = path, .force = options_has(&x->client->options, OPTION_FORCE), .result = EXIT_DONE };
        g_autofree char *missing = NULL;
        uint64_t rows = 0;
        Exit e;

        e = export_session(x->client, id, &x->options, sink_file, &sink, &rows, &missing);
        if (sink.result != EXIT_DONE)
                return sink.result;
        /* main() finishes stdout, and says why it took no more. */
        if (missing && sink.opened && sink.file.error > 0 && !sink.file.path)
                return EXIT_FAILED;
        if (missing && sink.opened && sink.file.error > 0)
                output_error("The export of session %" PRIu64 " is not whole: it could not be written: %s; %s.", id,
                             g_strerror(sink.file.error), output_file_discard(&sink.file));
        else if (missing)
                output_error("The export of session %" PRIu64 " is not whole: %s; %s.", id, missing,
                             sink.opened ? output_file_discard(&sink.file) : "nothing was written");
        if (e != EXIT_DONE)
                return e;
        e = output_file_close(&sink.file);
        if (e == EXIT_DONE)
                tell(x, id, sink.file.path, rows);
        return e;
}

static char *session_name(const Exporting *x, uint64_t id) {
        return g_strdup_printf("session-%" PRIu64 ".%s", id, export_format_name(x->options.format));
}

/* An archive wants to know how long a member is before it comes: it waits in a file without a name. */
static Exit export_member(Exporting *x, uint64_t id) {
        g_autofree char *missing = NULL, *name = session_name(x, id);
        FILE *content = tmpfile();
        uint64_t rows = 0;
        Exit e;

        if (!content) {
                output_error("There is no room for a temporary file: %s.", g_strerror(errno));
                return EXIT_FAILED;
        }
        e = export_session(x->client, id, &x->options, export_sink_stream, content, &rows, &missing);
        if (missing)
                output_error("The export of session %" PRIu64 " is not whole: %s; no archive was written.", id, missing);
        if (e == EXIT_DONE)
                e = archive_writer_add(x->archive, name, content, client_now());
        (void) fclose(content);
        if (e == EXIT_DONE)
                json_array_append_new(x->exported, json_pack("{s:I s:s s:s s:I}", "session", (json_int_t) id, "format",
                                                             export_format_name(x->options.format), "member", name, "rows",
                                                             (json_int_t) rows));
        return e;
}

/* One goes to stdout or a file, several, or one into a folder, to a file each. */
static Exit export_one(Exporting *x, uint64_t id) {
        const char *output = x->client->options.value[OPTION_OUTPUT];
        g_autofree char *name = NULL, *path = NULL;

        if (x->archive)
                return export_member(x, id);
        if (x->single)
                return export_to(x, id, output);

        name = session_name(x, id);
        path = output ? g_build_filename(output, name, NULL) : g_strdup(name);
        return export_to(x, id, path);
}

/* ---- Which, and how ---- */

static Exit read_time(const Options *options, Option option, uint64_t fallback, uint64_t *ret_usec) {
        const char *value = options->value[option];
        uint64_t sec;

        *ret_usec = fallback;
        if (!value)
                return EXIT_DONE;
        if (format_parse_span(value, SESSION_SECONDS_MAX, &sec) < 0) {
                output_error("--%s does not understand '%s'. It takes a time in the session, up to a day: 90s, 2min 30s, 1h.",
                             option_info[option].name, value);
                return EXIT_USAGE;
        }

        *ret_usec = sec * SECOND_USEC;
        return EXIT_DONE;
}

Exit export_read_options(const Client *client, ExportFormat fallback, ExportOptions *ret) {
        const Options *options = &client->options;
        const char *format = options->value[OPTION_FORMAT];
        uint64_t hz;
        Exit e;

        *ret = (ExportOptions) { .format = fallback };
        if (format && export_format_from_name(format, &ret->format) < 0) {
                output_error("There is no format '%s'. Formats are tape, json and csv.", format);
                return EXIT_USAGE;
        }
        e = options_number(options, OPTION_RESAMPLE, 1, RESAMPLE_HZ_MAX, 0, &hz);
        if (e == EXIT_DONE)
                e = read_time(options, OPTION_FROM, 0, &ret->from_usec);
        if (e == EXIT_DONE)
                e = read_time(options, OPTION_TO, UINT64_MAX, &ret->to_usec);
        if (e != EXIT_DONE)
                return e;
        if (hz > 0 && ret->format != EXPORT_CSV) {
                output_error("Only csv can be resampled: --format=csv.");
                return EXIT_USAGE;
        }
        if (ret->from_usec > ret->to_usec) {
                output_error("--from lies behind --to; exchange them.");
                return EXIT_USAGE;
        }

        ret->resample_hz = (unsigned) hz;
        return EXIT_DONE;
}

static Exit choose_ids(Client *client, GArray *ids) {
        json_auto *sessions = json_array();
        g_auto(Objects) objects = {};
        SessionFilter filter;
        json_t *session;
        size_t i;
        Exit e;

        e = session_filter_read(client, &objects, UINT64_MAX, &filter);
        if (e == EXIT_DONE)
                e = session_filter_list(client, &filter, sessions);
        if (e != EXIT_DONE)
                return e;

        json_array_foreach(sessions, i, session) {
                uint64_t id = (uint64_t) json_number(session, "id");

                g_array_append_val(ids, id);
        }
        if (ids->len > 0)
                return EXIT_DONE;
        output_say("There are no such sessions.");
        return EXIT_NOTHING_TO_DO;
}

static Exit find_ids(Client *client, GArray *ids) {
        bool filtered = session_filter_given(&client->options);

        if (client->n_args > 0 && filtered) {
                output_error("Sessions are named by their numbers, or chosen by options like --since, not both.");
                return EXIT_USAGE;
        }
        if (client->n_args == 0 && !filtered) {
                output_error("Which sessions? Name their numbers, choose them by options like --since, or take --all.");
                return EXIT_USAGE;
        }

        return filtered ? choose_ids(client, ids) : session_name_ids(client, ids);
}

static Exit export_all(Exporting *x, const GArray *ids) {
        const char *output = x->client->options.value[OPTION_OUTPUT];
        Exit e = EXIT_DONE;

        if (output && !x->single && !archive_file_is_name(output) && g_mkdir_with_parents(output, 0700) < 0) {
                output_error("%s cannot be written: %s.", output, g_strerror(errno));
                return EXIT_FAILED;
        }
        if (output && archive_file_is_name(output))
                e = archive_writer_open(output, options_has(&x->client->options, OPTION_FORCE), &x->archive);
        for (unsigned i = 0; i < ids->len && e == EXIT_DONE; i++)
                e = export_one(x, g_array_index(ids, uint64_t, i));
        if (!x->archive)
                return e;
        if (e != EXIT_DONE) {
                x->archive = archive_writer_discard(x->archive);
                return e;
        }

        e = archive_writer_close(g_steal_pointer(&x->archive));
        if (e == EXIT_DONE)
                output_say("%u session%s in %s.", ids->len, ids->len == 1 ? " is" : "s are", output);
        return e;
}

Exit verb_export(Client *client) {
        const char *output = client->options.value[OPTION_OUTPUT], *follow = client->options.value[OPTION_FOLLOW];
        g_autoptr(GArray) ids = g_array_new(false, false, sizeof(uint64_t));
        json_auto *exported = json_array(), *reply = NULL;
        Exporting x = { .client = client, .exported = exported };
        Exit e;

        if (follow)
                return export_follow(client, follow);
        e = export_read_options(client, EXPORT_TAPE, &x.options);
        if (e == EXIT_DONE)
                e = find_ids(client, ids);
        if (e != EXIT_DONE)
                return e;
        x.single = ids->len == 1 && client->n_args == 1 && !(output && g_file_test(output, G_FILE_TEST_IS_DIR));
        if (output && output_file_is_stdout(output) && !x.single) {
                output_error("Only one session that is named goes to stdout: --output takes a folder or an archive for others.");
                return EXIT_USAGE;
        }
        if (client_wants_json(client) && x.single && output_file_is_stdout(output)) {
                output_error("The %s goes to stdout: --json needs --output=FILE.", export_format_name(x.options.format));
                return EXIT_USAGE;
        }

        e = export_all(&x, ids);
        if (client_wants_json(client)) {
                reply = json_pack("{s:O}", "exported", exported);
                output_json(reply);
        }

        return e;
}
