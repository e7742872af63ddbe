/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fuzz [--seed=N] [--first=N] [--calls=N] [--member=NAME] [--verbose]
 *
 * Calls every method of every object of needled on the system bus with arguments that nobody would pass, as several users if root runs it, and
 * expects of each call a reply or a named error with a sentence, in time. What was forgotten, discarded or let go is set up again between.
 * The same seed makes the same calls, as far as the same objects are there. */

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "autoptr.h"
#include "fuzz-tree.h"
#include "fuzz-value.h"

#define SERVICE "org.needled"
#define ROOT_PATH "/org/needled"
#define MANAGER "org.needled.Manager1"
#define DEVICE "org.needled.Device1"
#define HISTORY "org.needled.History1"
#define PROPERTIES "org.freedesktop.DBus.Properties"

#define OWNER_UID 1u            /* the user daemon, whom every system has: the bus turns strangers away */
#define OTHER_UID 65534u
#define PATIENCE_USEC (170 * UINT64_C(1000000)) /* more than the longest call, Adopt(), may take */
#define AT_ONCE 12u                     /* of one connection; needled takes 16 */
#define ROUND 50u                       /* calls until everything is looked at again */
#define KEPT 6u                         /* streams and exports that nobody reads */

typedef enum User {
        USER_DAEMON,                    /* root, or who runs both */
        USER_OWNER,                     /* whose device it is */
        USER_OTHER,                     /* who may see states */
        _USER_MAX,
} User;

typedef struct Fuzz {
        uint64_t seed, first, n_calls;
        const char *member;             /* NULL: all */
        bool verbose;

        sd_event *event;
        sd_bus *buses[_USER_MAX];
        bool users;                     /* they are three */
        unsigned n_pending[_USER_MAX];
        Tree *tree;
        GArray *ids;
        sd_bus_message *kept[KEPT];     /* replies, for their descriptors */
        GHashTable *outcomes;           /* an error's name, or "reply" → how often */
        unsigned n_failed, n_unsent;
        uint64_t slowest_usec;
} Fuzz;

typedef struct Pending {
        Fuzz *fuzz;
        User user;
        uint64_t index, began_usec;
        char *what;
        bool private;                   /* nobody but the owner may have an answer */
} Pending;

/* ---- Answers ---- */

static void fail(Fuzz *fuzz, const Pending *pending, const char *why) {
        fuzz->n_failed++;
        printf("not ok - call %" PRIu64 " (--seed=%" PRIu64 "): %s: %s\n", pending->index, fuzz->seed, pending->what, why);
}

static void count(Fuzz *fuzz, const char *outcome) {
        unsigned n = GPOINTER_TO_UINT(g_hash_table_lookup(fuzz->outcomes, outcome));

        g_hash_table_insert(fuzz->outcomes, g_strdup(outcome), GUINT_TO_POINTER(n + 1));
}

/* A name from the contract or the standard, and a sentence. */
static const char *fault_of(const sd_bus_error *error) {
        static const char *const gone[] = { "NoReply", "Timeout", "TimedOut", "Disconnected", "ServiceUnknown", "NameHasNoOwner" };
        const char *standard = "org.freedesktop.DBus.Error.";

        if (!error->message || !*error->message)
                return "an error that says nothing";
        if (g_str_has_prefix(error->name, "org.needled.Error."))
                return g_str_has_suffix(error->message, ".") ? NULL : "an error that is no sentence";
        if (!g_str_has_prefix(error->name, standard))
                return "an error with a name that is not in the contract";
        for (size_t i = 0; i < G_N_ELEMENTS(gone); i++)
                if (g_str_equal(error->name + strlen(standard), gone[i]))
                        return "no answer";

        return NULL;
}

