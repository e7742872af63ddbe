/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "simulator/att.h"

/* A conversation: rx() is what the client sends, tx() what the server must have answered, in order;
 * quiet() that nothing is left. */

#define OMP(low, high) "f8 13 8d fb 1f ee 8e 8a 3b 42 19 23 " low " " high " 84 95"

typedef struct Talk {
        AttServer *server;
        GQueue sent;                    /* of GByteArray */
        uint16_t feature, live, event, control, serial;
        GString *calls;                 /* what the server told its owner */
        uint8_t feature_value[512];
        size_t feature_size;
        bool full;                      /* the link takes nothing */
} Talk;

static GByteArray *octets(const char *hex) {
        GByteArray *a = g_byte_array_new();

        for (const char *p = hex; *p;) {
                uint8_t octet;

                if (*p == ' ') {
                        p++;
                        continue;
                }
                octet = (uint8_t) (g_ascii_xdigit_value(p[0]) << 4 | g_ascii_xdigit_value(p[1]));
                g_byte_array_append(a, &octet, 1);
                p += 2;
        }
        return a;
}

static char *hex_of(const uint8_t *data, size_t size) {
        GString *s = g_string_new(NULL);

        for (size_t i = 0; i < size; i++)
                g_string_append_printf(s, i ? " %02x" : "%02x", data[i]);
        return g_string_free(s, FALSE);
}

static int on_send(const uint8_t *pdu, size_t size, void *userdata) {
        Talk *t = userdata;
        GByteArray *a;

        if (t->full)
                return -EAGAIN;
        a = g_byte_array_new();
        g_byte_array_append(a, pdu, (unsigned) size);
        g_queue_push_tail(&t->sent, a);
        return 0;
}

static int on_read(uint16_t handle, uint8_t *buf, size_t size, void *userdata) {
        Talk *t = userdata;

        g_assert_cmpuint(handle, ==, t->feature);
        g_assert_cmpuint(size, >=, t->feature_size);
        memcpy(buf, t->feature_value, t->feature_size);
        return (int) t->feature_size;
}

static int on_write(uint16_t handle, const uint8_t *data, size_t size, void *userdata) {
        Talk *t = userdata;
        g_autofree char *hex = hex_of(data, size);

        g_string_append_printf(t->calls, "write %u %s;", handle, hex);
        return size > 0 && data[0] == 0xee ? -0x80 : 0;
}

static void on_subscribed(uint16_t handle, bool on, void *userdata) {
        Talk *t = userdata;

        /* The answer has gone out before: what is notified from here on cannot overtake it. */
        g_string_append_printf(t->calls, "%s %u after %u;", on ? "on" : "off", handle,
                               g_queue_get_length(&t->sent));
}

static void on_mtu_changed(uint16_t mtu, void *userdata) {
        g_string_append_printf(((Talk *) userdata)->calls, "mtu %u;", mtu);
}

static const AttOps ops = {
        .send = on_send,
        .read = on_read,
        .write = on_write,
        .subscribed = on_subscribed,
        .mtu_changed = on_mtu_changed,
};

static AttUuid uuid(const char *text) {
        AttUuid ret;

        g_assert_cmpint(att_uuid_parse(text, &ret), ==, 0);
        return ret;
}

/* 1 GAP: 2-3 name; 4 OMP: 5-6 Feature, 7-8-9 Live, 10-11-12 Event, 13-14 Control Point; 15 DIS: 16-17
 * serial number */
