/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>

#include "client/figures-compare.h"
#include "client/figures-view.h"
#include "client/format.h"
#include "client/history.h"
#include "client/json.h"
#include "client/output.h"
#include "client/playback.h"
#include "client/service.h"
#include "client/session-name.h"
#include "client/table.h"
#include "client/tape-file.h"
#include "client/text.h"
#include "client/verbs.h"

/* It reads all frames. */
#define VERIFY_TIMEOUT_USEC (120 * SECOND_USEC)

typedef struct Verification {
        Client *client;
        Profiles *profiles;
        json_t *verified;       /* one entry for each argument */
        bool differs;
} Verification;

/* The figures of a tape, with the code of today; at most `rows` lines of its body. EXIT_FAILED: it is not whole, *ret
 * are those of what came before, or NULL if nothing did. The user was told. */
static Exit compute(const Verification *v, TapeFile *tape, uint64_t rows, json_t **ret) {
        const VendorProfile *vendor = NULL;
        g_autoptr(Playback) playback = NULL;
        TapeLine line;
        Figures figures;
        uint64_t n = 0;
        int r = 1;

        *ret = NULL;
        while (n < rows && (r = tape_file_next(tape, &line)) > 0 && (rows == UINT64_MAX || tape_file_line_is_whole(tape))) {
                if (!playback) {
                        Exit e = tape_file_profile(tape, v->profiles, &vendor);

                        if (e != EXIT_DONE)
                                return e;
                        playback = playback_new(&tape->reader, vendor, NULL, NULL);
                }
                playback_line(playback, &line);
                n++;
        }

        if (playback) {
                playback_figures(playback, &figures);
                *ret = json_from_figures(&figures);
                tape_file_unplaced(tape, playback_unplaced(playback));
        }
        if (r < 0)
                output_error("%s", tape->problem);
        else if (rows < UINT64_MAX && n < rows)
                output_error("The record of %s came only in part: %" PRIu64 " of %" PRIu64 " lines.", tape->name, n, rows);
        else if (playback)
                return EXIT_DONE;
        else
                output_error("There is nothing on the tape %s.", tape->name);

        return EXIT_FAILED;
}

static char *number_text(const json_t *value) {
        return value ? json_line(value) : g_strdup("absent");
}

static void print_differences(const json_t *differences, bool legend) {
        static const char *const titles[] = { "FIGURE", ">STORED", ">COMPUTED", "UNIT" };
        g_autoptr(Table) table = table_new(titles, G_N_ELEMENTS(titles));
        json_t *difference;
        size_t i;

        json_array_foreach((json_t *) differences, i, difference) {
                g_autofree char *stored = number_text(json_object_get(difference, "stored")),
                                *computed = number_text(json_object_get(difference, "computed"));
                const char *unit = json_text(difference, "unit");

                table_add(table, json_text(difference, "figure"), STYLE_PLAIN);
                table_add(table, stored, STYLE_PLAIN);
                table_add(table, computed, STYLE_PLAIN);
                table_add(table, g_str_equal(unit, "1") ? "" : unit, STYLE_PLAIN);
        }

        table_print(table, legend);
}

/* What the service finds when it reads all of it again. */
static Exit ask_service(Verification *v, uint64_t id, json_t **ret) {
        return client_call_with(v->client, SERVICE_ROOT, SERVICE_HISTORY, "Verify", VERIFY_TIMEOUT_USEC, ret, "t", id);
}

static void add_verified(Verification *v, uint64_t id, const json_t *report, json_t *entry) {
        json_object_set_new(entry, "session", json_integer((json_int_t) id));
        json_object_set(entry, "frames", json_object_get(report, "frames"));
        json_object_set(entry, "chunks", json_object_get(report, "chunks"));
        json_object_set(entry, "damaged", json_object_get(report, "damaged"));
        json_object_set(entry, "figures_version", json_object_get(report, "figures_version"));
        json_array_append(v->verified, entry);
}

/* Its frames are there, as they were written. Chunks that are damaged are what else there is to say. */
static void say_whole(Verification *v, uint64_t id, const json_t *report) {
        int64_t n_damaged = json_number(report, "damaged");

        if (n_damaged == 0)
                return;
        v->differs = true;
        output_error("Session %" PRIu64 ": %" PRId64 " of its %" PRId64 " parts are damaged, and the frames in them "
                     "are lost.", id, n_damaged,
                     json_number(report, "chunks"));
}

