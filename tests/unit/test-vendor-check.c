/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which vendor programs are sound: the first that is not, and beside it the last that is. */
#include <errno.h>
#include <glib.h>
#include <math.h>

#include "needled/vendor.h"

#define UUID "0000ffe1-0000-1000-8000-00805f9b34fb"
#define WHOLE .name = "f", .scale_num = 1, .den = 1

typedef struct Program {
        VendorChar ch;
        VendorField fields[4];
        VendorProfile profile;
} Program;

static VendorProfile *link_up(Program *p, unsigned n_fields) {
        p->ch.uuid = UUID;
        p->ch.n_fields = (uint16_t) n_fields;
        p->profile = (VendorProfile) { .id = "a.b", .chars = &p->ch, .n_chars = 1, .fields = p->fields, .n_fields = n_fields };
        return &p->profile;
}

static void assert_sound(Program p) {
        link_up(&p, 1);
        g_assert_cmpint(vendor_check(&p.profile), ==, 0);
}

static void assert_unsound(Program p) {
        link_up(&p, 1);
        g_assert_cmpint(vendor_check(&p.profile), ==, -EINVAL);
}

#define UNSOUND_FIELD(...) assert_unsound((Program) { .fields = { { WHOLE, __VA_ARGS__ } } })
#define UNSOUND_CHAR(...) assert_unsound((Program) { .ch = { __VA_ARGS__ }, .fields = { { WHOLE } } })

static void test_unsound_fields(void) {
        static const VendorToken twice[] = { { 1, "a" }, { 1, "b" } }, unsorted[] = { { 2, "a" }, { 1, "b" } }, nameless[] = { { 1, NULL } };

        UNSOUND_FIELD(.type = _VENDOR_TYPE_MAX);
        UNSOUND_FIELD(.meaning = _VENDOR_MEANING_MAX);
        UNSOUND_FIELD(.offset = 512);
        UNSOUND_FIELD(.offset = -513);
        UNSOUND_FIELD(.wrap_bits = 12);
        UNSOUND_FIELD(.wrap_bits = 40);
        UNSOUND_FIELD(.bit_lsb = 1);
        UNSOUND_FIELD(.bit_lsb = 1, .bit_width = 8);
        UNSOUND_FIELD(.n_conditions = 5);
        UNSOUND_FIELD(.n_conditions = 1, .conditions = { { 512, 0xff, VENDOR_EQUAL, 0 } });
        UNSOUND_FIELD(.n_conditions = 1, .conditions = { { 0, 0xff, 3, 0 } });
        UNSOUND_FIELD(.n_invalid = 5);
        UNSOUND_FIELD(.has_range = true, .range_min = 2, .range_max = 1);
        UNSOUND_FIELD(.has_range = true, .range_min = NAN, .range_max = 1);
        UNSOUND_FIELD(.count = 4, .stride = 1);
        UNSOUND_FIELD(.count = VENDOR_COUNT_END);
        UNSOUND_FIELD(.count = VENDOR_COUNT_END, .stride = 513);
        UNSOUND_FIELD(.count = VENDOR_COUNT_FIXED, .stride = 1);
        UNSOUND_FIELD(.count = VENDOR_COUNT_FIXED, .stride = 1, .count_fixed = 257);
        UNSOUND_FIELD(.count = VENDOR_COUNT_OCTET, .stride = 1);
        UNSOUND_FIELD(.count = VENDOR_COUNT_OCTET, .stride = 1, .count_divisor = 1, .count_offset = 512);
        UNSOUND_FIELD(.tokens = twice, .n_tokens = 2);
        UNSOUND_FIELD(.tokens = unsorted, .n_tokens = 2);
        UNSOUND_FIELD(.tokens = nameless, .n_tokens = 1);
        UNSOUND_FIELD(.tokens = twice);
        UNSOUND_FIELD(.n_tokens = 1);
        UNSOUND_FIELD(.type = VENDOR_F32, .bit_width = 1);
        UNSOUND_FIELD(.type = VENDOR_F32, .n_invalid = 1);
        UNSOUND_FIELD(.type = VENDOR_SFLOAT, .wrap_bits = 8);
        UNSOUND_FIELD(.type = VENDOR_SFLOAT, .tokens = twice, .n_tokens = 1);
        assert_unsound((Program) { .fields = { { .scale_num = 1, .den = 1 } } });
}

