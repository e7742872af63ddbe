/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/compile.h"

#include <errno.h>
#include <string.h>

#include "codec/vendor-type.h"
#include "profiles/number.h"

/* [Field]: where a number stands in a packet, what it is, and when it is there. */

#define TOKENS_MAX 256u
#define CONDITION_MASK_ALL 0xffu

static const char *const known_keys[] = {
        "Char", "Offset", "Type", "Endian", "Bits", "Invalid", "Scale", "Bias", "Range", "Enum", "Unit", "Meaning",
        "When", "Optional", "Repeat", "Wrap", "Combine", NULL,
};

static const CompileName endians[] = { { "le", false }, { "be", true } };
static const CompileName booleans[] = { { "false", false }, { "true", true } };

typedef struct FieldCompiler {
        const KeysGroup *group;
        ProfileFile *file;
        const VendorChar *ch;
        VendorField *f;
        KeysProblems *problems;
        bool numbers_whole;     /* what the arithmetic needs was read without a problem */
} FieldCompiler;

static unsigned width_of(const VendorField *f) {
        return f->bit_width > 0 ? f->bit_width : vendor_types[f->type].size * 8u;
}

static bool read_type(FieldCompiler *c) {
        const KeysLine *line = compile_required(c->group, "Type", c->problems);

        for (unsigned i = 0; line && i < _VENDOR_TYPE_MAX; i++)
                if (g_str_equal(vendor_types[i].name, line->value)) {
                        c->f->type = (uint8_t) i;
                        return true;
                }
        if (line)
                keys_problem(c->problems, line->line,
                             "Type=%s is not known: it is u8, s8, u16, s16, u24, s24, u32, s32, u48, f32 or sfloat.", line->value);
        return false;
}

static void read_offset(FieldCompiler *c) {
        const KeysLine *line = compile_required(c->group, "Offset", c->problems);
        int64_t offset;

        if (!line || !compile_integer(c->group, "Offset", -(int64_t) OMP_VALUE_MAX, OMP_VALUE_MAX - 1, c->problems, &offset))
                return;
        if (!compile_within(c->ch, offset, vendor_types[c->f->type].size))
                keys_problem(c->problems, line->line, "Offset=%s with Type=%s is beyond the characteristic's length of %i.", line->value,
                             vendor_types[c->f->type].name, compile_length_max(c->ch));
        else
                c->f->offset = (int16_t) offset;
}

/* "<lsb>:<width>" */
static void read_bits(FieldCompiler *c) {
        const KeysLine *line = keys_get(c->group, "Bits");
        unsigned size = vendor_types[c->f->type].size * 8u;
        g_auto(GStrv) parts = line ? g_strsplit(line->value, ":", 2) : NULL;
        int64_t lsb, width;

        if (!line)
                return;
        if (vendor_types[c->f->type].is_float)
                keys_problem(c->problems, line->line, "Bits= can be taken from whole numbers only, not from %s.", vendor_types[c->f->type].name);
        else if (g_strv_length(parts) != 2 || number_parse(parts[0], 0, size - 1, &lsb) < 0 ||
                 number_parse(parts[1], 1, size - lsb, &width) < 0)
                keys_problem(c->problems, line->line, "Bits=%s: write <lowest>:<how many>, within the %u bits of %s.", line->value, size,
                             vendor_types[c->f->type].name);
        else {
                c->f->bit_lsb = (uint8_t) lsb;
                c->f->bit_width = (uint8_t) width;
                return;
        }
        c->numbers_whole = false;
}

/* A raw number as the type shows it; 0xffff of an s16 is -1. */
static bool read_raw(FieldCompiler *c, const char *text, int64_t *ret) {
        unsigned width = width_of(c->f);
        bool is_signed = vendor_types[c->f->type].is_signed;
        int64_t raw;

        if (number_parse(text, is_signed ? -(INT64_C(1) << (width - 1)) : 0, (INT64_C(1) << width) - 1, &raw) < 0)
                return false;

        *ret = is_signed && raw >= INT64_C(1) << (width - 1) ? raw - (INT64_C(1) << width) : raw;
        return true;
}

