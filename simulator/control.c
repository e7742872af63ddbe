/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control.h"

#define LINE_MAX_OCTETS 1024u

struct Control {
        sd_event *event;
        Carrier *carrier;       /* borrowed */
        unsigned n_devices;
        sd_event_source *source;
        GString *line;          /* what has come of the next one */
};

static void answer(int r, const char *word, const char *more) {
        if (r >= 0)
                printf("ok%s%s\n", more ? " " : "", more ?: "");
        else if (r == -ENOENT)
                printf("error: no such word: %s\n", word);
        else if (r == -EINVAL)
                printf("error: bad argument for %s\n", word);
        else if (r == -EOPNOTSUPP)
                printf("error: this carrier cannot %s\n", word);
        else if (r == -ENOTCONN)
                printf("error: not connected\n");
        else if (r == -ENODEV)
                printf("error: no such device\n");
        else
                printf("error: %s: %s\n", word, strerror(-r));
        (void) fflush(stdout);
}

/* "@N word argument": cuts the line up. -ENODEV: no such device. */
static int parse(Control *control, char *line, unsigned *ret_device, char **ret_word, char **ret_argument) {
        uint64_t n = 0;
        char *space;

        line = g_strstrip(line);
        if (*line == '@') {
                space = strchr(line, ' ');
                if (!space)
                        return -EINVAL;
                *space = '\0';
                if (!g_ascii_string_to_unsigned(line + 1, 10, 0, control->n_devices - 1, &n, NULL))
                        return -ENODEV;
                line = g_strchug(space + 1);
        }

        *ret_device = (unsigned) n;
        *ret_word = line;
        *ret_argument = NULL;
        if ((space = strchr(line, ' '))) {
                *space = '\0';
                *ret_argument = g_strchug(space + 1);
        }
        return 0;
}

static void control_line(Control *control, char *line) {
        g_autofree char *report = NULL;
        char *word = line, *argument;
        Peripheral *p;
        unsigned device;
        int r;

        if ((r = parse(control, line, &device, &word, &argument)) < 0) {
                answer(r, line, NULL);
                return;
        }

        p = control->carrier->vtable->peripheral(control->carrier, device);
        if (g_str_equal(word, "quit"))
                r = sd_event_exit(control->event, 0);
        else if (g_str_equal(word, "status"))
                report = control_report(control->carrier, device);
        else if ((r = peripheral_control(p, word, argument)) == -ENOENT) {
                r = control->carrier->vtable->control(control->carrier, device, word, argument);
                if (r >= 0 && control->carrier->vtable->report)
                        report = control->carrier->vtable->report(control->carrier, word, argument);
        }
        if (r >= 0 && g_str_equal(word, "reboot"))
                (void) control->carrier->vtable->control(control->carrier, device, "drop", NULL);

        answer(r, word, report);
}

static int on_input(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Control *control = userdata;
        char buf[LINE_MAX_OCTETS];
        ssize_t n = read(fd, buf, sizeof(buf));
        char *end;

        if (n < 0)
                return errno == EINTR || errno == EAGAIN ? 0 : -errno;
        if (n == 0) {
                control->source = sd_event_source_disable_unref(control->source);
                return sd_event_exit(control->event, 0);
        }

        g_string_append_len(control->line, buf, n);
        while ((end = memchr(control->line->str, '\n', control->line->len))) {
                g_autofree char *line = g_strndup(control->line->str, (size_t) (end - control->line->str));

                g_string_erase(control->line, 0, end - control->line->str + 1);
                if (*g_strstrip(line))
                        control_line(control, line);
        }
        if (control->line->len > LINE_MAX_OCTETS) {
                g_string_truncate(control->line, 0);
                printf("error: the line is too long\n");
                (void) fflush(stdout);
        }

        return 0;
}

int control_new(sd_event *event, Carrier *carrier, unsigned n_devices, Control **ret) {
        Control *control = g_new0(Control, 1);
        int r;

        *control = (Control) {
                .event = sd_event_ref(event),
                .carrier = carrier,
                .n_devices = n_devices,
                .line = g_string_new(NULL),
        };
        if ((r = sd_event_add_io(event, &control->source, STDIN_FILENO, EPOLLIN, on_input, control)) < 0) {
                control_free(control);
                return r;
        }

        *ret = control;
        return 0;
}

Control *control_free(Control *control) {
        if (!control)
                return NULL;

        sd_event_source_disable_unref(control->source);
        sd_event_unref(control->event);
        g_string_free(control->line, TRUE);
        g_free(control);
        return NULL;
}

/* Characteristics without values are left out, but the first that the report is about: "live". */
static void append_counts(GString *json, const Peripheral *p, const char *name, const uint64_t *counts) {
        unsigned n;
        const PeripheralChar *chars = peripheral_chars(p, &n);
        const char *comma = "";

        g_string_append_printf(json, "\"%s\":{", name);
        for (unsigned i = 0; i < n; i++) {
                if (!g_str_equal(chars[i].name, "live") && counts[i] == 0)
                        continue;
                g_string_append_printf(json, "%s\"%s\":%" G_GUINT64_FORMAT, comma, chars[i].name, counts[i]);
                comma = ",";
        }
        g_string_append(json, "},");
}

char *control_report(Carrier *carrier, unsigned device) {
        const Peripheral *p = carrier->vtable->peripheral(carrier, device);
        const PeripheralCounters *counters = peripheral_counters(p);
        GString *json = g_string_new("{");
        unsigned n;
        const PeripheralChar *chars = peripheral_chars(p, &n);
        const char *comma = "";

        g_string_append_printf(
                json, "\"name\":\"%s\",\"running\":%s,\"battery\":%u,\"records\":%u,\"strokes\":%" G_GUINT64_FORMAT ",",
                peripheral_name(p), peripheral_running(p) ? "true" : "false", peripheral_battery(p), peripheral_records(p),
                counters->strokes);
        append_counts(json, p, "sent", counters->sent);
        append_counts(json, p, "refused", counters->refused);
        append_counts(json, p, "extra", counters->extra);
        g_string_append(json, "\"subscribed\":[");
        for (unsigned i = 0; i < n; i++)
                if (peripheral_subscribed(p, i)) {
                        g_string_append_printf(json, "%s\"%s\"", comma, chars[i].name);
                        comma = ",";
                }
        g_string_append_c(json, ']');
        if (carrier->vtable->status)
                carrier->vtable->status(carrier, device, json);
        g_string_append_c(json, '}');
        return g_string_free(json, FALSE);
}
