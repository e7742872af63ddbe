/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A cheap, deterministic sweep over all decoders: random octets, and the profile's own values with octets
 * changed, cut and added. Whatever comes, a decoder reads no octet too far (AddressSanitizer), fails with
 * an error that its header lists and then leaves its struct alone; and what it takes, the encoder gives
 * back as the very octets, apart from what 1.1 says to ignore. */

#include "codec-test.h"
#include "needled/omp-control.h"
#include "needled/omp-records.h"

#define ROUNDS 60000u
#define SEED 20260822u

typedef enum CrcRule {
        CRC_FLAGGED,            /* a bit of the value says that there is one */
        CRC_ALWAYS,
        CRC_NEVER,
} CrcRule;

typedef struct Codec {
        /* Decodes and encodes again: 0 or the decoder's error. */
        int (*turn)(const Value *v, uint8_t *buf, int *ret_encoded);
        /* Cuts a value that was decoded to its own fields, with what is ignored on receipt as it is sent.
         * Returns false if the profile forbids what is left. */
        bool (*trim)(Value *v);
        size_t flag_octet;      /* where it says that there is a CRC */
        uint8_t flag;
        CrcRule crc;
        bool proto;             /* may fail with -EPROTO */
        bool major;             /* may fail with -EOPNOTSUPP */
        const char *seeds[4];
} Codec;

#define DEFINE_TURN(name, Type, decode, encode)                                                         \
        static int name(const Value *v, uint8_t *buf, int *ret_encoded) {                               \
                Type out, before;                                                                       \
                int r;                                                                                  \
                                                                                                        \
                memset(&out, 0xa5, sizeof(out));                                                        \
                memcpy(&before, &out, sizeof(out));                                                     \
                r = DECODE(decode, v, &out);                                                            \
                if (r == 0)                                                                             \
                        *ret_encoded = encode(&out, buf, TEST_VALUE_MAX);                               \
                else if (r != -EOPNOTSUPP)                                                              \
                        g_assert_cmpmem(&out, sizeof(out), &before, sizeof(out));                       \
                return r;                                                                               \
        }

DEFINE_TURN(turn_feature, OmpFeature, omp_feature_decode, omp_feature_encode)
DEFINE_TURN(turn_live, OmpLive, omp_live_decode, omp_live_encode)
DEFINE_TURN(turn_waveform, OmpWaveform, omp_waveform_decode, omp_waveform_encode)
DEFINE_TURN(turn_event, OmpEvent, omp_event_decode, omp_event_encode)
DEFINE_TURN(turn_status, OmpStatus, omp_status_decode, omp_status_encode)

DEFINE_TURN(turn_clock, OmpClock, omp_clock_decode, omp_clock_encode)
DEFINE_TURN(turn_racp_response, OmpRacpResponse, omp_racp_response_decode, omp_racp_response_encode)
DEFINE_TURN(turn_record, OmpRecord, omp_record_decode, omp_record_encode)
DEFINE_TURN(turn_trace, OmpTrace, omp_trace_decode, omp_trace_encode)

static int response_decode_crc(const uint8_t *data, size_t size, OmpResponse *ret) {
        return omp_response_decode(data, size, true, ret);
}

static int response_encode_crc(const OmpResponse *response, uint8_t *buf, size_t size) {
        return omp_response_encode(response, true, buf, size);
}

/* What a device refuses or answers, as one of the errors that the sweep counts. */
static int request_decode_crc(const uint8_t *data, size_t size, OmpRequest *ret) {
        OmpResult result;
        OmpRequest request;
        int r = omp_request_decode(data, size, true, &request, &result);

        if (r == OMP_ATT_CRC_BAD)
                return -EBADMSG;
        if (r == OMP_ATT_LENGTH || r == OMP_ATT_CRC_MISSING)
                return -EMSGSIZE;
        g_assert_cmpint(r, ==, 0);
        if (result == OMP_RESULT_NOT_SUPPORTED)
                return -EOPNOTSUPP;
        if (result == OMP_RESULT_INVALID)
                return -EPROTO;
        g_assert_cmpuint(result, ==, OMP_RESULT_OK);
        *ret = request;
        return 0;
}

