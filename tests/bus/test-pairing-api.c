/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The agent of who adopts: what it is asked, and what its answers are worth. */

#include <errno.h>
#include <string.h>

#include "autoptr.h"
#include "stage.h"

#define AGENT_PATH "/my/agent"
#define NO "com.example.No"

static FakeCall *adopt(const char *sender) {
        FakeCall *c = call(sender, "/org/needled", MANAGER, "Adopt", "oa{sv}", FOUND_PATH, 1, "agent", "o", AGENT_PATH);

        fake_bus_until(stage->fb, stage->work);
        g_assert_nonnull(stage->adopt_agent.ask);
        return c;
}

static void finish(FakeCall *c) {
        stage->work = NULL;
        stage->work_done(0, "", stage->work_call);
        (void) expect(c, NULL);
}

static void ask(LinkPairingQuestion question, uint32_t passkey) {
        unsigned n = stage->fb->asked->len;

        stage->adopt_agent.ask(&stage->found, question, passkey, stage->adopt_agent.userdata);
        fake_bus_until(stage->fb, stage->fb->asked->len > n);
}

/* The newest call of `member` went to this client, to its agent, with these arguments. */
static void check_asked(const char *who, const char *member, const char *arguments) {
        sd_bus_message *m = fake_bus_asked(stage->fb, member);
        g_autofree char *text = NULL;

        g_assert_nonnull(m);
        text = stage_print(m);
        g_assert_cmpstr(sd_bus_message_get_destination(m), ==, who);
        g_assert_cmpstr(sd_bus_message_get_path(m), ==, AGENT_PATH);
        g_assert_cmpstr(sd_bus_message_get_interface(m), ==, "org.needled.PairingAgent1");
        g_assert_cmpstr(text, ==, arguments);
}

static void check_answer(unsigned n, int error, uint32_t passkey) {
        g_assert_cmpuint(stage->n_answers, ==, n);
        g_assert_cmpint(stage->answer_error, ==, error);
        if (error == 0)
                g_assert_cmpuint(stage->answer, ==, passkey);
}

static void test_without_an_agent(void) {
        stage_new();
        g_autoptr(FakeCall) c = call(ROOT, "/org/needled", MANAGER, "Adopt", "oa{sv}", FOUND_PATH, 0);
        fake_bus_until(stage->fb, stage->work);
        g_assert_null(stage->adopt_agent.ask);
        finish(c);
        stage_free();
}

static void test_passkey(void) {
        stage_new();
        g_autoptr(FakeCall) c = adopt(ROOT);
        ask(LINK_PAIRING_PASSKEY, 0);
        check_asked(ROOT, "RequestPasskey", FOUND_PATH);
        g_assert_cmpuint(stage->n_answers, ==, 0);
        fake_bus_reply(stage->fb, ROOT, "RequestPasskey", NULL, "u", 4711u);
        check_answer(1, 0, 4711);

        ask(LINK_PAIRING_PASSKEY, 0);
        fake_bus_reply(stage->fb, ROOT, "RequestPasskey", NO, NULL);
        check_answer(2, -ECANCELED, 0);
        finish(c);
        stage_free();
}

static void test_confirm(void) {
        stage_new();
        g_autoptr(FakeCall) c = adopt(ROOT);
        ask(LINK_PAIRING_CONFIRM, 123456);
        check_asked(ROOT, "Confirm", FOUND_PATH " 123456");
        fake_bus_reply(stage->fb, ROOT, "Confirm", NULL, "");
        check_answer(1, 0, 0);

        ask(LINK_PAIRING_CONFIRM, 7); /* "an error is a no" */
        check_asked(ROOT, "Confirm", FOUND_PATH " 7");
        fake_bus_reply(stage->fb, ROOT, "Confirm", NO, NULL);
        check_answer(2, -ECANCELED, 0);
        finish(c);
        stage_free();
}

static void test_display(void) {
        stage_new();
        g_autoptr(FakeCall) c = adopt(ROOT);
        ask(LINK_PAIRING_DISPLAY, 123456);
        check_asked(ROOT, "DisplayPasskey", FOUND_PATH " 123456");
        fake_bus_reply(stage->fb, ROOT, "DisplayPasskey", NULL, "");
        g_assert_cmpuint(stage->n_answers, ==, 0);

        ask(LINK_PAIRING_DISPLAY, 123456); /* "an error says that they cannot be shown" */
        fake_bus_reply(stage->fb, ROOT, "DisplayPasskey", NO, NULL);
        check_answer(1, -ECANCELED, 0);
        finish(c);
        stage_free();
}

/* Whatever has not the shape of the contract is a no. */
static void test_garbage(void) {
        stage_new();
        g_autoptr(FakeCall) c = adopt(ROOT);
        ask(LINK_PAIRING_PASSKEY, 0);
        fake_bus_reply(stage->fb, ROOT, "RequestPasskey", NULL, "s", "004711");
        check_answer(1, -ECANCELED, 0);
        ask(LINK_PAIRING_PASSKEY, 0);
        fake_bus_reply(stage->fb, ROOT, "RequestPasskey", NULL, "");
        check_answer(2, -ECANCELED, 0);
        ask(LINK_PAIRING_PASSKEY, 0);
        fake_bus_reply(stage->fb, ROOT, "RequestPasskey", NULL, "uu", 1u, 2u);
        check_answer(3, -ECANCELED, 0);
        ask(LINK_PAIRING_PASSKEY, 0);
        fake_bus_reply(stage->fb, ROOT, "RequestPasskey", NULL, "t", UINT64_C(1) << 32);
        check_answer(4, -ECANCELED, 0);
        ask(LINK_PAIRING_CONFIRM, 123456);
        fake_bus_reply(stage->fb, ROOT, "Confirm", NULL, "b", 0);
        check_answer(5, -ECANCELED, 0);
        finish(c);
        stage_free();
}

