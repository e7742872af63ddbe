/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What decoding, encoding and checking of vendor programs share. */

#include "codec/vendor-type.h"

/* Where an offset points in a packet of this size: negative ones count from its end. Negative: before its beginning. */
static inline int vendor_at(int offset, size_t size) {
        return offset < 0 ? (int) size + offset : offset;
}

static inline unsigned vendor_check_size(unsigned kind) {
        return kind == VENDOR_CHECK_NONE ? 0 : kind == VENDOR_CHECK_CRC16_MCRF4XX ? 2 : 1;
}

/* The check's number over [from, to). */
static inline unsigned vendor_check_sum(unsigned kind, const uint8_t *data, size_t from, size_t to) {
        unsigned sum = 0;

        if (kind == VENDOR_CHECK_CRC16_MCRF4XX)
                return omp_crc16(data + from, to - from);
        for (size_t i = from; i < to; i++)
                sum = kind == VENDOR_CHECK_XOR8 ? sum ^ data[i] : sum + data[i];

        return sum & 0xff;
}

/* Where the check of a packet of this size stands, and what it is over. False: the packet is too short for it. */
static inline bool vendor_check_place(const VendorChar *ch, size_t size, size_t *ret_from, size_t *ret_to, size_t *ret_at) {
        int from = vendor_at(ch->check_start, size), to = vendor_at(ch->check_end, size), at = vendor_at(ch->check_at, size);

        if (from < 0 || to < from || to > (int) size || at < 0 || at + (int) vendor_check_size(ch->check) > (int) size)
                return false;

        *ret_from = (size_t) from;
        *ret_to = (size_t) to;
        *ret_at = (size_t) at;
        return true;
}