static int request_encode_crc(const OmpRequest *request, uint8_t *buf, size_t size) {
        return omp_request_encode(request, true, buf, size);
}

static int racp_request_decode(const uint8_t *data, size_t size, OmpRacpRequest *ret) {
        OmpRacpRequest request;
        OmpRacpCode code;
        int r = omp_racp_request_decode(data, size, &request, &code);

        if (r == OMP_ATT_LENGTH)
                return -EMSGSIZE;
        g_assert_cmpint(r, ==, 0);
        if (code == OMP_RACP_OP_NOT_SUPPORTED || code == OMP_RACP_OPERATOR_NOT_SUPPORTED ||
            code == OMP_RACP_OPERAND_NOT_SUPPORTED)
                return -EOPNOTSUPP;
        if (code == OMP_RACP_INVALID_OPERAND || code == OMP_RACP_INVALID_OPERATOR)
                return -EPROTO;
        g_assert_cmpuint(code, ==, OMP_RACP_SUCCESS);
        *ret = request;
        return 0;
}

static int clock_write_decode(const uint8_t *data, size_t size, OmpElapsed *ret) {
        int r = omp_clock_write_decode(data, size, ret);

        if (r == OMP_ATT_CLOCK_FORMAT)
                return -EMSGSIZE;
        if (r == OMP_ATT_CLOCK_SOURCE)
                return -EPROTO;
        if (r == OMP_ATT_RANGE)
                return -EOPNOTSUPP;
        g_assert_cmpint(r, ==, 0);
        return 0;
}

DEFINE_TURN(turn_response, OmpResponse, response_decode_crc, response_encode_crc)
DEFINE_TURN(turn_request, OmpRequest, request_decode_crc, request_encode_crc)
DEFINE_TURN(turn_racp_request, OmpRacpRequest, racp_request_decode, omp_racp_request_encode)
DEFINE_TURN(turn_clock_write, OmpElapsed, clock_write_decode, omp_clock_write_encode)

static bool trim_feature(Value *v) {
        v->size = 21;
        v->octets[4] &= 0x1f; /* bits 21 and up */
        v->octets[5] = 0;
        v->octets[19] = v->octets[20] = 0xff;
        return !(v->octets[10] & 0x80); /* "force full scale ≤ 32,767" */
}

static bool trim_live(Value *v) {
        static const size_t field_size[] = { 2, 2, 2, 4, 4, 1, 2 };

        v->size = 18;
        for (size_t i = 0; i < G_N_ELEMENTS(field_size); i++)
                if (v->octets[0] & 1u << i)
                        v->size += field_size[i];
        v->octets[0] &= 0x7f;
        if ((v->octets[1] & 3) == 1) /* "Contact 1 = as 0" */
                v->octets[1] &= 0xfc;
        if (v->octets[1] & 0x80)
                v->size += 2;
        return true;
}

static bool trim_waveform(Value *v) {
        v->size = 10 + 2 * v->octets[9] + (v->octets[8] & 0x80 ? 2 : 0);
        return true;
}

static bool trim_event(Value *v) {
        v->octets[1] &= 0x8f;
        v->size = v->octets[1] & 0x80 ? 14 : 12;
        return true;
}

static bool trim_status(Value *v) {
        v->size = v->octets[1] & 0x80 ? 20 : 18;
        return true;
}

static bool trim_clock(Value *v) {
        v->size = 13;
        v->octets[4] &= 0x3f;
        return true;
}

static bool trim_clock_write(Value *v) {
        v->octets[0] &= 0x3f;
        return true; /* its length is exact */
}

