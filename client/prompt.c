/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/prompt.h"

#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "client/text.h"

#define LINE_SIZE 512u

static volatile sig_atomic_t interrupted;

/* Who does not want to wait for an answer of the device presses it twice. */
static void on_interrupt(int signal_number) {
        if (interrupted)
                (void) signal(SIGINT, SIG_DFL);
        interrupted = 1;
}

/* Also of a Ctrl-C that came just before: it is let through only while we wait. False: interrupted. */
static bool wait_for_input(void) {
        struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
        sigset_t block, before;
        int r;

        (void) sigemptyset(&block);
        (void) sigaddset(&block, SIGINT);
        (void) sigprocmask(SIG_BLOCK, &block, &before);
        do
                r = interrupted ? -1 : ppoll(&input, 1, NULL, &before);
        while (r < 0 && errno == EINTR && !interrupted);
        (void) sigprocmask(SIG_SETMASK, &before, NULL);
        return r > 0;
}

bool prompt_possible(void) {
        return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO);
}

void prompt_catch_interrupt(void) {
        struct sigaction action = { .sa_handler = on_interrupt }; /* no SA_RESTART: a read ends */

        sigset_t set;

        (void) sigaction(SIGINT, &action, NULL);
        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGINT);
        (void) sigprocmask(SIG_UNBLOCK, &set, NULL); /* an event loop may have kept it for itself */
}

bool prompt_interrupted(void) {
        return interrupted;
}

char *prompt_line(const char *question) {
        g_autofree char *printable = text_printable(question);
        char line[LINE_SIZE];
        ssize_t n;

        (void) tcflush(STDIN_FILENO, TCIFLUSH); /* what was typed before it was asked is no answer */
        (void) fflush(stdout);
        fputs(printable, stderr);
        (void) fflush(stderr);
        n = wait_for_input() ? read(STDIN_FILENO, line, sizeof(line) - 1) : -1;
        if (n <= 0) {
                fputs("\n", stderr); /* after ^C and ^D */
                return NULL;
        }

        line[n] = '\0';
        return g_strdup(g_strstrip(line));
}

Answer prompt_yes(const char *question) {
        g_autofree char *asked = g_strdup_printf("%s [Y/n] ", question);

        for (;;) {
                g_autofree char *typed = prompt_line(asked);

                if (!typed)
                        return ANSWER_STOP;
                if (!*typed || g_ascii_strcasecmp(typed, "y") == 0 || g_ascii_strcasecmp(typed, "yes") == 0)
                        return ANSWER_YES;
                if (g_ascii_strcasecmp(typed, "n") == 0 || g_ascii_strcasecmp(typed, "no") == 0)
                        return ANSWER_NO;
        }
}
