/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What bluetoothd asks our agent while a device is paired, and what becomes of the answers. */

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "autoptr.h"
#include "link-fixture.h"

#define OTHER_DEVICE FAKE_ADAPTER "/dev_C0_FF_EE_00_00_01"

/* The client that adopts. */
static struct {
        unsigned asked, cancelled;
        LinkPairingQuestion question;
        uint32_t passkey;
        bool answers;                   /* from inside the call */
        int error;                      /* that it answers with */
        uint32_t answer;
        Fixture *f;
} person;

static void on_ask(Device *device, LinkPairingQuestion question, uint32_t passkey, void *userdata) {
        g_assert_true(userdata == &person && device == person.f->device);
        person.asked++;
        person.question = question;
        person.passkey = passkey;
        if (person.answers)
                g_assert_cmpint(link_pairing_answer(person.f->link, device, person.error, person.answer), ==, 0);
}

static void on_cancel(Device *device, void *userdata) {
        g_assert_true(userdata == &person && device == person.f->device);
        person.cancelled++;
}

static const LinkPairingAgent person_agent = { .ask = on_ask, .cancel = on_cancel, .userdata = &person };

/* A call of bluetoothd to our agent, or of somebody else. */
typedef struct AgentCall {
        sd_bus_slot *slot;
        sd_bus_message *reply;
        unsigned replies;
} AgentCall;

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        AgentCall *c = userdata;

        c->reply = sd_bus_message_ref(m);
        c->replies++;
        return 1;
}

static void agent_call_free(AgentCall *c) {
        sd_bus_slot_unref(c->slot);
        sd_bus_message_unref(c->reply);
        g_free(c);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(AgentCall, agent_call_free)

static AgentCall *call_from(sd_bus *bus, const Fixture *f, const char *member, const char *types, ...) {
        g_autoptr(sd_bus_message) m = NULL;
        AgentCall *c = g_new0(AgentCall, 1);
        va_list args;

        g_assert_cmpint(sd_bus_message_new_method_call(bus, &m, f->fake->agent_sender, "/org/needled/agent",
                                                       "org.bluez.Agent1", member),
                        >=, 0);
        va_start(args, types);
        g_assert_cmpint(sd_bus_message_appendv(m, types, args), >=, 0);
        va_end(args);
        g_assert_cmpint(sd_bus_call_async(bus, &c->slot, m, on_reply, c, 600 * G_USEC_PER_SEC), >=, 0);
        return c;
}

#define bluez_asks(f, ...) call_from((f)->fake->bus, (f), __VA_ARGS__)

static void expect_error(Fixture *f, const AgentCall *c, const char *name) {
        wait_for(f, c->reply);
        g_assert_true(sd_bus_message_is_method_error(c->reply, name));
        g_assert_cmpuint(c->replies, ==, 1);
}

static void expect_yes(Fixture *f, const AgentCall *c) {
        wait_for(f, c->reply);
        g_assert_false(sd_bus_message_is_method_error(c->reply, NULL));
        g_assert_cmpuint(c->replies, ==, 1);
}

/* `data`: the adoption allows that there is no bond. */
static void set_up(Fixture *f, const void *data) {
        fixture_set_up(f, false);
        memset(&person, 0, sizeof(person));
        person.f = f;
        f->fake->pair_holds = true;
}

static void tear_down(Fixture *f, const void *data) {
        fixture_tear_down(f);
}

static void begin(Fixture *f, const LinkPairingAgent *agent, bool allow_unbonded) {
        const LinkAdopt options = { .owner = 1000, .agent = agent, .allow_unbonded = allow_unbonded };

        fixture_find(f);
        link_adopt(f->link, f->device, &options, fixture_on_done, f);
        wait_for(f, f->fake->pair);
        g_assert_cmpint(f->device->state, ==, DEVICE_BONDING);
        g_assert_cmpuint(f->fake->agents, ==, 1);
}

static void expect_adopted(Fixture *f) {
        wait_for(f, f->dones == 1);
        g_assert_cmpint(f->done_error, ==, 0);
        g_assert_true(f->device->adopted && f->device->bonded);
        wait_for(f, f->fake->agents == 0);
}

static void expect_failed(Fixture *f, const char *message) {
        wait_for(f, f->dones == 1);
        g_assert_cmpint(f->done_error, ==, -EKEYREJECTED);
        g_assert_nonnull(strstr(f->done_message, message));
        g_assert_false(f->device->adopted);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_PAIRING_FAILED);
        wait_for(f, f->fake->agents == 0 && f->fake->removes == 1); /* nothing stays in bluetoothd */
}

