/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Vendor profiles of tests, written as they are in files, and packets written as octets. */

#include <glib.h>

#include "profiles/file.h"

static inline void vendor_text_refused(const char *path, unsigned line, const char *text, void *userdata) {
        g_error("%s:%u: %s", path, line, text);
}

static inline ProfileFile *vendor_text(const char *text) {
        ProfileFile *file = NULL;

        g_assert_cmpint(profile_file_parse("test", text, strlen(text), vendor_text_refused, NULL, &file), ==, 0);
        return file;
}

static inline size_t octets_from_hex(const char *hex, uint8_t *ret, size_t size) {
        size_t n = 0;

        for (; *hex; hex++) {
                if (*hex == ' ')
                        continue;
                g_assert_cmpuint(n, <, size);
                ret[n] = (uint8_t) (g_ascii_xdigit_value(*hex++) << 4);
                ret[n++] |= (uint8_t) g_ascii_xdigit_value(*hex);
        }

        return n;
}

#define VENDOR_HEAD "[Profile]\nFormat=1\nId=test.device\nName=Test\nKind=pen\nNeedles=16\nMatch=name:Test*\n"
#define VENDOR_CHAR(alias, number) "[Characteristic " alias "]\nUUID=0000ff0" number "-0000-1000-8000-00805f9b34fb\nUse=notify\n"
#define VENDOR_FIELD(name, in, at, type, meaning) \
        "[Field " name "]\nChar=" in "\nOffset=" at "\nType=" type "\nMeaning=" meaning "\n"

/* Channel 0: sequence (u8), contact, motor and overpressure (bits 0 to 2), force (s32, mN), strokes (u16). Channel 1: its session. Channel 2:
 * depth (u16, µm), rate (u16), current (u16), passes (u8), distance (u16, m), area. Channel 3: battery. */
#define VENDOR_PEN                                                                                              \
        VENDOR_HEAD                                                                                             \
        VENDOR_CHAR("data", "0")                                                                                \
        VENDOR_FIELD("sequence", "data", "0", "u8", "sequence") "Wrap=8\n"                                      \
        VENDOR_FIELD("contact", "data", "1", "u8", "contact") "Bits=0:1\nEnum=0:off;1:on\n"                     \
        VENDOR_FIELD("motor", "data", "1", "u8", "motor-running") "Bits=1:1\nEnum=0:off;1:on\n"                 \
        VENDOR_FIELD("over", "data", "1", "u8", "overpressure") "Bits=2:1\nEnum=0:off;1:on\n"                   \
        VENDOR_FIELD("force", "data", "2", "s32", "force") "Unit=mN\nInvalid=0x7fffffff\n"                      \
        VENDOR_FIELD("strokes", "data", "6", "u16", "strokes-total") "Wrap=16\n"                                \
        VENDOR_CHAR("state", "1")                                                                               \
        VENDOR_FIELD("state", "state", "0", "u8", "session-state")                                              \
        "Enum=0:idle;1:ready;2:running;3:paused;9:unknown\n"                                                    \
        VENDOR_CHAR("extra", "2")                                                                               \
        VENDOR_FIELD("depth", "extra", "0", "u16", "depth") "Unit=µm\nInvalid=0xffff\n"                         \
        VENDOR_FIELD("rate", "extra", "2", "u16", "stroke-rate") "Unit=/min\n"                                  \
        VENDOR_FIELD("current", "extra", "4", "u16", "motor-current") "Unit=mA\n"                               \
        VENDOR_FIELD("passes", "extra", "6", "u8", "passes-total") "Wrap=8\n"                                   \
        VENDOR_FIELD("distance", "extra", "7", "u16", "distance") "Unit=m\nScale=0.1\n"                         \
        VENDOR_FIELD("area", "extra", "9", "u8", "area") "Enum=1:forehead;2:cheek-left;3:elbow\n"               \
        VENDOR_CHAR("battery", "3")                                                                             \
        VENDOR_FIELD("battery", "battery", "0", "u8", "battery") "Unit=%\n"
