/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec-test.h"
#include "needled/omp-records.h"

/* 1.10: the record, whole and in the three packets of MTU 23 */
#define BODY "01 09 39 00 00 00 32 28 a7 1c 32 00 00 01 08 64 02 e8 01 cf dc 00 00 25 00 00 00 00 00 8e 03 5c 08 5a 14 " \
             "03 00 18 00 f4 01 ee 02 26 1b 03 ee ff c0 00 01 00 58 51 50 90"
#define FIRST "01 01 09 39 00 00 00 32 28 a7 1c 32 00 00 01 08 64 02 e8 01"
#define MIDDLE "04 cf dc 00 00 25 00 00 00 00 00 8e 03 5c 08 5a 14 03 00 18"
#define LAST "0a 00 f4 01 ee 02 26 1b 03 ee ff c0 00 01 00 58 51 50 90"

#define BODY_AND(what) (OMP_SEGMENT_BODY | (what))

static int push_octets(OmpReassembler *r, const uint8_t *octets, size_t size, unsigned expected_lost) {
        g_autofree uint8_t *copy = g_memdup2(octets, size);
        unsigned lost = 99;
        int what = omp_reassembler_push(r, copy, size, &lost);

        g_assert_cmpuint(lost, ==, expected_lost);
        g_assert_cmpint(what >= 0 && !!(what & OMP_SEGMENT_LOST), ==, lost > 0);
        return what;
}

static int push_hex(OmpReassembler *r, const char *hex, unsigned expected_lost) {
        Value v = value_from_hex(hex);

        return push_octets(r, v.octets, v.size, expected_lost);
}

/* A segment with flags and counter, carrying one octet. */
static int push(OmpReassembler *r, unsigned counter, unsigned flags, uint8_t octet, unsigned expected_lost) {
        const uint8_t segment[] = { (uint8_t) (counter << 2 | flags), octet };

        return push_octets(r, segment, sizeof(segment), expected_lost);
}

static void assert_body(const OmpReassembler *r, const char *hex) {
        Value v = value_from_hex(hex);

        g_assert_cmpmem(r->body, r->size, v.octets, v.size);
}

/* ---- Sending ---- */

static void vector_mtu_23(void) {
        static const char *const packets[] = { FIRST, MIDDLE, LAST };
        Value body = value_from_hex(BODY);
        OmpSegmenter s = {};

        g_assert_true(omp_segmenter_done(&s));
        g_assert_cmpint(omp_segmenter_begin(&s, body.octets, body.size), ==, 0);
        for (size_t i = 0; i < G_N_ELEMENTS(packets); i++) {
                g_assert_false(omp_segmenter_done(&s));
                ASSERT_ENCODES(omp_segmenter_next, &s, 20, packets[i]);
        }
        g_assert_true(omp_segmenter_done(&s));
        g_assert_cmpint(omp_segmenter_next(&s, NULL, 0), ==, 0);
}

static void vector_one_packet(void) {
        Value body = value_from_hex(BODY);
        OmpSegmenter s = {};

        /* "MTU ≥ 60" */
        g_assert_cmpint(omp_segmenter_begin(&s, body.octets, body.size), ==, 0);
        ASSERT_ENCODES(omp_segmenter_next, &s, 57, "03 " BODY);
        g_assert_true(omp_segmenter_done(&s));

        /* the counter runs on */
        g_assert_cmpint(omp_segmenter_begin(&s, body.octets, body.size), ==, 0);
        ASSERT_ENCODES(omp_segmenter_next, &s, 244, "07 " BODY);
}

static void vector_trace(void) {
        Value body = value_from_hex("02 01 39 00 00 00 00 00 00 00 64 00 02 34 03 1e 05 74 00 89 03 de 05 75 00 fa 08");
        OmpSegmenter s = {};

        g_assert_cmpint(omp_segmenter_begin(&s, body.octets, body.size), ==, 0);
        ASSERT_ENCODES(omp_segmenter_next, &s, 28,
                       "03 02 01 39 00 00 00 00 00 00 00 64 00 02 34 03 1e 05 74 00 89 03 de 05 75 00 fa 08");
}