static void test_capability_follows_the_client(Fixture *f, const void *data) {
        begin(f, &person_agent, false);
        g_assert_cmpstr(f->fake->capability, ==, "KeyboardDisplay");
        fake_pair_end(f->fake, NULL);
        expect_adopted(f);
        g_assert_cmpuint(person.asked + person.cancelled, ==, 0); /* Just Works asks nobody */
}

static void test_nobody_to_ask(Fixture *f, const void *data) {
        begin(f, NULL, false);
        g_assert_cmpstr(f->fake->capability, ==, "NoInputNoOutput");
        g_autoptr(AgentCall) passkey = bluez_asks(f, "RequestPasskey", "o", FAKE_DEVICE);
        expect_error(f, passkey, "org.bluez.Error.Rejected");
        g_autoptr(AgentCall) confirm = bluez_asks(f, "RequestConfirmation", "ou", FAKE_DEVICE, 1u);
        expect_error(f, confirm, "org.bluez.Error.Rejected");
        g_autoptr(AgentCall) display = bluez_asks(f, "DisplayPasskey", "ouq", FAKE_DEVICE, 1u, 0);
        expect_error(f, display, "org.bluez.Error.Rejected");
        g_autoptr(AgentCall) authorize = bluez_asks(f, "RequestAuthorization", "o", FAKE_DEVICE);
        expect_yes(f, authorize);
        g_assert_cmpint(link_pairing_answer(f->link, f->device, 0, 1), ==, -ENOENT);

        fake_pair_end(f->fake, "org.bluez.Error.AuthenticationFailed");
        expect_failed(f, "on a terminal");
}

static void test_passkey(Fixture *f, const void *data) {
        begin(f, &person_agent, false);
        g_autoptr(AgentCall) c = bluez_asks(f, "RequestPasskey", "o", FAKE_DEVICE);
        wait_for(f, person.asked == 1);
        g_assert_cmpint(person.question, ==, LINK_PAIRING_PASSKEY);
        g_assert_null(c->reply);

        g_assert_cmpint(link_pairing_answer(f->link, f->device, 0, 4711), ==, 0);
        g_assert_cmpint(link_pairing_answer(f->link, f->device, 0, 4712), ==, -ENOENT); /* once */
        expect_yes(f, c);
        uint32_t passkey;
        g_assert_cmpint(sd_bus_message_read(c->reply, "u", &passkey), >, 0);
        g_assert_cmpuint(passkey, ==, 4711);

        fake_pair_end(f->fake, NULL);
        expect_adopted(f);
        g_assert_cmpuint(person.cancelled, ==, 0);
        g_assert_cmpint(link_pairing_answer(f->link, f->device, 0, 4711), ==, -ENOENT);
}

static void test_answered_from_inside_the_call(Fixture *f, const void *data) {
        person.answers = true;
        begin(f, &person_agent, false);
        g_autoptr(AgentCall) c = bluez_asks(f, "RequestConfirmation", "ou", FAKE_DEVICE, 123456u);
        expect_yes(f, c);
        g_assert_cmpint(person.question, ==, LINK_PAIRING_CONFIRM);
        g_assert_cmpuint(person.passkey, ==, 123456);
        fake_pair_end(f->fake, NULL);
        expect_adopted(f);
}

/* Even an owner who would do without a bond does not get one who is not the device. */
static void test_no(Fixture *f, const void *data) {
        person.answers = true;
        person.error = -ECANCELED;
        begin(f, &person_agent, data != NULL);
        g_autoptr(AgentCall) c = bluez_asks(f, "RequestConfirmation", "ou", FAKE_DEVICE, 123456u);
        expect_error(f, c, "org.bluez.Error.Rejected");
        fake_pair_end(f->fake, "org.bluez.Error.AuthenticationFailed");
        expect_failed(f, "not the digits of the device");
}

