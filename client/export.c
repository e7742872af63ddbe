/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "client/format.h"
#include "client/history.h"
#include "client/json.h"
#include "client/output.h"
#include "client/output-file.h"
#include "client/service.h"
#include "client/tape-file.h"
#include "client/verbs.h"

/* It counts the rows before it answers. */
#define EXPORT_TIMEOUT_USEC (120 * SECOND_USEC)

Exit history_export(Client *client, uint64_t id, const char *format, TapeFile *ret, uint64_t *ret_rows) {
        g_autofree char *name = g_strdup_printf("session %" PRIu64, id);
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        g_autoptr(sd_bus_message) call = NULL, reply = NULL;
        uint64_t rows;
        FILE *file;
        int fd, r;
        Exit e;

        e = client_connect(client);
        if (e == EXIT_DONE)
                e = service_message(client->bus, SERVICE_ROOT, SERVICE_HISTORY, "Export", &call);
        if (e != EXIT_DONE)
                return e;
        r = sd_bus_message_append(call, "tsa{sv}", id, format, 0);
        if (r < 0)
                return service_message_error(r);

        r = sd_bus_call(client->bus, call, EXPORT_TIMEOUT_USEC, &error, &reply);
        if (r < 0)
                return service_error(&error, r);
        r = sd_bus_message_read(reply, "ht", &fd, &rows);
        if (r < 0)
                return service_error(NULL, r);
        fd = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* that of the message goes with it */
        file = fd >= 0 ? fdopen(fd, "r") : NULL;
        if (!file)
                return service_error(NULL, -errno);

        tape_file_take(ret, file, name);
        *ret_rows = rows;
        return EXIT_DONE;
}

/* Line by line, until it is whole. Returns what is missing as a sentence's end, NULL if nothing is. A line without its end is what was in
 * the pipe when the service broke off, whatever it reads as. */
static char *copy(TapeFile *tape, uint64_t rows, OutputFile *out) {
        uint64_t n = 0;
        TapeLine line;
        int r = 1;

        while (n < rows && (r = tape_file_line(tape, &line)) != 0 && tape_file_line_is_whole(tape)) {
                if (r < 0)
                        return g_strdup(tape->problem);
                if (!output_file_write(out, tape->text, tape->size))
                        return g_strdup_printf("it could not be written: %s", g_strerror(out->error));
                n += line.item != TAPE_NOTHING;
        }

        return n < rows ? g_strdup_printf("it ended after %" PRIu64 " of %" PRIu64 " lines", n, rows) : NULL;
}

static Exit export_to(Client *client, uint64_t id, const char *path, json_t *exported) {
        const char *format = client->options.value[OPTION_FORMAT] ? client->options.value[OPTION_FORMAT] : "tape";
        g_autofree char *missing = NULL;
        g_auto(TapeFile) tape = {};
        uint64_t rows = 0;
        OutputFile out;
        Exit e;

        e = history_export(client, id, format, &tape, &rows);
        if (e == EXIT_DONE)
                e = output_file_open(&out, path, options_has(&client->options, OPTION_FORCE));
        if (e != EXIT_DONE)
                return e;

        missing = copy(&tape, rows, &out);
        if (missing && out.error > 0 && !out.path) /* main() finishes stdout, and says why it took no more */
                return EXIT_FAILED;
        if (missing) {
                output_error("The export of session %" PRIu64 " is not whole: %s; %s.", id, missing, output_file_discard(&out));
                return EXIT_FAILED;
        }
        e = output_file_close(&out);
        if (e != EXIT_DONE)
                return e;

        json_array_append_new(exported, json_pack("{s:I s:s s:o s:I}", "session", (json_int_t) id, "format", format, "file",
                                                  json_of_text(out.path ? out.path : "-"), "rows", (json_int_t) rows));
        if (out.path)
                output_say("Session %" PRIu64 " is in %s.", id, out.path);
        return EXIT_DONE;
}

static Exit read_id(const char *typed, uint64_t *ret) {
        if (format_parse_unsigned(typed, 1, UINT64_MAX, ret) == 0)
                return EXIT_DONE;

        output_error("There is no session '%s'. 'needlectl sessions' lists them with their numbers.", typed);
        return EXIT_NOT_FOUND;
}

/* One goes to stdout or a file, several, or one into a folder, to a file each. */
static Exit export_one(Client *client, const char *typed, json_t *exported) {
        const char *output = client->options.value[OPTION_OUTPUT];
        g_autofree char *name = NULL, *path = NULL;
        uint64_t id;
        Exit e;

        e = read_id(typed, &id);
        if (e != EXIT_DONE)
                return e;
        if (client->n_args == 1 && !(output && g_file_test(output, G_FILE_TEST_IS_DIR)))
                return export_to(client, id, output, exported);

        name = g_strdup_printf("session-%" PRIu64 ".tape", id);
        path = output ? g_build_filename(output, name, NULL) : g_strdup(name);
        return export_to(client, id, path, exported);
}

Exit verb_export(Client *client) {
        json_auto *exported = json_array(), *reply = NULL;
        Exit e = EXIT_DONE;

        if (client_wants_json(client) && client->n_args == 1 && !options_has(&client->options, OPTION_OUTPUT)) {
                output_error("The tape goes to stdout: --json needs --output.");
                return EXIT_USAGE;
        }

        for (int i = 0; i < client->n_args && e == EXIT_DONE; i++)
                e = export_one(client, client->args[i], exported);
        if (client_wants_json(client)) {
                reply = json_pack("{s:O}", "exported", exported);
                output_json(reply);
        }

        return e;
}