static void sender_refuses(void) {
        g_autofree uint8_t *body = g_malloc0(OMP_BODY_MAX + 1);
        OmpSegmenter s = {};
        uint8_t buf[2] = {};

        g_assert_cmpint(omp_segmenter_begin(&s, body, 0), ==, -EINVAL);
        g_assert_cmpint(omp_segmenter_begin(&s, body, OMP_BODY_MAX + 1), ==, -EMSGSIZE);
        g_assert_true(omp_segmenter_done(&s));
        g_assert_cmpint(omp_segmenter_begin(&s, body, OMP_BODY_MAX), ==, 0);
        g_assert_cmpint(omp_segmenter_next(&s, buf, 0), ==, -EMSGSIZE);
        g_assert_cmpint(omp_segmenter_next(&s, buf, 1), ==, -EMSGSIZE);
        g_assert_cmpint(omp_segmenter_next(&s, buf, 2), ==, 2);
        g_assert_cmphex(buf[0], ==, OMP_SEGMENT_FIRST);
}

static void no_value_beyond_512(void) {
        g_autofree uint8_t *body = g_malloc0(OMP_BODY_MAX), *buf = g_malloc(1000);
        OmpSegmenter s = {};
        unsigned n = 0;

        g_assert_cmpint(omp_segmenter_begin(&s, body, OMP_BODY_MAX), ==, 0);
        while (!omp_segmenter_done(&s))
                g_assert_cmpint(omp_segmenter_next(&s, buf, 1000), ==, ++n <= 8 ? 512 : 9);
        g_assert_cmpuint(n, ==, 9);
}

/* Bodies of every length at many MTUs, three of them one after the other, so that the counter goes round. */
static void there_and_back_at_every_mtu(void) {
        static const size_t values[] = { 2, 3, 20, 57, 182, 244, 512 };
        g_autofree uint8_t *body = g_malloc(OMP_BODY_MAX);
        g_autofree OmpReassembler *r = g_new0(OmpReassembler, 1);

        for (size_t i = 0; i < OMP_BODY_MAX; i++)
                body[i] = (uint8_t) (i * 7 + i / 256);
        for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
                OmpSegmenter s = {};

                omp_reassembler_reset(r);
                for (size_t size = 1; size <= OMP_BODY_MAX; size += size < 600 ? 1 : 499) {
                        g_assert_cmpint(omp_segmenter_begin(&s, body, size), ==, 0);
                        while (!omp_segmenter_done(&s)) {
                                g_autofree uint8_t *exact = g_malloc(values[i]);
                                int n = omp_segmenter_next(&s, exact, values[i]);

                                g_assert_cmpint(n, >, 1);
                                g_assert_cmpint(push_octets(r, exact, (size_t) n, 0), ==,
                                                omp_segmenter_done(&s) ? OMP_SEGMENT_BODY : 0);
                        }
                        g_assert_cmpmem(r->body, r->size, body, size);
                }
        }
}

/* ---- Receiving ---- */

static void three_packets_make_the_record(void) {
        OmpReassembler r = {};

        g_assert_cmpint(push_hex(&r, FIRST, 0), ==, 0);
        g_assert_true(r.open);
        g_assert_cmpint(push_hex(&r, MIDDLE, 0), ==, 0);
        g_assert_cmpint(push_hex(&r, LAST, 0), ==, OMP_SEGMENT_BODY);
        g_assert_false(r.open);
        assert_body(&r, BODY);
}

static void loss_within_a_body_drops_it(void) {
        OmpReassembler r = {};

        g_assert_cmpint(push_hex(&r, FIRST, 0), ==, 0);
        g_assert_cmpint(push_hex(&r, LAST, 1), ==, OMP_SEGMENT_LOST | OMP_SEGMENT_DROPPED | OMP_SEGMENT_ORPHAN);
        g_assert_false(r.open);

        /* and the next one is whole */
        g_assert_cmpint(push(&r, 3, OMP_SEGMENT_FIRST | OMP_SEGMENT_LAST, 0x42, 0), ==, OMP_SEGMENT_BODY);
        assert_body(&r, "42");
}