/* A descriptor of a reply stays open, and unread, until another takes its place. */
static void keep(Fuzz *fuzz, const Pending *pending, sd_bus_message *reply) {
        unsigned at = (unsigned) (pending->index % KEPT);

        if (!strchr(sd_bus_message_get_signature(reply, true), 'h'))
                return;

        sd_bus_message_unref(fuzz->kept[at]);
        fuzz->kept[at] = sd_bus_message_ref(reply);
}

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        Pending *pending = userdata;
        Fuzz *fuzz = pending->fuzz;
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        uint64_t now_usec = (uint64_t) g_get_monotonic_time();
        const char *fault = error ? fault_of(error) : NULL;

        fuzz->slowest_usec = MAX(fuzz->slowest_usec, now_usec - pending->began_usec);
        count(fuzz, error ? error->name : "reply");
        if (fuzz->verbose)
                printf("# %" PRIu64 " %s: %.60s %.200s\n", pending->index, pending->what, error ? error->name : "reply", error ? error->message : "");
        if (fault) {
                g_autofree char *why = g_strdup_printf("%s (%s: %.300s)", fault, error->name, error->message);

                fail(fuzz, pending, why);
        } else if (!error && pending->private) {
                fail(fuzz, pending, "another user was given what is the owner's alone");
        } else if (!error) {
                keep(fuzz, pending, reply);
        }

        fuzz->n_pending[pending->user]--;
        g_free(pending->what);
        g_free(pending);
        return 0;
}

static int run_once(Fuzz *fuzz) {
        return sd_event_run(fuzz->event, 100000);
}

/* ---- Calls ---- */

/* Of another's device or session nobody has more than its states, and what the device is; what is about the caller is left to everybody. */
static bool is_private(const Fuzz *fuzz, User user, const char *interface, const char *member) {
        if (!fuzz->users || user != USER_OTHER || g_str_equal(member, "GetInfo"))
                return false;

        return g_str_equal(interface, DEVICE) || g_str_equal(interface, "org.needled.Session1");
}

static void send_call(Fuzz *fuzz, Dice *dice, User user, uint64_t index, const char *path, const char *interface, const char *member,
                      const char *types) {
        g_autoptr(sd_bus_message) m = NULL;
        sd_bus *bus = fuzz->buses[user];
        Pending *pending;
        int r;

        dice->n_fds = 0;
        dice->many = false;
        dice->bus_fd = sd_bus_get_fd(bus);
        r = sd_bus_message_new_method_call(bus, &m, SERVICE, path, interface, member);
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(m, dice_below(dice, 4) == 0);
        if (r >= 0)
                r = dice_append(dice, m, types);
        if (r < 0) {
                fuzz->n_unsent++; /* what no bus carries */
                return;
        }

        pending = g_new(Pending, 1);
        *pending = (Pending) {
                .fuzz = fuzz,
                .user = user,
                .index = index,
                .began_usec = (uint64_t) g_get_monotonic_time(),
                .what = g_strdup_printf("user %d: %.80s %s.%s(%s)", user, path, interface ?: "", member, types),
                .private = interface && is_private(fuzz, user, interface, member),
        };
        r = sd_bus_call_async(bus, NULL, m, on_answer, pending, PATIENCE_USEC);
        if (r < 0) {
                fuzz->n_unsent++;
                g_free(pending->what);
                g_free(pending);
                return;
        }
        fuzz->n_pending[user]++;
        if (fuzz->verbose)
                printf("# %" PRIu64 " is sent: %s\n", index, pending->what);
}

/* Mostly one of our own: each object has those of sd-bus too. */
static const TreeMethod *any_method(const Fuzz *fuzz, Dice *dice) {
        const GPtrArray *methods = fuzz->tree->methods;
        unsigned first = dice_below(dice, methods->len);

        for (unsigned tries = 0; tries < 5 && !g_str_has_prefix(((TreeMethod *) methods->pdata[first])->interface, SERVICE); tries++)
                first = dice_below(dice, methods->len);

        for (unsigned i = 0; i < methods->len; i++) {
                const TreeMethod *method = methods->pdata[(first + i) % methods->len];

                if (!fuzz->member || g_str_equal(method->name, fuzz->member))
                        return method;
        }

        return NULL;
}

