/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define ENTER "\x1b[?1049h\x1b[?25l\x1b[2J"
#define LEAVE "\x1b[?2026l\x1b[0m\x1b[?25h\x1b[?1049l"
/* Terminals that know "synchronized output" show a frame when it is whole; the others ignore it. */
#define FRAME_BEGIN "\x1b[?2026h"
#define FRAME_END "\x1b[?2026l"

#define COLUMNS_DEFAULT 80
#define ROWS_DEFAULT 24

/* Of what a bug of ours could raise. Those that ask us to end are the caller's, who ends the ordinary way.
 */
static const int fatal_signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP };

static struct termios before;
static volatile sig_atomic_t entered, keys_taken;
static GPtrArray *shown;        /* the lines on the screen; NULL: unknown */

static bool write_all(const char *data, size_t size) {
        while (size > 0) {
                ssize_t n = write(STDOUT_FILENO, data, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return false; /* the terminal is gone: SIGHUP comes by itself if it is ours */
                data += n;
                size -= (size_t) n;
        }

        return true;
}

/* From here on only what a signal handler may call. */
static void restore(void) {
        if (!entered)
                return;

        entered = 0;
        (void) write_all(LEAVE, sizeof LEAVE - 1);
        if (keys_taken)
                (void) tcsetattr(STDIN_FILENO, TCSANOW, &before);
        keys_taken = 0;
}

static void on_fatal_signal(int signal_number) {
        restore();
        (void) raise(signal_number); /* SA_RESETHAND: this time it kills */
}

static void watch_for_crashes(void) {
        struct sigaction action = { .sa_handler = on_fatal_signal, .sa_flags = SA_RESETHAND | SA_NODEFER };

        for (size_t i = 0; i < G_N_ELEMENTS(fatal_signals); i++)
                (void) sigaction(fatal_signals[i], &action, NULL);
}

static void take_keys(void) {
        struct termios raw;

        if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before) < 0)
                return;

        raw = before;
        raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO); /* ISIG stays: Ctrl-C and Ctrl-Z are signals */
        raw.c_cc[VMIN] = 0;                         /* a read never waits */
        raw.c_cc[VTIME] = 0;
        if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0)
                keys_taken = 1;
}

int terminal_enter(void) {
        static bool registered;

        if (entered)
                return 0;
        if (!registered && atexit(restore) != 0)
                return -ENOMEM;
        if (!registered)
                watch_for_crashes();
        registered = true;

        take_keys();
        entered = 1;
        terminal_forget();
        (void) write_all(ENTER, sizeof ENTER - 1);
        return 0;
}

void terminal_leave(void) {
        restore();
        g_clear_pointer(&shown, g_ptr_array_unref);
}

bool terminal_is_screen(void) {
        const char *term = getenv("TERM");

        return isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

void terminal_size(unsigned *ret_columns, unsigned *ret_rows) {
        struct winsize size = {};

        (void) ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
        *ret_columns = size.ws_col > 0 ? size.ws_col : COLUMNS_DEFAULT;
        *ret_rows = size.ws_row > 0 ? size.ws_row : ROWS_DEFAULT;
}

bool terminal_paint(const GPtrArray *lines) {
        g_autoptr(GString) frame = g_string_new(FRAME_BEGIN);
        size_t head = frame->len;

        if (!shown) {
                g_string_append(frame, "\x1b[2J");
                shown = g_ptr_array_new_with_free_func(g_free);
        }

        for (unsigned i = 0; i < MAX(lines->len, shown->len); i++) {
                const char *line = i < lines->len ? lines->pdata[i] : "";

                if (i < shown->len && strcmp(shown->pdata[i], line) == 0)
                        continue;
                g_string_append_printf(frame, "\x1b[%u;1H%s\x1b[K", i + 1, line);
        }
        if (frame->len == head)
                return true;

        g_ptr_array_set_size(shown, 0);
        for (unsigned i = 0; i < lines->len; i++)
                g_ptr_array_add(shown, g_strdup(lines->pdata[i]));

        g_string_append(frame, FRAME_END);
        return write_all(frame->str, frame->len);
}

void terminal_forget(void) {
        g_clear_pointer(&shown, g_ptr_array_unref);
}

int terminal_read_key(void) {
        unsigned char c;
        ssize_t n;

        if (!keys_taken)
                return 0;

        n = read(STDIN_FILENO, &c, 1);
        if (n == 1)
                return c;

        return n < 0 && errno != EAGAIN && errno != EINTR ? -EIO : 0;
}
