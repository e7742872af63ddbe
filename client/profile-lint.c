/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <stdio.h>

#include "client/json.h"
#include "client/output.h"
#include "client/profile.h"
#include "client/text.h"

typedef struct Lint {
        json_t *problems;       /* NULL: printed as they come, one a line */
        unsigned n_problems;
} Lint;

static void on_problem(const char *path, unsigned line, const char *text, void *userdata) {
        Lint *lint = userdata;

        lint->n_problems++;
        if (lint->problems) {
                json_t *problem = json_pack("{s:o s:o}", "file", json_of_text(path), "reason", json_of_text(text));

                if (line > 0)
                        json_object_set_new(problem, "line", json_integer(line));
                json_array_append_new(lint->problems, problem);
        } else {
                g_autofree char *whole = profile_problem(path, line, text), *printable = text_printable(whole);

                puts(printable);
        }
}

static void free_file(void *p) {
        profile_file_free(p);
}

Exit profile_lint(Client *client) {
        g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(free_file);
        json_auto *problems = client_wants_json(client) ? json_array() : NULL;
        Lint lint = { .problems = problems };
        unsigned n_tests = 0;

        for (int i = 0; i < client->n_args; i++) {
                ProfileFile *file;

                if (profile_file_load(client->args[i], on_problem, &lint, &file) < 0)
                        continue;
                g_ptr_array_add(files, file);
                n_tests += (unsigned) file->n_tests;
                (void) profile_file_test(file, on_problem, &lint);
        }
        (void) profile_files_lint((const ProfileFile *const *) files->pdata, files->len, on_problem, &lint);

        if (problems) {
                json_auto *reply = json_pack("{s:i s:i s:O}", "files", client->n_args, "tests", (int) n_tests,
                                             "problems", problems);

                output_json(reply);
        }
        output_say("%d %s, %u %s, %u %s.", client->n_args, client->n_args == 1 ? "file" : "files", n_tests,
                   n_tests == 1 ? "test" : "tests", lint.n_problems, lint.n_problems == 1 ? "problem" : "problems");
        return lint.n_problems > 0 ? EXIT_FAILED : EXIT_DONE;
}