/* "No overflow in integer arithmetic", whatever the packet holds. */
static void test_unsound_arithmetic(void) {
        assert_unsound((Program) { .fields = { { .name = "f", .scale_num = 1, .den = 0 } } });
        assert_unsound((Program) { .fields = { { .name = "f", .scale_num = 1, .den = -1 } } });
        assert_unsound((Program) { .fields = { { .name = "f", .type = VENDOR_F32, .scale_num = 1, .den = 0 } } });
        assert_unsound((Program) { .fields = { { .name = "f", .type = VENDOR_U48, .scale_num = 1 << 16, .den = 1 } } });
        assert_unsound((Program) { .fields = { { .name = "f", .type = VENDOR_U8, .scale_num = 1, .bias_num = INT64_MAX, .den = 1 } } });
        assert_unsound((Program) { .fields = { { .name = "f", .type = VENDOR_U8, .scale_num = INT64_MIN, .den = 1 } } });
        assert_sound((Program) { .fields = { { .name = "f", .type = VENDOR_U48, .scale_num = 1 << 14, .den = 1 } } });
        assert_sound((Program) { .fields = { { .name = "f", .type = VENDOR_U48, .bit_width = 8, .scale_num = INT64_C(1) << 54, .den = 1 } } });
}

#define SOUND_FIELD(...) assert_sound((Program) { .fields = { { WHOLE, __VA_ARGS__ } } })
#define SOUND_CHAR(...) assert_sound((Program) { .ch = { __VA_ARGS__ }, .fields = { { WHOLE } } })

/* The last that is right, where test_unsound_… have the first that is not. */
static void test_sound_at_the_edges(void) {
        static const VendorToken one_token[] = { { 1, "a" } };
        VendorChar chars[VENDOR_CHARS_MAX + 1] = {};
        g_autofree VendorField *fields = g_new0(VendorField, VENDOR_FIELDS_MAX + 1);
        Program p = { .fields = { { WHOLE } } };
        VendorProfile *profile = link_up(&p, 1);

        SOUND_FIELD(.offset = 511);
        SOUND_FIELD(.offset = -512);
        SOUND_FIELD(.wrap_bits = 32);
        SOUND_FIELD(.bit_lsb = 1, .bit_width = 7);
        SOUND_FIELD(.n_conditions = 4, .conditions = { { 511, 0xff, VENDOR_AT_LEAST, 0 } });
        SOUND_FIELD(.n_invalid = 4);
        SOUND_FIELD(.has_range = true, .range_min = 1, .range_max = 1);
        SOUND_FIELD(.count = VENDOR_COUNT_END, .stride = 1);
        SOUND_FIELD(.count = VENDOR_COUNT_END, .stride = 512);
        SOUND_FIELD(.count = VENDOR_COUNT_FIXED, .stride = 1, .count_fixed = 1);
        SOUND_FIELD(.count = VENDOR_COUNT_FIXED, .stride = 512, .count_fixed = 256);
        SOUND_FIELD(.count = VENDOR_COUNT_OCTET, .stride = 1, .count_divisor = 1, .count_offset = -512);
        SOUND_FIELD(.count = VENDOR_COUNT_OCTET, .stride = 512, .count_divisor = 1, .count_offset = 511);
        SOUND_FIELD(.tokens = one_token, .n_tokens = 1);
        SOUND_CHAR(.length_min = 512);
        SOUND_CHAR(.length_min = 512, .length_max = 512);
        SOUND_CHAR(.n_header = 16);
        SOUND_CHAR(.check = VENDOR_CHECK_CRC16_MCRF4XX, .check_start = 511, .check_end = -512, .check_at = 511);

        for (size_t i = 0; i < G_N_ELEMENTS(chars); i++)
                chars[i].uuid = UUID;
        for (size_t i = 0; i <= VENDOR_FIELDS_MAX; i++)
                fields[i] = p.fields[0];
        chars[0].first_field = 1;       /* none of one */
        profile->chars = chars;
        profile->n_chars = VENDOR_CHARS_MAX;
        g_assert_cmpint(vendor_check(profile), ==, 0);
        profile->n_chars++;
        g_assert_cmpint(vendor_check(profile), ==, -EINVAL);
        profile->n_chars--;
        profile->fields = fields;
        profile->n_fields = VENDOR_FIELDS_MAX;
        g_assert_cmpint(vendor_check(profile), ==, 0);
        profile->n_fields++;
        g_assert_cmpint(vendor_check(profile), ==, -EINVAL);
}

