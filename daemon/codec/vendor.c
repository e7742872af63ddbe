/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/vendor-private.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "codec/cursor.h"

/* Runs a vendor program on a packet. That the program itself is sound was seen by vendor_check(); of the packet nothing is. */

#define SFLOAT_MANTISSA_SPECIAL 0x07feu /* +∞, NaN, NRes, reserved, -∞: IEEE 11073-20601, 0x07fe to 0x0802 */
#define SFLOAT_SPECIALS 5u

static const double sfloat_scale[16] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1 };

static inline uint64_t load_le(const uint8_t *p, unsigned size) {
        switch (size) {
        case 1:
                return p[0];
        case 2:
                return le16_at(p);
        case 3:
                return le16_at(p) | (uint64_t) p[2] << 16;
        case 4:
                return le16_at(p) | (uint64_t) le16_at(p + 2) << 16;
        default:
                return le16_at(p) | (uint64_t) le16_at(p + 2) << 16 | (uint64_t) le16_at(p + 4) << 32;
        }
}

static uint64_t load_be(const uint8_t *p, unsigned size) {
        uint64_t bits = 0;

        while (size-- > 0)
                bits = bits << 8 | *p++;

        return bits;
}

static int check_char(const VendorChar *ch, const uint8_t *data, size_t size) {
        size_t from, to, at;
        unsigned sum, is;

        if (size < ch->length_min || size == 0 || size > (ch->length_max > 0 ? ch->length_max : OMP_VALUE_MAX))
                return -EMSGSIZE;
        if (size < ch->n_header)
                return -EMSGSIZE;
        for (unsigned i = 0; i < ch->n_header; i++)
                if ((data[i] ^ ch->header[i]) & ch->header_mask[i])
                        return -EPROTO;
        if (ch->check == VENDOR_CHECK_NONE)
                return 0;

        if (!vendor_check_place(ch, size, &from, &to, &at))
                return -EMSGSIZE;
        sum = vendor_check_sum(ch->check, data, from, to);
        is = ch->check == VENDOR_CHECK_CRC16_MCRF4XX ? le16_at(data + at) : data[at];
        return sum == is ? 0 : -EBADMSG;
}

static bool conditions_hold(const VendorField *f, const uint8_t *data, size_t size) {
        for (unsigned i = 0; i < f->n_conditions; i++) {
                const VendorCondition *c = &f->conditions[i];
                int at = vendor_at(c->offset, size);
                uint8_t octet;

                if (at < 0 || at >= (int) size)
                        return false;
                octet = data[at] & c->mask;
                switch ((VendorCompare) c->compare) {
                case VENDOR_EQUAL:
                        if (octet != c->value)
                                return false;
                        break;
                case VENDOR_NOT_EQUAL:
                        if (octet == c->value)
                                return false;
                        break;
                case VENDOR_AT_LEAST:
                        if (octet < c->value)
                                return false;
                        break;
                }
        }

        return true;
}

static const VendorToken *token_find(const VendorField *f, int64_t raw) {
        size_t low = 0, high = f->n_tokens;

        /* Most count from their first number up without a hole. */
        if (raw >= f->tokens[0].raw && (uint64_t) raw - (uint64_t) f->tokens[0].raw < high) {
                const VendorToken *token = &f->tokens[raw - f->tokens[0].raw];

                if (token->raw == raw)
                        return token;
        }
        while (low < high) {
                size_t middle = (low + high) / 2;

                if (f->tokens[middle].raw == raw)
                        return &f->tokens[middle];
                if (f->tokens[middle].raw < raw)
                        low = middle + 1;
                else
                        high = middle;
        }

        return NULL;
}

/* The number of a float; false: it stands for none. */
static bool float_number(unsigned type, uint64_t bits, double *ret) {
        if (type == VENDOR_F32) {
                uint32_t low = (uint32_t) bits;
                float number;

                memcpy(&number, &low, sizeof(number));
                *ret = (double) number;
                return isfinite(number);
        }

        unsigned mantissa = bits & 0x0fff;
        if (mantissa - SFLOAT_MANTISSA_SPECIAL < SFLOAT_SPECIALS)
                return false;

        *ret = (double) ((int) mantissa - (mantissa & 0x800 ? 0x1000 : 0)) * sfloat_scale[bits >> 12 & 0xf];
        return true;
}

