/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* History1.Delete and EraseAll: who may, what is told, and what is said when it cannot be. */

#include <errno.h>
#include <string.h>

#include "autoptr.h"
#include "stage.h"
#include "stage-plan.h"

typedef struct Gone {
        uint64_t id;
        uid_t owner;
} Gone;

static StoreSession mine, hers;

static void make_session(StoreSession *s, uint64_t id, uid_t owner) {
        *s = (StoreSession) {
                .id = id,
                .uuid = (char *) "11111111-0000-4000-8000-000000000000",
                .profile = (char *) "omp1",
                .owner = owner,
                .owner_name = (char *) "",
        };
}

static void record_new(void) {
        stage_new();
        make_session(&mine, 7, OWNER_UID);
        make_session(&hers, 8, OTHER_UID);
        g_ptr_array_add(stage->history, &hers);
        g_ptr_array_add(stage->history, &mine);
        stage_plan.n_forgotten = 0;
        stage_plan.forget_error = 0;
}

#define delete_of(sender, id) call(sender, "/org/needled", HISTORY, "Delete", "t", (uint64_t) (id))
#define erase_by(sender, ...) call(sender, "/org/needled", HISTORY, "EraseAll", "a{sv}", __VA_ARGS__)

/* One that has got to the store, or was answered. */
static FakeCall *until_asked(FakeCall *c, const char *what) {
        fake_bus_until(stage->fb, stage->erasing || c->reply);
        g_assert_null(c->reply);
        g_assert_cmpstr(stage->erasing, ==, what);
        return c;
}

/* The store has taken away `n` sessions of the owner's, from 7 on. */
static void erased(unsigned n, uid_t owner, uint64_t n_bytes, char **remains) {
        g_autofree Gone *gone = g_new0(Gone, n + 1);
        StoreErased e = { .n_sessions = n, .n_bytes = n_bytes, .sessions = (void *) gone, .remains = remains };

        for (unsigned i = 0; i < n; i++)
                gone[i] = (Gone) { 7 + i, owner };
        stage_store_erased(0, &e);
}

static void expect_error(FakeCall *c, const char *error, const char *word) {
        sd_bus_message *reply = expect(c, error);

        g_assert_nonnull(strstr(sd_bus_message_get_error(reply)->message, word));
}

static void expect_removed(unsigned n, const char *newest) {
        g_autofree char *text = NULL;

        fake_bus_settle(stage->fb);
        g_assert_cmpuint(fake_bus_count_signals(stage->fb, "/org/needled", "Removed"), ==, n);
        if (n == 0)
                return;
        text = stage_print(fake_bus_signal(stage->fb, "/org/needled", "Removed"));
        g_assert_cmpstr(text, ==, newest);
}

/* ---- One ---- */

static void test_ones_own(void) {
        record_new();
        g_autoptr(FakeCall) c = until_asked(delete_of(OWNER, 7), "delete");
        g_assert_cmpuint(stage->erase_id, ==, 7);
        g_assert_cmpuint(stage->fb->n_checks, ==, 0);
        expect_removed(0, NULL);
        erased(1, OWNER_UID, 4096, (char *[]) { (char *) "needled.db.damaged-1", NULL });
        g_autofree char *text = stage_print(expect(c, NULL));
        g_assert_cmpstr(text, ==, "{sessions: 1, bytes: 4096, remains: [needled.db.damaged-1]}");
        expect_removed(1, "7 1000");
        g_assert_cmpuint(stage->n_erased, ==, 1);
        g_assert_cmpuint(stage_plan.n_forgotten, ==, 0); /* what they set stays */
        stage_free();
}

static void test_of_another(void) {
        record_new();
        g_autoptr(FakeCall) c = delete_of(OWNER, 8);
        expect_error(c, "NotFound", "session 8");
        g_autoptr(FakeCall) none = delete_of(OWNER, 9);
        expect_error(none, "NotFound", "session 9");
        g_assert_null(stage->erasing);

        stage->fb->polkit = FAKE_POLKIT_ALLOW;
        g_autoptr(FakeCall) allowed = until_asked(delete_of(OWNER, 8), "delete");
        g_assert_cmpstr(stage->fb->action, ==, "org.needled.erase-others");
        erased(1, OTHER_UID, 0, NULL);
        g_autofree char *text = stage_print(expect(allowed, NULL));
        g_assert_cmpstr(text, ==, "{sessions: 1, bytes: 0, remains: []}");
        g_autoptr(FakeCall) root = until_asked(delete_of(ROOT, 8), "delete");
        stage_store_erased(-ENOENT, NULL); /* somebody was faster */
        expect_error(root, "NotFound", "meanwhile");
        stage_free();
}

