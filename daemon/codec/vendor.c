/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/vendor-private.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "codec/cursor.h"

/* Runs a vendor program on a packet. That the program itself is sound was seen by vendor_check(); of the packet nothing is. */

#define SFLOAT_MANTISSA_SPECIAL 0x07feu /* +∞, NaN, NRes, reserved, -∞: IEEE 11073-20601, 0x07fe to 0x0802 */
#define SFLOAT_SPECIALS 5u

/* A whole number in the low bits of eight octets: (bits & mask ^ sign) - sign. Others are longer than any packet. */
typedef struct PlainType {
        uint64_t mask, sign;
        size_t size;
} PlainType;

#define NOT_PLAIN { 0, 0, UINT16_MAX }
static const PlainType plain_types[_VENDOR_TYPE_MAX] = {
        [VENDOR_U8] = { 0xff, 0, 1 },         [VENDOR_S8] = { 0xff, 0x80, 1 },
        [VENDOR_U16] = { 0xffff, 0, 2 },      [VENDOR_S16] = { 0xffff, 0x8000, 2 },
        [VENDOR_U24] = { 0xffffff, 0, 3 },    [VENDOR_S24] = { 0xffffff, 0x800000, 3 },
        [VENDOR_U32] = { 0xffffffff, 0, 4 },  [VENDOR_S32] = { 0xffffffff, 0x80000000, 4 },
        [VENDOR_U48] = { 0xffffffffffff, 0, 6 },
        [VENDOR_F32] = NOT_PLAIN,             [VENDOR_SFLOAT] = NOT_PLAIN,
};

static const double sfloat_scale[16] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1 };

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

/* Behind the packet there is padding, so that this may be asked of its last octet too. */
static inline uint64_t eight_octets(const uint8_t *p) {
        uint64_t octets;

        memcpy(&octets, p, sizeof(octets));
        return octets;
}

/* One number of a field. False: it is one of the numbers that stand for none, or out of range. */
static bool take_number(const VendorField *f, const uint8_t *p, VendorValue *v) {
        const VendorTypeInfo *type = &vendor_types[f->type];
        unsigned octets = type->size * 8u, width = f->bit_width > 0 ? f->bit_width : octets;
        uint64_t bits = f->big_endian ? be64toh(eight_octets(p)) >> (64 - octets) : le64toh(eight_octets(p));
        double number;

        v->token = NULL;
        v->unknown_token = false;
        v->raw = 0;
        if (type->is_float) {
                if (!float_number(f->type, bits, &number))
                        return false;
                v->value = (number * (double) f->scale_num + (double) f->bias_num) / (double) f->den;
        } else {
                bits <<= 64 - width - f->bit_lsb;
                v->raw = type->is_signed ? (int64_t) bits >> (64 - width) : (int64_t) (bits >> (64 - width));
                for (unsigned i = 0; i < f->n_invalid; i++)
                        if (v->raw == f->invalid[i])
                                return false;
                v->value = (double) (v->raw * f->scale_num + f->bias_num) / (double) f->den;
                if (f->n_tokens > 0) {
                        v->token = token_find(f, v->raw);
                        v->unknown_token = !v->token;
                }
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

/* Apart from the loop below, which is short and stays so. */
__attribute__((noinline)) static int take_special(const VendorChar *ch, const VendorField *f, const uint8_t *data, size_t size, unsigned index,
                                                  VendorReading *ret) {
        int offset = vendor_at(f->offset, size), width = vendor_types[f->type].size, end, n;

        if (!conditions_hold(f, data, size))
                return 0;
        n = entries_said(ch, f, data, size, offset, &end);
        if (n < 0)
                return f->optional ? 0 : n;
        for (int i = 0; i < n; i++, offset += f->stride) {
                VendorValue *v = &ret->values[ret->n];

                /* A packet that says it has more entries than it has lies. */
                if (offset < 0 || offset + width > end)
                        return f->optional ? 0 : -EMSGSIZE;
                if (ret->n == VENDOR_VALUES_MAX) {
                        ret->cut = true;
                        return 0;
                }
                v->field = (uint16_t) index;
                v->entry = (uint16_t) i;
                ret->n += take_number(f, data + offset, v);
        }

        return 0;
}

/* Whether all of a field is one whole little-endian number: then there is a short way. */
static inline bool is_plain(const VendorField *f) {
        static_assert(offsetof(VendorField, n_tokens) + sizeof(f->n_tokens) - offsetof(VendorField, count) == sizeof(uint64_t),
                      "what makes a field special stands together");

        return eight_octets((const uint8_t *) f + offsetof(VendorField, count)) == 0;
}

/* Takes plain fields as long as there are any; what else there is about a field (a float, an offset from the end, a packet too short
 * for it) makes it longer than the packet here. Returns the first that it did not take. */
static inline const VendorField *take_plain(const VendorField *f, const VendorField *end, const uint8_t *data, size_t size,
                                            unsigned index, VendorValue **v) {
        VendorValue *next = *v;

        for (; f < end && is_plain(f); f++, index++) {
                const PlainType *type = &plain_types[f->type];
                unsigned offset = (uint16_t) f->offset;
                int64_t raw;

                if (offset + type->size > size)
                        break;
                raw = (int64_t) (((le64toh(eight_octets(data + offset)) & type->mask) ^ type->sign) - type->sign);
                *next++ = (VendorValue) {
                        .field = (uint16_t) index,
                        .raw = raw,
                        .value = (double) (raw * f->scale_num + f->bias_num) / (double) f->den,
                };
        }

        *v = next;
        return f;
}

/* `data` are the packet's `size` octets and eight of padding. */
static int take_fields(const VendorProfile *profile, const VendorChar *ch, const uint8_t *data, size_t size, VendorReading *ret) {
        const VendorField *f = profile->fields + ch->first_field, *end = f + ch->n_fields;

        while (f < end) {
                VendorValue *v = ret->values + ret->n;
                size_t room = VENDOR_VALUES_MAX - ret->n, left = (size_t) (end - f);
                int r;

                f = take_plain(f, f + (left < room ? left : room), data, size, (unsigned) (f - profile->fields), &v);
                ret->n = (unsigned) (v - ret->values);
                if (f == end)
                        break;
                r = take_special(ch, f, data, size, (unsigned) (f - profile->fields), ret);
                if (r < 0)
                        return r;
                f++;
        }

        return 0;
}

int vendor_decode(const VendorProfile *profile, unsigned channel, const uint8_t *data, size_t size, VendorReading *ret) {
        uint8_t padded[OMP_VALUE_MAX + sizeof(uint64_t)];
        const VendorChar *ch;
        int r;

        ret->n = 0;
        ret->cut = false;
        if (channel >= profile->n_chars)
                return -ENOENT;

        ch = &profile->chars[channel];
        r = check_char(ch, data, size);
        if (r < 0 || ch->n_fields == 0)
                return r;

        memcpy(padded, data, size);
        memset(padded + size, 0, sizeof(uint64_t));
        r = take_fields(profile, ch, padded, size, ret);
        if (r < 0)
                ret->n = 0;

        return r;
}