/* A number of no passkey is link's to refuse, like every other wrong one. */
static void test_number_too_large(void) {
        stage_new();
        g_autoptr(FakeCall) c = adopt(ROOT);
        ask(LINK_PAIRING_PASSKEY, 0);
        fake_bus_reply(stage->fb, ROOT, "RequestPasskey", NULL, "u", UINT32_MAX);
        check_answer(1, 0, UINT32_MAX);
        finish(c);
        stage_free();
}

static void test_answer_of_somebody_else(void) {
        stage_new();
        g_autoptr(FakeCall) c = adopt(ROOT);
        ask(LINK_PAIRING_CONFIRM, 123456);
        fake_bus_reply(stage->fb, OTHER, "Confirm", NULL, "");
        check_answer(1, -ECANCELED, 0);
        finish(c);
        stage_free();
}

static void test_silence(void) {
        stage_new();
        g_autoptr(FakeCall) c = adopt(ROOT);
        ask(LINK_PAIRING_CONFIRM, 123456);
        fake_bus_settle(stage->fb);
        g_assert_cmpuint(stage->n_answers, ==, 0);
        stage->adopt_agent.cancel(&stage->found, stage->adopt_agent.userdata);
        fake_bus_until(stage->fb, fake_bus_asked(stage->fb, "Cancel"));
        check_asked(ROOT, "Cancel", "");
        g_assert_cmpint(sd_bus_message_get_expect_reply(fake_bus_asked(stage->fb, "Cancel")), ==, 0);

        fake_bus_reply(stage->fb, ROOT, "Confirm", NULL, ""); /* late */
        g_assert_cmpuint(stage->n_answers, ==, 0);
        finish(c);
        stage_free();
}

static void test_answer_after_the_adoption(void) {
        stage_new();
        g_autoptr(FakeCall) c = adopt(ROOT);
        ask(LINK_PAIRING_DISPLAY, 123456);
        finish(c);
        fake_bus_reply(stage->fb, ROOT, "DisplayPasskey", NO, NULL);
        g_assert_cmpuint(stage->n_answers, ==, 0);
        stage_free();
}

static void test_gone(void) {
        stage_new();
        g_autoptr(FakeCall) c = adopt(ROOT);
        ask(LINK_PAIRING_CONFIRM, 123456);
        fake_bus_leave(stage->fb, ROOT, "org.freedesktop.DBus");
        g_assert_cmpuint(stage->n_link_cancels, ==, 1);
        fake_bus_reply(stage->fb, "org.freedesktop.DBus", "Confirm", SD_BUS_ERROR_NAME_HAS_NO_OWNER, NULL);
        g_assert_cmpuint(stage->n_answers, ==, 0);
        g_assert_null(c->reply);
        stage_free();
}

/* It left the bus, and the answer of the bus to our call is faster than the news. */
static void test_gone_before_it_was_asked(void) {
        stage_new();
        g_autoptr(FakeCall) c = adopt(ROOT);
        ask(LINK_PAIRING_CONFIRM, 123456);
        fake_bus_reply(stage->fb, "org.freedesktop.DBus", "Confirm", SD_BUS_ERROR_NAME_HAS_NO_OWNER, NULL);
        check_answer(1, -ECANCELED, 0);
        finish(c);
        stage_free();
}

static void test_another_user(void) {
        stage_new();
        stage->fb->polkit = FAKE_POLKIT_ALLOW;
        g_autoptr(FakeCall) c = adopt(OTHER);
        g_assert_cmpuint(stage->adopt_owner, ==, OTHER_UID);
        ask(LINK_PAIRING_PASSKEY, 0);
        check_asked(OTHER, "RequestPasskey", FOUND_PATH);
        fake_bus_reply(stage->fb, OTHER, "RequestPasskey", NULL, "u", 0u);
        check_answer(1, 0, 0);
        finish(c);
        stage_free();
}

static void test_needled_ends(void) {
        stage_new();
        g_autoptr(FakeCall) c = adopt(ROOT);
        ask(LINK_PAIRING_PASSKEY, 0);
        stage_free(); /* takes the adoption back */
        g_assert_null(c->reply);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/pairing/without-an-agent", test_without_an_agent);
        g_test_add_func("/pairing/passkey", test_passkey);
        g_test_add_func("/pairing/confirm", test_confirm);
        g_test_add_func("/pairing/display", test_display);
        g_test_add_func("/pairing/garbage", test_garbage);
        g_test_add_func("/pairing/number-too-large", test_number_too_large);
        g_test_add_func("/pairing/answer-of-somebody-else", test_answer_of_somebody_else);
        g_test_add_func("/pairing/silence", test_silence);
        g_test_add_func("/pairing/answer-after-the-adoption", test_answer_after_the_adoption);
        g_test_add_func("/pairing/gone", test_gone);
        g_test_add_func("/pairing/gone-before-it-was-asked", test_gone_before_it_was_asked);
        g_test_add_func("/pairing/another-user", test_another_user);
        g_test_add_func("/pairing/needled-ends", test_needled_ends);
        return g_test_run();
}
