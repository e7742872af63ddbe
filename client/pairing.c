/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/pairing.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <termios.h>
#include <unistd.h>

#include "client/client.h"
#include "client/output.h"
#include "client/service.h"

#define DIGITS 6u
#define LINE_SIZE 256u
#define REFUSED SERVICE_NAME ".Error.Cancelled"

typedef struct Pairing {
        sd_event *event;
        char *service;          /* unique name of the service: nobody else may ask */
        sd_bus_message *question; /* not answered yet; NULL: none */
        bool digits;            /* it wants some; else yes or no */
        sd_event_source *input; /* on while there is a question */
        bool asked;             /* something was */
        bool answered;          /* Adopt() is */
        Exit result;
} Pairing;

/* Not output_say(): a question is asked under --quiet too. */
static void prompt(const char *text) {
        (void) fputs(text, stderr);
        (void) fflush(stderr);
}

static void close_question(Pairing *pairing) {
        pairing->question = sd_bus_message_unref(pairing->question);
        (void) sd_event_source_set_enabled(pairing->input, SD_EVENT_OFF);
}

static void answer_no(Pairing *pairing) {
        (void) sd_bus_reply_method_errorf(pairing->question, REFUSED, "The answer was no.");
        close_question(pairing);
}

static bool is_service(const Pairing *pairing, sd_bus_message *m, sd_bus_error *error) {
        if (g_strcmp0(sd_bus_message_get_sender(m), pairing->service) == 0)
                return true;

        (void) sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "Only " SERVICE_NAME " may ask here.");
        return false;
}

/* One question at a time; what was typed before it was asked is no answer. */
static int open_question(Pairing *pairing, sd_bus_message *m, bool digits, sd_bus_error *error) {
        int r;

        if (pairing->question)
                return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED, "Another question is open.");
        r = sd_event_source_set_enabled(pairing->input, SD_EVENT_ON);
        if (r < 0)
                return r;

        (void) tcflush(STDIN_FILENO, TCIFLUSH);
        pairing->question = sd_bus_message_ref(m);
        pairing->digits = digits;
        pairing->asked = true;
        return 1;
}

static int method_request_passkey(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Pairing *pairing = userdata;
        int r;

        if (!is_service(pairing, m, error))
                return -EACCES;
        r = open_question(pairing, m, true, error);
        if (r < 0)
                return r;

        prompt("Type the six digits that the device shows: ");
        return 1;
}

/* The digits that the service says the device has, or wants. Negative errno with *error. */
static int read_passkey(const Pairing *pairing, sd_bus_message *m, uint32_t *ret, sd_bus_error *error) {
        const char *device;

        return is_service(pairing, m, error) ? sd_bus_message_read(m, "ou", &device, ret) : -EACCES;
}

static int method_confirm(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        g_autofree char *text = NULL;
        Pairing *pairing = userdata;
        uint32_t passkey;
        int r;

        r = read_passkey(pairing, m, &passkey, error);
        if (r >= 0)
                r = open_question(pairing, m, false, error);
        if (r < 0)
                return r;

        text = g_strdup_printf("Does the device show %06" PRIu32 "? [y/N] ", passkey);
        prompt(text);
        return 1;
}

static int method_display_passkey(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        g_autofree char *text = NULL;
        Pairing *pairing = userdata;
        uint32_t passkey;
        int r;

        r = read_passkey(pairing, m, &passkey, error);
        if (r < 0)
                return r;

        pairing->asked = true;
        text = g_strdup_printf("Type %06" PRIu32 " on the device.\n", passkey);
        prompt(text);
        return sd_bus_reply_method_return(m, NULL);
}

static int method_cancel(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Pairing *pairing = userdata;

        if (!is_service(pairing, m, error))
                return -EACCES;
        if (pairing->question) {
                prompt("\n"); /* the line of the question */
                close_question(pairing);
        }

        return sd_bus_reply_method_return(m, NULL);
}