/* One number of a field. False: it is one of the numbers that stand for none, or out of range. */
static inline bool take_number(const VendorField *f, const VendorTypeInfo *type, const uint8_t *p, VendorValue *v) {
        uint64_t bits = f->big_endian && type->size > 1 ? load_be(p, type->size) : load_le(p, type->size);

        v->token = NULL;
        v->unknown_token = false;
        if (!type->is_float) {
                unsigned width = f->bit_width > 0 ? f->bit_width : type->size * 8u;

                bits <<= 64 - width - f->bit_lsb;
                v->raw = type->is_signed ? (int64_t) bits >> (64 - width) : (int64_t) (bits >> (64 - width));
                for (unsigned i = 0; i < f->n_invalid; i++)
                        if (v->raw == f->invalid[i])
                                return false;
                v->value = (double) (v->raw * f->scale_num + f->bias_num) / (double) f->den;
                if (f->tokens) {
                        v->token = token_find(f, v->raw);
                        v->unknown_token = !v->token;
                }
        } else {
                double number;

                if (!float_number(f->type, bits, &number))
                        return false;
                v->raw = 0;
                v->value = (number * (double) f->scale_num + (double) f->bias_num) / (double) f->den;
        }

        return !f->has_range || (v->value >= f->range_min && v->value <= f->range_max);
}

/* "end" is where the check begins that closes a packet. */
static int packet_end(const VendorChar *ch, size_t size) {
        int width = (int) vendor_check_size(ch->check), at = vendor_at(ch->check_at, size);

        return width > 0 && at + width == (int) size ? at : (int) size;
}

/* How many entries the packet says it has; *ret_end: where they must end. -EMSGSIZE: it has no such octet. */
static int entries_said(const VendorChar *ch, const VendorField *f, const uint8_t *data, size_t size, int offset, int *ret_end) {
        int width = vendor_types[f->type].size, at;

        *ret_end = (int) size;
        switch ((VendorCount) f->count) {
        case VENDOR_COUNT_ONE:
                return 1;
        case VENDOR_COUNT_FIXED:
                return f->count_fixed;
        case VENDOR_COUNT_OCTET:
                at = vendor_at(f->count_offset, size);
                return at < 0 || at >= (int) size ? -EMSGSIZE : data[at] / f->count_divisor;
        case VENDOR_COUNT_END:
                *ret_end = packet_end(ch, size);
                if (offset < 0 || offset + width > *ret_end)
                        return 0;
                at = (*ret_end - offset - width) / f->stride + 1;
                return at < (int) VENDOR_REPEATS_MAX ? at : (int) VENDOR_REPEATS_MAX;
        }

        return -EMSGSIZE;
}

static int take_repeated(const VendorChar *ch, const VendorField *f, const uint8_t *data, size_t size, unsigned index,
                         VendorReading *ret) {
        const VendorTypeInfo *type = &vendor_types[f->type];
        int offset = vendor_at(f->offset, size), end, n = entries_said(ch, f, data, size, offset, &end);

        if (n < 0)
                return f->optional ? 0 : n;
        for (int i = 0; i < n; i++, offset += f->stride) {
                VendorValue *v = &ret->values[ret->n];

                /* A packet that says it has more entries than it has lies. */
                if (offset < 0 || offset + type->size > end)
                        return f->optional ? 0 : -EMSGSIZE;
                if (ret->n == VENDOR_VALUES_MAX) {
                        ret->cut = true;
                        continue;
                }
                v->field = (uint16_t) index;
                v->entry = (uint16_t) i;
                ret->n += take_number(f, type, data + offset, v);
        }

        return 0;
}

static inline int take_one(const VendorField *f, const uint8_t *data, size_t size, unsigned index, VendorReading *ret) {
        const VendorTypeInfo *type = &vendor_types[f->type];
        int offset = vendor_at(f->offset, size);
        VendorValue *v = &ret->values[ret->n];

        if (offset < 0 || offset + type->size > (int) size)
                return f->optional ? 0 : -EMSGSIZE;
        if (ret->n == VENDOR_VALUES_MAX) {
                ret->cut = true;
                return 0;
        }

        v->field = (uint16_t) index;
        v->entry = 0;
        ret->n += take_number(f, type, data + offset, v);
        return 0;
}

int vendor_decode(const VendorProfile *profile, unsigned channel, const uint8_t *data, size_t size, VendorReading *ret) {
        const VendorChar *ch;
        int r;

        ret->n = 0;
        ret->cut = false;
        if (channel >= profile->n_chars)
                return -ENOENT;

        ch = &profile->chars[channel];
        r = check_char(ch, data, size);
        for (unsigned i = ch->first_field; r >= 0 && i < (unsigned) ch->first_field + ch->n_fields; i++) {
                const VendorField *f = &profile->fields[i];

                if (f->n_conditions > 0 && !conditions_hold(f, data, size))
                        continue;
                r = f->count == VENDOR_COUNT_ONE ? take_one(f, data, size, i, ret)
                                                 : take_repeated(ch, f, data, size, i, ret);
        }
        if (r < 0)
                ret->n = 0;

        return r;
}
