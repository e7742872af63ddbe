/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who may do what: every row of the table, for the owner, root, the daemon itself and another user, with
 * polkit in every mood. */

#include <string.h>

#include "autoptr.h"
#include "stage.h"

typedef struct Row {
        const char *path, *interface, *member, *types;
        const char *action;     /* that polkit is asked for; NULL: everybody may, "": only the owner and root */
        bool owned;             /* its owner needs no polkit */
} Row;

static const Row rows[] = {
        { "/org/needled", MANAGER, "Search", "a{sv}", "org.needled.adopt", false },
        { "/org/needled", MANAGER, "StopSearch", "", NULL, false },
        { "/org/needled", MANAGER, "Adopt", "oa{sv}", "org.needled.adopt", false },
        { "/org/needled", MANAGER, "Forget", "o", "org.needled.control-others", true },
        { "/org/needled", MANAGER, "StartSession", "oa{sv}", "org.needled.control-others", true },
        { DEVICE_PATH, DEVICE, "Connect", "", "org.needled.control-others", true },
        { DEVICE_PATH, DEVICE, "Release", "a{sv}", "org.needled.control-others", true },
        { DEVICE_PATH, DEVICE, "Identify", "", "org.needled.control-others", true },
        { DEVICE_PATH, DEVICE, "Tare", "", "org.needled.control-others", true },
        { DEVICE_PATH, DEVICE, "Sync", "", "org.needled.control-others", true },
        { DEVICE_PATH, DEVICE, "StopMotor", "", "org.needled.control-others", true },
        { DEVICE_PATH, DEVICE, "GetParameters", "", "org.needled.control-others", true },
        { DEVICE_PATH, DEVICE, "SetParameters", "a{sv}", "org.needled.control-others", true },
        { DEVICE_PATH, DEVICE, "SetAlias", "s", "org.needled.control-others", true },
        { DEVICE_PATH, DEVICE, "SetAutoConnect", "b", "org.needled.control-others", true },
        { DEVICE_PATH, DEVICE, "SetOwner", "u", "", true },
        { DEVICE_PATH, DEVICE, "GetInfo", "", NULL, true },
        { DEVICE_PATH, DEVICE, "GetCounters", "", "org.needled.read-others", true },
        { SESSION_PATH, SESSION, "GetFigures", "", "org.needled.read-others", true },
        { SESSION_PATH, SESSION, "OpenStream", "a{sv}", "org.needled.read-others", true },
        { SESSION_PATH, SESSION, "Pause", "", "org.needled.control-others", true },
        { SESSION_PATH, SESSION, "Resume", "", "org.needled.control-others", true },
        { SESSION_PATH, SESSION, "Mark", "s", "org.needled.control-others", true },
        { SESSION_PATH, SESSION, "Finish", "", "org.needled.control-others", true },
        { SESSION_PATH, SESSION, "Discard", "", "org.needled.erase-others", true },
};

static FakeCall *call_row(const Row *row, const char *sender, const char *how) {
        FakeBus *fb = stage->fb;
        const char *device = g_str_equal(row->member, "Adopt") ? FOUND_PATH : DEVICE_PATH;

        if (g_str_equal(row->types, "a{sv}"))
                return fake_call(fb, sender, how, row->path, row->interface, row->member, "a{sv}", 0);
        if (g_str_equal(row->types, "oa{sv}"))
                return fake_call(fb, sender, how, row->path, row->interface, row->member, "oa{sv}", device,
                                 0);
        if (g_str_equal(row->types, "o"))
                return fake_call(fb, sender, how, row->path, row->interface, row->member, "o", device);
        if (g_str_equal(row->types, "s"))
                return fake_call(fb, sender, how, row->path, row->interface, row->member, "s", "new");
        if (g_str_equal(row->types, "b"))
                return fake_call(fb, sender, how, row->path, row->interface, row->member, "b", false);
        if (g_str_equal(row->types, "u"))
                return fake_call(fb, sender, how, row->path, row->interface, row->member, "u", OTHER_UID);

        return fake_call(fb, sender, how, row->path, row->interface, row->member, "");
}

/* Whether the work of this row was done, or begun. */
static bool row_is_done(const Row *row, const FakeCall *c) {
        static const char *const of_link[] = { "Connect", "Adopt", "Forget", "Release", "Identify", "Tare", "Sync", "StopMotor", "GetParameters",
                                               "SetParameters", NULL };

        if (g_str_equal(row->member, "Finish") || g_str_equal(row->member, "Discard"))
                return stage->ended;
        if (g_strv_contains(of_link, row->member))
                return stage->work;

        return c->reply && !sd_bus_message_is_method_error(c->reply, NULL);
}

