/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Numbers as Bluetooth has them on every wire: low octet first. */

#include <stdint.h>

static inline uint16_t get_le16(const uint8_t *p) {
        return (uint16_t) (p[0] | p[1] << 8);
}

static inline void put_le16(uint8_t *p, uint16_t v) {
        p[0] = (uint8_t) v;
        p[1] = (uint8_t) (v >> 8);
}
