/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/vendor-private.h"

#include <errno.h>

/* What a program must be for vendor_decode() to run it on any packet without a look at its own feet. */

#define OFFSET_MAX ((int) OMP_VALUE_MAX)

static bool offset_sound(int offset) {
        return offset >= -OFFSET_MAX && offset < OFFSET_MAX;
}

/* Of the largest raw number, by width: raw × scale_num + bias_num must be an int64_t. */
static bool arithmetic_sound(const VendorField *f, unsigned width) {
        __extension__ typedef __int128 Wide;
        Wide scale = f->scale_num < 0 ? -(Wide) f->scale_num : f->scale_num;
        Wide bias = f->bias_num < 0 ? -(Wide) f->bias_num : f->bias_num;

        return f->den > 0 && scale * ((Wide) 1 << width) + bias <= INT64_MAX;
}

static bool tokens_sound(const VendorField *f) {
        if (!f->tokens)
                return f->n_tokens == 0;

        for (unsigned i = 0; i < f->n_tokens; i++)
                if (!f->tokens[i].name || (i > 0 && f->tokens[i - 1].raw >= f->tokens[i].raw))
                        return false;

        return f->n_tokens > 0;
}

static bool count_sound(const VendorField *f) {
        switch ((VendorCount) f->count) {
        case VENDOR_COUNT_ONE:
                return true;
        case VENDOR_COUNT_FIXED:
                return f->stride > 0 && f->stride <= OMP_VALUE_MAX && f->count_fixed > 0 && f->count_fixed <= VENDOR_REPEATS_MAX;
        case VENDOR_COUNT_END:
                return f->stride > 0 && f->stride <= OMP_VALUE_MAX;
        case VENDOR_COUNT_OCTET:
                return f->stride > 0 && f->stride <= OMP_VALUE_MAX && f->count_divisor > 0 && offset_sound(f->count_offset);
        }

        return false;
}

static bool number_sound(const VendorField *f) {
        const VendorTypeInfo *type = &vendor_types[f->type];

        if (type->is_float)
                return f->den > 0 && f->bit_width == 0 && f->bit_lsb == 0 && f->n_invalid == 0 && f->wrap_bits == 0 && !f->tokens &&
                       f->n_tokens == 0;
        if (f->bit_width == 0 ? f->bit_lsb != 0 : f->bit_lsb + f->bit_width > type->size * 8)
                return false;

        return arithmetic_sound(f, f->bit_width > 0 ? f->bit_width : type->size * 8u) && tokens_sound(f);
}

static bool field_sound(const VendorField *f) {
        if (!f->name || f->meaning >= _VENDOR_MEANING_MAX || f->type >= _VENDOR_TYPE_MAX || !offset_sound(f->offset))
                return false;
        if (f->wrap_bits > 32 || f->wrap_bits % 8 != 0)
                return false;
        if (f->n_conditions > VENDOR_CONDITIONS_MAX || f->n_invalid > sizeof(f->invalid) / sizeof(f->invalid[0]))
                return false;
        for (unsigned i = 0; i < f->n_conditions; i++)
                if (f->conditions[i].compare > VENDOR_AT_LEAST || !offset_sound(f->conditions[i].offset))
                        return false;
        if (f->has_range && !(f->range_min <= f->range_max))
                return false;

        return number_sound(f) && count_sound(f);
}

static bool char_sound(const VendorProfile *profile, const VendorChar *ch) {
        if (ch->source > VENDOR_SERVICE_DATA || (ch->source != VENDOR_MANUFACTURER_DATA && !ch->uuid))
                return false;
        if (ch->length_min > OMP_VALUE_MAX || ch->length_max > OMP_VALUE_MAX ||
            (ch->length_max > 0 && ch->length_max < ch->length_min))
                return false;
        if (ch->n_header > VENDOR_HEADER_MAX || ch->check > VENDOR_CHECK_CRC16_MCRF4XX)
                return false;
        if (!offset_sound(ch->check_start) || !offset_sound(ch->check_end) || !offset_sound(ch->check_at))
                return false;

        return ch->first_field <= profile->n_fields && ch->n_fields <= profile->n_fields - ch->first_field;
}

static bool action_sound(const VendorProfile *profile, const VendorAction *action) {
        return action->when < _VENDOR_WHEN_MAX && action->channel < profile->n_chars && action->size > 0 &&
               action->size <= sizeof(action->data) && profile->chars[action->channel].source == VENDOR_GATT;
}

int vendor_check(const VendorProfile *profile) {
        if (!profile->id || profile->kind >= _OMP_KIND_MAX || profile->n_chars == 0 || profile->n_chars > VENDOR_CHARS_MAX ||
            profile->n_fields > VENDOR_FIELDS_MAX)
                return -EINVAL;
        for (size_t i = 0; i < profile->n_chars; i++)
                if (!char_sound(profile, &profile->chars[i]))
                        return -EINVAL;
        for (size_t i = 0; i < profile->n_fields; i++)
                if (!field_sound(&profile->fields[i]))
                        return -EINVAL;
        for (size_t i = 0; i < profile->n_actions; i++)
                if (!action_sound(profile, &profile->actions[i]))
                        return -EINVAL;

        return 0;
}