static void talk_start(Talk *t, uint16_t mtu) {
        AttUuid gap = att_uuid16(0x1800), name = att_uuid16(0x2a00), dis = att_uuid16(0x180a),
                serial = att_uuid16(0x2a25);
        AttUuid omp = uuid("95840001-2319-423b-8a8e-ee1ffb8d13f8"),
                feature = uuid("95840101-2319-423b-8a8e-ee1ffb8d13f8");
        AttUuid live = uuid("95840102-2319-423b-8a8e-ee1ffb8d13f8"),
                event = uuid("95840104-2319-423b-8a8e-ee1ffb8d13f8");
        AttUuid control = uuid("95840107-2319-423b-8a8e-ee1ffb8d13f8");

        *t = (Talk){ .calls = g_string_new(NULL), .feature_size = 4, .feature_value = { 1, 0, 0xff, 0x0e } };
        g_queue_init(&t->sent);
        t->server = att_server_new(mtu, &ops, t);
        g_assert_cmpuint(att_server_add_service(t->server, &gap), ==, 1);
        (void) att_server_add_characteristic(t->server, &name, ATT_PROPERTY_READ, "Pen 7", 5);
        g_assert_cmpuint(att_server_add_service(t->server, &omp), ==, 4);
        t->feature = att_server_add_characteristic(t->server, &feature, ATT_PROPERTY_READ, NULL, 0);
        t->live = att_server_add_characteristic(t->server, &live, ATT_PROPERTY_NOTIFY, NULL, 0);
        t->event = att_server_add_characteristic(t->server, &event,
                                                 ATT_PROPERTY_NOTIFY | ATT_PROPERTY_INDICATE, NULL, 0);
        t->control = att_server_add_characteristic(t->server, &control,
                                                   ATT_PROPERTY_WRITE | ATT_PROPERTY_WRITE_COMMAND, NULL, 0);
        g_assert_cmpuint(att_server_add_service(t->server, &dis), ==, 15);
        t->serial = att_server_add_characteristic(t->server, &serial, ATT_PROPERTY_READ,
                                                  "SN-0123456789-ABCDEFGHIJKLMNOP", 30);
        g_assert_cmpuint(t->serial, ==, 17);
}

static void talk_end(Talk *t) {
        g_assert_cmpuint(g_queue_get_length(&t->sent), ==, 0);
        t->server = att_server_free(t->server);
        (void) g_string_free(t->calls, TRUE);
}

static void rx(Talk *t, const char *hex) {
        g_autoptr(GByteArray) a = octets(hex);
        /* A copy of exactly this size, so that a read beyond it is seen by the address sanitizer. */
        g_autofree uint8_t *exact = g_memdup2(a->data, a->len);

        att_server_receive(t->server, exact, a->len);
}

static void tx(Talk *t, const char *hex) {
        GByteArray *a = g_queue_pop_head(&t->sent);
        g_autofree char *got = NULL;

        g_assert_nonnull(a);
        got = hex_of(a->data, a->len);
        g_assert_cmpstr(got, ==, hex);
        g_byte_array_unref(a);
}

static void quiet(Talk *t) {
        g_assert_cmpuint(g_queue_get_length(&t->sent), ==, 0);
}

static void told(Talk *t, const char *calls) {
        g_assert_cmpstr(t->calls->str, ==, calls);
        g_string_truncate(t->calls, 0);
}

static size_t tx_size(Talk *t) {
        GByteArray *a = g_queue_pop_head(&t->sent);
        size_t size;

        g_assert_nonnull(a);
        size = a->len;
        g_byte_array_unref(a);
        return size;
}

static void test_uuid_short_and_long(void) {
        AttUuid a = uuid("0000180A-0000-1000-8000-00805f9b34fb"),
                b = uuid("95840001-2319-423b-8a8e-ee1ffb8d13f8");
        g_autofree char *hex = hex_of(b.octets, b.size);

        g_assert_cmpuint(a.size, ==, 2);
        g_assert_cmpuint(a.octets[0], ==, 0x0a);
        g_assert_cmpuint(a.octets[1], ==, 0x18);
        g_assert_cmpstr(hex, ==, OMP("01", "00"));
        g_assert_cmpint(att_uuid_parse("95840001-2319-423b-8a8e-ee1ffb8d13f", &a), ==, -EINVAL);
        g_assert_cmpint(att_uuid_parse("9584000g-2319-423b-8a8e-ee1ffb8d13f8", &a), ==, -EINVAL);
        g_assert_cmpint(att_uuid_parse("95840001x2319-423b-8a8e-ee1ffb8d13f8", &a), ==, -EINVAL);
}

