/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A method call on its way: who calls → may they → do it → answer. Each step may have to wait for somebody
 * (the bus driver, polkit, link, store, hub), so a call is an object that is tied to its caller: when the
 * caller leaves the bus, what can be cancelled is. */

#include <systemd/sd-bus.h>

#include "bus/authority.h"
#include "bus/bus.h"
#include "bus/caller.h"
#include "bus/error.h"

#define CALLS_MAX 512u
#define CALLS_MAX_PER_CALLER 16u
#define CALLS_MAX_PER_USER 64u

typedef struct Call Call;
typedef struct Pairing Pairing;       /* pairing.c */

typedef enum CallRight {
        CALL_ANYBODY,
        CALL_ADOPT,             /* searching and adopting: nobody's own */
        CALL_READ,              /* figures, streams, history */
        CALL_CONTROL,
        CALL_ERASE,
        CALL_OWN,               /* the owner and root alone: polkit is not asked */
        _CALL_RIGHT_MAX,
} CallRight;

/* Whose it is that the call is about. */
typedef struct CallSubject {
        uid_t owner;            /* (uid_t) -1: nobody's */
        const char *owner_name; /* as stored with it; NULL or "": not known */
        CallRight right;        /* what the call takes for this one; CALL_ANYBODY: as planned */
} CallSubject;

/* One method of an interface. */
typedef struct CallPlan {
        CallRight right;
        /* Finds what the call is about, again after each wait, since it may have gone or changed hands.
         * NULL: nothing. */
        int (*find)(Call *call, CallSubject *ret, sd_bus_error *error);
        /* Does it. < 0: `error` is set, or made of the errno. 0: answered by call_reply*(), which frees the
         * call, or pending. */
        int (*run)(Call *call, sd_bus_error *error);
        bool cheap;             /* it is told from memory, and nothing changes: as many as properties may be read */
} CallPlan;

/* The handler of one method for a vtable; `bus` is an expression of `userdata`. */
#define CALL_METHOD(bus, name, right, find, run) CALL_METHOD_COSTING(false, bus, name, right, find, run)
#define CALL_METHOD_CHEAP(bus, name, right, find, run) CALL_METHOD_COSTING(true, bus, name, right, find, run)
#define CALL_METHOD_COSTING(cheap, bus, name, right, find, run)                                    \
        static int method_##name(sd_bus_message *m, void *userdata, sd_bus_error *error) {         \
                static const CallPlan plan = { right, find, run, cheap };                          \
                                                                                                   \
                return call_begin((bus), m, &plan, error);                                         \
        }

struct Call {
        Bus *bus;               /* NULL: the bus has gone before the work was done */
        Caller *caller;         /* weak; NULL: it has left the bus */
        sd_bus_message *message; /* NULL likewise */
        uid_t uid;              /* of the caller */
        const CallPlan *plan;
        void *object;           /* what plan->find() found; only good inside run() */

        int (*run)(Call *call, sd_bus_error *error);
        int (*denied)(Call *call, sd_bus_error *error); /* NULL: the usual error */
        void (*cancel)(Call *call);                     /* NULL: the work cannot be cancelled */
        AuthorityCheck *check;
        CallRight asked;        /* of polkit */
        bool granted;           /* polkit has allowed it */
        Pairing *pairing;       /* of Adopt() with an agent */
        sd_event_source *deadline;
};

/* In a vtable's method: answers at once or later. Always 1, or < 0 with `error` set. */
int call_begin(Bus *bus, sd_bus_message *m, const CallPlan *plan, sd_bus_error *error);

/* In run(), before the work begins: the call is answered later. `cancel` takes the work back when the caller
 * leaves or after `timeout_usec` (0: never). */
int call_pending(Call *call, void (*cancel)(Call *call), uint64_t timeout_usec);
/* In run() or from a callback of the work: asks polkit for `right`, then goes on with `run`, or with
 * `denied` (NULL: usual error). */
int call_elevate(Call *call, CallRight right, int (*run)(Call *call, sd_bus_error *error),
                 int (*denied)(Call *call, sd_bus_error *error), sd_bus_error *error);

/* Whether it is the caller's own, or the caller may do everything. */
bool call_owns(const Call *call, const CallSubject *subject);
bool call_is_root(const Call *call);            /* root or the daemon's own user */

/* The end of a pending call, which is freed; all are fine with a caller or a bus that has gone. */
void call_reply(Call *call);                            /* empty */
void call_reply_take(Call *call, sd_bus_message *reply); /* NULL: the caller has gone */
void call_fail(Call *call, int error, const char *message);
void call_finish(Call *call, int r, sd_bus_error *error); /* as the result of run() */

/* BusDone and LinkDone: ends a pending call with an empty reply or the error. */
void call_done(int error, const char *message, void *call);

/* The caller has left the bus. */
void calls_left(Bus *bus, Caller *caller);
void calls_abandon(Bus *bus);                   /* the bus is going */
