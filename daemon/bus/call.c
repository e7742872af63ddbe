/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/call.h"

#include <errno.h>
#include <string.h>

#include "autoptr.h"
#include "bus/gate.h"
#include "bus/pairing.h"
#include "bus/private.h"

static const struct {
        const char *action;
        const char *denied;
} rights[_CALL_RIGHT_MAX] = {
        [CALL_ADOPT] = { "org.needled.adopt", "Only users of the active local session and administrators "
                                              "may search for and adopt devices" },
        [CALL_READ] = { "org.needled.read-others", "This belongs to another user, who alone may see it" },
        [CALL_CONTROL] = { "org.needled.control-others",
                           "This belongs to another user, who alone may control it" },
        [CALL_ERASE] = { "org.needled.erase-others",
                         "This belongs to another user, who alone may erase it" },
        [CALL_OWN] = { NULL, "This belongs to another user, who alone may do this" },
};

static void call_free(Call *call) {
        if (call->bus)
                g_ptr_array_remove(call->bus->calls, call);
        if (call->caller)
                call->caller->n_calls--;
        authority_cancel(call->check);
        sd_event_source_disable_unref(call->deadline);
        pairing_free(call->pairing);
        sd_bus_message_unref(call->message);
        g_free(call);
}

/* The work goes on and cannot be cancelled; its end will find nobody to tell. */
static void call_orphan(Call *call) {
        if (call->caller)
                call->caller->n_calls--;
        call->caller = NULL;
        call->message = sd_bus_message_unref(call->message);
        call->deadline = sd_event_source_disable_unref(call->deadline);
}

/* Returns whether it is over; else it is an orphan. */
static bool call_cancel(Call *call) {
        if (!call->check && !call->cancel) {
                call_orphan(call);
                return false;
        }
        if (!call->check)
                call->cancel(call);
        call_free(call);
        return true;
}

static void call_run(Call *call) {
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        int r;

        r = call->run(call, &error);
        call_finish(call, r, &error);
}

static int denial(Call *call, CallRight right, AuthorityAnswer answer, sd_bus_error *error) {
        switch (answer) {
        case AUTHORITY_ALLOWED:
                return 0;
        case AUTHORITY_DENIED:
                return error_set(error, ERROR_NOT_AUTHORIZED, "%s: polkit did not allow it to you (%s).",
                                 rights[right].denied, rights[right].action);
        case AUTHORITY_CHALLENGE:
                if (sd_bus_message_get_allow_interactive_authorization(call->message) > 0)
                        return error_set(error, ERROR_NOT_AUTHORIZED,
                                         "%s: you were not authenticated; try again.", rights[right].denied);
                return error_set(error, ERROR_INTERACTIVE,
                                 "%s: allow interactive authorization in the call and authenticate (%s).",
                                 rights[right].denied, rights[right].action);
        case AUTHORITY_ABSENT:
                return error_set(error, ERROR_NOT_AUTHORIZED,
                                 "%s: polkit, which could allow it to you, is not installed; ask root.",
                                 rights[right].denied);
        case AUTHORITY_FAILED:
                return error_set(error, ERROR_NOT_AUTHORIZED,
                                 "%s: polkit gave no answer; try again, or see its journal.",
                                 rights[right].denied);
        }

        g_assert_not_reached();
}

static void on_authority(AuthorityAnswer answer, void *userdata) {
        Call *call = userdata;
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        CallSubject subject = { .owner = (uid_t) -1 };
        int r;

        call->check = NULL;
        if (answer != AUTHORITY_ALLOWED) {
                r = call->denied ? call->denied(call, &error) : denial(call, call->asked, answer, &error);
                call_finish(call, r, &error);
                return;
        }

        call->granted = true;
        if (call->plan->find) {
                r = call->plan->find(call, &subject, &error);
                if (r < 0) {
                        call_finish(call, r, &error);
                        return;
                }
        }
        call_run(call);
}

/* May they? */
static void call_admit(Call *call) {
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        CallSubject subject = { .owner = (uid_t) -1 };
        CallRight right;
        int r;

        if (call->plan->find) {
                r = call->plan->find(call, &subject, &error);
                if (r < 0) {
                        call_finish(call, r, &error);
                        return;
                }
        }
        right = subject.right != CALL_ANYBODY ? subject.right : call->plan->right;
        if (right == CALL_ANYBODY || call_is_root(call) || (right != CALL_ADOPT && call_owns(call, &subject))) {
                call_run(call);
                return;
        }

        if (rights[right].action)
                r = call_elevate(call, right, call->plan->run, NULL, &error);
        else
                r = error_set(&error, ERROR_NOT_AUTHORIZED, "%s; ask its owner or root.", rights[right].denied);
        call_finish(call, r, &error);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        Call *call = userdata;

        if (call->cancel)
                call->cancel(call);
        call_fail(call, -ETIMEDOUT, NULL);
        return 0;
}

/* Calls whose caller has gone count too: their work goes on. */
static unsigned count_of(const Bus *bus, uid_t uid) {
        unsigned n = 0;

        for (unsigned i = 0; i < bus->calls->len; i++)
                n += ((const Call *) bus->calls->pdata[i])->uid == uid;

        return n;
}