/* What bluetoothd 5.66 sends after connecting, with ATT_MTU 517. */
static void test_discovery_as_bluetoothd_does_it(void) {
        Talk t;

        talk_start(&t, 517);
        rx(&t, "02 05 02");
        tx(&t, "03 05 02");
        told(&t, "mtu 517;");
        /* Primary services: those with short UUIDs first, as far as the length is the same. */
        rx(&t, "10 01 00 ff ff 00 28");
        tx(&t, "11 06 01 00 03 00 00 18");
        rx(&t, "10 04 00 ff ff 00 28");
        tx(&t, "11 14 04 00 0e 00 " OMP("01", "00"));
        rx(&t, "10 0f 00 ff ff 00 28");
        tx(&t, "11 06 0f 00 11 00 0a 18");
        rx(&t, "10 12 00 ff ff 00 28");
        tx(&t, "01 10 12 00 0a");
        /* Secondary services and includes: none. */
        rx(&t, "10 01 00 ff ff 01 28");
        tx(&t, "01 10 01 00 0a");
        rx(&t, "08 01 00 11 00 02 28");
        tx(&t, "01 08 01 00 0a");
        /* Characteristics of the OMP service. */
        rx(&t, "08 04 00 0e 00 03 28");
        tx(&t, "09 15 05 00 02 06 00 " OMP("01", "01") " 07 00 10 08 00 " OMP("02", "01") " 0a 00 30 0b 00 " OMP("04", "01")
               " 0d 00 0c 0e 00 " OMP("07", "01"));
        rx(&t, "08 0e 00 0e 00 03 28");
        tx(&t, "01 08 0e 00 0a");
        /* Descriptors. */
        rx(&t, "04 09 00 09 00");
        tx(&t, "05 01 09 00 02 29");
        rx(&t, "04 0c 00 0c 00");
        tx(&t, "05 01 0c 00 02 29");
        talk_end(&t);
}

static void test_lists_stop_at_mtu_23(void) {
        Talk t;

        talk_start(&t, 23);
        rx(&t, "02 05 02");
        tx(&t, "03 17 00");
        told(&t, "mtu 23;");
        rx(&t, "10 04 00 ff ff 00 28");
        tx(&t, "11 14 04 00 0e 00 " OMP("01", "00"));
        rx(&t, "08 04 00 0e 00 03 28");
        tx(&t, "09 15 05 00 02 06 00 " OMP("01", "01"));
        rx(&t, "08 06 00 0e 00 03 28");
        tx(&t, "09 15 07 00 10 08 00 " OMP("02", "01"));
        /* Five short UUIDs would fit; the sixth octet pair of a long one ends the list. */
        rx(&t, "04 09 00 ff ff");
        tx(&t, "05 01 09 00 02 29 0a 00 03 28");
        rx(&t, "04 0b 00 ff ff");
        tx(&t, "05 02 0b 00 " OMP("04", "01"));
        rx(&t, "04 0f 00 ff ff");
        tx(&t, "05 01 0f 00 00 28 10 00 03 28 11 00 25 2a");
        talk_end(&t);
}

static void test_mtu_is_the_smaller_one_and_agreed_once(void) {
        Talk t;

        talk_start(&t, 247);
        g_assert_cmpuint(att_server_mtu(t.server), ==, 23);
        rx(&t, "02 64 00");
        tx(&t, "03 f7 00");
        told(&t, "mtu 100;");
        rx(&t, "02 05 02");
        tx(&t, "03 f7 00");
        told(&t, "");
        g_assert_cmpuint(att_server_mtu(t.server), ==, 100);
        att_server_disconnected(t.server);
        g_assert_cmpuint(att_server_mtu(t.server), ==, 23);
        rx(&t, "02 05 00"); /* below the minimum: 23 is what every client can */
        tx(&t, "03 f7 00");
        told(&t, "mtu 23;");
        talk_end(&t);
}

static void test_find_by_type_value(void) {
        Talk t;

        talk_start(&t, 247);
        rx(&t, "02 05 02");
        tx(&t, "03 f7 00");
        rx(&t, "06 01 00 ff ff 00 28 0a 18");
        tx(&t, "07 0f 00 11 00");
        rx(&t, "06 01 00 ff ff 00 28 " OMP("01", "00"));
        tx(&t, "07 04 00 0e 00");
        rx(&t, "06 01 00 ff ff 00 28 0b 18");
        tx(&t, "01 06 01 00 0a");
        rx(&t, "06 01 00 ff ff 00 28"); /* an empty value is a value, that nobody has */
        tx(&t, "01 06 01 00 0a");
        rx(&t, "06 01 00 ff ff 00 2a 50 65 6e 20 37"); /* not a group: it ends with itself */
        tx(&t, "07 03 00 03 00");
        talk_end(&t);
}

