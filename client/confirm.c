/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/confirm.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "client/output.h"
#include "client/text.h"

Exit confirm_ask(const Client *client, const char *question) {
        g_autofree char *printable = text_printable(question);
        char line[64];

        if (options_has(&client->options, OPTION_YES))
                return EXIT_DONE;
        if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
                output_error("This cannot be taken back, and nobody can be asked here: say it with --yes.");
                return EXIT_USAGE;
        }

        (void) tcflush(STDIN_FILENO, TCIFLUSH); /* what was typed before it was asked is no answer */
        fprintf(stderr, "%s? Type yes: ", printable);
        (void) fflush(stderr);
        if (fgets(line, sizeof(line), stdin) && strcmp(g_strstrip(line), "yes") == 0)
                return EXIT_DONE;

        output_error("Nothing was erased.");
        return EXIT_NOTHING_TO_DO;
}
