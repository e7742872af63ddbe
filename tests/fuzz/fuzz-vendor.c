/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <math.h>

#include "fuzz.h"
#include "needled/vendor.h"

/* Program and packet, both from the input: vendor_check() must be enough to make every packet safe, and every field that can be written. */

#define CHARS_MAX 3u
#define FIELDS_MAX 12u
#define TOKENS_MAX 4u

typedef struct Program {
        VendorProfile profile;
        VendorChar chars[CHARS_MAX];
        VendorField fields[FIELDS_MAX];
        VendorToken tokens[FIELDS_MAX][TOKENS_MAX];
        VendorAction action;
} Program;

/* Small mostly, and sometimes anything. */
static int64_t input_number(Input *in) {
        uint8_t how = input_u8(in);

        if (how < 0xc0)
                return (int8_t) input_u8(in);
        if (how < 0xf0)
                return (int32_t) input_u32(in);

        return (int64_t) ((uint64_t) input_u32(in) << 32 | input_u32(in));
}

static int16_t input_offset(Input *in) {
        return (int16_t) input_number(in);
}

static double input_double(Input *in) {
        uint8_t how = input_u8(in);

        return how == 0xff ? NAN : how == 0xfe ? INFINITY : (double) input_number(in);
}

static void make_char(Input *in, VendorChar *ch) {
        *ch = (VendorChar) {
                .alias = "c",
                .uuid = "0000fff0-0000-1000-8000-00805f9b34fb",
                .source = input_u8(in) % 4,
                .length_min = (uint16_t) input_number(in),
                .length_max = (uint16_t) input_number(in),
                .n_header = input_u8(in) % (VENDOR_HEADER_MAX + 2),
                .check = input_u8(in) % 5,
                .check_start = input_offset(in),
                .check_end = input_offset(in),
                .check_at = input_offset(in),
                .first_field = input_u8(in) % (FIELDS_MAX + 2),
                .n_fields = input_u8(in) % (FIELDS_MAX + 2),
        };
        for (unsigned i = 0; i < ch->n_header && i < VENDOR_HEADER_MAX; i++) {
                ch->header[i] = input_u8(in);
                ch->header_mask[i] = input_u8(in);
        }
}

static void make_field(Input *in, VendorField *f, VendorToken *tokens) {
        uint8_t bits = input_u8(in);

        *f = (VendorField) {
                .name = "f", .unit = "1",
                .meaning = input_u8(in) % (_VENDOR_MEANING_MAX + 1),
                .type = input_u8(in) % (_VENDOR_TYPE_MAX + 1),
                .big_endian = bits & 1, .optional = bits & 2, .sum = bits & 4, .has_range = bits & 8,
                .bit_lsb = input_u8(in) % 50, .bit_width = input_u8(in) % 50, .wrap_bits = input_u8(in) % 41,
                .offset = input_offset(in),
                .count = input_u8(in) % 5,
                .stride = (uint16_t) input_number(in), .count_fixed = (uint16_t) input_number(in),
                .count_offset = input_offset(in), .count_divisor = input_u8(in),
                .n_conditions = input_u8(in) % (VENDOR_CONDITIONS_MAX + 2), .n_invalid = input_u8(in) % 6,
                .scale_num = input_number(in), .bias_num = input_number(in), .den = input_number(in), .to_canonical = 1,
                .tokens = bits & 16 ? tokens : NULL, .n_tokens = bits & 16 ? input_u8(in) % (TOKENS_MAX + 1) : 0,
        };
        for (unsigned i = 0; i < f->n_conditions && i < VENDOR_CONDITIONS_MAX; i++)
                f->conditions[i] = (VendorCondition) {
                        .offset = input_offset(in), .mask = input_u8(in), .compare = input_u8(in) % 4, .value = input_u8(in),
                };
        for (unsigned i = 0; i < f->n_invalid && i < sizeof(f->invalid) / sizeof(f->invalid[0]); i++)
                f->invalid[i] = input_number(in);
        for (unsigned i = 0; i < f->n_tokens; i++)
                tokens[i] = (VendorToken) { input_number(in), "t" };
        if (f->has_range) {
                f->range_min = input_double(in);
                f->range_max = input_double(in);
        }
}