static void test_read_by_type(void) {
        Talk t;

        talk_start(&t, 23);
        rx(&t, "08 01 00 ff ff 00 2a");
        tx(&t, "09 07 03 00 50 65 6e 20 37");
        /* The long form of a short UUID is the same. */
        rx(&t, "08 01 00 ff ff fb 34 9b 5f 80 00 00 80 00 10 00 00 00 2a 00 00");
        tx(&t, "09 07 03 00 50 65 6e 20 37");
        /* Cut to ATT_MTU − 4; the rest by blob. */
        rx(&t, "08 01 00 ff ff 25 2a");
        tx(&t, "09 15 11 00 53 4e 2d 30 31 32 33 34 35 36 37 38 39 2d 41 42 43 44 45");
        /* The first is not readable: its handle, its error. */
        rx(&t, "08 01 00 ff ff " OMP("02", "01"));
        tx(&t, "01 08 08 00 02");
        talk_end(&t);
}

static void test_read_and_blob(void) {
        Talk t;

        talk_start(&t, 23);
        rx(&t, "0a 06 00");
        tx(&t, "0b 01 00 ff 0e");
        rx(&t, "0a 11 00"); /* 30 octets: 22 and 8 */
        tx(&t, "0b 53 4e 2d 30 31 32 33 34 35 36 37 38 39 2d 41 42 43 44 45 46 47 48");
        rx(&t, "0c 11 00 16 00");
        tx(&t, "0d 49 4a 4b 4c 4d 4e 4f 50");
        rx(&t, "0c 11 00 1e 00"); /* at its end: nothing more, no error */
        tx(&t, "0d");
        rx(&t, "0c 11 00 1f 00");
        tx(&t, "01 0c 11 00 07");
        rx(&t, "0a 09 00");
        tx(&t, "0b 00 00");
        rx(&t, "0a 04 00"); /* a declaration is readable */
        tx(&t, "0b " OMP("01", "00"));
        talk_end(&t);
}

static void test_longest_value_at_517(void) {
        Talk t;

        talk_start(&t, 517);
        t.feature_size = 512;
        rx(&t, "02 05 02");
        tx(&t, "03 05 02");
        rx(&t, "0a 06 00");
        g_assert_cmpuint(tx_size(&t), ==, 513);
        rx(&t, "08 06 00 06 00 " OMP("01", "01")); /* one octet of length: 253 of value */
        g_assert_cmpuint(tx_size(&t), ==, 2 + 255);
        rx(&t, "12 0c 00 01 00");
        tx(&t, "13");
        g_assert_cmpint(att_server_notify(t.server, t.event, t.feature_value, 512), ==, 0);
        g_assert_cmpuint(tx_size(&t), ==, 515);
        talk_end(&t);
}

static void test_bad_handles(void) {
        Talk t;

        talk_start(&t, 23);
        rx(&t, "0a 00 00");
        tx(&t, "01 0a 00 00 01");
        rx(&t, "0a 12 00");
        tx(&t, "01 0a 12 00 01");
        rx(&t, "0a ff ff");
        tx(&t, "01 0a ff ff 01");
        rx(&t, "0c 12 00 00 00");
        tx(&t, "01 0c 12 00 01");
        rx(&t, "12 12 00 01 00");
        tx(&t, "01 12 12 00 01");
        rx(&t, "04 00 00 ff ff");
        tx(&t, "01 04 00 00 01");
        rx(&t, "04 05 00 04 00");
        tx(&t, "01 04 05 00 01");
        rx(&t, "08 00 00 ff ff 03 28");
        tx(&t, "01 08 00 00 01");
        rx(&t, "10 09 00 08 00 00 28");
        tx(&t, "01 10 09 00 01");
        rx(&t, "06 02 00 01 00 00 28 0a 18");
        tx(&t, "01 06 02 00 01");
        rx(&t, "04 12 00 ff ff");
        tx(&t, "01 04 12 00 0a");
        rx(&t, "10 01 00 ff ff 03 28"); /* characteristics are no groups */
        tx(&t, "01 10 01 00 10");
        rx(&t, "0a 08 00");
        tx(&t, "01 0a 08 00 02");
        rx(&t, "12 06 00 01");
        tx(&t, "01 12 06 00 03");
        rx(&t, "12 04 00 01");
        tx(&t, "01 12 04 00 03");
        talk_end(&t);
}