static bool no_float(FieldCompiler *c, const KeysLine *line) {
        if (vendor_types[c->f->type].is_float)
                keys_problem(c->problems, line->line, "%s= is for whole numbers only, not for %s.", line->key, vendor_types[c->f->type].name);

        return !vendor_types[c->f->type].is_float;
}

static void read_invalid(FieldCompiler *c) {
        const KeysLine *line = keys_get(c->group, "Invalid");
        char **parts;

        if (!line || !no_float(c, line))
                return;
        parts = compile_split(c->file, line, ";", G_N_ELEMENTS(c->f->invalid), c->problems);
        for (; parts && *parts; parts++)
                if (!read_raw(c, *parts, &c->f->invalid[c->f->n_invalid++]))
                        keys_problem(c->problems, line->line, "Invalid=%s: that is no number of %u bits of %s.", *parts, width_of(c->f),
                                     vendor_types[c->f->type].name);
}

static int by_raw(const void *a, const void *b) {
        int64_t left = ((const VendorToken *) a)->raw, right = ((const VendorToken *) b)->raw;

        return (left > right) - (left < right);
}

/* "<raw>:<token>" */
static void read_enum(FieldCompiler *c) {
        const KeysLine *line = keys_get(c->group, "Enum");
        g_autoptr(GArray) tokens = g_array_new(false, false, sizeof(VendorToken));
        size_t n_tokens;
        char **parts;

        if (!line || !no_float(c, line))
                return;
        parts = compile_split(c->file, line, ";", TOKENS_MAX, c->problems);
        for (; parts && *parts; parts++) {
                char *colon = strchr(*parts, ':');
                VendorToken token;

                if (colon)
                        *colon++ = '\0';
                token.name = colon;
                if (!colon || !compile_is_name(colon, "") || g_str_has_prefix(colon, "unknown-") || !read_raw(c, *parts, &token.raw))
                        keys_problem(c->problems, line->line,
                                     "Enum=: write <raw>:<token>, a number of %u bits and a word of a-z, 0-9 and - (not unknown-…).",
                                     width_of(c->f));
                else
                        g_array_append_val(tokens, token);
        }
        if (tokens->len == 0)
                return;

        g_array_sort(tokens, by_raw);
        for (guint i = 1; i < tokens->len; i++)
                if (g_array_index(tokens, VendorToken, i).raw == g_array_index(tokens, VendorToken, i - 1).raw)
                        keys_problem(c->problems, line->line, "Enum=: %" G_GINT64_FORMAT " has two tokens: leave one.",
                                     g_array_index(tokens, VendorToken, i).raw);
        c->f->tokens = compile_keep(c->file, g_steal_pointer(&tokens), &n_tokens);
        c->f->n_tokens = (uint16_t) n_tokens;
}

static bool is_switch(unsigned meaning) {
        return meaning == VENDOR_CONTACT || meaning == VENDOR_MOTOR_RUNNING || meaning == VENDOR_OVERPRESSURE;
}

/* What is on or off says so: the tokens are what needled reads. */
static void check_tokens(FieldCompiler *c) {
        if (!is_switch(c->f->meaning))
                return;

        for (unsigned i = 0; i < c->f->n_tokens; i++)
                if (!g_str_equal(c->f->tokens[i].name, "on") && !g_str_equal(c->f->tokens[i].name, "off"))
                        keys_problem(c->problems, keys_get(c->group, "Enum")->line, "Meaning=%s takes the tokens off and on, not %s.",
                                     vendor_meaning_name(c->f->meaning), c->f->tokens[i].name);
}