static void test_number_too_large(Fixture *f, const void *data) {
        person.answers = true;
        person.answer = 1000000;
        begin(f, &person_agent, false);
        g_autoptr(AgentCall) c = bluez_asks(f, "RequestPasskey", "o", FAKE_DEVICE);
        expect_error(f, c, "org.bluez.Error.Rejected");
        fake_pair_end(f->fake, "org.bluez.Error.AuthenticationFailed");
        expect_failed(f, "not the digits of the device");
}

static void test_wrong_passkey(Fixture *f, const void *data) {
        person.answers = true;
        begin(f, &person_agent, data != NULL);
        g_autoptr(AgentCall) c = bluez_asks(f, "RequestPasskey", "o", FAKE_DEVICE);
        expect_yes(f, c);
        fake_pair_end(f->fake, "org.bluez.Error.AuthenticationFailed");
        expect_failed(f, "both sides have the same");
        g_assert_cmpuint(f->fake->pairs, ==, 1);
}

static void test_display(Fixture *f, const void *data) {
        begin(f, &person_agent, false);
        g_autoptr(AgentCall) c = bluez_asks(f, "DisplayPasskey", "ouq", FAKE_DEVICE, 123456u, 0);
        expect_yes(f, c); /* at once */
        g_assert_cmpuint(person.asked, ==, 1);
        g_assert_cmpint(person.question, ==, LINK_PAIRING_DISPLAY);
        g_assert_cmpuint(person.passkey, ==, 123456);
        g_autoptr(AgentCall) entered = bluez_asks(f, "DisplayPasskey", "ouq", FAKE_DEVICE, 123456u, 1);
        expect_yes(f, entered);
        g_assert_cmpuint(person.asked, ==, 1);
        g_assert_cmpint(link_pairing_answer(f->link, f->device, 0, 1), ==, -ENOENT); /* nothing was asked */
        g_assert_cmpuint(person.cancelled, ==, 0);

        fake_pair_end(f->fake, NULL);
        expect_adopted(f);
        g_assert_cmpuint(person.cancelled, ==, 1); /* it need not be shown any more */
}

static void test_cannot_display(Fixture *f, const void *data) {
        begin(f, &person_agent, false);
        g_autoptr(AgentCall) c = bluez_asks(f, "DisplayPasskey", "ouq", FAKE_DEVICE, 123456u, 0);
        expect_yes(f, c);
        g_assert_cmpint(link_pairing_answer(f->link, f->device, -EIO, 0), ==, 0);
        expect_failed(f, "there are none");
        g_assert_cmpuint(f->fake->pairs_cancelled, ==, 1);
}

static void test_bluetoothd_cancels(Fixture *f, const void *data) {
        begin(f, &person_agent, false);
        g_autoptr(AgentCall) c = bluez_asks(f, "RequestPasskey", "o", FAKE_DEVICE);
        wait_for(f, person.asked == 1);
        g_autoptr(AgentCall) cancel = bluez_asks(f, "Cancel", "");
        expect_yes(f, cancel);
        expect_error(f, c, "org.bluez.Error.Canceled");
        g_assert_cmpuint(person.cancelled, ==, 1);
        g_assert_cmpint(link_pairing_answer(f->link, f->device, 0, 4711), ==, -ENOENT); /* late */
        g_autoptr(AgentCall) again = bluez_asks(f, "Cancel", "");
        expect_yes(f, again);
        g_assert_cmpuint(person.cancelled, ==, 1);

        fake_pair_end(f->fake, "org.bluez.Error.AuthenticationFailed");
        expect_failed(f, "in time");
        g_assert_cmpuint(c->replies, ==, 1);
}