static bool trim_request(Value *v) {
        if (v->octets[0] == OMP_OP_SIGNAL)
                v->octets[1] &= 7;
        return true; /* its length is exact */
}

static bool trim_response(Value *v) {
        const OmpParameterInfo *info = omp_parameter_info(v->octets[3]);
        uint8_t op = v->octets[1];

        v->size = 3 + 2;
        if (v->octets[2] != OMP_RESULT_OK)
                return true;
        if (op == OMP_OP_GET && !info)
                return false; /* a value without a type */
        if (op == OMP_OP_GET)
                v->size += info->type == OMP_TYPE_U8 ? 2 : 3;
        if (op == OMP_OP_START || op == OMP_OP_STOP || op == OMP_OP_TRACE)
                v->size += 4;
        return true;
}

static bool trim_racp_request(Value *v) {
        return true; /* its length is exact */
}

static bool trim_racp_response(Value *v) {
        v->octets[1] = 0;
        v->size = v->octets[0] == OMP_RACP_COUNT_RESPONSE ? 6 : 4;
        return true;
}

static bool trim_record(Value *v) {
        v->octets[1] &= 0x1f;
        v->octets[6] &= 0x3f;
        v->size = OMP_RECORD_SIZE;
        return true;
}

static bool trim_trace(Value *v) {
        v->octets[1] &= 1;
        v->size = OMP_TRACE_SIZE(v->octets[12]);
        return true;
}

static const Codec feature = {
        turn_feature, trim_feature, 3, 0x20, .major = true,
        .seeds = {
                "01 00 ff 0e 0a 00 03 10 00 20 4e ae 1e e8 03 c4 09 c8 00 ff ff",
                "01 00 8d 3f 08 00 01 c0 00 30 75 00 00 c8 00 fa 00 32 00 3b cd",
                "01 00 ff 7e 0b 00 03 10 00 20 4e ae 1e e8 03 c4 09 c8 00 73 9a",
                "01 00",
        },
};

static const Codec live = {
        turn_live, trim_live, 1, 0x80,
        .seeds = {
                "01 1b 02 01 4e 61 bc 00 52 03 96 05 40 e2 01 00 26 61 f4 01",
                "37 9f 03 01 36 65 bc 00 30 0c 5a 14 4c e2 01 00 2a 65 f4 01 b8 1a "
                "9c 01 3c 6d 01 00 03 fc 59",
                "08 13 07 00 4e 61 bc 00 e2 04 6c 07 2a 00 00 00 26 3e 23 0f 00 00",
                "",
        },
};

static const Codec waveform = {
        turn_waveform, trim_waveform, 8, 0x80, .proto = true,
        .seeds = {
                "10 0a 4e 61 bc 00 e8 03 00 05 00 00 78 00 80 02 82 05 98 05",
                "11 0a 80 61 bc 00 e8 03 80 03 d4 03 9a 01 f1 ff 74 bd",
                "10 0a 4e 61 bc 00 e8 03 00 00",
                "",
        },
};

static const Codec event = {
        turn_event, trim_event, 1, 0x80,
        .seeds = {
                "01 06 21 00 4e 61 bc 00 5a 14 00 00",
                "01 02 22 00 be 78 bc 00 60 09 00 00",
                "20 84 23 00 4e 61 bc 00 ee ff c0 00 b8 2b",
                "",
        },
};

static const Codec status = {
        turn_status, trim_status, 1, 0x80,
        .seeds = {
                "03 1f 39 00 00 00 38 01 e4 70 00 00 f4 01 58 1b 01 00",
                "03 9f 39 00 00 00 38 01 e4 70 00 00 f4 01 58 1b 01 00 00 00",
                "08 00 00 00 00 00 ff ff ff ff ff ff ff ff ff ff ff ff",
                "",
        },
};