/* StartSession opens one, which is the device's only one; the others of its path want one that is live. */
static void prepare(const Row *row) {
        stage_new();
        if (g_str_equal(row->path, SESSION_PATH))
                stage_session();
}

static void finish(void) {
        if (stage->work) {
                stage->work = NULL;
                stage->work_done(0, "", stage->work_call);
        }
        if (stage->ended)
                stage_session_durable();
        fake_bus_settle(stage->fb);
        stage_free();
}

static void check_allowed(const Row *row, const char *sender, FakePolkit polkit, unsigned n_checks) {
        g_autoptr(FakeCall) c = NULL;

        prepare(row);
        stage->fb->polkit = polkit;
        c = call_row(row, sender, "");
        fake_bus_until(stage->fb, c->reply || row_is_done(row, c));
        g_assert_true(row_is_done(row, c));
        g_assert_cmpuint(stage->fb->n_checks, ==, n_checks);
        if (n_checks > 0) {
                g_assert_cmpstr(stage->fb->action, ==, row->action);
                g_assert_cmpstr(stage->fb->subject, ==, sender);
                g_assert_cmpuint(stage->fb->flags, ==, 0);
        }
        finish();
}

static void check_refused(const Row *row, const char *sender, const char *how, FakePolkit polkit,
                          const char *error) {
        g_autoptr(FakeCall) c = NULL;

        prepare(row);
        stage->fb->polkit = polkit;
        c = call_row(row, sender, how);
        (void) expect(c, error);
        g_assert_false(row_is_done(row, c));
        g_assert_cmpuint(stage->fb->n_checks, ==, *row->action ? 1 : 0);
        if (*row->action)
                g_assert_cmpuint(stage->fb->flags, ==, how[0] == 'i');
        g_assert_cmpstr(stage->device.alias, ==, "Pen");
        finish();
}

static void test_matrix(const void *data) {
        const Row *row = data;

        check_allowed(row, ROOT, FAKE_POLKIT_ABSENT, 0);
        check_allowed(row, SELF, FAKE_POLKIT_ABSENT, 0);
        if (!row->action) {
                check_allowed(row, OTHER, FAKE_POLKIT_DENY, 0);
                return;
        }
        if (row->owned)
                check_allowed(row, OWNER, FAKE_POLKIT_DENY, 0);
        else
                check_refused(row, OWNER, "", FAKE_POLKIT_DENY, "NotAuthorized");

        if (!*row->action) {
                check_refused(row, OTHER, "i", FAKE_POLKIT_ALLOW, "NotAuthorized");
                return;
        }

        check_allowed(row, OTHER, FAKE_POLKIT_ALLOW, 1);
        check_refused(row, OTHER, "", FAKE_POLKIT_DENY, "NotAuthorized");
        check_refused(row, OTHER, "", FAKE_POLKIT_CHALLENGE,
                      SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED);
        check_refused(row, OTHER, "i", FAKE_POLKIT_CHALLENGE, "NotAuthorized");
        check_refused(row, OTHER, "i", FAKE_POLKIT_DENY, "NotAuthorized");
        check_refused(row, OTHER, "", FAKE_POLKIT_ABSENT, "NotAuthorized");
        check_refused(row, OTHER, "", FAKE_POLKIT_NONSENSE, "NotAuthorized");
}

/* A dialog is open; the caller goes, and with it the dialog. */
static void test_caller_leaves_the_dialog(void) {
        stage_new();
        stage->fb->polkit = FAKE_POLKIT_HOLD;
        g_autoptr(FakeCall) c =
                fake_call(stage->fb, OTHER, "i", DEVICE_PATH, DEVICE, "SetAlias", "s", "theirs");
        fake_bus_until(stage->fb, stage->fb->check);
        g_assert_cmpuint(stage->fb->flags, ==, 1);
        fake_bus_leave(stage->fb, OTHER, "org.freedesktop.DBus");
        fake_bus_until(stage->fb, stage->fb->n_cancels == 1);
        fake_bus_polkit_answer(stage->fb, FAKE_POLKIT_ALLOW); /* too late */
        fake_bus_settle(stage->fb);
        g_assert_cmpstr(stage->device.alias, ==, "Pen");
        g_assert_null(c->reply);
        stage_free();
}