static void test_short_and_long_pdus(void) {
        static const struct {
                const char *pdu, *answer;
        } pdus[] = {
                { "02", "01 02 00 00 04" },
                { "02 17", "01 02 00 00 04" },
                { "02 17 00 00", "01 02 00 00 04" },
                { "04 01 00 ff", "01 04 00 00 04" },
                { "04 01 00 ff ff 00", "01 04 00 00 04" },
                { "06 01 00 ff ff 00", "01 06 00 00 04" },
                { "08 01 00 ff ff 03", "01 08 00 00 04" },
                { "08 01 00 ff ff 03 28 00 00", "01 08 00 00 04" },
                { "08 01 00 ff ff " OMP("01", "01") " 00", "01 08 00 00 04" },
                { "0a", "01 0a 00 00 04" },
                { "0a 06", "01 0a 00 00 04" },
                { "0a 06 00 00", "01 0a 00 00 04" },
                { "0c 06 00", "01 0c 00 00 04" },
                { "0c 06 00 00", "01 0c 00 00 04" },
                { "10 01 00", "01 10 00 00 04" },
                { "12 09", "01 12 00 00 04" },
                { "12 0e 00 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14 15", "01 12 00 00 04" }, /* > ATT_MTU */
        };
        Talk t;

        talk_start(&t, 247);
        for (size_t i = 0; i < G_N_ELEMENTS(pdus); i++) {
                rx(&t, pdus[i].pdu);
                tx(&t, pdus[i].answer);
                quiet(&t);
        }
        told(&t, "");
        talk_end(&t);
}

static void test_unknown_requests_answered_the_rest_ignored(void) {
        Talk t;

        talk_start(&t, 247);
        rx(&t, "0e 03 00 06 00");
        tx(&t, "01 0e 00 00 06");
        rx(&t, "16 0e 00 00 00 01");
        tx(&t, "01 16 00 00 06");
        rx(&t, "18 00");
        tx(&t, "01 18 00 00 06");
        rx(&t, "20 03 00 06 00");
        tx(&t, "01 20 00 00 06");
        rx(&t, "3c");
        tx(&t, "01 3c 00 00 06");
        rx(&t, "");
        rx(&t, "01 0a 06 00 01"); /* responses and errors to nobody's request */
        rx(&t, "0b 01 02");
        rx(&t, "1b 08 00 01");
        rx(&t, "1e");             /* a confirmation of nothing */
        rx(&t, "1e 00");
        rx(&t, "52");             /* commands have no answer */
        rx(&t, "52 0e");
        rx(&t, "7e 01 02");
        rx(&t, "d2 0e 00 01");
        quiet(&t);
        told(&t, "");
        talk_end(&t);
}

static void test_cccd(void) {
        Talk t;

        talk_start(&t, 247);
        g_assert_cmpint(att_server_notify(t.server, t.live, (const uint8_t *) "x", 1), ==, -ENOTCONN);
        rx(&t, "12 09 00 01 00");
        told(&t, "on 8 after 1;");
        tx(&t, "13");
        g_assert_true(att_server_subscribed(t.server, t.live));
        g_assert_cmpint(att_server_notify(t.server, t.live, (const uint8_t *) "\x01\x1b", 2), ==, 0);
        tx(&t, "1b 08 00 01 1b");
        rx(&t, "0a 09 00");
        tx(&t, "0b 01 00");
        rx(&t, "12 09 00 01 00"); /* the same again is no change */
        tx(&t, "13");
        told(&t, "");
        rx(&t, "12 09 00 03 00"); /* the profile: with 0x0003 the device notifies */
        tx(&t, "13");
        told(&t, "");
        g_assert_cmpint(att_server_notify(t.server, t.live, (const uint8_t *) "\x02", 1), ==, 0);
        tx(&t, "1b 08 00 02");
        rx(&t, "12 09 00 00 00");
        told(&t, "off 8 after 1;");
        tx(&t, "13");
        g_assert_cmpint(att_server_notify(t.server, t.live, (const uint8_t *) "x", 1), ==, -ENOTCONN);
        talk_end(&t);
}