static const Codec clock_read = {
        turn_clock, trim_clock, .crc = CRC_NEVER,
        .seeds = {
                "4e 61 bc 00 32 28 a7 1c 32 00 00 01 08",
                "4e 61 bc 00 0d 4e 61 bc 00 00 00 07 00",
                "4e 61 bc 00 3e f6 b9 41 7f a5 07 01 f4",
                "",
        },
};

static const Codec clock_write = {
        turn_clock_write, trim_clock_write, .crc = CRC_NEVER, .proto = true, .major = true,
        .seeds = {
                "3a 3a f5 ec bf c3 00 01 08",
                "3a 3a f5 ec bf c3 00 07 08",
                "32 00 00 00 00 00 00 01 08",
                "",
        },
};

static const Codec request = {
        turn_request, trim_request, .crc = CRC_ALWAYS, .proto = true, .major = true,
        .seeds = {
                "02 03 a0 0f 00 00",
                "03 1c 3d",
                "10 39 00 00 00 00 00 00 00 00 00",
                "",
        },
};

static const Codec response = {
        turn_response, trim_response, .crc = CRC_ALWAYS, .proto = true,
        .seeds = {
                "20 01 01 03 a0 0f 00 00",
                "20 04 01 3a 00 00 00 00 00",
                "20 03 06 00 00",
                "",
        },
};

static const Codec racp_request = {
        turn_racp_request, trim_racp_request, .crc = CRC_NEVER, .proto = true, .major = true,
        .seeds = {
                "04 03 01 3a 00 00 00",
                "01 04 01 3a 00 00 00 3b 00 00 00",
                "01 06",
                "",
        },
};

static const Codec racp_response = {
        turn_racp_response, trim_racp_response, .crc = CRC_NEVER, .proto = true,
        .seeds = {
                "05 00 02 00 00 00",
                "06 00 01 01",
                "06 00 01 06",
                "",
        },
};

static const Codec record = {
        turn_record, trim_record, .crc = CRC_ALWAYS, .proto = true,
        .seeds = {
                "01 09 39 00 00 00 32 28 a7 1c 32 00 00 01 08 64 02 e8 01 cf dc 00 00 25 00 00 00 00 00 8e 03 5c 08 5a 14 "
                "03 00 18 00 f4 01 ee 02 26 1b 03 ee ff c0 00 01 00 58 51 50 90",
                "01 09 39 00 00 00 0d 4e 61 bc 00 00 00 07 00 64 02 e8 01 cf dc 00 00 25 00 00 00 00 00 8e 03 5c 08 5a 14 "
                "03 00 18 00 f4 01 ee 02 26 1b 03 ee ff c0 00 01 00 58 51 00 00 00 00 00",
                "03 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 "
                "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
                "",
        },
};

static const Codec trace = {
        turn_trace, trim_trace, .crc = CRC_ALWAYS, .proto = true,
        .seeds = {
                "02 01 39 00 00 00 00 00 00 00 64 00 02 34 03 1e 05 74 00 89 03 de 05 75 00 fa 08",
                "02 01 39 00 00 00 02 00 00 00 64 00 00 00 00",
                "02 00 39 00 00 00 02 00 00 00 64 00 00 00 00",
                "",
        },
};

static bool has_crc(const Codec *codec, const Value *v) {
        switch (codec->crc) {
        case CRC_FLAGGED:
                return v->octets[codec->flag_octet] & codec->flag;
        case CRC_ALWAYS:
                return true;
        case CRC_NEVER:
                return false;
        }

        g_assert_not_reached();
}