static void call_properties(Fuzz *fuzz, Dice *dice, User user, uint64_t index) {
        static const char *const members[] = { "Get", "Set", "GetAll" };
        static const char *const types[] = { "ss", "ssv", "s" };
        unsigned at = dice_below(dice, 3);
        g_autofree char *path = dice_path(dice);

        send_call(fuzz, dice, user, index, path, PROPERTIES, members[at], types[at]);
}

static void call_one(Fuzz *fuzz, Dice *dice, User user, uint64_t index) {
        const TreeMethod *method = any_method(fuzz, dice);
        const GPtrArray *interfaces = fuzz->tree->interfaces;
        g_autofree char *path = dice_path(dice), *signature = dice_signature(dice);

        if (!method)
                return;

        switch (fuzz->member ? dice_below(dice, 10) : dice_below(dice, 14)) {
        case 0:
        case 1:
                send_call(fuzz, dice, user, index, method->path, method->interface, method->name, signature);
                break;
        case 2:
                send_call(fuzz, dice, user, index, path, method->interface, method->name, method->types);
                break;
        case 10:
                send_call(fuzz, dice, user, index, path, interfaces->pdata[dice_below(dice, interfaces->len)], method->name, method->types);
                break;
        case 11:
                send_call(fuzz, dice, user, index, method->path, dice_below(dice, 2) ? "org.needled.Nothing1" : NULL, method->name, method->types);
                break;
        case 12:
                send_call(fuzz, dice, user, index, method->path, method->interface, "NoSuchMethod", signature);
                break;
        case 13:
                call_properties(fuzz, dice, user, index);
                break;
        default:
                send_call(fuzz, dice, user, index, method->path, method->interface, method->name, method->types);
        }
}

/* ---- Setting up again ---- */

static bool call_now(Fuzz *fuzz, User user, const char *path, const char *interface, const char *member, sd_bus_message **ret, const char *types,
                     ...) {
        g_autoptr(sd_bus_message) m = NULL;
        va_list args;
        int r;

        r = sd_bus_message_new_method_call(fuzz->buses[user], &m, SERVICE, path, interface, member);
        if (r < 0)
                return false;
        va_start(args, types);
        r = sd_bus_message_appendv(m, types, args);
        va_end(args);

        return r >= 0 && sd_bus_call(fuzz->buses[user], m, PATIENCE_USEC, NULL, ret) >= 0;
}

static bool is_true(Fuzz *fuzz, const char *path, const char *property) {
        int b = 0;

        return sd_bus_get_property_trivial(fuzz->buses[USER_DAEMON], SERVICE, path, DEVICE, property, NULL, 'b', &b) >= 0 && b;
}

static const char *device_of(Fuzz *fuzz, bool adopted) {
        for (unsigned i = 0; i < fuzz->tree->paths->len; i++) {
                const char *path = fuzz->tree->paths->pdata[i];

                if (g_str_has_prefix(path, ROOT_PATH "/device/") && is_true(fuzz, path, "Adopted") == adopted)
                        return path;
        }

        return NULL;
}

/* "id" of a session's dictionary, to the end of it. */
static bool read_id(sd_bus_message *m, uint64_t *ret) {
        bool found = false;
        const char *key;

        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                if (sd_bus_message_read(m, "s", &key) > 0 && g_str_equal(key, "id"))
                        found = sd_bus_message_read(m, "v", "t", ret) > 0;
                else
                        (void) sd_bus_message_skip(m, "v");
                (void) sd_bus_message_exit_container(m);
        }

        return found;
}

