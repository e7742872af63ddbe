/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Asks polkit, asynchronously, whether a caller may do what is not its own to do. The subject is the
 * caller's name on the bus, which nobody else can have (a process id could be used again by then). */

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#define AUTHORITY_CHECKS_MAX 64u
#define AUTHORITY_CHECKS_MAX_PER_USER 8u

typedef struct Authority Authority;
typedef struct AuthorityCheck AuthorityCheck;

typedef enum AuthorityAnswer {
        AUTHORITY_ALLOWED,
        AUTHORITY_DENIED,
        AUTHORITY_CHALLENGE,    /* could be had by authenticating, which the message did not allow */
        AUTHORITY_ABSENT,       /* there is no polkit here */
        AUTHORITY_FAILED,       /* polkit did not answer, or not with sense */
} AuthorityAnswer;

/* The check is over and freed after the call. */
typedef void (*AuthorityDone)(AuthorityAnswer answer, void *userdata);

Authority *authority_new(sd_bus *connection);
Authority *authority_free(Authority *authority); /* all checks must have been cancelled */

/* `name` and `uid` are the caller's. `done` is called later, never from inside. Errors: -EDQUOT too many
 * checks of this user or in all, else as sd_bus_call_async(). */
int authority_check(Authority *authority, const char *name, uid_t uid, const char *action, bool interactive,
                    AuthorityDone done, void *userdata, AuthorityCheck **ret);
/* The caller has gone: takes down the dialog that polkit may show. `done` is not called any more. NULL is
 * fine. Returns NULL. */
AuthorityCheck *authority_cancel(AuthorityCheck *check);