const sd_bus_vtable pairing_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("RequestPasskey", SD_BUS_ARGS("o", device), SD_BUS_RESULT("u", passkey),
                                method_request_passkey, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Confirm", SD_BUS_ARGS("o", device, "u", passkey), SD_BUS_NO_RESULT, method_confirm,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("DisplayPasskey", SD_BUS_ARGS("o", device, "u", passkey), SD_BUS_NO_RESULT,
                                method_display_passkey, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Cancel", NULL, NULL, method_cancel, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static void take_digits(Pairing *pairing, const char *line) {
        if (strlen(line) != DIGITS || strspn(line, "0123456789") != DIGITS) {
                prompt("Six digits, as the device shows them: ");
                return;
        }

        (void) sd_bus_reply_method_return(pairing->question, "u", (uint32_t) g_ascii_strtoull(line, NULL, 10));
        close_question(pairing);
}

static void take_confirmation(Pairing *pairing, const char *line) {
        if (g_ascii_strcasecmp(line, "y") != 0 && g_ascii_strcasecmp(line, "yes") != 0) {
                answer_no(pairing);
                return;
        }

        (void) sd_bus_reply_method_return(pairing->question, NULL);
        close_question(pairing);
}

/* A terminal gives whole lines. */
static int on_input(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Pairing *pairing = userdata;
        char line[LINE_SIZE];
        ssize_t n = read(fd, line, sizeof(line) - 1);

        if (n < 0 && (errno == EINTR || errno == EAGAIN))
                return 0;
        if (n <= 0) { /* Ctrl-D, or the terminal has gone */
                prompt("\n");
                answer_no(pairing);
                return 0;
        }

        line[n] = '\0';
        (void) g_strstrip(line);
        if (pairing->digits)
                take_digits(pairing, line);
        else
                take_confirmation(pairing, line);
        return 0;
}

static int on_adopted(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const sd_bus_error *failure = sd_bus_message_get_error(m);
        Pairing *pairing = userdata;

        pairing->answered = true;
        pairing->result = failure ? service_error(failure, -sd_bus_error_get_errno(failure)) : EXIT_DONE;
        return sd_event_exit(pairing->event, 0);
}

static int watch_input(Pairing *pairing) {
        int r = sd_event_add_io(pairing->event, &pairing->input, STDIN_FILENO, EPOLLIN, on_input, pairing);

        return r < 0 ? r : sd_event_source_set_enabled(pairing->input, SD_EVENT_OFF);
}

static int find_service(sd_bus *bus, char **ret) {
        g_autoptr(sd_bus_message) reply = NULL;
        const char *owner;
        int r;

        r = sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                               "GetNameOwner", NULL, &reply, "s", SERVICE_NAME);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "s", &owner);
        if (r < 0)
                return r;

        *ret = g_strdup(owner);
        return 0;
}

bool pairing_can_ask(void) {
        return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

Exit pairing_adopt(sd_bus *bus, sd_bus_message *call, uint64_t timeout_usec, bool *ret_asked) {
        g_autoptr(sd_event) event = NULL;
        g_autoptr(sd_bus_slot) agent = NULL, adoption = NULL;
        g_autoptr(sd_event_source) input = NULL;
        g_autofree char *service = NULL;
        Pairing pairing = { .result = EXIT_FAILED };
        int r;

        r = find_service(bus, &service);
        if (r >= 0)
                r = sd_event_new(&event);
        pairing.event = event;
        pairing.service = service;
        if (r >= 0)
                r = watch_input(&pairing);
        input = pairing.input;
        if (r >= 0)
                r = client_leave_on_signals(event);
        if (r >= 0)
                r = sd_bus_add_object_vtable(bus, &agent, PAIRING_PATH, PAIRING_INTERFACE, pairing_vtable, &pairing);
        if (r >= 0)
                r = sd_bus_call_async(bus, &adoption, call, on_adopted, &pairing, timeout_usec);
        if (r >= 0)
                r = sd_bus_set_close_on_exit(bus, false); /* it outlives this loop */
        if (r >= 0)
                r = sd_bus_attach_event(bus, event, SD_EVENT_PRIORITY_NORMAL);
        if (r < 0)
                return service_error(NULL, r);

        r = sd_event_loop(event);
        if (r < 0)
                pairing.result = service_error(NULL, r);
        else if (!pairing.answered) { /* our leaving the bus takes the adoption back */
                prompt("\n");
                output_error("Cancelled: the device is not adopted.");
        }
        sd_bus_message_unref(pairing.question);
        (void) sd_bus_detach_event(bus);
        *ret_asked = pairing.asked;
        return pairing.result;
}