static void test_cccd_refused(void) {
        Talk t;

        talk_start(&t, 247);
        rx(&t, "12 09 00");
        tx(&t, "01 12 09 00 0d");
        rx(&t, "12 09 00 01");
        tx(&t, "01 12 09 00 0d");
        rx(&t, "12 09 00 01 00 00");
        tx(&t, "01 12 09 00 0d");
        rx(&t, "12 09 00 02 00"); /* Live cannot indicate */
        tx(&t, "01 12 09 00 fd");
        rx(&t, "12 09 00 04 00");
        tx(&t, "01 12 09 00 13");
        rx(&t, "12 09 00 01 01");
        tx(&t, "01 12 09 00 13");
        rx(&t, "52 09 00 01 00"); /* descriptors are written by request */
        quiet(&t);
        g_assert_false(att_server_subscribed(t.server, t.live));
        told(&t, "");
        talk_end(&t);
}

static void test_disconnect_clears_cccds(void) {
        Talk t;

        talk_start(&t, 247);
        rx(&t, "12 0c 00 02 00");
        tx(&t, "13");
        told(&t, "on 11 after 1;");
        g_assert_cmpint(att_server_notify(t.server, t.event, (const uint8_t *) "a", 1), ==, 0);
        tx(&t, "1d 0b 00 61");
        att_server_disconnected(t.server);
        told(&t, "");
        g_assert_false(att_server_subscribed(t.server, t.event));
        /* The next client is not held up by a confirmation that never came. */
        rx(&t, "12 0c 00 02 00");
        tx(&t, "13");
        g_assert_cmpint(att_server_notify(t.server, t.event, (const uint8_t *) "b", 1), ==, 0);
        tx(&t, "1d 0b 00 62");
        talk_end(&t);
}

static void test_indications_wait_for_their_confirmation(void) {
        Talk t;

        talk_start(&t, 247);
        rx(&t, "12 0c 00 02 00");
        tx(&t, "13");
        for (unsigned i = 0; i < 16; i++)
                g_assert_cmpint(att_server_notify(t.server, t.event,
                                                  (const uint8_t *) &"abcdefghijklmnop"[i], 1),
                                ==, 0);
        g_assert_cmpint(att_server_notify(t.server, t.event, (const uint8_t *) "q", 1), ==, -EAGAIN);
        tx(&t, "1d 0b 00 61");
        quiet(&t);
        rx(&t, "1e 00"); /* not a confirmation */
        quiet(&t);
        rx(&t, "1e");
        tx(&t, "1d 0b 00 62");
        quiet(&t);
        rx(&t, "12 0c 00 03 00"); /* now both: notified */
        tx(&t, "13");
        g_assert_cmpint(att_server_notify(t.server, t.event, (const uint8_t *) "r", 1), ==, 0);
        tx(&t, "1b 0b 00 72");
        talk_end(&t);
}

static void test_no_room(void) {
        Talk t;

        talk_start(&t, 247);
        rx(&t, "12 0c 00 02 00");
        tx(&t, "13");
        rx(&t, "12 09 00 01 00");
        tx(&t, "13");
        t.full = true;
        g_assert_cmpint(att_server_notify(t.server, t.live, (const uint8_t *) "a", 1), ==, -EAGAIN);
        g_assert_cmpint(att_server_notify(t.server, t.event, (const uint8_t *) "a", 1), ==, -EAGAIN);
        t.full = false;
        g_assert_cmpint(att_server_notify(t.server, t.event, (const uint8_t *) "b", 1), ==, 0);
        tx(&t, "1d 0b 00 62");
        talk_end(&t);
}

