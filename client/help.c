/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/json.h"
#include "client/output.h"
#include "client/service.h"
#include "client/terminal.h"
#include "client/text.h"
#include "client/verbs.h"

#define COLUMN 28

static const char exit_codes[] =
        "Exit codes: 0 done, 1 failed, 2 nothing to do, 3 not found, 4 not authorised,\n"
        "5 service not reachable, 64 wrong usage.\n";

static void print_row(const char *left, const char *right) {
        unsigned columns = 0, rows;     /* a pipe is not wrapped */
        g_autofree char *wrapped = NULL;

        if (isatty(STDOUT_FILENO))
                terminal_size(&columns, &rows);
        wrapped = text_wrap(right, columns, COLUMN + 4);
        printf("  %-*s  %s\n", COLUMN, left, wrapped);
}

static void print_option(Option option) {
        const OptionInfo *info = &option_info[option];
        g_autofree char *letter = info->letter ? g_strdup_printf("-%c, ", info->letter) : g_strdup("    ");
        g_autofree char *left = g_strconcat(letter, "--", info->name, info->argument ? "=" : "",
                                            info->argument ? info->argument : "", NULL);

        print_row(left, info->help);
}

static void print_title(const char *title) {
        printf("\n%s%s%s\n", output_style(STYLE_BOLD), title, output_style(STYLE_PLAIN));
}

void help_print(void) {
        printf("needlectl [OPTION...] [VERB] [ARGUMENT...]\n\n"
               "Talk to needled, which follows a Bluetooth microneedling device.\n");

        print_title("Verbs");
        for (size_t i = 0; i < n_verbs; i++) {
                if (!verbs[i].summary)
                        continue;

                g_autofree char *left =
                        g_strjoin(*verbs[i].arguments ? " " : "", verbs[i].name, verbs[i].arguments, NULL);

                print_row(left, verbs[i].summary);
        }

        print_title("Options");
        for (int i = 0; i < _OPTION_COMMON_MAX; i++)
                print_option((Option) i);

        printf("\n'needlectl help VERB' shows the options of a verb. Without a verb, status runs.\n%s",
               exit_codes);
}

void help_print_verb(const Verb *verb) {
        printf("needlectl %s%s%s%s\n\n%s.\n", verb->name, verb->options > 0 ? " [OPTION...]" : "",
               *verb->arguments ? " " : "", verb->arguments,
               verb->summary ?: "Propose what may come next, for the completions of the shells");
        if (verb->details)
                printf("%s\n", verb->details);

        if (verb->options > 0) {
                print_title("Options");
                for (int i = _OPTION_COMMON_MAX; i < _OPTION_MAX; i++)
                        if (verb->options & OPTION_BIT(i))
                                print_option((Option) i);
        }

        print_title("Options of all verbs");
        for (int i = 0; i < _OPTION_COMMON_MAX; i++)
                print_option((Option) i);
}

Exit verb_help(Client *client) {
        const Verb *verb;

        if (client->n_args == 0) {
                help_print();
                return EXIT_DONE;
        }

        verb = verb_find(client->args[0]);
        if (!verb)
                return EXIT_USAGE;

        help_print_verb(verb);
        return EXIT_DONE;
}

Exit verb_version(Client *client) {
        json_auto *manager = NULL, *versions = NULL;
        Exit e;

        e = client_manager(client, &manager);
        versions = json_pack("{s:s}", "needlectl", NEEDLED_VERSION);
        if (e == EXIT_DONE) {
                json_object_set(versions, "needled", json_object_get(manager, "version"));
                json_object_set(versions, "features", json_object_get(manager, "features"));
        }

        if (client_wants_json(client)) {
                output_json(versions);
                return e;
        }

        printf("needlectl %s\n", NEEDLED_VERSION);
        if (e == EXIT_DONE)
                printf("needled   %s\n", json_text(manager, "version"));

        return e;
}