static void test_live(void) {
        record_new();
        (void) stage_session();
        g_autoptr(FakeCall) own = delete_of(OWNER, 42);
        expect_error(own, "NotReady", "Discard");
        g_autoptr(FakeCall) other = delete_of(OTHER, 42);
        (void) expect(other, "NotFound");
        stage_free();
}

static void test_the_store_cannot(void) {
        static const struct {
                int error;
                const char *name, *word;
        } cases[] = {
                { -ENOENT, "NotFound", "deleted meanwhile" },
                { -EBUSY, "NotReady", "live" },
                { -ENOBUFS, "LimitReached", "64 erasures" },
                { -EIO, "Degraded", "The disk is full" },
                { -ECANCELED, "Cancelled", "stopping" },
        };

        record_new();
        stage->storage = STORE_DEGRADED;
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(FakeCall) c = until_asked(delete_of(OWNER, 7), "delete");

                stage_store_erased(cases[i].error, NULL);
                expect_error(c, cases[i].name, cases[i].word);
        }
        expect_removed(0, NULL);
        stage_free();
}

/* ---- All ---- */

static void test_all_of_ones_own(void) {
        record_new();
        g_free(stage->user_name);
        stage->user_name = g_strdup("anna");
        g_autoptr(FakeCall) c = until_asked(erase_by(OWNER, 0), "all");
        g_assert_cmpuint(stage->erase_owner, ==, OWNER_UID);
        g_assert_cmpstr(stage->erase_owner_name, ==, "anna"); /* not of who had the uid before */
        g_assert_cmpuint(stage_plan.n_forgotten, ==, 1);
        g_assert_cmpuint(stage_plan.owner, ==, OWNER_UID);
        erased(3, OWNER_UID, 12288, NULL);
        g_autofree char *text = stage_print(expect(c, NULL));
        g_assert_cmpstr(text, ==, "{sessions: 3, bytes: 12288, remains: []}");
        expect_removed(3, "9 1000");
        g_autoptr(FakeCall) named = until_asked(erase_by(OWNER, 1, "owner", "u", OWNER_UID), "all");
        stage_store_erased(-EIO, NULL);
        (void) expect(named, "Degraded");
        g_assert_cmpuint(stage->fb->n_checks, ==, 0);
        stage_free();
}

/* What is to go is not known as long as the database is not read: then it would be theirs again. */
static void test_before_the_database_is_read(void) {
        record_new();
        stage_plan.forget_error = -EAGAIN;
        g_autoptr(FakeCall) c = erase_by(OWNER, 0);
        expect_error(c, "Degraded", "nothing was erased");
        g_assert_null(stage->erasing);
        stage_free();
}

/* Plans are not forgotten when the store is going to refuse. */
static void test_too_many_wait(void) {
        record_new();
        stage->cannot_erase = true;
        g_autoptr(FakeCall) c = until_asked(erase_by(OWNER, 0), "all");
        g_assert_cmpuint(stage_plan.n_forgotten, ==, 0);
        stage_store_erased(-ENOBUFS, NULL);
        expect_error(c, "LimitReached", "64 erasures");
        stage_free();
}

/* Root's are root's, unless it says otherwise: nothing goes by accident. */
static void test_all_by_root(void) {
        record_new();
        g_autoptr(FakeCall) own = until_asked(erase_by(ROOT, 0), "all");
        g_assert_cmpuint(stage->erase_owner, ==, 0);
        erased(0, 0, 0, NULL);
        (void) expect(own, NULL);
        g_autoptr(FakeCall) all = until_asked(erase_by(ROOT, 1, "owner", "u", UINT32_MAX), "all");
        g_assert_null(stage->erase_owner_name);
        g_assert_cmpuint(stage->erase_owner, ==, (uid_t) -1);
        g_assert_cmpuint(stage_plan.owner, ==, (uid_t) -1);
        erased(0, 0, 0, NULL);
        (void) expect(all, NULL);
        expect_removed(0, NULL);
        stage_free();
}

static void test_all_of_another(void) {
        record_new();
        g_autoptr(FakeCall) c = erase_by(OWNER, 1, "owner", "u", OTHER_UID);
        (void) expect(c, "NotAuthorized");
        g_autoptr(FakeCall) all = erase_by(OWNER, 1, "owner", "u", UINT32_MAX);
        (void) expect(all, "NotAuthorized");
        g_assert_null(stage->erasing);
        g_assert_cmpuint(stage_plan.n_forgotten, ==, 0);
        stage->fb->polkit = FAKE_POLKIT_ALLOW;
        g_autoptr(FakeCall) allowed = until_asked(erase_by(OWNER, 1, "owner", "u", OTHER_UID), "all");
        g_assert_cmpstr(stage->fb->action, ==, "org.needled.erase-others");
        g_assert_cmpuint(stage->erase_owner, ==, OTHER_UID);
        g_assert_null(stage->erase_owner_name);
        erased(1, OTHER_UID, 0, NULL);
        (void) expect(allowed, NULL);
        stage_free();
}