static void test_one_question_at_a_time(Fixture *f, const void *data) {
        begin(f, &person_agent, false);
        g_autoptr(AgentCall) first = bluez_asks(f, "RequestPasskey", "o", FAKE_DEVICE);
        wait_for(f, person.asked == 1);
        g_autoptr(AgentCall) second = bluez_asks(f, "RequestConfirmation", "ou", FAKE_DEVICE, 1u);
        expect_error(f, second, "org.bluez.Error.Rejected");
        g_assert_cmpuint(person.asked, ==, 1);
        g_assert_cmpint(link_pairing_answer(f->link, f->device, 0, 4711), ==, 0);
        expect_yes(f, first);
        fake_pair_end(f->fake, NULL);
        expect_adopted(f);
}

static void test_other_device(Fixture *f, const void *data) {
        begin(f, &person_agent, false);
        g_autoptr(AgentCall) passkey = bluez_asks(f, "RequestPasskey", "o", OTHER_DEVICE);
        expect_error(f, passkey, "org.bluez.Error.Rejected");
        g_autoptr(AgentCall) confirm = bluez_asks(f, "RequestConfirmation", "ou", OTHER_DEVICE, 1u);
        expect_error(f, confirm, "org.bluez.Error.Rejected");
        g_autoptr(AgentCall) display = bluez_asks(f, "DisplayPasskey", "ouq", OTHER_DEVICE, 1u, 0);
        expect_error(f, display, "org.bluez.Error.Rejected");
        g_autoptr(AgentCall) authorize = bluez_asks(f, "RequestAuthorization", "o", OTHER_DEVICE);
        expect_error(f, authorize, "org.bluez.Error.Rejected");
        g_autoptr(AgentCall) pin = bluez_asks(f, "RequestPinCode", "o", FAKE_DEVICE); /* no such thing in LE */
        expect_error(f, pin, "org.bluez.Error.Rejected");
        g_autoptr(AgentCall) service = bluez_asks(f, "AuthorizeService", "os", FAKE_DEVICE, "180a");
        expect_error(f, service, "org.bluez.Error.Rejected");
        g_autoptr(AgentCall) absurd = bluez_asks(f, "RequestConfirmation", "ou", FAKE_DEVICE, 1000000u);
        expect_error(f, absurd, "org.bluez.Error.Rejected");
        g_assert_cmpuint(person.asked + person.cancelled, ==, 0);
        fake_pair_end(f->fake, NULL);
        expect_adopted(f);
}

static void test_forged(Fixture *f, const void *data) {
        g_autoptr(sd_bus) forger = NULL;

        g_assert_cmpint(sd_bus_open_system(&forger), >=, 0);
        g_assert_cmpint(sd_bus_attach_event(forger, f->event, 0), >=, 0);
        begin(f, &person_agent, false);
        g_autoptr(AgentCall) question = bluez_asks(f, "RequestPasskey", "o", FAKE_DEVICE);
        wait_for(f, person.asked == 1);

        g_autoptr(AgentCall) passkey = call_from(forger, f, "RequestPasskey", "o", FAKE_DEVICE);
        expect_error(f, passkey, "org.bluez.Error.Rejected");
        g_autoptr(AgentCall) confirm = call_from(forger, f, "RequestConfirmation", "ou", FAKE_DEVICE, 1u);
        expect_error(f, confirm, "org.bluez.Error.Rejected");
        g_autoptr(AgentCall) display = call_from(forger, f, "DisplayPasskey", "ouq", FAKE_DEVICE, 1u, 0);
        expect_error(f, display, "org.bluez.Error.Rejected");
        g_autoptr(AgentCall) authorize = call_from(forger, f, "RequestAuthorization", "o", FAKE_DEVICE);
        expect_error(f, authorize, "org.bluez.Error.Rejected");
        g_autoptr(AgentCall) cancel = call_from(forger, f, "Cancel", "");
        expect_error(f, cancel, "org.bluez.Error.Rejected");
        g_assert_cmpuint(person.asked, ==, 1);
        g_assert_cmpuint(person.cancelled, ==, 0);
        g_assert_null(question->reply);

        g_assert_cmpint(link_pairing_answer(f->link, f->device, 0, 4711), ==, 0);
        expect_yes(f, question);
        fake_pair_end(f->fake, NULL);
        expect_adopted(f);
        (void) sd_bus_detach_event(forger);
}

