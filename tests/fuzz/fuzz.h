/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the fuzzing targets share. Each target is one function that takes octets and must come back, whatever they are; what it
 * promises beyond that is an assertion. libFuzzer calls it (tools/fuzz), or driver.c with the files of the corpus (suite "fuzz"). */

#undef NDEBUG /* the assertions are the test, in every kind of build */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) __attribute__((visibility("default")));

/* What is left of the input. Past its end everything is zero. */
typedef struct Input {
        const uint8_t *data;
        size_t size;
} Input;

static inline uint8_t input_u8(Input *in) {
        if (in->size == 0)
                return 0;
        in->size--;
        return *in->data++;
}

static inline uint16_t input_u16(Input *in) {
        uint8_t low = input_u8(in);

        return (uint16_t) (low | input_u8(in) << 8);
}

static inline uint32_t input_u32(Input *in) {
        uint16_t low = input_u16(in);

        return low | (uint32_t) input_u16(in) << 16;
}

/* A copy of up to n octets, of exactly their size on the heap: AddressSanitizer sees one octet too far. To be freed. */
static inline uint8_t *input_take(Input *in, size_t n, size_t *ret_size) {
        uint8_t *copy;

        if (n > in->size)
                n = in->size;
        copy = malloc(n); /* of no octets too */
        assert(copy);
        memcpy(copy, in->data, n);
        in->data += n;
        in->size -= n;
        *ret_size = n;
        return copy;
}

/* What decodes must encode, and decode to the same. same(one, two) compares what is sent of the two; may_send(one) says whether a device may
 * send the value at all: decoders take what encoders refuse. */
#define ROUND_TRIP(Type, in, space, decode, encode, may_send, same)            \
        do {                                                                   \
                size_t _size;                                                  \
                uint8_t *_data = input_take((in), (in)->size, &_size);         \
                uint8_t *_buf = calloc(1, (space));                            \
                Type _one = {}, _two = {};                                     \
                                                                               \
                if (decode(_data, _size, &_one) == 0) {                        \
                        int _n = encode(&_one, _buf, (space));                 \
                                                                               \
                        assert((_n > 0) == may_send(&_one));                       \
                        if (_n > 0) {                                          \
                                assert(decode(_buf, (size_t) _n, &_two) == 0); \
                                assert(same(&_one, &_two));                    \
                        }                                                      \
                }                                                              \
                free(_buf);                                                    \
                free(_data);                                                   \
        } while (0)

static inline bool always(const void *value) {
        return true;
}

#define SAME(member) (one->member == two->member)