/* While the dialog was open the thing that it was about has gone. */
static void test_object_goes_while_asking(void) {
        stage_new();
        stage->fb->polkit = FAKE_POLKIT_HOLD;
        g_autoptr(FakeCall) c = fake_call(stage->fb, OTHER, "i", DEVICE_PATH, DEVICE, "Connect", "");
        fake_bus_until(stage->fb, stage->fb->check);
        bus_device_removed(stage->bus, &stage->device);
        fake_bus_polkit_answer(stage->fb, FAKE_POLKIT_ALLOW);
        (void) expect(c, "NotFound");
        g_assert_null(stage->work);
        stage_free();
}

/* The owner is who owns it when the uid has come, not when the call came. */
static void test_owner_changes_while_waiting(void) {
        stage_new();
        stage->fb->hold_uids = true;
        g_autoptr(FakeCall) c = call(OWNER, DEVICE_PATH, DEVICE, "SetAlias", "s", "old owner's");
        fake_bus_settle(stage->fb);
        stage->device.owner = OTHER_UID;
        fake_bus_release_uids(stage->fb);
        (void) expect(c, "NotAuthorized");
        stage_free();
}

/* 8 questions of one user, others have theirs. */
static void test_checks_are_bounded(void) {
        g_autoptr(GPtrArray) calls = g_ptr_array_new();

        stage_new();
        stage->fb->polkit = FAKE_POLKIT_HOLD;
        fake_bus_user(stage->fb, ":1.61", OTHER_UID);
        for (unsigned i = 0; i < 8; i++)
                g_ptr_array_add(calls, call(i % 2 ? OTHER : ":1.61", DEVICE_PATH, DEVICE, "Connect", ""));
        fake_bus_until(stage->fb, stage->fb->n_checks == 8);
        call_expect("LimitReached", OTHER, DEVICE_PATH, DEVICE, "Connect", "");
        call_expect("LimitReached", ":1.61", DEVICE_PATH, DEVICE, "Connect", "");

        stage->fb->polkit = FAKE_POLKIT_DENY;
        fake_bus_user(stage->fb, ":1.62", 1002);
        call_expect("NotAuthorized", ":1.62", DEVICE_PATH, DEVICE, "Connect", "");
        fake_bus_leave(stage->fb, OTHER, "org.freedesktop.DBus");
        call_expect("NotAuthorized", ":1.61", DEVICE_PATH, DEVICE, "Connect", "");
        for (unsigned i = 0; i < calls->len; i++)
                fake_call_free(calls->pdata[i]);
        stage_free();
}

static void test_caller_without_a_name(void) {
        stage_new();
        call_expect("NotAuthorized", NULL, DEVICE_PATH, DEVICE, "GetCounters", "");
        stage_free();
}

/* The name is on no bus: its uid cannot be had. */
static void test_caller_is_unknown_to_the_bus(void) {
        stage_new();
        call_expect("Failed", ":1.99", DEVICE_PATH, DEVICE, "GetCounters", "");
        fake_bus_settle(stage->fb);
        g_assert_false(fake_bus_has_match(stage->fb, "arg0=':1.99'"));
        stage_free();
}

/* "The user's name is stored with the uid; when they no longer agree only root sees the record." */
static void test_uid_used_again(void) {
        stage_new();
        stage_session();
        stage->user_name = g_strdup("anna");
        call_expect(NULL, OWNER, SESSION_PATH, SESSION, "GetFigures", "");
        g_free(stage->user_name);
        stage->user_name = g_strdup("bert");
        call_expect("NotAuthorized", OWNER, SESSION_PATH, SESSION, "GetFigures", "");
        call_expect(NULL, ROOT, SESSION_PATH, SESSION, "GetFigures", "");
        stage_free();
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autofree char *path = g_strdup_printf("/matrix/%s.%s", strrchr(rows[i].interface, '.') + 1,
                                                        rows[i].member);

                g_test_add_data_func(path, &rows[i], test_matrix);
        }
        g_test_add_func("/caller-leaves-the-dialog", test_caller_leaves_the_dialog);
        g_test_add_func("/object-goes-while-asking", test_object_goes_while_asking);
        g_test_add_func("/owner-changes-while-waiting", test_owner_changes_while_waiting);
        g_test_add_func("/checks-are-bounded", test_checks_are_bounded);
        g_test_add_func("/caller-without-a-name", test_caller_without_a_name);
        g_test_add_func("/caller-is-unknown-to-the-bus", test_caller_is_unknown_to_the_bus);
        g_test_add_func("/uid-used-again", test_uid_used_again);
        return g_test_run();
}