static void read_meaning(FieldCompiler *c) {
        const KeysLine *line = keys_get(c->group, "Meaning");
        VendorMeaning meaning;

        if (!line)
                return;
        if (vendor_meaning_from_name(line->value, &meaning) < 0) {
                keys_problem(c->problems, line->line, "Meaning=%s is not known: leave it out, or see docs/vendor-profiles.md.", line->value);
                c->numbers_whole = false;
                return;
        }

        c->f->meaning = (uint8_t) meaning;
        check_tokens(c);
}

/* A field without a meaning stays in the file's unit: there is no other to bring it to. */
static bool read_unit(FieldCompiler *c, Fraction *ret) {
        const KeysLine *line = keys_get(c->group, "Unit");
        const char *canonical = vendor_meaning_unit(c->f->meaning);

        *ret = (Fraction) { 1, 1 };
        c->f->unit = line ? line->value : canonical;
        if (!line || !c->numbers_whole)
                return c->numbers_whole;
        if (!unit_known(line->value)) {
                keys_problem(c->problems, line->line, "Unit=%s is not known: see docs/vendor-profiles.md for those that are.", line->value);
                return false;
        }
        if (c->f->meaning != VENDOR_NONE && unit_factor(line->value, canonical, ret) < 0) {
                keys_problem(c->problems, line->line, "Unit=%s cannot be brought to %s, in which Meaning=%s is counted.", line->value,
                             canonical, vendor_meaning_name(c->f->meaning));
                return false;
        }

        return true;
}

static bool read_fraction(FieldCompiler *c, const char *key, Fraction *value) {
        const KeysLine *line = keys_get(c->group, key);
        int r;

        if (!line)
                return true;
        if (c->f->tokens) {
                keys_problem(c->problems, line->line, "%s= and Enum= exclude each other: a token is no amount.", key);
                return false;
        }

        r = fraction_parse(line->value, value);
        if (r == -ERANGE)
                keys_problem(c->problems, line->line, "%s=%s has more digits than can be counted with: round it.", key, line->value);
        else if (r < 0)
                keys_problem(c->problems, line->line, "%s=%s: write a decimal number, or a fraction as 1000/3036.", key, line->value);
        else if (value->num == 0 && g_str_equal(key, "Scale")) {
                keys_problem(c->problems, line->line, "Scale=0 would make every value the same: leave it out.");
                return false;
        }
        return r >= 0;
}

static void read_range(FieldCompiler *c, Fraction factor) {
        const KeysLine *line = keys_get(c->group, "Range");
        g_auto(GStrv) parts = line ? g_strsplit(line->value, ":", 2) : NULL;
        Fraction min, max;

        if (!line)
                return;
        if (g_strv_length(parts) != 2 || fraction_parse(parts[0], &min) < 0 || fraction_parse(parts[1], &max) < 0 ||
            fraction_multiply(min, factor, &min) < 0 || fraction_multiply(max, factor, &max) < 0 ||
            fraction_double(min) > fraction_double(max)) {
                keys_problem(c->problems, line->line, "Range=%s: write <least>:<most>, in the unit of the field.", line->value);
                return;
        }

        c->f->has_range = true;
        c->f->range_min = fraction_double(min);
        c->f->range_max = fraction_double(max);
}

/* Whether its numbers alone, in a profile of nothing else, are a sound program. */
static bool arithmetic_is_sound(const VendorField *f) {
        const VendorField numbers = {
                .name = "", .type = f->type, .bit_lsb = f->bit_lsb, .bit_width = f->bit_width,
                .scale_num = f->scale_num, .bias_num = f->bias_num, .den = f->den,
        };
        const VendorChar ch = { .alias = "", .uuid = "", .n_fields = 1 };
        const VendorProfile alone = { .id = "", .chars = &ch, .n_chars = 1, .fields = &numbers, .n_fields = 1 };

        return vendor_check(&alone) == 0;
}