static void loss_before_a_body_leaves_it_whole(void) {
        OmpReassembler r = {};

        g_assert_cmpint(push(&r, 0, 3, 1, 0), ==, OMP_SEGMENT_BODY);
        /* "runs on over all its bodies, so that a lost body shows" */
        g_assert_cmpint(push(&r, 3, 3, 2, 2), ==, BODY_AND(OMP_SEGMENT_LOST));
        assert_body(&r, "02");
}

static void loss_of_the_end_drops_the_old_and_begins_the_new(void) {
        OmpReassembler r = {};

        g_assert_cmpint(push(&r, 0, OMP_SEGMENT_FIRST, 1, 0), ==, 0);
        g_assert_cmpint(push(&r, 2, 3, 2, 1), ==, BODY_AND(OMP_SEGMENT_LOST | OMP_SEGMENT_DROPPED));
        assert_body(&r, "02");
}

static void loss_of_the_beginning(void) {
        OmpReassembler r = {};

        /* "The counter starts at 0 with each procedure": even the first shows what is missing. */
        g_assert_cmpint(push(&r, 1, OMP_SEGMENT_LAST, 1, 1), ==, OMP_SEGMENT_LOST | OMP_SEGMENT_ORPHAN);
        g_assert_cmpint(push(&r, 2, 3, 2, 0), ==, OMP_SEGMENT_BODY);

        omp_reassembler_reset(&r);
        g_assert_cmpint(push(&r, 63, 3, 3, 63), ==, BODY_AND(OMP_SEGMENT_LOST));
}

static void duplicate_is_ignored(void) {
        OmpReassembler r = {};

        g_assert_cmpint(push_hex(&r, FIRST, 0), ==, 0);
        g_assert_cmpint(push_hex(&r, FIRST, 0), ==, OMP_SEGMENT_DUPLICATE);
        g_assert_cmpint(push_hex(&r, MIDDLE, 0), ==, 0);
        g_assert_cmpint(push_hex(&r, MIDDLE, 0), ==, OMP_SEGMENT_DUPLICATE);
        g_assert_cmpint(push_hex(&r, LAST, 0), ==, OMP_SEGMENT_BODY);
        g_assert_cmpint(push_hex(&r, LAST, 0), ==, OMP_SEGMENT_DUPLICATE);
        assert_body(&r, BODY);
}

static void first_without_last(void) {
        OmpReassembler r = {};

        g_assert_cmpint(push(&r, 0, OMP_SEGMENT_FIRST, 1, 0), ==, 0);
        g_assert_cmpint(push(&r, 1, OMP_SEGMENT_FIRST, 2, 0), ==, OMP_SEGMENT_UNENDED | OMP_SEGMENT_DROPPED);
        g_assert_cmpint(push(&r, 2, OMP_SEGMENT_LAST, 3, 0), ==, OMP_SEGMENT_BODY);
        assert_body(&r, "02 03");
}

static void last_without_first(void) {
        OmpReassembler r = {};

        g_assert_cmpint(push(&r, 0, OMP_SEGMENT_LAST, 1, 0), ==, OMP_SEGMENT_ORPHAN);
        g_assert_cmpint(push(&r, 1, 0, 1, 0), ==, OMP_SEGMENT_ORPHAN);
        g_assert_cmpint(push(&r, 2, 3, 2, 0), ==, OMP_SEGMENT_BODY);
        g_assert_cmpint(push(&r, 3, 0, 1, 0), ==, OMP_SEGMENT_ORPHAN);
}

static void counter_goes_round(void) {
        OmpReassembler r = {};

        g_assert_cmpint(push(&r, 0, OMP_SEGMENT_FIRST, 0, 0), ==, 0);
        for (unsigned i = 1; i < 200; i++)
                g_assert_cmpint(push(&r, i % 64, 0, (uint8_t) i, 0), ==, 0);
        g_assert_cmpint(push(&r, 200 % 64, OMP_SEGMENT_LAST, 200, 0), ==, OMP_SEGMENT_BODY);
        g_assert_cmpuint(r.size, ==, 201);
        for (unsigned i = 0; i <= 200; i++)
                g_assert_cmpuint(r.body[i], ==, i);
}