static int check_limits(const Bus *bus, const Caller *caller, sd_bus_error *error) {
        if (bus->calls->len >= CALLS_MAX)
                return error_set(error, ERROR_LIMIT_REACHED,
                                 "needled has too much to do at the moment; try again later.");
        if (caller->n_calls >= CALLS_MAX_PER_CALLER)
                return error_set(error, ERROR_LIMIT_REACHED,
                                 "This client has %u calls under way; wait for their answers.",
                                 CALLS_MAX_PER_CALLER);
        if (!bus_is_root(bus, caller->uid) && count_of(bus, caller->uid) >= CALLS_MAX_PER_USER)
                return error_set(error, ERROR_LIMIT_REACHED,
                                 "This user has %u calls under way; wait for their answers.", CALLS_MAX_PER_USER);

        return 0;
}

int call_begin(Bus *bus, sd_bus_message *m, const CallPlan *plan, sd_bus_error *error) {
        const char *sender = sd_bus_message_get_sender(m);
        Caller *caller = sender ? callers_find(bus->callers, sender) : NULL;
        Call *call;
        int r;

        if (!caller) /* the bus always says, and the gate knows; who comes by another way is nobody that we know */
                return error_set(error, ERROR_NOT_AUTHORIZED,
                                 "The caller has no name on the bus; call through the system bus.");
        if (!plan->cheap) {
                r = gate_take(bus, caller, BUCKET_WORK, error);
                if (r < 0)
                        return r;
        }
        r = check_limits(bus, caller, error);
        if (r < 0)
                return r;

        call = g_new0(Call, 1);
        call->bus = bus;
        call->caller = caller;
        call->uid = caller->uid;
        call->message = sd_bus_message_ref(m);
        call->plan = plan;
        call->run = plan->run;
        caller->n_calls++;
        g_ptr_array_add(bus->calls, call);

        call_admit(call);
        return 1;
}

int call_pending(Call *call, void (*cancel)(Call *call), uint64_t timeout_usec) {
        int r;

        call->cancel = cancel;
        if (timeout_usec > 0) {
                r = sd_event_add_time_relative(call->bus->event, &call->deadline, CLOCK_BOOTTIME,
                                               timeout_usec, G_USEC_PER_SEC, on_deadline, call);
                if (r < 0)
                        return r;
        }

        return 0;
}

int call_elevate(Call *call, CallRight right, int (*run)(Call *call, sd_bus_error *error),
                 int (*denied)(Call *call, sd_bus_error *error), sd_bus_error *error) {
        int r;

        call->run = run;
        call->denied = denied;
        call->asked = right;
        r = authority_check(call->bus->authority, call->caller->name, call->caller->uid,
                            rights[right].action,
                            sd_bus_message_get_allow_interactive_authorization(call->message) > 0,
                            on_authority, call, &call->check);
        if (r == -EDQUOT)
                return error_set(
                        error, ERROR_LIMIT_REACHED,
                        "Too many questions to polkit are open for this user; answer them, then try again.");
        return r;
}

bool call_is_root(const Call *call) {
        return bus_is_root(call->bus, call->caller->uid);
}

/* A uid can be given to somebody else one day: then the name that was stored with it does not fit, and only
 * root sees the record. */
bool call_owns(const Call *call, const CallSubject *subject) {
        const BusOps *ops = call->bus->settings.ops;
        const char *name;

        if (call_is_root(call))
                return true;
        if (subject->owner == (uid_t) -1 || subject->owner != call->caller->uid)
                return false;
        if (!ops->user_name || !subject->owner_name || !*subject->owner_name)
                return true;

        name = ops->user_name(subject->owner, call->bus->settings.userdata);
        return !name || !*name || strcmp(name, subject->owner_name) == 0;
}

void call_reply(Call *call) {
        if (call->message)
                (void) sd_bus_reply_method_return(call->message, NULL);
        call_free(call);
}

void call_reply_take(Call *call, sd_bus_message *reply) {
        if (reply)
                (void) sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        call_free(call);
}

void call_fail(Call *call, int error, const char *message) {
        g_auto(sd_bus_error) e = SD_BUS_ERROR_NULL;

        (void) error_set_errno(&e, error, message);
        call_finish(call, error, &e);
}

void call_finish(Call *call, int r, sd_bus_error *error) {
        if (r >= 0)
                return;
        if (call->message) {
                if (!sd_bus_error_is_set(error))
                        (void) error_set_errno(error, r, NULL);
                (void) sd_bus_reply_method_error(call->message, error);
        }

        call_free(call);
}

void call_done(int error, const char *message, void *userdata) {
        Call *call = userdata;

        if (error < 0)
                call_fail(call, error, message);
        else
                call_reply(call);
}

static Call *find_newest(const Bus *bus, const Caller *caller) {
        for (unsigned i = bus->calls->len; i-- > 0;) {
                Call *call = bus->calls->pdata[i];

                if (call->caller == caller)
                        return call;
        }

        return NULL;
}

/* To cancel one may end others, of whomever. */
void calls_left(Bus *bus, Caller *caller) {
        Call *call;

        while ((call = find_newest(bus, caller)))
                (void) call_cancel(call);
}

void calls_abandon(Bus *bus) {
        while (bus->calls->len > 0) {
                unsigned last = bus->calls->len - 1;
                Call *call = bus->calls->pdata[last];

                if (!call_cancel(call)) { /* its work ends after us */
                        g_ptr_array_remove_index_fast(bus->calls, last);
                        call->bus = NULL;
                }
        }
}