static void test_values_end_at_mtu_minus_3(void) {
        static const uint8_t value[245];
        Talk t;

        talk_start(&t, 247);
        rx(&t, "12 09 00 01 00");
        tx(&t, "13");
        g_assert_cmpint(att_server_notify(t.server, t.live, value, 21), ==, -EMSGSIZE);
        g_assert_cmpint(att_server_notify(t.server, t.live, value, 20), ==, 0);
        g_assert_cmpuint(tx_size(&t), ==, 23);
        rx(&t, "02 05 02");
        tx(&t, "03 f7 00");
        g_assert_cmpint(att_server_notify(t.server, t.live, value, 244), ==, 0);
        g_assert_cmpuint(tx_size(&t), ==, 247);
        g_assert_cmpint(att_server_notify(t.server, t.live, value, 245), ==, -EMSGSIZE);
        g_assert_cmpint(att_server_notify(t.server, t.live, NULL, 0), ==, 0); /* against the profile, for tests of clients */
        tx(&t, "1b 08 00");
        talk_end(&t);
}

static void test_writes(void) {
        Talk t;

        talk_start(&t, 247);
        rx(&t, "12 0e 00 04 03");
        told(&t, "write 14 04 03;");
        tx(&t, "13");
        rx(&t, "52 0e 00 09");
        told(&t, "write 14 09;");
        rx(&t, "52 0e 00 ee");
        told(&t, "write 14 ee;");
        quiet(&t);
        rx(&t, "12 0e 00 ee");
        told(&t, "write 14 ee;");
        tx(&t, "01 12 0e 00 80");
        rx(&t, "12 0e 00");
        told(&t, "write 14 ;");
        tx(&t, "13");
        talk_end(&t);
}

/* Every length of every opcode, with handles in and out of the table: answered or ignored, never more than
 * one PDU, never longer than ATT_MTU. (Reads beyond the octets given are for the address sanitizer to
 * see.) */
static void test_sweep(void) {
        Talk t;

        talk_start(&t, 23);
        for (unsigned opcode = 0; opcode < 256; opcode++)
                for (size_t size = 1; size <= 40; size++)
                        for (unsigned fill = 0; fill < 20; fill++) {
                                g_autofree uint8_t *pdu = g_malloc(size);

                                memset(pdu, (int) (fill < 18 ? fill : fill == 18 ? 0x28 : 0xff), size);
                                pdu[0] = (uint8_t) opcode;
                                if (size > 2)
                                        pdu[2] = fill == 19 ? 0xff : 0;
                                att_server_receive(t.server, pdu, size);
                                g_assert_cmpuint(g_queue_get_length(&t.sent), <=, 1);
                                if (!g_queue_is_empty(&t.sent))
                                        g_assert_cmpuint(tx_size(&t), <=, 23);
                        }
        talk_end(&t);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/att/uuid/short-and-long", test_uuid_short_and_long);
        g_test_add_func("/att/discovery/as-bluetoothd-does-it", test_discovery_as_bluetoothd_does_it);
        g_test_add_func("/att/discovery/lists-stop-at-mtu-23", test_lists_stop_at_mtu_23);
        g_test_add_func("/att/mtu/the-smaller-one-agreed-once", test_mtu_is_the_smaller_one_and_agreed_once);
        g_test_add_func("/att/find-by-type-value", test_find_by_type_value);
        g_test_add_func("/att/read/by-type", test_read_by_type);
        g_test_add_func("/att/read/and-blob", test_read_and_blob);
        g_test_add_func("/att/read/longest-value-at-517", test_longest_value_at_517);
        g_test_add_func("/att/errors/bad-handles", test_bad_handles);
        g_test_add_func("/att/errors/short-and-long-pdus", test_short_and_long_pdus);
        g_test_add_func("/att/errors/unknown-requests-answered-the-rest-ignored",
                        test_unknown_requests_answered_the_rest_ignored);
        g_test_add_func("/att/cccd/on-off", test_cccd);
        g_test_add_func("/att/cccd/refused", test_cccd_refused);
        g_test_add_func("/att/cccd/disconnect-clears", test_disconnect_clears_cccds);
        g_test_add_func("/att/indications/wait-for-confirmation",
                        test_indications_wait_for_their_confirmation);
        g_test_add_func("/att/notify/no-room", test_no_room);
        g_test_add_func("/att/notify/values-end-at-mtu-minus-3", test_values_end_at_mtu_minus_3);
        g_test_add_func("/att/write", test_writes);
        g_test_add_func("/att/sweep", test_sweep);
        return g_test_run();
}