/* What was taken in while nobody knew its profile has none. */
static bool has_figures(const json_t *report) {
        return json_object_get(report, "figures_version");
}

/* The figures on either side, from what was on the air. */
static Exit compare_session(Verification *v, uint64_t id, const json_t *report) {
        json_auto *stored = NULL, *computed = NULL, *differences = NULL, *entry = NULL;
        g_auto(TapeFile) tape = {};
        uint64_t rows = 0;
        bool equal;
        Exit e;

        e = history_export(v->client, id, &tape, &rows); /* first: it says of a live session that it has to end */
        if (e == EXIT_DONE)
                e = history_get(v->client, id, &stored);
        if (e == EXIT_DONE)
                e = compute(v, &tape, rows, &computed);
        if (e != EXIT_DONE)
                return e;

        differences = figures_compare(stored, computed);
        equal = json_array_size(differences) == 0;
        v->differs |= !equal;
        entry = json_pack("{s:b s:O s:O}", "equal", equal, "differences", differences, "figures", computed);
        add_verified(v, id, report, entry);
        if (client_wants_json(v->client))
                return EXIT_DONE;

        if (!has_figures(report))
                output_say("Session %" PRIu64 ": none of its figures are stored.", id);
        else if (equal)
                output_say("Session %" PRIu64 ": its record gives the figures that are stored.", id);
        else
                output_say("Session %" PRIu64 ": its record gives other figures than those that are stored.", id);
        if (!equal)
                print_differences(differences, !options_has(&v->client->options, OPTION_NO_LEGEND));
        return EXIT_DONE;
}

static Exit verify_session(Verification *v, uint64_t id) {
        json_auto *report = NULL;
        Exit e = ask_service(v, id, &report);

        if (e != EXIT_DONE)
                return e;
        say_whole(v, id, report);
        if (client_wants_json(v->client) || !json_is_true(json_object_get(report, "ok")) || !has_figures(report))
                return compare_session(v, id, report);

        output_say("Session %" PRIu64 ": its record is whole, %" PRId64 " frames, and gives the figures that are stored.", id,
                   json_number(report, "frames"));
        return EXIT_DONE;
}

static Exit verify_file(Verification *v, const char *path) {
        json_auto *computed = NULL;
        g_auto(TapeFile) tape = {};
        Exit e;

        e = tape_file_open(&tape, path);
        if (e == EXIT_DONE)
                e = compute(v, &tape, UINT64_MAX, &computed);
        if (!computed)
                return e;

        json_array_append_new(v->verified, json_pack("{s:o s:O}", "file", json_of_text(path), "figures", computed));
        if (!client_wants_json(v->client)) {
                g_autofree char *name = text_printable(path);

                if (v->client->n_args > 1)
                        printf("%s%s%s\n", output_style(STYLE_BOLD), name, output_style(STYLE_PLAIN));
                figures_view_print(computed);
        }
        return e;
}

/* A number is a session; of what may be either, a file that is there is meant. */
static Exit verify(Verification *v, const char *typed) {
        uint64_t id;
        Exit e;

        if (format_parse_unsigned(typed, 1, INT64_MAX, &id) < 0 &&
            (!session_name_is_one(typed) || g_file_test(typed, G_FILE_TEST_EXISTS)))
                return verify_file(v, typed);

        e = session_name_find(v->client, NULL, typed, &id);
        return e == EXIT_DONE ? verify_session(v, id) : e;
}

Exit verb_verify(Client *client) {
        Verification v = { .client = client };
        json_auto *verified = json_array(), *reply = NULL;
        Exit e = EXIT_DONE;

        v.profiles = client_profiles(NULL, NULL);
        v.verified = verified;
        for (int i = 0; i < client->n_args && e == EXIT_DONE; i++)
                e = verify(&v, client->args[i]);
        profiles_free(v.profiles);

        if (client_wants_json(client)) {
                reply = json_pack("{s:O}", "verified", verified);
                output_json(reply);
        }
        return e == EXIT_DONE && v.differs ? EXIT_FAILED : e;
}