/* "record > buffer cap (limit 4 KiB)" */
static void body_of_4096_octets_and_of_4097(void) {
        for (unsigned too_long = 0; too_long < 2; too_long++) {
                g_autofree OmpReassembler *r = g_new0(OmpReassembler, 1);
                g_autofree uint8_t *segment = g_malloc0(512);
                size_t rest = OMP_BODY_MAX - 8 * 511 + too_long;

                for (unsigned i = 0; i < 8; i++) {
                        segment[0] = (uint8_t) (i << 2 | (i == 0 ? OMP_SEGMENT_FIRST : 0));
                        g_assert_cmpint(push_octets(r, segment, 512, 0), ==, 0);
                }
                segment[0] = 8 << 2 | OMP_SEGMENT_LAST;
                g_assert_cmpint(push_octets(r, segment, 1 + rest, 0), ==,
                                too_long ? OMP_SEGMENT_TOO_LONG | OMP_SEGMENT_DROPPED : OMP_SEGMENT_BODY);
                g_assert_cmpuint(r->size, ==, too_long ? 0 : OMP_BODY_MAX);
                g_assert_false(r->open);

                /* What still comes of it belongs to nothing; the next body is whole. */
                g_assert_cmpint(push(r, 9, 0, 1, 0), ==, OMP_SEGMENT_ORPHAN);
                g_assert_cmpint(push(r, 10, 3, 1, 0), ==, OMP_SEGMENT_BODY);
        }
}

static void no_end_in_sight(void) {
        OmpReassembler r = {};
        unsigned too_long = 0;

        for (unsigned i = 0; i < 3 * OMP_BODY_MAX; i++) {
                int what = push(&r, i % 64, i == 0 ? OMP_SEGMENT_FIRST : 0, 1, 0);

                too_long += !!(what & OMP_SEGMENT_TOO_LONG);
                g_assert_cmpint(what, ==, i < OMP_BODY_MAX ? 0 : i > OMP_BODY_MAX ? OMP_SEGMENT_ORPHAN :
                                OMP_SEGMENT_TOO_LONG | OMP_SEGMENT_DROPPED);
        }
        g_assert_cmpuint(too_long, ==, 1);
}

/* "0-byte read = EOF" is the reader's; here it is no segment. */
static void values_that_are_no_segments(void) {
        OmpReassembler r = {};
        uint8_t octets[513] = { OMP_SEGMENT_FIRST };

        g_assert_cmpint(push_octets(&r, octets, 0, 0), ==, -EMSGSIZE);
        g_assert_cmpint(push_octets(&r, octets, 1, 0), ==, -EMSGSIZE);
        g_assert_cmpint(push_octets(&r, octets, 513, 0), ==, -EMSGSIZE);
        g_assert_false(r.started);

        /* As if it had not come: the next one shows it. */
        g_assert_cmpint(push(&r, 0, OMP_SEGMENT_FIRST, 1, 0), ==, 0);
        octets[0] = 1 << 2;
        g_assert_cmpint(push_octets(&r, octets, 1, 0), ==, -EMSGSIZE);
        g_assert_cmpint(push(&r, 2, OMP_SEGMENT_LAST, 1, 1), ==, OMP_SEGMENT_LOST | OMP_SEGMENT_DROPPED | OMP_SEGMENT_ORPHAN);
}

static void each_procedure_starts_at_0(void) {
        OmpReassembler r = {};

        g_assert_cmpint(push(&r, 0, 3, 1, 0), ==, OMP_SEGMENT_BODY);
        g_assert_cmpint(push(&r, 1, OMP_SEGMENT_FIRST, 1, 0), ==, 0);
        omp_reassembler_reset(&r);
        g_assert_false(r.open);
        g_assert_cmpint(push(&r, 0, 3, 2, 0), ==, OMP_SEGMENT_BODY);
        assert_body(&r, "02");
}

/* Segments lost and sent twice at random: what is reported as a body is one that was sent, from the first octet to the last, and every
 * body of which all came is reported. */