static Value next_value(const Codec *codec, GRand *rand) {
        Value v = value_from_hex(codec->seeds[g_rand_int_range(rand, 0, 4)]);
        int growth = g_rand_int_range(rand, 0, 4), change = g_rand_int_range(rand, -4, 12);

        /* As it is, a little longer or shorter, or of any length. */
        if (growth == 1)
                v.size = (size_t) MAX(0, (int) v.size + change);
        else if (growth == 2)
                v.size = (size_t) g_rand_int_range(rand, 0, 520);
        for (size_t i = 0; i < v.size; i++)
                if (growth >= 2 && g_rand_int_range(rand, 0, 4) == 0)
                        v.octets[i] = (uint8_t) g_rand_int(rand);
        for (int i = g_rand_int_range(rand, 0, 4); i > 0 && v.size > 0; i--) {
                size_t at = (size_t) g_rand_int_range(rand, 0, (int) MIN(v.size, 24));

                v.octets[at] ^= (uint8_t) (1u << g_rand_int_range(rand, 0, 8));
        }
        if (v.size > codec->flag_octet + 2 && has_crc(codec, &v) && g_rand_boolean(rand))
                value_seal(&v);

        return v;
}

static void check_encoded(const Codec *codec, const Value *v, const uint8_t *buf, int encoded) {
        Value expected = *v;

        if (!codec->trim(&expected)) {
                g_assert_cmpint(encoded, ==, -EINVAL);
                return;
        }
        if (has_crc(codec, &expected))
                value_seal(&expected);
        g_assert_cmpint(encoded, ==, (int) expected.size);
        g_assert_cmpmem(buf, (size_t) encoded, expected.octets, expected.size);
}

static void sweep(gconstpointer data) {
        const Codec *codec = data;
        g_autoptr(GRand) rand = g_rand_new_with_seed(SEED);
        unsigned ok = 0, sealed = 0, short_ = 0, bad = 0, proto = 0, major = 0;

        for (unsigned i = 0; i < ROUNDS; i++) {
                Value v = next_value(codec, rand);
                uint8_t buf[TEST_VALUE_MAX];
                int encoded = 0, r = codec->turn(&v, buf, &encoded);

                ok += r == 0;
                short_ += r == -EMSGSIZE;
                bad += r == -EBADMSG;
                proto += r == -EPROTO;
                major += r == -EOPNOTSUPP;
                if (r < 0)
                        continue;
                sealed += has_crc(codec, &v);
                check_encoded(codec, &v, buf, encoded);
        }

        /* Every way out was gone many times, and no other. */
        g_test_message("%u decoded, %u of them with a CRC; %u short, %u bad, %u proto, %u major",
                       ok, sealed, short_, bad, proto, major);
        g_assert_cmpuint(ok + short_ + bad + proto + major, ==, ROUNDS);
        g_assert_cmpuint(ok, >, ROUNDS / 10);
        g_assert_cmpuint(short_, >, ROUNDS / 50);
        g_assert_true(codec->crc == CRC_NEVER ? sealed == 0 : sealed > ROUNDS / 50);
        g_assert_true(codec->crc == CRC_NEVER ? bad == 0 : bad > ROUNDS / 50);
        g_assert_true(codec->proto ? proto > ROUNDS / 50 : proto == 0);
        g_assert_true(codec->major ? major > ROUNDS / 50 : major == 0);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_data_func("/codec-sweep/feature", &feature, sweep);
        g_test_add_data_func("/codec-sweep/live", &live, sweep);
        g_test_add_data_func("/codec-sweep/waveform", &waveform, sweep);
        g_test_add_data_func("/codec-sweep/event", &event, sweep);
        g_test_add_data_func("/codec-sweep/status", &status, sweep);
        g_test_add_data_func("/codec-sweep/clock-read", &clock_read, sweep);
        g_test_add_data_func("/codec-sweep/clock-write", &clock_write, sweep);
        g_test_add_data_func("/codec-sweep/request", &request, sweep);
        g_test_add_data_func("/codec-sweep/response", &response, sweep);
        g_test_add_data_func("/codec-sweep/racp-request", &racp_request, sweep);
        g_test_add_data_func("/codec-sweep/racp-response", &racp_response, sweep);
        g_test_add_data_func("/codec-sweep/record", &record, sweep);
        g_test_add_data_func("/codec-sweep/trace", &trace, sweep);
        return g_test_run();
}
