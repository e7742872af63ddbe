/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "standin-fault.h"

#include <errno.h>
#include <string.h>

#include "standin.h"

#define FAULTS_MAX 16u
#define HELD_MAX 64u
#define DELAY_MAX_MS 600000u
#define HOLD_USEC 300000u               /* a signal that no other follows is late, not lost */

typedef struct Fault {
        char *member, *detail;          /* detail NULL: whatever it is about */
        unsigned first;                 /* the first that it acts on, from 1 */
        bool onwards;                   /* and on all that follow */
        bool after;
        FaultWhat what;
        char *name, *text;              /* of the error */
        uint64_t delay_usec;
        unsigned seen, acted;
} Fault;

typedef struct Held {                   /* a message that goes out later */
        Faults *faults;
        sd_bus_message *message;
        bool next;                      /* with the next signal, if that comes first */
        sd_event_source *timer;
} Held;

struct Faults {
        sd_event *event;
        GPtrArray *armed;               /* of Fault */
        GPtrArray *held;                /* of Held */
        unsigned calls, signals;        /* since the start */
};

static void fault_free(void *data) {
        Fault *fault = data;

        g_free(fault->member);
        g_free(fault->detail);
        g_free(fault->name);
        g_free(fault->text);
        g_free(fault);
}

static void held_free(void *data) {
        Held *held = data;

        sd_event_source_disable_unref(held->timer);
        sd_bus_message_unref(held->message);
        g_free(held);
}

static void held_send(Held *held) {
        (void) sd_bus_send(NULL, held->message, NULL);
        g_ptr_array_remove(held->faults->held, held);
}

static int on_held(sd_event_source *source, uint64_t usec, void *userdata) {
        held_send(userdata);
        return 0;
}

/* Takes the message. */
static void hold(Faults *faults, sd_bus_message *m, uint64_t delay_usec, bool next) {
        Held *held;

        if (faults->held->len >= HELD_MAX) {
                (void) sd_bus_send(NULL, m, NULL);
                sd_bus_message_unref(m);
                return;
        }

        held = g_new0(Held, 1);
        *held = (Held) { .faults = faults, .message = m, .next = next };
        g_ptr_array_add(faults->held, held);
        (void) sd_event_add_time_relative(faults->event, &held->timer, CLOCK_MONOTONIC, delay_usec, 1, on_held, held);
}

static void send_held_signals(Faults *faults) {
        for (unsigned i = 0; i < faults->held->len;)
                if (((Held *) faults->held->pdata[i])->next)
                        held_send(faults->held->pdata[i]);
                else
                        i++;
}

static bool is_about(const char *about, const char *word) {
        g_auto(GStrv) words = g_strsplit(about, " ", -1);

        return g_strv_contains((const char *const *) words, word);
}

/* Counts in every fault of this member; returns the one that acts now, or NULL. */
static Fault *faults_next(Faults *faults, const char *member, const char *about, bool signal) {
        Fault *next = NULL;

        for (unsigned i = 0; i < faults->armed->len; i++) {
                Fault *fault = faults->armed->pdata[i];

                if (signal != (fault->what >= FAULT_HOLD) || !g_str_equal(fault->member, member) ||
                    (fault->detail && !is_about(about, fault->detail)))
                        continue;
                fault->seen++;
                if (!next && (fault->onwards ? fault->seen >= fault->first : fault->seen == fault->first))
                        next = fault;
        }
        if (next)
                next->acted++;

        return next;
}

/* The property that Get and Set name. */
static char *call_about(Call *call) {
        const char *interface, *name = "";

        if (sd_bus_message_has_signature(call->message, "ss") > 0 || sd_bus_message_has_signature(call->message, "ssv") > 0)
                (void) sd_bus_message_read(call->message, "ss", &interface, &name);
        (void) sd_bus_message_rewind(call->message, true);
        return g_strdup(name);
}

static sd_bus_message *error_reply(Call *call, const Fault *fault) {
        sd_bus_error error = SD_BUS_ERROR_MAKE_CONST(fault->name, fault->text);
        sd_bus_message *reply = NULL;

        (void) sd_bus_message_new_method_error(call->message, &reply, &error);
        return reply;
}

/* "MEMBER[:DETAIL][#N[+]]" */
static int parse_subject(char *text, Fault *fault) {
        char *number = strchr(text, '#'), *detail;
        uint64_t first = 1;

        if (number) {
                *number++ = '\0';
                fault->onwards = g_str_has_suffix(number, "+");
                if (fault->onwards)
                        number[strlen(number) - 1] = '\0';
                if (!g_ascii_string_to_unsigned(number, 10, 1, 1000000, &first, NULL))
                        return -EINVAL;
        }
        if ((detail = strchr(text, ':')))
                *detail++ = '\0';
        if (!*text || (detail && !*detail))
                return -EINVAL;

        fault->first = (unsigned) first;
        fault->member = g_strdup(text);
        fault->detail = g_strdup(detail);
        return 0;
}