static void make_program(Input *in, Program *p) {
        uint8_t n_chars = input_u8(in) % (CHARS_MAX + 1), n_fields = input_u8(in) % (FIELDS_MAX + 1), actions = input_u8(in);

        p->profile = (VendorProfile) {
                .id = "example.fuzz", .kind = input_u8(in) % (_OMP_KIND_MAX + 1),
                .chars = p->chars, .n_chars = n_chars, .fields = p->fields, .n_fields = n_fields,
                .actions = &p->action, .n_actions = actions & 1,
        };
        p->action = (VendorAction) { .name = "a", .when = actions >> 1 & 7, .channel = actions >> 4 & 3, .size = actions >> 6 };
        for (unsigned i = 0; i < n_chars; i++)
                make_char(in, &p->chars[i]);
        for (unsigned i = 0; i < n_fields; i++)
                make_field(in, &p->fields[i], p->tokens[i]);
}

/* What a reading promises: its values are the characteristic's, numbers within the field's range. */
static void check_reading(const VendorProfile *profile, unsigned channel, const VendorReading *reading) {
        const VendorChar *ch = &profile->chars[channel];

        assert(reading->n <= VENDOR_VALUES_MAX && (!reading->cut || reading->n == VENDOR_VALUES_MAX));
        for (unsigned i = 0; i < reading->n; i++) {
                const VendorValue *v = &reading->values[i];
                const VendorField *f;

                assert(v->field >= ch->first_field && v->field < ch->first_field + ch->n_fields);
                f = &profile->fields[v->field];
                assert(isfinite(v->value));
                assert(!f->has_range || (v->value >= f->range_min && v->value <= f->range_max));
                assert(!v->token || (!v->unknown_token && v->token->raw == v->raw));
        }
}

/* A field that was written into a packet is there with about this value, if the packet is good at all. */
static void write_fields(const VendorProfile *profile, unsigned channel, uint8_t *packet, size_t size, double value, VendorReading *reading) {
        const VendorChar *ch = &profile->chars[channel];

        for (unsigned i = 0; i < ch->n_fields; i++) {
                int r = vendor_encode_field(profile, ch->first_field + i, value, packet, size);

                assert(r == 0 || r == -EINVAL || r == -ERANGE || r == -EOPNOTSUPP);
        }
        (void) vendor_seal(profile, channel, packet, size);
        if (vendor_decode(profile, channel, packet, size, reading) == 0)
                check_reading(profile, channel, reading);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static VendorReading reading;
        Input in = { data, size };
        Program *program = calloc(1, sizeof(*program));
        OmpFeature feature;

        assert(program);
        make_program(&in, program);
        if (vendor_check(&program->profile) == 0) {
                vendor_feature(&program->profile, &feature);
                while (in.size > 0) {
                        uint8_t channel = input_u8(&in) % (CHARS_MAX + 1), length = input_u8(&in);
                        size_t n;
                        uint8_t *packet = input_take(&in, length == 0xff ? 513 : length, &n);
                        int r = vendor_decode(&program->profile, channel, packet, n, &reading);

                        assert(r == 0 || r == -ENOENT || r == -EMSGSIZE || r == -EPROTO || r == -EBADMSG);
                        assert((r == -ENOENT) == (channel >= program->profile.n_chars));
                        if (r == 0)
                                check_reading(&program->profile, channel, &reading);
                        if (r != -ENOENT)
                                write_fields(&program->profile, channel, packet, n, (double) length, &reading);
                        free(packet);
                }
        }
        free(program);
        return 0;
}