static int look(Fuzz *fuzz) {
        g_autoptr(sd_bus_message) reply = NULL;
        int r;

        r = tree_read(fuzz->tree, fuzz->buses[USER_DAEMON], SERVICE);
        if (r < 0)
                return r;
        g_array_set_size(fuzz->ids, 0);
        if (!call_now(fuzz, USER_DAEMON, ROOT_PATH, HISTORY, "List", &reply, "a{sv}", 1, "limit", "u", 20))
                return 0;
        r = sd_bus_message_enter_container(reply, 'a', "a{sv}");
        while (r > 0 && (r = sd_bus_message_enter_container(reply, 'a', "{sv}")) > 0) {
                uint64_t id;

                if (read_id(reply, &id))
                        g_array_append_val(fuzz->ids, id);
                r = sd_bus_message_exit_container(reply) < 0 ? -1 : 1;
        }

        return 0;
}

/* Adopts a device that is near; false: none is, this time. */
static bool adopt(Fuzz *fuzz) {
        const char *device = device_of(fuzz, false);
        bool done;

        if (!device) {
                (void) call_now(fuzz, USER_DAEMON, ROOT_PATH, MANAGER, "Search", NULL, "a{sv}", 1, "seconds", "u", 10);
                return false;
        }

        done = call_now(fuzz, USER_DAEMON, ROOT_PATH, MANAGER, "Adopt", NULL, "oa{sv}", device, 1, "alias", "s", "pen");
        return done;
}

/* An owner's device that streams, and a session of it. What is refused now is tried again in the next round. */
static int set_up(Fuzz *fuzz) {
        const char *device;
        int r;

        r = look(fuzz);
        if (r < 0)
                return r;
        device = device_of(fuzz, true);
        if (!device)
                return adopt(fuzz) ? look(fuzz) : 0;

        if (fuzz->users)
                (void) call_now(fuzz, USER_DAEMON, device, DEVICE, "SetOwner", NULL, "u", OWNER_UID);
        (void) call_now(fuzz, USER_DAEMON, device, DEVICE, "SetAutoConnect", NULL, "b", true);
        (void) call_now(fuzz, USER_DAEMON, device, DEVICE, "Connect", NULL, "");
        (void) call_now(fuzz, USER_OWNER, ROOT_PATH, MANAGER, "StartSession", NULL, "oa{sv}", device, 0);
        return look(fuzz);
}

/* ---- The run ---- */

static bool has_answers(const Fuzz *fuzz) {
        for (unsigned i = 0; i < _USER_MAX; i++)
                if (fuzz->n_pending[i] > 0)
                        return false;

        return true;
}

static int wait_for_answers(Fuzz *fuzz) {
        int r = 0;

        while (!has_answers(fuzz) && r >= 0)
                r = run_once(fuzz);

        return r;
}

static int run(Fuzz *fuzz) {
        for (uint64_t n = 0; n < fuzz->n_calls && fuzz->n_failed == 0; n++) {
                const uint64_t i = fuzz->first + n;
                Dice dice = { .paths = fuzz->tree->paths, .ids = fuzz->ids };
                const guint32 seed[] = { (guint32) fuzz->seed, (guint32) (fuzz->seed >> 32), (guint32) i };
                User user;
                int r = 0;

                if (n % ROUND == 0) {
                        r = wait_for_answers(fuzz);
                        if (r >= 0)
                                r = set_up(fuzz);
                }
                dice.rand = g_rand_new_with_seed_array(seed, G_N_ELEMENTS(seed));
                user = dice_below(&dice, 2) ? USER_DAEMON : (User) dice_below(&dice, _USER_MAX); /* root's calls are not limited */
                while (r >= 0 && fuzz->n_pending[user] >= AT_ONCE)
                        r = run_once(fuzz);
                if (r >= 0)
                        call_one(fuzz, &dice, user, i);
                g_rand_free(dice.rand);
                if (r < 0)
                        return r;
        }

        return wait_for_answers(fuzz);
}

