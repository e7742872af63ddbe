/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "user-channel-table.h"

enum {
        SERVICE_GAP = 0x1800,
        SERVICE_DEVICE_INFORMATION = 0x180a,
        SERVICE_BATTERY = 0x180f,
        CHAR_DEVICE_NAME = 0x2a00,
        CHAR_APPEARANCE = 0x2a01,
        CHAR_BATTERY_LEVEL = 0x2a19,
};

/* In the order of PERIPHERAL_READ …. */
static const uint8_t att_bits[] = {
        ATT_PROPERTY_READ, ATT_PROPERTY_WRITE, ATT_PROPERTY_WRITE_COMMAND, ATT_PROPERTY_NOTIFY, ATT_PROPERTY_INDICATE,
};

static uint16_t add_short(AttServer *att, uint16_t uuid, uint8_t properties, const void *value,
                          size_t size) {
        AttUuid u = att_uuid16(uuid);

        return att_server_add_characteristic(att, &u, properties, value, size);
}

static void add_service(AttServer *att, uint16_t uuid) {
        AttUuid u = att_uuid16(uuid);

        (void) att_server_add_service(att, &u);
}

static uint8_t att_properties(unsigned of_peripheral) {
        uint8_t ret = 0;

        for (size_t i = 0; i < G_N_ELEMENTS(att_bits); i++)
                if (of_peripheral >> i & 1)
                        ret |= att_bits[i];
        return ret;
}

void user_channel_table_build(AttServer *att, const Peripheral *p, UserChannelTable *ret) {
        static const uint8_t appearance[2] = { 0, 0 }; /* unknown: the SIG has none for these devices */
        const char *name = peripheral_name(p);
        const PeripheralChar *chars;
        unsigned n_chars;
        AttUuid uuid;

        *ret = (UserChannelTable) { 0 };
        add_service(att, SERVICE_GAP);
        (void) add_short(att, CHAR_DEVICE_NAME, ATT_PROPERTY_READ, name, strlen(name));
        (void) add_short(att, CHAR_APPEARANCE, ATT_PROPERTY_READ, appearance, sizeof(appearance));

        chars = peripheral_chars(p, &n_chars);
        for (unsigned i = 0; i < n_chars; i++) {
                if (i == 0 || !g_str_equal(chars[i].service, chars[i - 1].service)) {
                        (void) att_uuid_parse(chars[i].service, &uuid);
                        (void) att_server_add_service(att, &uuid);
                }
                (void) att_uuid_parse(chars[i].uuid, &uuid);
                ret->chars[i] = att_server_add_characteristic(att, &uuid, att_properties(chars[i].properties), NULL, 0);
        }

        add_service(att, SERVICE_DEVICE_INFORMATION);
        for (unsigned i = 0; i < PERIPHERAL_INFOS; i++) {
                const char *text = peripheral_info(p, (PeripheralInfo) i);

                (void) att_uuid_parse(peripheral_info_uuid((PeripheralInfo) i), &uuid);
                (void) att_server_add_characteristic(att, &uuid, ATT_PROPERTY_READ, text, strlen(text));
        }

        add_service(att, SERVICE_BATTERY);
        ret->battery = add_short(att, CHAR_BATTERY_LEVEL, ATT_PROPERTY_READ | ATT_PROPERTY_NOTIFY, NULL, 0);
}

int user_channel_table_find(const UserChannelTable *table, uint16_t handle, unsigned *ret_index) {
        for (unsigned i = 0; i < PERIPHERAL_CHARS_MAX; i++)
                if (handle != 0 && table->chars[i] == handle) {
                        *ret_index = i;
                        return 0;
                }
        return -ENOENT;
}