static void test_very_many(void) {
        record_new();
        g_autoptr(FakeCall) c = until_asked(erase_by(OWNER, 0), "all");
        erased(1001, OWNER_UID, 1, NULL);
        (void) expect(c, NULL);
        expect_removed(1, "0 1000");
        g_autoptr(FakeCall) d = until_asked(erase_by(OWNER, 0), "all");
        erased(1000, OWNER_UID, 1, NULL);
        (void) expect(d, NULL);
        expect_removed(1001, "1006 1000");
        stage_free();
}

static void test_copies(void) {
        record_new();
        stage->fb->polkit = FAKE_POLKIT_ALLOW;
        g_autoptr(FakeCall) c = erase_by(OWNER, 1, "copies", "b", 1);
        expect_error(c, "NotAuthorized", "only root");
        g_autoptr(FakeCall) both = erase_by(ROOT, 2, "copies", "b", 1, "owner", "u", OWNER_UID);
        expect_error(both, "InvalidArgument", "owner");
        g_autoptr(FakeCall) root = until_asked(erase_by(ROOT, 1, "copies", "b", 1), "copies");
        erased(0, 0, 8192, (char *[]) { (char *) "stuck", NULL });
        g_autofree char *text = stage_print(expect(root, NULL));
        g_assert_cmpstr(text, ==, "{sessions: 0, bytes: 8192, remains: [stuck]}");
        g_assert_cmpuint(stage_plan.n_forgotten, ==, 0);
        g_assert_cmpuint(stage->fb->n_checks, ==, 0);
        stage_free();
}

static void test_arguments(void) {
        record_new();
        g_autoptr(FakeCall) unknown = erase_by(OWNER, 1, "all", "b", 1);
        (void) expect(unknown, "InvalidArgument");
        g_autoptr(FakeCall) type = erase_by(OWNER, 1, "owner", "i", 5);
        (void) expect(type, "InvalidArgument");
        g_assert_null(stage->erasing);
        stage_free();
}

/* ---- Who goes meanwhile, and what goes by itself ---- */

static void test_the_caller_leaves(void) {
        record_new();
        g_autoptr(FakeCall) c = until_asked(delete_of(OWNER, 7), "delete");
        fake_bus_leave(stage->fb, OWNER, "org.freedesktop.DBus");
        fake_bus_settle(stage->fb);
        erased(1, OWNER_UID, 0, NULL);
        expect_removed(1, "7 1000");   /* others are told all the same */
        g_assert_null(c->reply);
        stage_free();
}

static void test_the_bus_goes(void) {
        record_new();
        g_autoptr(FakeCall) c = until_asked(delete_of(OWNER, 7), "delete");
        stage->bus = bus_free(stage->bus);
        stage_store_erased(-ECANCELED, NULL); /* the store outlives it */
        g_assert_null(c->reply);
        stage_free();
}

static void test_retention(void) {
        Gone gone[] = { { 3, OWNER_UID }, { 4, OTHER_UID } };
        StoreErased e = { .n_sessions = 2, .sessions = (void *) gone };

        record_new();
        bus_history_erased(stage->bus, &e);
        expect_removed(2, "4 1001");
        bus_history_erased(NULL, &e);   /* before the bus is there */
        bus_history_erased(stage->bus, NULL);
        expect_removed(2, "4 1001");
        stage_free();
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/erase/ones-own", test_ones_own);
        g_test_add_func("/erase/of-another", test_of_another);
        g_test_add_func("/erase/live", test_live);
        g_test_add_func("/erase/the-store-cannot", test_the_store_cannot);
        g_test_add_func("/erase/all-of-ones-own", test_all_of_ones_own);
        g_test_add_func("/erase/before-the-database-is-read", test_before_the_database_is_read);
        g_test_add_func("/erase/too-many-wait", test_too_many_wait);
        g_test_add_func("/erase/all-by-root", test_all_by_root);
        g_test_add_func("/erase/all-of-another", test_all_of_another);
        g_test_add_func("/erase/very-many", test_very_many);
        g_test_add_func("/erase/copies", test_copies);
        g_test_add_func("/erase/arguments", test_arguments);
        g_test_add_func("/erase/the-caller-leaves", test_the_caller_leaves);
        g_test_add_func("/erase/the-bus-goes", test_the_bus_goes);
        g_test_add_func("/erase/retention", test_retention);
        return g_test_run();
}