static int connect_as(Fuzz *fuzz, uid_t uid, sd_bus **ret) {
        g_autoptr(sd_bus) bus = NULL;
        const char *name;
        int r;

        if (fuzz->users && seteuid(uid) < 0)
                return -errno;
        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_get_unique_name(bus, &name);
        if (fuzz->users && seteuid(0) < 0)
                return -errno;
        if (r >= 0)
                r = sd_bus_attach_event(bus, fuzz->event, 0);
        if (r < 0)
                return r;

        *ret = g_steal_pointer(&bus);
        return 0;
}

static int start(Fuzz *fuzz) {
        static const uid_t uids[_USER_MAX] = { 0, OWNER_UID, OTHER_UID };
        int r;

        fuzz->users = geteuid() == 0;
        fuzz->tree = tree_new();
        fuzz->ids = g_array_new(false, false, sizeof(uint64_t));
        fuzz->outcomes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        r = sd_event_default(&fuzz->event);
        for (unsigned i = 0; i < _USER_MAX && r >= 0; i++)
                r = connect_as(fuzz, uids[i], &fuzz->buses[i]);

        return r;
}

static void report(const Fuzz *fuzz) {
        const char *outcome;
        GHashTableIter iter;
        void *n;

        printf("# --seed=%" PRIu64 " --calls=%" PRIu64 ": %u were not sent, the slowest answer took %" PRIu64 " ms\n", fuzz->seed, fuzz->n_calls,
               fuzz->n_unsent, fuzz->slowest_usec / 1000);
        g_hash_table_iter_init(&iter, fuzz->outcomes);
        while (g_hash_table_iter_next(&iter, (void **) &outcome, &n))
                printf("# %6u %s\n", GPOINTER_TO_UINT(n), outcome);
}

static void stop(Fuzz *fuzz) {
        for (unsigned i = 0; i < KEPT; i++)
                sd_bus_message_unref(fuzz->kept[i]);
        for (unsigned i = 0; i < _USER_MAX; i++)
                sd_bus_flush_close_unref(fuzz->buses[i]);
        tree_free(fuzz->tree);
        g_array_unref(fuzz->ids);
        g_hash_table_unref(fuzz->outcomes);
        sd_event_unref(fuzz->event);
}

int main(int argc, char *argv[]) {
        Fuzz fuzz = { .seed = 1, .n_calls = 1000 };
        gint64 seed = 1, first = 0, n_calls = 1000;
        const GOptionEntry entries[] = {
                { "seed", 0, 0, G_OPTION_ARG_INT64, &seed, "Which calls", "N" },
                { "first", 0, 0, G_OPTION_ARG_INT64, &first, "The number of the first", "N" },
                { "calls", 0, 0, G_OPTION_ARG_INT64, &n_calls, "How many", "N" },
                { "member", 0, 0, G_OPTION_ARG_STRING, &fuzz.member, "Only of this method", "NAME" },
                { "verbose", 0, 0, G_OPTION_ARG_NONE, &fuzz.verbose, "Print each answer", NULL },
                {},
        };
        g_autoptr(GOptionContext) context = g_option_context_new(NULL);
        g_autoptr(GError) error = NULL;
        int r;

        g_option_context_add_main_entries(context, entries, NULL);
        if (!g_option_context_parse(context, &argc, &argv, &error)) {
                g_printerr("%s\n", error->message);
                return 64;
        }
        fuzz.seed = (uint64_t) seed;
        fuzz.first = (uint64_t) first;
        fuzz.n_calls = (uint64_t) n_calls;
        setvbuf(stdout, NULL, _IOLBF, 0);

        r = start(&fuzz);
        if (r >= 0)
                r = run(&fuzz);
        report(&fuzz);
        stop(&fuzz);
        if (r < 0)
                g_printerr("needled cannot be called any more: %s\n", g_strerror(-r));

        return r < 0 || fuzz.n_failed > 0 ? 1 : 0;
}
