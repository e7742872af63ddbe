/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The numbers of a profile. They stay fractions until the end: 9.80665 is 980665/100000, not the nearest double. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Fraction {       /* in lowest terms, den > 0 */
        int64_t num, den;
} Fraction;

/* "12", "0x0c", "-3". -EINVAL no number; -ERANGE not within [min, max]. */
int number_parse(const char *text, int64_t min, int64_t max, int64_t *ret);
/* "9.80665", "-40", "1000/3036". -EINVAL no such number, or nothing divided by 0; -ERANGE it has too many digits. */
int fraction_parse(const char *text, Fraction *ret);
int fraction_multiply(Fraction a, Fraction b, Fraction *ret); /* -ERANGE */
double fraction_double(Fraction f);
/* a × and b × the least number that makes both whole: for (raw × a + b) ÷ den. -ERANGE. */
int fraction_common(Fraction a, Fraction b, int64_t *ret_a, int64_t *ret_b, int64_t *ret_den);

/* "a5 01", blanks between octets or none; with "??" for any octet if mask is not NULL (octets and mask of it are 0 then). Returns how
 * many, at most max; -EINVAL no hex, -EMSGSIZE more than max. */
int octets_parse(const char *text, uint8_t *octets, uint8_t *mask, size_t max);

/* The closed set of units. A name may be of more than one quantity: mm is a distance, and a depth of 1000 µm. */
bool unit_known(const char *name);
/* What a value in this unit is multiplied by to be in the canonical one. -ENOENT: the unit is of another quantity, or not known. */
int unit_factor(const char *name, const char *canonical, Fraction *ret);