/* value = raw × Scale + Bias, and that in the canonical unit. */
static void read_arithmetic(FieldCompiler *c) {
        Fraction factor, scale = { 1, 1 }, bias = { 0, 1 };
        bool unit = read_unit(c, &factor), scaled = read_fraction(c, "Scale", &scale), biased = read_fraction(c, "Bias", &bias);

        c->f->scale_num = c->f->den = 1;
        if (!unit || !scaled || !biased || !c->numbers_whole)
                return;

        c->f->to_canonical = fraction_double(factor);
        if (fraction_multiply(scale, factor, &scale) < 0 || fraction_multiply(bias, factor, &bias) < 0 ||
            fraction_common(scale, bias, &c->f->scale_num, &c->f->bias_num, &c->f->den) < 0 || !arithmetic_is_sound(c->f))
                keys_problem(c->problems, c->group->line, "[Field %s]: Scale= and Bias= have too many digits for its Type=: round them.",
                             c->f->name);
        read_range(c, factor);
}

/* "<offset>[&<mask>](=|!=|>=)<value>" */
static bool parse_condition(const VendorChar *ch, char *text, VendorCondition *ret) {
        char *operator = strpbrk(text, "!=>"), *value, *mask;
        int64_t offset, mask_number = CONDITION_MASK_ALL, number;

        if (!operator)
                return false;
        ret->compare = *operator == '=' ? VENDOR_EQUAL : *operator == '!' ? VENDOR_NOT_EQUAL : VENDOR_AT_LEAST;
        value = operator + (*operator == '=' ? 1 : 2);
        if (*operator != '=' && operator[1] != '=')
                return false;
        *operator = '\0';
        mask = strchr(text, '&');
        if (mask)
                *mask++ = '\0';
        if (number_parse(text, -(int64_t) OMP_VALUE_MAX, OMP_VALUE_MAX - 1, &offset) < 0 || !compile_within(ch, offset, 1) ||
            (mask && number_parse(mask, 1, 0xff, &mask_number) < 0) || number_parse(value, 0, 0xff, &number) < 0 ||
            (number & ~mask_number))
                return false;

        ret->offset = (int16_t) offset;
        ret->mask = (uint8_t) mask_number;
        ret->value = (uint8_t) number;
        return true;
}

static void read_when(FieldCompiler *c) {
        const KeysLine *line = keys_get(c->group, "When");
        char **parts = line ? compile_split(c->file, line, ";", VENDOR_CONDITIONS_MAX, c->problems) : NULL;

        for (; parts && *parts; parts++)
                if (!parse_condition(c->ch, *parts, &c->f->conditions[c->f->n_conditions++]))
                        keys_problem(c->problems, line->line, "When=%s: write <offset>[&<mask>]=<value> (or != or >=): one octet within the "
                                     "characteristic's length, and a value within the mask.", line->value);
}

/* "<stride>;<n>", "<stride>;end", "<stride>;@<offset>/<divisor>" */
static bool parse_repeat(FieldCompiler *c, char *const *parts) {
        int64_t stride, n, offset, divisor = 1;
        char *slash;

        if (!parts || g_strv_length((char **) parts) != 2 || number_parse(parts[0], 1, OMP_VALUE_MAX, &stride) < 0)
                return false;

        c->f->stride = (uint16_t) stride;
        if (g_str_equal(parts[1], "end")) {
                c->f->count = VENDOR_COUNT_END;
                return c->f->offset >= 0;
        }
        if (*parts[1] != '@') {
                if (number_parse(parts[1], 1, VENDOR_REPEATS_MAX, &n) < 0)
                        return false;
                c->f->count = VENDOR_COUNT_FIXED;
                c->f->count_fixed = (uint16_t) n;
                return compile_within(c->ch, c->f->offset, (n - 1) * stride + vendor_types[c->f->type].size);
        }

        slash = strchr(parts[1], '/');
        if (slash)
                *slash++ = '\0';
        if (number_parse(parts[1] + 1, -(int64_t) OMP_VALUE_MAX, OMP_VALUE_MAX - 1, &offset) < 0 || !compile_within(c->ch, offset, 1) ||
            (slash && number_parse(slash, 1, 255, &divisor) < 0))
                return false;
        c->f->count = VENDOR_COUNT_OCTET;
        c->f->count_offset = (int16_t) offset;
        c->f->count_divisor = (uint8_t) divisor;
        return true;
}