/* Outside of a pairing nothing is asked for at all. */
static void test_after_the_pairing(Fixture *f, const void *data) {
        begin(f, &person_agent, false);
        fake_pair_end(f->fake, NULL);
        expect_adopted(f);
        g_autoptr(AgentCall) passkey = bluez_asks(f, "RequestPasskey", "o", FAKE_DEVICE);
        expect_error(f, passkey, "org.bluez.Error.Rejected");
        g_autoptr(AgentCall) authorize = bluez_asks(f, "RequestAuthorization", "o", FAKE_DEVICE);
        expect_error(f, authorize, "org.bluez.Error.Rejected");
        g_assert_cmpuint(person.asked, ==, 0);
}

static void test_client_leaves(Fixture *f, const void *data) {
        begin(f, &person_agent, false);
        g_autoptr(AgentCall) c = bluez_asks(f, "RequestPasskey", "o", FAKE_DEVICE);
        wait_for(f, person.asked == 1);
        link_cancel(f->link, f);
        expect_error(f, c, "org.bluez.Error.Canceled");
        g_assert_cmpuint(person.cancelled, ==, 1);
        g_assert_cmpint(link_pairing_answer(f->link, f->device, 0, 4711), ==, -ENOENT);
        wait_for(f, f->fake->agents == 0 && f->fake->removes == 1);
        g_assert_cmpuint(f->dones, ==, 0);
        g_assert_false(f->device->adopted);
}

static void test_bluetoothd_killed(Fixture *f, const void *data) {
        begin(f, &person_agent, false);
        AgentCall *c = bluez_asks(f, "RequestPasskey", "o", FAKE_DEVICE);
        wait_for(f, person.asked == 1);
        agent_call_free(c);
        f->fake = fake_bluez_free(f->fake);
        wait_for(f, f->dones == 1);
        g_assert_cmpint(f->done_error, ==, -ENODEV);
        g_assert_cmpuint(person.cancelled, ==, 1);
        g_assert_cmpint(link_pairing_answer(f->link, f->device, 0, 4711), ==, -ENOENT);
}

static void test_needled_ends(Fixture *f, const void *data) {
        begin(f, &person_agent, false);
        g_autoptr(AgentCall) c = bluez_asks(f, "RequestPasskey", "o", FAKE_DEVICE);
        wait_for(f, person.asked == 1);
        f->device = NULL;
        f->link = link_free(f->link);
        expect_error(f, c, "org.bluez.Error.Canceled");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        /* `data` is the allowance to be without a bond. */
#define ADD(name, data, function) g_test_add("/pairing/" name, Fixture, data, set_up, function, tear_down)
        ADD("capability-follows-the-client", NULL, test_capability_follows_the_client);
        ADD("nobody-to-ask", NULL, test_nobody_to_ask);
        ADD("passkey", NULL, test_passkey);
        ADD("answered-from-inside-the-call", NULL, test_answered_from_inside_the_call);
        ADD("no", NULL, test_no);
        ADD("no-in-spite-of-allow-unbonded", "", test_no);
        ADD("number-too-large", NULL, test_number_too_large);
        ADD("wrong-passkey", NULL, test_wrong_passkey);
        ADD("wrong-passkey-in-spite-of-allow-unbonded", "", test_wrong_passkey);
        ADD("display", NULL, test_display);
        ADD("cannot-display", NULL, test_cannot_display);
        ADD("bluetoothd-cancels", NULL, test_bluetoothd_cancels);
        ADD("one-question-at-a-time", NULL, test_one_question_at_a_time);
        ADD("other-device", NULL, test_other_device);
        ADD("forged", NULL, test_forged);
        ADD("after-the-pairing", NULL, test_after_the_pairing);
        ADD("client-leaves", NULL, test_client_leaves);
        ADD("bluetoothd-killed", NULL, test_bluetoothd_killed);
        ADD("needled-ends", NULL, test_needled_ends);
        return g_test_run();
}
