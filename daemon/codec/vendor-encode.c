/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/vendor-private.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* The way back: a simulator's packets from the same programs that decode them. */

static uint64_t load(const VendorField *f, const uint8_t *p, unsigned size) {
        uint64_t bits = 0;

        for (unsigned i = 0; i < size; i++)
                bits |= (uint64_t) p[i] << 8 * (f->big_endian ? size - 1 - i : i);

        return bits;
}

static void store(const VendorField *f, uint8_t *p, unsigned size, uint64_t bits) {
        for (unsigned i = 0; i < size; i++)
                p[i] = (uint8_t) (bits >> 8 * (f->big_endian ? size - 1 - i : i));
}

static const VendorChar *char_of(const VendorProfile *profile, unsigned field) {
        for (size_t i = 0; i < profile->n_chars; i++)
                if (field - profile->chars[i].first_field < profile->chars[i].n_fields)
                        return &profile->chars[i];

        return NULL;
}

/* Makes a condition hold. */
static void meet(const VendorCondition *c, uint8_t *octet) {
        uint8_t rest = *octet & (uint8_t) ~c->mask, is = *octet & c->mask;

        switch ((VendorCompare) c->compare) {
        case VENDOR_EQUAL:
                *octet = (uint8_t) (rest | (c->value & c->mask));
                break;
        case VENDOR_NOT_EQUAL:
                if (is == c->value)
                        *octet ^= c->mask & (uint8_t) -c->mask; /* its lowest bit */
                break;
        case VENDOR_AT_LEAST:
                if (is < c->value)
                        *octet = (uint8_t) (rest | c->mask);
                break;
        }
}

/* What says that the field is there: its conditions, and that it has an entry. */
static int announce(const VendorField *f, uint8_t *data, size_t size) {
        for (unsigned i = 0; i < f->n_conditions; i++) {
                int at = vendor_at(f->conditions[i].offset, size);

                if (at < 0 || at >= (int) size)
                        return -ERANGE;
                meet(&f->conditions[i], &data[at]);
        }
        if (f->count == VENDOR_COUNT_OCTET) {
                int at = vendor_at(f->count_offset, size);

                if (at < 0 || at >= (int) size)
                        return -ERANGE;
                if (data[at] < f->count_divisor)
                        data[at] = f->count_divisor;
        }

        return 0;
}

/* The raw number whose value this is, if the type can hold it. */
static int raw_of(const VendorField *f, const VendorTypeInfo *type, double value, uint64_t *ret) {
        double number = round((value * (double) f->den - (double) f->bias_num) / (double) f->scale_num);
        unsigned width = f->bit_width > 0 ? f->bit_width : type->size * 8u;
        double high = ldexp(1, (int) (type->is_signed ? width - 1 : width)), low = type->is_signed ? -high : 0;

        if (!(number >= low && number < high))
                return -EINVAL;

        *ret = (uint64_t) (int64_t) number;
        return 0;
}

int vendor_encode_field(const VendorProfile *profile, unsigned field, double value, uint8_t *data, size_t size) {
        const VendorField *f;
        const VendorTypeInfo *type;
        uint64_t bits, mask;
        int at, r;

        if (field >= profile->n_fields || !char_of(profile, field))
                return -EINVAL;
        f = &profile->fields[field];
        type = &vendor_types[f->type];
        if (f->type == VENDOR_SFLOAT || f->scale_num == 0)
                return -EOPNOTSUPP;

        at = vendor_at(f->offset, size);
        if (at < 0 || at + type->size > (int) size)
                return -ERANGE;
        if (f->type == VENDOR_F32) {
                double number = (value * (double) f->den - (double) f->bias_num) / (double) f->scale_num;
                float single = (float) number;
                uint32_t word;

                if (!isfinite(single))
                        return -EINVAL;
                memcpy(&word, &single, sizeof(word));
                bits = word;
                mask = UINT32_MAX;
        } else {
                r = raw_of(f, type, value, &bits);
                if (r < 0)
                        return r;
                mask = (UINT64_C(1) << (f->bit_width > 0 ? f->bit_width : type->size * 8u)) - 1;
                bits = (bits & mask) << f->bit_lsb;
                mask <<= f->bit_lsb;
        }

        r = announce(f, data, size);
        if (r < 0)
                return r;
        store(f, data + at, type->size, (load(f, data + at, type->size) & ~mask) | bits);
        return 0;
}

int vendor_seal(const VendorProfile *profile, unsigned channel, uint8_t *data, size_t size) {
        const VendorChar *ch;
        size_t from = 0, to = 0, at = 0;
        unsigned sum;

        if (channel >= profile->n_chars)
                return -ENOENT;
        ch = &profile->chars[channel];
        if (size < ch->n_header || (ch->check != VENDOR_CHECK_NONE && !vendor_check_place(ch, size, &from, &to, &at)))
                return -ERANGE;

        for (unsigned i = 0; i < ch->n_header; i++)
                data[i] = (uint8_t) ((data[i] & ~ch->header_mask[i]) | (ch->header[i] & ch->header_mask[i]));
        if (ch->check == VENDOR_CHECK_NONE)
                return 0;

        sum = vendor_check_sum(ch->check, data, from, to);
        data[at] = (uint8_t) sum;
        if (vendor_check_size(ch->check) == 2)
                data[at + 1] = (uint8_t) (sum >> 8);
        return 0;
}