static void test_unsound_rest(void) {
        Program p = { .fields = { { WHOLE } } };
        VendorAction action = { .when = VENDOR_ON_TARE, .size = 1 };
        VendorProfile *profile = link_up(&p, 1);

        UNSOUND_CHAR(.source = 3);
        UNSOUND_CHAR(.length_min = 513);
        UNSOUND_CHAR(.length_max = 513);
        UNSOUND_CHAR(.length_min = 3, .length_max = 2);
        UNSOUND_CHAR(.n_header = 17);
        UNSOUND_CHAR(.check = 4);
        UNSOUND_CHAR(.check_at = 512);
        UNSOUND_CHAR(.first_field = 1);
        UNSOUND_CHAR(.first_field = 2);

        g_assert_cmpint(vendor_check(profile), ==, 0);
        profile->actions = &action;
        profile->n_actions = 1;
        g_assert_cmpint(vendor_check(profile), ==, 0);
        action.size = 21;
        g_assert_cmpint(vendor_check(profile), ==, -EINVAL);
        action.size = 0;
        g_assert_cmpint(vendor_check(profile), ==, -EINVAL);
        action = (VendorAction) { .when = _VENDOR_WHEN_MAX, .size = 1 };
        g_assert_cmpint(vendor_check(profile), ==, -EINVAL);
        action = (VendorAction) { .channel = 1, .size = 1 };
        g_assert_cmpint(vendor_check(profile), ==, -EINVAL);
        action = (VendorAction) { .size = 1 };
        p.ch.source = VENDOR_SERVICE_DATA; /* an advertisement cannot be written */
        g_assert_cmpint(vendor_check(profile), ==, -EINVAL);
        profile->n_actions = 0;
        g_assert_cmpint(vendor_check(profile), ==, 0);
        p.ch.uuid = NULL;
        g_assert_cmpint(vendor_check(profile), ==, -EINVAL);
        p.ch.source = VENDOR_MANUFACTURER_DATA;
        g_assert_cmpint(vendor_check(profile), ==, 0);
        profile->kind = _OMP_KIND_MAX;
        g_assert_cmpint(vendor_check(profile), ==, -EINVAL);
        profile = link_up(&p, 1);
        profile->id = NULL;
        g_assert_cmpint(vendor_check(profile), ==, -EINVAL);
        profile = link_up(&p, 1);
        profile->n_chars = 0;
        g_assert_cmpint(vendor_check(profile), ==, -EINVAL);
        profile->n_chars = VENDOR_CHARS_MAX + 1;
        g_assert_cmpint(vendor_check(profile), ==, -EINVAL);
        profile = link_up(&p, 1);
        profile->n_fields = VENDOR_FIELDS_MAX + 1;
        g_assert_cmpint(vendor_check(profile), ==, -EINVAL);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/vendor-check/unsound-fields", test_unsound_fields);
        g_test_add_func("/vendor-check/unsound-arithmetic", test_unsound_arithmetic);
        g_test_add_func("/vendor-check/sound-at-the-edges", test_sound_at_the_edges);
        g_test_add_func("/vendor-check/unsound-rest", test_unsound_rest);
        return g_test_run();
}
