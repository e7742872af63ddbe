/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fake-login1: logind as far as sleep goes. Owns org.freedesktop.login1, hands out inhibitors, and takes lines: "sleep" and "wake" send
 * PrepareForSleep(true) and (false). Says "inhibited N" and "free" when somebody takes, and the last one lets go of, a delay inhibitor. */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "autoptr.h"

#define MANAGER "org.freedesktop.login1.Manager"
#define PATH "/org/freedesktop/login1"

static unsigned inhibitors;

static void say(const char *text, unsigned n) {
        printf("%s %u\n", text, n);
        (void) fflush(stdout);
}

static int on_let_go(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        sd_event_source_disable_unref(source); /* closes our end too */
        inhibitors--;
        say(inhibitors > 0 ? "inhibited" : "free", inhibitors);
        return 0;
}

/* As logind's: the writing end of a pipe, which is closed to let the computer sleep. */
static int method_inhibit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *what, *who, *why, *mode;
        sd_event_source *source = NULL;
        int fds[2], r;

        r = sd_bus_message_read(m, "ssss", &what, &who, &why, &mode);
        if (r < 0)
                return r;
        if (strcmp(what, "sleep") != 0 || strcmp(mode, "delay") != 0)
                return -EINVAL;
        if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
                return -errno;

        r = sd_event_add_io(userdata, &source, fds[0], EPOLLHUP, on_let_go, NULL);
        if (r >= 0)
                r = sd_event_source_set_io_fd_own(source, true);
        if (r >= 0) {
                say("inhibited", ++inhibitors);
                r = sd_bus_reply_method_return(m, "h", fds[1]);
        }
        close(fds[1]);
        return r;
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Inhibit", "ssss", "h", method_inhibit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL("PrepareForSleep", "b", 0),
        SD_BUS_VTABLE_END
};

static int on_line(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        char line[64];
        ssize_t n = read(fd, line, sizeof(line) - 1);

        if (n <= 0)
                return sd_event_exit(sd_event_source_get_event(source), 0);
        line[n] = '\0';
        return sd_bus_emit_signal(userdata, PATH, MANAGER, "PrepareForSleep", "b", strncmp(line, "sleep", 5) == 0);
}

int main(void) {
        sd_event *event = NULL;
        sd_bus *bus = NULL;
        int r;

        r = sd_event_default(&event);
        if (r >= 0)
                r = sd_event_set_signal_exit(event, true);
        if (r >= 0)
                r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_attach_event(bus, event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_bus_add_object_vtable(bus, NULL, PATH, MANAGER, vtable, event);
        if (r >= 0)
                r = sd_event_add_io(event, NULL, STDIN_FILENO, EPOLLIN, on_line, bus);
        if (r >= 0)
                r = sd_bus_request_name(bus, "org.freedesktop.login1", 0);
        if (r >= 0) {
                say("ready", 0);
                r = sd_event_loop(event);
        }
        if (r < 0)
                fprintf(stderr, "fake-login1: %s\n", strerror(-r));
        sd_bus_flush_close_unref(bus);
        sd_event_unref(event);
        return r < 0;
}
