/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/authority.h"

#include <errno.h>
#include <inttypes.h>

#include "autoptr.h"

#define POLKIT_NAME "org.freedesktop.PolicyKit1"
#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"

#define ALLOW_USER_INTERACTION 1u
#define TIMEOUT_USEC (25 * UINT64_C(1000000))
#define INTERACTIVE_TIMEOUT_USEC (120 * UINT64_C(1000000)) /* somebody has to find a password */

struct Authority {
        sd_bus *connection;     /* weak: the bus's */
        GPtrArray *checks;      /* AuthorityCheck, weak: their callers' */
        uint64_t serial;
};

struct AuthorityCheck {
        Authority *authority;   /* weak */
        uid_t uid;
        char *cancellation_id;
        sd_bus_slot *slot;
        AuthorityDone done;
        void *userdata;
};

static AuthorityCheck *check_free(AuthorityCheck *check) {
        g_ptr_array_remove_fast(check->authority->checks, check);
        sd_bus_slot_unref(check->slot);
        g_free(check->cancellation_id);
        g_free(check);
        return NULL;
}

static void check_withdraw(AuthorityCheck *check) {
        (void) sd_bus_call_method_async(check->authority->connection, NULL, POLKIT_NAME, POLKIT_PATH,
                                        POLKIT_INTERFACE, "CancelCheckAuthorization", NULL, NULL, "s",
                                        check->cancellation_id);
}

static AuthorityAnswer answer_of_error(AuthorityCheck *check, const sd_bus_error *error) {
        static const char *const absent[] = {
                SD_BUS_ERROR_SERVICE_UNKNOWN,
                SD_BUS_ERROR_NAME_HAS_NO_OWNER,
                "org.freedesktop.systemd1.NoSuchUnit",
                "org.freedesktop.systemd1.UnitMasked",
                "org.freedesktop.DBus.Error.Spawn.ServiceNotFound",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(absent); i++)
                if (sd_bus_error_has_name(error, absent[i]))
                        return AUTHORITY_ABSENT;
        if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) ||
            sd_bus_error_has_name(error, SD_BUS_ERROR_TIMEOUT))
                check_withdraw(check);

        return AUTHORITY_FAILED;
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        AuthorityCheck *check = userdata;
        AuthorityDone done = check->done;
        void *done_userdata = check->userdata;
        AuthorityAnswer answer = AUTHORITY_FAILED;
        int authorized, challenge;

        if (sd_bus_message_is_method_error(m, NULL))
                answer = answer_of_error(check, sd_bus_message_get_error(m));
        else if (sd_bus_message_enter_container(m, SD_BUS_TYPE_STRUCT, "bba{ss}") >= 0 &&
                 sd_bus_message_read(m, "bb", &authorized, &challenge) >= 0)
                answer = authorized ? AUTHORITY_ALLOWED : challenge ? AUTHORITY_CHALLENGE : AUTHORITY_DENIED;

        check_free(check);
        done(answer, done_userdata);
        return 0;
}

static bool too_many(const Authority *authority, uid_t uid) {
        unsigned n = 0;

        for (unsigned i = 0; i < authority->checks->len; i++) {
                const AuthorityCheck *check = authority->checks->pdata[i];

                n += check->uid == uid;
        }

        return n >= AUTHORITY_CHECKS_MAX_PER_USER || authority->checks->len >= AUTHORITY_CHECKS_MAX;
}

Authority *authority_new(sd_bus *connection) {
        Authority *authority = g_new0(Authority, 1);

        authority->connection = connection;
        authority->checks = g_ptr_array_new();
        return authority;
}

Authority *authority_free(Authority *authority) {
        if (!authority)
                return NULL;

        g_assert(authority->checks->len == 0);
        g_ptr_array_unref(authority->checks);
        g_free(authority);
        return NULL;
}

int authority_check(Authority *authority, const char *name, uid_t uid, const char *action, bool interactive,
                    AuthorityDone done, void *userdata, AuthorityCheck **ret) {
        g_autoptr(sd_bus_message) m = NULL;
        AuthorityCheck *check;
        int r;

        if (too_many(authority, uid))
                return -EDQUOT;

        r = sd_bus_message_new_method_call(authority->connection, &m, POLKIT_NAME, POLKIT_PATH,
                                           POLKIT_INTERFACE, "CheckAuthorization");
        if (r < 0)
                return r;

        check = g_new0(AuthorityCheck, 1);
        check->authority = authority;
        check->uid = uid;
        check->cancellation_id = g_strdup_printf("needled-%" PRIu64, ++authority->serial);
        check->done = done;
        check->userdata = userdata;
        g_ptr_array_add(authority->checks, check);

        r = sd_bus_message_append(m, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s", name, action, 0,
                                  interactive ? ALLOW_USER_INTERACTION : 0u, check->cancellation_id);
        if (r >= 0)
                r = sd_bus_call_async(authority->connection, &check->slot, m, on_answer, check,
                                      interactive ? INTERACTIVE_TIMEOUT_USEC : TIMEOUT_USEC);
        if (r < 0) {
                check_free(check);
                return r;
        }

        *ret = check;
        return 0;
}

AuthorityCheck *authority_cancel(AuthorityCheck *check) {
        if (!check)
                return NULL;

        check_withdraw(check);
        return check_free(check);
}