/* What stands behind the subject: words, of which an error's text may have many. */
static int parse_what(const char *text, Fault *fault) {
        static const struct {
                const char *word;
                FaultWhat what;
        } words[] = {
                { "lost", FAULT_LOST }, { "hold", FAULT_HOLD }, { "drop", FAULT_DROP }, { "twice", FAULT_TWICE },
        };
        const char *space;
        uint64_t ms;

        if (g_str_has_prefix(text, "after ")) {
                fault->after = true;
                text += strlen("after ");
        }
        for (unsigned i = 0; i < G_N_ELEMENTS(words); i++)
                if (g_str_equal(text, words[i].word)) {
                        fault->what = words[i].what;
                        return fault->after && fault->what >= FAULT_HOLD ? -EINVAL : 0;
                }
        if (g_str_has_prefix(text, "delay ")) {
                if (!g_ascii_string_to_unsigned(text + strlen("delay "), 10, 1, DELAY_MAX_MS, &ms, NULL))
                        return -EINVAL;
                fault->what = FAULT_DELAY;
                fault->delay_usec = ms * 1000;
                return 0;
        }

        space = strchr(text, ' ');
        fault->what = FAULT_ERROR;
        fault->name = space ? g_strndup(text, (size_t) (space - text)) : g_strdup(text);
        fault->text = g_strdup(space ? space + 1 : "");
        return sd_bus_interface_name_is_valid(fault->name) > 0 ? 0 : -EINVAL;
}

static int arm(Faults *faults, const char *argument) {
        const char *space = strchr(argument, ' ');
        g_autofree char *subject = space ? g_strndup(argument, (size_t) (space - argument)) : NULL;
        Fault *fault;
        int r;

        if (!space)
                return -EINVAL;
        if (faults->armed->len >= FAULTS_MAX)
                return -ENOSPC;

        fault = g_new0(Fault, 1);
        if ((r = parse_subject(subject, fault)) < 0 || (r = parse_what(space + 1, fault)) < 0) {
                fault_free(fault);
                return r;
        }
        g_ptr_array_add(faults->armed, fault);
        return 0;
}

Faults *faults_new(sd_event *event) {
        Faults *faults = g_new0(Faults, 1);

        faults->event = sd_event_ref(event);
        faults->armed = g_ptr_array_new_with_free_func(fault_free);
        faults->held = g_ptr_array_new_with_free_func(held_free);
        return faults;
}

Faults *faults_free(Faults *faults) {
        if (!faults)
                return NULL;

        g_ptr_array_unref(faults->armed);
        g_ptr_array_unref(faults->held);
        sd_event_unref(faults->event);
        g_free(faults);
        return NULL;
}

void faults_reset(Faults *faults) {
        g_ptr_array_set_size(faults->held, 0);
}

int faults_control(Faults *faults, const char *argument) {
        if (!argument)
                return -EINVAL;
        if (g_str_equal(argument, "status"))
                return 0; /* faults_report() answers */
        if (g_str_equal(argument, "clear")) {
                g_ptr_array_set_size(faults->armed, 0);
                return 0;
        }

        return arm(faults, argument);
}

char *faults_report(const Faults *faults) {
        GString *json = g_string_new(NULL);

        g_string_printf(json, "{\"calls\":%u,\"signals\":%u,\"faults\":[", faults->calls, faults->signals);
        for (unsigned i = 0; i < faults->armed->len; i++) {
                const Fault *fault = faults->armed->pdata[i];

                g_string_append_printf(json, "%s{\"member\":\"%s\",\"seen\":%u,\"acted\":%u}", i > 0 ? "," : "",
                                       fault->member, fault->seen, fault->acted);
        }
        g_string_append(json, "]}");
        return g_string_free(json, FALSE);
}

bool faults_take_call(Faults *faults, Call *call) {
        g_autofree char *about = call_about(call);
        const Fault *fault = faults_next(faults, sd_bus_message_get_member(call->message), about, false);

        faults->calls++;
        if (!fault)
                return false;

        if (fault->after) { /* faults_send_reply() sees to it */
                call->fault = fault->what;
                call->fault_delay_usec = fault->delay_usec;
                call->fault_reply = fault->what == FAULT_ERROR ? error_reply(call, fault) : NULL;
                return false;
        }

        switch (fault->what) {
        case FAULT_ERROR:
                call_send(call, error_reply(call, fault));
                return true;
        case FAULT_DELAY:
                call_run_later(call, fault->delay_usec);
                return true;
        case FAULT_LOST:
                call_send(call, NULL);
                return true;
        case FAULT_NONE:
        case FAULT_HOLD:
        case FAULT_DROP:
        case FAULT_TWICE:
                break;
        }

        return false;
}

void faults_send_reply(Faults *faults, Call *call, sd_bus_message *reply) {
        if (call->fault_reply) {
                sd_bus_message_unref(reply);
                reply = g_steal_pointer(&call->fault_reply);
        }
        if (!reply || call->fault == FAULT_LOST || sd_bus_message_get_expect_reply(call->message) <= 0) {
                sd_bus_message_unref(reply);
        } else if (call->fault == FAULT_DELAY) {
                hold(faults, reply, call->fault_delay_usec, false);
        } else {
                (void) sd_bus_send(NULL, reply, NULL);
                sd_bus_message_unref(reply);
        }
}

void faults_send_signal(Faults *faults, sd_bus_message *signal, const char *about) {
        const Fault *fault = faults_next(faults, sd_bus_message_get_member(signal), about, true);

        faults->signals++;
        if (fault && fault->what == FAULT_HOLD) {
                hold(faults, signal, HOLD_USEC, true);
                return;
        }

        if (!fault || fault->what != FAULT_DROP)
                (void) sd_bus_send(NULL, signal, NULL);
        if (fault && fault->what == FAULT_TWICE)
                (void) sd_bus_send(NULL, signal, NULL);
        sd_bus_message_unref(signal);
        send_held_signals(faults);
}