static void never_a_body_that_was_not_sent(void) {
        g_autoptr(GRand) rand = g_rand_new_with_seed(20260822);
        g_autofree OmpReassembler *r = g_new0(OmpReassembler, 1);
        unsigned whole = 0, dropped = 0, lost = 0, doubled = 0;
        OmpSegmenter s = {};

        for (unsigned number = 0; number < 5000; number++) {
                uint8_t body[200];
                size_t size = (size_t) g_rand_int_range(rand, 1, sizeof(body));
                bool all = true, reported = false;

                memset(body, (int) (number % 251), size);
                g_assert_cmpint(omp_segmenter_begin(&s, body, size), ==, 0);
                while (!omp_segmenter_done(&s)) {
                        uint8_t segment[20];
                        int n = omp_segmenter_next(&s, segment, sizeof(segment)), what;
                        unsigned missing;

                        if (g_rand_int_range(rand, 0, 40) == 0) {
                                all = false;
                                lost++;
                                continue;
                        }
                        what = omp_reassembler_push(r, segment, (size_t) n, &missing);
                        g_assert_cmpint(what, >=, 0);
                        g_assert_false(what & (OMP_SEGMENT_DUPLICATE | OMP_SEGMENT_TOO_LONG));
                        lost -= missing;
                        dropped += !!(what & OMP_SEGMENT_DROPPED);
                        if (what & OMP_SEGMENT_BODY) {
                                reported = true;
                                g_assert_cmpmem(r->body, r->size, body, size);
                        }
                        if (g_rand_int_range(rand, 0, 40) == 0) {
                                doubled++;
                                what = omp_reassembler_push(r, segment, (size_t) n, &missing);
                                g_assert_cmpint(what, ==, OMP_SEGMENT_DUPLICATE);
                        }
                }
                g_assert_cmpint(reported, ==, all);
                whole += reported;
        }

        g_test_message("%u whole, %u dropped, %u sent twice", whole, dropped, doubled);
        g_assert_cmpuint(whole, >, 3000);
        g_assert_cmpuint(dropped, >, 300);
        g_assert_cmpuint(doubled, >, 300);
        g_assert_cmpuint(lost, <, 3); /* each was counted, but for those after which nothing came */
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/segment/1.10/mtu-23", vector_mtu_23);
        g_test_add_func("/segment/1.10/one-packet", vector_one_packet);
        g_test_add_func("/segment/1.10/trace", vector_trace);
        g_test_add_func("/segment/sender-refuses", sender_refuses);
        g_test_add_func("/segment/1.1/no-value-beyond-512", no_value_beyond_512);
        g_test_add_func("/segment/there-and-back-at-every-mtu", there_and_back_at_every_mtu);
        g_test_add_func("/segment/1.10/three-packets-make-the-record", three_packets_make_the_record);
        g_test_add_func("/segment/1.12/loss/within-a-body-drops-it", loss_within_a_body_drops_it);
        g_test_add_func("/segment/1.12/loss/before-a-body-leaves-it-whole", loss_before_a_body_leaves_it_whole);
        g_test_add_func("/segment/1.12/loss/of-the-end", loss_of_the_end_drops_the_old_and_begins_the_new);
        g_test_add_func("/segment/1.12/loss/of-the-beginning", loss_of_the_beginning);
        g_test_add_func("/segment/1.12/duplication", duplicate_is_ignored);
        g_test_add_func("/segment/1.12/first-without-last", first_without_last);
        g_test_add_func("/segment/last-without-first", last_without_first);
        g_test_add_func("/segment/counter-goes-round", counter_goes_round);
        g_test_add_func("/segment/1.12/body-of-4096-octets-and-of-4097", body_of_4096_octets_and_of_4097);
        g_test_add_func("/segment/1.12/no-end-in-sight", no_end_in_sight);
        g_test_add_func("/segment/never-a-body-that-was-not-sent", never_a_body_that_was_not_sent);
        g_test_add_func("/segment/values-that-are-no-segments", values_that_are_no_segments);
        g_test_add_func("/segment/1.10/each-procedure-starts-at-0", each_procedure_starts_at_0);
        return g_test_run();
}
