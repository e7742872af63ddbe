/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/json.h"
#include "client/pager.h"
#include "client/redact.h"
#include "client/text.h"

static int write_errno;         /* why stdout took no more, 0 while it does */
static bool pipe_ends_us;       /* who started us left SIGPIPE alone */

static const char *const sequences[_STYLE_MAX] = {
        [STYLE_PLAIN] = "\x1b[0m",
        [STYLE_BOLD] = "\x1b[1m",
        [STYLE_DIM] = "\x1b[2m",
        [STYLE_GOOD] = "\x1b[32m",
        [STYLE_WARN] = "\x1b[33m",
        [STYLE_BAD] = "\x1b[31m",
};

static bool use_color, be_quiet;

/* https://no-color.org: "when present and not an empty string (regardless of its value)". */
static bool color_is_welcome(void) {
        const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

        return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

/* A descriptor that is closed would be the next thing that is opened, and the bus would get what is meant for people.
 * Writes to this one fail as to a closed one. */
static void keep_place(int fd, int flags) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
                (void) open("/dev/null", flags | O_NOCTTY); /* the lowest that is free */
}

int output_init(const char *color, bool quiet) {
        struct sigaction pipe_broke;

        pipe_ends_us = sigaction(SIGPIPE, NULL, &pipe_broke) == 0 && pipe_broke.sa_handler == SIG_DFL;
        keep_place(STDIN_FILENO, O_WRONLY);
        keep_place(STDOUT_FILENO, O_RDONLY);
        keep_place(STDERR_FILENO, O_RDONLY);
        be_quiet = quiet;

        if (!color || strcmp(color, "auto") == 0)
                use_color = color_is_welcome();
        else if (strcmp(color, "always") == 0)
                use_color = true;
        else if (strcmp(color, "never") == 0)
                use_color = false;
        else
                return -EINVAL;

        return 0;
}

bool output_has_color(void) {
        return use_color;
}

const char *style_sequence(Style style) {
        return sequences[style];
}

const char *output_style(Style style) {
        return use_color ? sequences[style] : "";
}

static void G_GNUC_PRINTF(1, 0) say(const char *format, va_list args) {
        g_autofree char *text = g_strdup_vprintf(format, args), *said = redact_message(text), *printable = text_printable(said);

        /* What was said before on stdout comes before, where both are one terminal. */
        pager_end();
        (void) fflush(stdout);
        fprintf(stderr, "%s\n", printable);
}

void output_say(const char *format, ...) {
        va_list args;

        if (be_quiet)
                return;

        va_start(args, format);
        say(format, args);
        va_end(args);
}

void output_error(const char *format, ...) {
        va_list args;

        va_start(args, format);
        say(format, args);
        va_end(args);
}

/* What is printed as it is, but for --redact. */
static json_t *to_print(const json_t *json) {
        if (!redact_is_on())
                return json_incref((json_t *) json);

        redact_learn(json); /* what came another way than in an answer: the records of a stream */
        return redact_json(json);
}

void output_json(const json_t *json) {
        json_auto *printed = to_print(json);
        g_autofree char *text = isatty(STDOUT_FILENO) ? json_indented(printed) : json_line(printed);

        puts(text);
}

void output_json_line(const json_t *json) {
        json_auto *printed = to_print(json);
        g_autofree char *line = json_line(printed);

        (void) output_line(line);
}

bool output_line(const char *line) {
        puts(line);
        if (fflush(stdout) != 0)
                output_failed(errno);

        return write_errno == 0;
}

void output_failed(int error) {
        if (write_errno == 0)
                write_errno = error;
}

Exit output_finish(void) {
        pager_end();
        if (fflush(stdout) != 0)
                output_failed(errno);
        if (write_errno == 0 && !ferror(stdout))
                return EXIT_DONE;
        if (write_errno == EPIPE) { /* who reads has seen enough: it ends as it does where nothing holds the signal back */
                if (pipe_ends_us) {
                        (void) signal(SIGPIPE, SIG_DFL);
                        (void) raise(SIGPIPE);
                }
                return EXIT_FAILED;
        }

        output_error("The output could not be written whole: %s.", g_strerror(write_errno > 0 ? write_errno : EIO));
        return EXIT_FAILED;
}
