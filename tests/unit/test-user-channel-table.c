/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec-test.h"
#include "simulator/user-channel-table.h"

/* A device on an ATT server, as the carrier of the user channel joins them; PDUs as on the air. */
typedef struct Link {
        AttServer *att;
        Peripheral *p;
        UserChannelTable table;
        GPtrArray *sent;                /* of GBytes */
} Link;

static int on_send(const uint8_t *pdu, size_t size, void *userdata) {
        g_ptr_array_add(((Link *) userdata)->sent, g_bytes_new(pdu, size));
        return 0;
}

static int on_read(uint16_t handle, uint8_t *buf, size_t size, void *userdata) {
        Link *link = userdata;
        unsigned index;

        g_assert_cmpint(user_channel_table_find(&link->table, handle, &index), ==, 0);
        return peripheral_read(link->p, index, buf, size);
}

static int on_write(uint16_t handle, const uint8_t *data, size_t size, void *userdata) {
        Link *link = userdata;
        unsigned index;

        g_assert_cmpint(user_channel_table_find(&link->table, handle, &index), ==, 0);
        return peripheral_write(link->p, index, data, size);
}

static void on_subscribed(uint16_t handle, bool on, void *userdata) {
        Link *link = userdata;
        unsigned index;

        g_assert_cmpint(user_channel_table_find(&link->table, handle, &index), ==, 0);
        peripheral_subscribe(link->p, index, on);
}

static void on_mtu_changed(uint16_t mtu, void *userdata) {
        peripheral_set_value_max(((Link *) userdata)->p, mtu - 3u);
}

static PeripheralSent on_notify(unsigned index, const uint8_t *data, size_t size, void *userdata) {
        Link *link = userdata;

        return att_server_notify(link->att, link->table.chars[index], data, size) < 0 ? PERIPHERAL_REFUSED
                                                                                      : PERIPHERAL_SENT;
}

static void link_init(Link *link) {
        static const PeripheralOps ops = { .notify = on_notify };
        static const AttOps att_ops = {
                .send = on_send, .read = on_read, .write = on_write, .subscribed = on_subscribed,
                .mtu_changed = on_mtu_changed,
        };
        PeripheralConfig config;

        peripheral_config_defaults(&config, OMP_KIND_PEN);
        config.records = 1;
        *link = (Link) {
                .att = att_server_new(247, &att_ops, link),
                .p = peripheral_new(&config, &ops, link),
                .sent = g_ptr_array_new_with_free_func((GDestroyNotify) g_bytes_unref),
        };
        user_channel_table_build(link->att, link->p, &link->table);
        peripheral_advance(link->p, 0);
}

static void link_done(Link *link) {
        peripheral_free(link->p);
        att_server_free(link->att);
        g_ptr_array_unref(link->sent);
}

/* A PDU with the handle in place of "hh hh". */
static void say(Link *link, const char *head, uint16_t handle, const char *rest) {
        g_autofree char *hex = g_strdup_printf("%s %02x %02x %s", head, handle & 0xff, handle >> 8, rest);
        Value v = value_from_hex(hex);

        att_server_receive(link->att, v.octets, v.size);
}

static void hear(Link *link, const char *head, int handle, const char *rest) {
        g_autofree char *hex = handle < 0 ? g_strdup(head)
                                          : g_strdup_printf("%s %02x %02x %s", head, handle & 0xff, handle >> 8, rest);
        Value v = value_from_hex(hex);
        const uint8_t *pdu;
        size_t size;

        g_assert_cmpuint(link->sent->len, >, 0);
        pdu = g_bytes_get_data(link->sent->pdata[0], &size);
        g_assert_cmpmem(pdu, size, v.octets, v.size);
        g_ptr_array_remove_index(link->sent, 0);
}

/* 1.2 Properties, in the declarations before the values */
static void test_declarations(void) {
        static const uint8_t properties[] = {
                [OMP_CHAR_FEATURE] = 0x02, [OMP_CHAR_LIVE] = 0x10, [OMP_CHAR_WAVEFORM] = 0x10,
                [OMP_CHAR_EVENT] = 0x30, [OMP_CHAR_STATUS] = 0x12, [OMP_CHAR_CLOCK] = 0x0a,
                [OMP_CHAR_CONTROL_POINT] = 0x38, [OMP_CHAR_SESSION_DATA] = 0x10, [OMP_CHAR_RACP] = 0x28,
        };
        Link link;

        link_init(&link);
        for (unsigned c = 0; c < G_N_ELEMENTS(properties); c++) {
                const uint8_t *pdu;
                size_t size;

                g_assert_cmpuint(link.table.chars[c], >, 0);
                say(&link, "0a", (uint16_t) (link.table.chars[c] - 1), "");
                pdu = g_bytes_get_data(link.sent->pdata[0], &size);
                g_assert_cmpuint(pdu[0], ==, 0x0b);
                g_assert_cmpuint(pdu[1], ==, properties[c]);
                g_assert_cmpuint(size, ==, 4 + (c == OMP_CHAR_RACP ? 2 : 16)); /* RACP is the SIG's */
                g_ptr_array_set_size(link.sent, 0);
        }
        link_done(&link);
}

/* The write is answered, then the response is notified. */
static void test_notified_after_the_write_response(void) {
        Link link;
        uint16_t control;

        link_init(&link);
        control = link.table.chars[OMP_CHAR_CONTROL_POINT];
        say(&link, "12", control, "03");
        hear(&link, "01 12", control, "fd");
        say(&link, "12", (uint16_t) (control + 1), "01 00");
        hear(&link, "13", -1, "");
        say(&link, "12", control, "03");
        hear(&link, "13", -1, "");
        say(&link, "12", control, "03");
        hear(&link, "01 12", control, "fe");
        peripheral_advance(link.p, 1000);
        hear(&link, "1b", control, "20 03 01");
        g_assert_cmpuint(link.sent->len, ==, 0);
        link_done(&link);
}

/* Indicated where only that was asked for, or there is nothing else. */
static void test_indicated(void) {
        Link link;
        uint16_t control, racp;

        link_init(&link);
        control = link.table.chars[OMP_CHAR_CONTROL_POINT];
        racp = link.table.chars[OMP_CHAR_RACP];
        say(&link, "12", (uint16_t) (control + 1), "02 00");
        say(&link, "12", (uint16_t) (racp + 1), "01 00");
        hear(&link, "13", -1, "");
        hear(&link, "01 12", racp + 1, "fd");
        say(&link, "12", (uint16_t) (racp + 1), "02 00");
        hear(&link, "13", -1, "");
        say(&link, "12", racp, "04 01");
        hear(&link, "13", -1, "");
        peripheral_advance(link.p, 1000);
        hear(&link, "1d", racp, "05 00 01 00 00 00");
        att_server_receive(link.att, (const uint8_t[]) { 0x1e }, 1);
        say(&link, "12", control, "03");
        hear(&link, "13", -1, "");
        peripheral_advance(link.p, 2000);
        hear(&link, "1d", control, "20 03 01");
        link_done(&link);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/user-channel-table/declarations", test_declarations);
        g_test_add_func("/user-channel-table/notified-after-the-write-response", test_notified_after_the_write_response);
        g_test_add_func("/user-channel-table/indicated", test_indicated);
        return g_test_run();
}