static void read_repeat(FieldCompiler *c) {
        const KeysLine *line = keys_get(c->group, "Repeat");

        if (line && !parse_repeat(c, compile_split(c->file, line, ";", 2, c->problems)))
                keys_problem(c->problems, line->line, "Repeat=%s: write <stride>;<n>, <stride>;end or <stride>;@<offset>/<divisor>, at most "
                             "%u entries, within the characteristic's length.", line->value, VENDOR_REPEATS_MAX);
}

static void read_wrap(FieldCompiler *c) {
        const KeysLine *line = keys_get(c->group, "Wrap");
        int64_t bits;

        if (!line || !no_float(c, line))
                return;
        if (number_parse(line->value, 8, 32, &bits) < 0 || bits % 8 != 0 || bits > (int64_t) width_of(c->f))
                keys_problem(c->problems, line->line, "Wrap=%s: it is 8, 16, 24 or 32, and not more than the field has bits.", line->value);
        else
                c->f->wrap_bits = (uint8_t) bits;
}

static void read_combine(FieldCompiler *c) {
        const KeysLine *line = keys_get(c->group, "Combine");

        if (!line)
                return;
        if (!g_str_equal(line->value, "sum"))
                keys_problem(c->problems, line->line, "Combine=%s is not known: it is sum.", line->value);
        else if (c->f->meaning == VENDOR_NONE || c->f->tokens)
                keys_problem(c->problems, line->line, "Combine=sum adds amounts of the same Meaning=: this field has none.");
        else
                c->f->sum = true;
}

static void compile_field(FieldCompiler *c, bool big_endian) {
        unsigned choice = big_endian;
        bool typed;

        keys_check(c->group, known_keys, c->problems);
        typed = read_type(c);
        if (compile_choice(c->group, "Endian", endians, G_N_ELEMENTS(endians), c->problems, &choice))
                c->f->big_endian = choice;
        else
                c->f->big_endian = big_endian;
        choice = false;
        if (compile_choice(c->group, "Optional", booleans, G_N_ELEMENTS(booleans), c->problems, &choice))
                c->f->optional = choice;
        read_when(c);
        if (!typed)
                return; /* nothing else can be judged without it */

        read_offset(c);
        read_bits(c);
        if (c->numbers_whole) {
                read_invalid(c);
                read_enum(c);
        }
        read_meaning(c);
        read_repeat(c);
        read_wrap(c);
        read_arithmetic(c);
        read_combine(c);
}

void compile_fields(const GPtrArray *fields, ProfileFile *file, VendorChar *ch, bool big_endian, GArray *ret, KeysProblems *problems) {
        ch->first_field = (uint16_t) ret->len;
        for (guint i = 0; i < fields->len; i++) {
                const KeysGroup *group = fields->pdata[i];
                VendorField field = { .name = group->name };
                FieldCompiler c = { group, file, ch, &field, problems, true };

                if (ret->len == VENDOR_FIELDS_MAX) {
                        keys_problem(problems, group->line, "There are more than %u fields: leave out what is not needed.", VENDOR_FIELDS_MAX);
                        break;
                }
                compile_field(&c, big_endian);
                file->vendor.meanings |= field.meaning != VENDOR_NONE ? UINT32_C(1) << field.meaning : 0;
                g_array_append_val(ret, field);
        }
        ch->n_fields = (uint16_t) (ret->len - ch->first_field);
}
