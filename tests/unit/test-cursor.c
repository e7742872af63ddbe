/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec-test.h"
#include "codec/cursor.h"

static void reads_little_endian(void) {
        static const uint8_t data[] = { 0x01, 0x03, 0x02, 0x07, 0x06, 0x05, 0x84, 0xff, 0x7f, 0x00, 0x80 };
        Cursor c = cursor_begin(data, sizeof(data));

        g_assert_cmphex(cursor_u8(&c), ==, 0x01);
        g_assert_cmphex(cursor_le16(&c), ==, 0x0203);
        g_assert_cmphex(cursor_le32(&c), ==, 0x84050607);
        g_assert_cmpint(cursor_le16s(&c), ==, INT16_MAX);
        g_assert_cmpint(cursor_le16s(&c), ==, INT16_MIN);
        g_assert_cmpuint(cursor_left(&c), ==, 0);
        g_assert_cmpint(cursor_finish(&c, false), ==, 0);
}

static void underrun_sticks(void) {
        static const uint8_t data[] = { 0x11, 0x22, 0x33 };
        Cursor c = cursor_begin(data, sizeof(data));

        g_assert_cmphex(cursor_le16(&c), ==, 0x2211);
        g_assert_cmphex(cursor_le32(&c), ==, 0);
        /* There is an octet left that would do, but what it means is lost. */
        g_assert_cmphex(cursor_u8(&c), ==, 0);
        g_assert_null(cursor_take(&c, 0));
        g_assert_true(c.underrun);
        g_assert_cmpint(cursor_finish(&c, false), ==, -EMSGSIZE);
}

static void too_long_is_not_read(void) {
        uint8_t data[513] = { 0x11 };
        Cursor longest = cursor_begin(data, 512), longer = cursor_begin(data, 513);

        g_assert_cmphex(cursor_u8(&longest), ==, 0x11);
        g_assert_cmpint(cursor_finish(&longest, false), ==, 0);
        g_assert_cmphex(cursor_u8(&longer), ==, 0);
        g_assert_cmpint(cursor_finish(&longer, false), ==, -EMSGSIZE);
}

static void crc_needs_two_octets(void) {
        Value v = value_from_hex("11 22 00 00");
        Cursor c;

        value_seal(&v);
        for (size_t size = 2; size <= 4; size++) {
                c = cursor_begin(v.octets, size);
                (void) cursor_le16(&c);
                g_assert_cmpint(cursor_finish(&c, true), ==, size == 4 ? 0 : -EMSGSIZE);
        }

        v.octets[3] ^= 1;
        c = cursor_begin(v.octets, 4);
        (void) cursor_le16(&c);
        g_assert_cmpint(cursor_finish(&c, true), ==, -EBADMSG);
}

static void writes_little_endian(void) {
        uint8_t buf[7];
        Writer w = writer_begin(buf, sizeof(buf));

        writer_u8(&w, 0x01);
        writer_le16(&w, 0x0203);
        writer_le32(&w, 0x84050607);
        g_assert_cmpint(writer_finish(&w, false), ==, 7);
        g_assert_cmpmem(buf, 7, "\x01\x03\x02\x07\x06\x05\x84", 7);
}

static void overflow_sticks(void) {
        uint8_t buf[4] = { 0, 0, 0, 0xee };
        Writer w = writer_begin(buf, 3);

        writer_le32(&w, 0x44332211);
        writer_u8(&w, 0x55);
        g_assert_cmpint(writer_finish(&w, false), ==, -EMSGSIZE);
        g_assert_cmpint(writer_finish(&w, true), ==, -EMSGSIZE);
        g_assert_cmphex(buf[3], ==, 0xee);
}

static void crc_must_fit(void) {
        uint8_t buf[4];

        for (size_t size = 2; size <= 4; size++) {
                Writer w = writer_begin(buf, size);

                writer_le16(&w, 0x2211);
                g_assert_cmpint(writer_finish(&w, true), ==, size == 4 ? 4 : -EMSGSIZE);
        }
        g_assert_cmphex(omp_crc16(buf, 4), ==, 0);
}

static void writes_no_more_than_512(void) {
        g_autofree uint8_t *buf = g_malloc0(600);
        Writer w = writer_begin(buf, 600);

        for (unsigned i = 0; i < 512; i++)
                writer_u8(&w, 0x77);
        g_assert_cmpint(writer_finish(&w, false), ==, 512);
        writer_u8(&w, 0x77);
        g_assert_cmpint(writer_finish(&w, false), ==, -EMSGSIZE);
        g_assert_cmphex(buf[512], ==, 0);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/cursor/1.1/reads-little-endian", reads_little_endian);
        g_test_add_func("/cursor/underrun-sticks", underrun_sticks);
        g_test_add_func("/cursor/1.1/too-long-is-not-read", too_long_is_not_read);
        g_test_add_func("/cursor/1.1/crc-needs-two-octets", crc_needs_two_octets);
        g_test_add_func("/cursor/1.1/writes-little-endian", writes_little_endian);
        g_test_add_func("/cursor/overflow-sticks", overflow_sticks);
        g_test_add_func("/cursor/1.1/crc-must-fit", crc_must_fit);
        g_test_add_func("/cursor/1.1/writes-no-more-than-512", writes_no_more_than_512);
        return g_test_run();
}
