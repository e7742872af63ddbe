/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/pager.h"

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/terminal.h"
#include "client/text.h"

/* Quit if it fits, colours, chop nothing, no second screen: as systemd's tools do. */
#define LESS_OPTIONS "FRSXMK"

static FILE *terminal;          /* stdout as it was; NULL: nothing is gathered */
static char *gathered;
static size_t gathered_size;

char **pager_command(const char *own, const char *common, bool elevated) {
        const char *line = own ? own : common && !elevated ? common : "less";
        char **words = NULL;

        if (!*line || strcmp(line, "cat") == 0 || !g_shell_parse_argv(line, NULL, &words, NULL))
                return NULL;

        return words;
}

/* Without what switches colours. */
static unsigned line_width(const char *line, size_t length) {
        g_autoptr(GString) shown = g_string_new(NULL);
        g_autofree char *valid = NULL;

        for (size_t i = 0; i < length; i++)
                if (line[i] == '\x1b')
                        while (i < length && line[i] != 'm')
                                i++;
                else
                        g_string_append_c(shown, line[i]);
        valid = g_utf8_make_valid(shown->str, -1);
        return text_width(valid);
}

unsigned pager_rows(const char *text, unsigned columns) {
        unsigned rows = 0;

        while (*text) {
                size_t length = strcspn(text, "\n");
                unsigned width = line_width(text, length);

                rows += columns > 0 && width > columns ? (width + columns - 1) / columns : 1;
                text += length + (text[length] == '\n');
        }

        return rows;
}

static char **environment(bool elevated) {
        char **env = g_get_environ();

        env = g_environ_setenv(env, "LESS", LESS_OPTIONS, TRUE);
        if (text_is_utf8())
                env = g_environ_setenv(env, "LESSCHARSET", "utf-8", TRUE);
        if (elevated) /* no shell and no editor out of the pager */
                env = g_environ_setenv(env, "LESSSECURE", "1", TRUE);
        return env;
}

static void write_text(int fd, const char *text, size_t size) {
        while (size > 0) {
                ssize_t n = write(fd, text, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return; /* who reads has seen enough */
                text += n;
                size -= (size_t) n;
        }
}

/* False: there is no such pager. Ctrl-C is the pager's. */
static bool show(const char *text, size_t size) {
        bool elevated = geteuid() != getuid() || getenv("SUDO_UID");
        g_auto(GStrv) words = pager_command(getenv("NEEDLECTL_PAGER"), getenv("PAGER"), elevated), env = environment(elevated);
        struct sigaction ignore = { .sa_handler = SIG_IGN }, interrupt, pipe_broke;
        int input;
        GPid pid;

        if (!words || !g_spawn_async_with_pipes(NULL, words, env, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
                                                &pid, &input,
                                                NULL, NULL, NULL))
                return false;

        (void) sigaction(SIGINT, &ignore, &interrupt);
        (void) sigaction(SIGPIPE, &ignore, &pipe_broke);
        write_text(input, text, size);
        (void) close(input);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                ;
        (void) sigaction(SIGINT, &interrupt, NULL);
        (void) sigaction(SIGPIPE, &pipe_broke, NULL);
        return true;
}

void pager_begin(void) {
        FILE *memory;

        if (terminal || !terminal_is_screen())
                return;

        (void) fflush(stdout);
        memory = open_memstream(&gathered, &gathered_size);
        if (!memory)
                return;
        terminal = stdout;
        stdout = memory;
}

void pager_end(void) {
        unsigned columns, rows;

        if (!terminal)
                return;

        (void) fclose(stdout);
        stdout = terminal;
        terminal = NULL;
        terminal_size(&columns, &rows);
        if (gathered && (pager_rows(gathered, columns) < rows || !show(gathered, gathered_size)))
                (void) fwrite(gathered, 1, gathered_size, stdout);
        free(gathered);
        gathered = NULL;
}
