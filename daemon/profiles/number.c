/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/number.h"

#include <errno.h>
#include <string.h>

#define DIGITS_MAX 18u          /* any number of so many digits is an int64_t */

static const struct Unit {
        const char *canonical, *name;
        Fraction factor;
} units[] = {
        { "mN", "mN", { 1, 1 } },
        { "mN", "N", { 1000, 1 } },
        { "mN", "gf", { 196133, 20000 } },     /* standard gravity: 9.80665 */
        { "mN", "kgf", { 196133, 20 } },
        { "kPa", "kPa", { 1, 1 } },
        { "kPa", "mmHg", { 66661, 500000 } },  /* 133.322 Pa */
        { "%", "%", { 1, 1 } },
        { "1", "1", { 1, 1 } },
        { "/min", "/min", { 1, 1 } },
        { "/min", "Hz", { 60, 1 } },
        { "/min", "rpm", { 1, 1 } },
        { "mm", "mm", { 1, 1 } },
        { "mm", "m", { 1000, 1 } },
        { "µm", "µm", { 1, 1 } },
        { "µm", "mm", { 1000, 1 } },
        { "s", "s", { 1, 1 } },
        { "s", "ms", { 1, 1000 } },
        { "s", "us", { 1, 1000000 } },
        { "s", "min", { 60, 1 } },
        { "mA", "mA", { 1, 1 } },
        { "mV", "mV", { 1, 1 } },
        { "°C", "°C", { 1, 1 } },
};

static int64_t common_divisor(int64_t a, int64_t b) {
        a = ABS(a);
        while (b != 0) {
                int64_t rest = a % b;

                a = b;
                b = ABS(rest);
        }

        return a;
}

static Fraction lowest(int64_t num, int64_t den) {
        int64_t divisor = common_divisor(num, den);

        return (Fraction) { num / divisor, den / divisor };
}

/* "-9.80665": the digits as one whole number, and how many of them stand behind the point. */
static int parse_decimal(const char *text, size_t length, int64_t *ret_digits, unsigned *ret_places) {
        bool negative = length > 0 && *text == '-', point = false;
        unsigned digits = 0, places = 0;
        int64_t number = 0;

        for (size_t i = negative; i < length; i++) {
                if (text[i] == '.' && !point) {
                        point = true;
                        continue;
                }
                if (!g_ascii_isdigit(text[i]))
                        return -EINVAL;
                if (++digits > DIGITS_MAX)
                        return -ERANGE;
                number = number * 10 + (text[i] - '0');
                places += point;
        }
        if (digits == 0 || text[length - 1] == '.')
                return -EINVAL;

        *ret_digits = negative ? -number : number;
        *ret_places = places;
        return 0;
}

static int64_t power_of_ten(unsigned n) {
        int64_t power = 1;

        while (n-- > 0)
                power *= 10;

        return power;
}

int number_parse(const char *text, int64_t min, int64_t max, int64_t *ret) {
        bool hex = g_str_has_prefix(text, "0x");
        const char *digits = hex ? text + 2 : *text == '-' ? text + 1 : text;
        gint64 number;
        char *end;

        if (!g_ascii_isxdigit(*digits) || (!hex && !g_ascii_isdigit(*digits)))
                return -EINVAL;

        errno = 0;
        number = g_ascii_strtoll(text, &end, hex ? 16 : 10);
        if (*end)
                return -EINVAL;
        if (errno == ERANGE || number < min || number > max)
                return -ERANGE;

        *ret = number;
        return 0;
}

int fraction_parse(const char *text, Fraction *ret) {
        const char *slash = strchr(text, '/');
        int64_t num, den = 1, places_num, places_den;
        unsigned places = 0, den_places = 0;
        Fraction f, by;
        int r;

        r = parse_decimal(text, slash ? (size_t) (slash - text) : strlen(text), &num, &places);
        if (r >= 0 && slash)
                r = parse_decimal(slash + 1, strlen(slash + 1), &den, &den_places);
        if (r < 0)
                return r;
        if (den <= 0)
                return -EINVAL;

        places_num = power_of_ten(den_places);
        places_den = power_of_ten(places);
        f = lowest(num, den);
        by = lowest(places_num, places_den);
        return fraction_multiply(f, by, ret);
}

int fraction_multiply(Fraction a, Fraction b, Fraction *ret) {
        Fraction left = lowest(a.num, b.den), right = lowest(b.num, a.den);
        int64_t num, den;

        if (__builtin_mul_overflow(left.num, right.num, &num) || __builtin_mul_overflow(left.den, right.den, &den) ||
            num == INT64_MIN)
                return -ERANGE;

        *ret = (Fraction) { num, den };
        return 0;
}

double fraction_double(Fraction f) {
        return (double) f.num / (double) f.den;
}

int fraction_common(Fraction a, Fraction b, int64_t *ret_a, int64_t *ret_b, int64_t *ret_den) {
        int64_t divisor = common_divisor(a.den, b.den), den, num_a, num_b;

        if (__builtin_mul_overflow(a.den, b.den / divisor, &den) || __builtin_mul_overflow(a.num, den / a.den, &num_a) ||
            __builtin_mul_overflow(b.num, den / b.den, &num_b))
                return -ERANGE;

        *ret_a = num_a;
        *ret_b = num_b;
        *ret_den = den;
        return 0;
}

int octets_parse(const char *text, uint8_t *octets, uint8_t *mask, size_t max) {
        size_t n = 0;

        for (const char *p = text; *p;) {
                bool any = mask && p[0] == '?' && p[1] == '?';

                if (*p == ' ') {
                        p++;
                        continue;
                }
                if (!any && (!g_ascii_isxdigit(p[0]) || !g_ascii_isxdigit(p[1])))
                        return -EINVAL;
                if (n == max)
                        return -EMSGSIZE;
                octets[n] = any ? 0 : (uint8_t) (g_ascii_xdigit_value(p[0]) << 4 | g_ascii_xdigit_value(p[1]));
                if (mask)
                        mask[n] = any ? 0 : 0xff;
                n++;
                p += 2;
        }

        return (int) n;
}

bool unit_known(const char *name) {
        for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
                if (g_str_equal(units[i].name, name))
                        return true;

        return false;
}

int unit_factor(const char *name, const char *canonical, Fraction *ret) {
        for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
                if (g_str_equal(units[i].name, name) && g_str_equal(units[i].canonical, canonical)) {
                        *ret = units[i].factor;
                        return 0;
                }

        return -ENOENT;
}
