/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conformance.h"

#define ANSWER_USEC (50 * MSEC)

static PeripheralSent on_notify(unsigned index, const uint8_t *data, size_t size, void *userdata) {
        Host *h = userdata;

        g_assert_true(peripheral_subscribed(h->p, index));
        g_assert_true(size > 0 || h->takes_empty);
        g_assert_cmpuint(size, <=, h->value_max);
        g_assert_cmpuint(size, <=, OMP_VALUE_MAX);
        if (h->full)
                return PERIPHERAL_REFUSED;

        g_ptr_array_add(h->values[index], g_bytes_new(data, size));
        return PERIPHERAL_SENT;
}

PeripheralConfig config_of(OmpKind kind, bool crc) {
        PeripheralConfig config;

        peripheral_config_defaults(&config, kind);
        config.procedure_usec = 12 * SEC;
        config.crc = crc;
        return config;
}

Host *host_new(const PeripheralConfig *config, unsigned mtu) {
        static const PeripheralOps ops = { .notify = on_notify };
        Host *h = g_new0(Host, 1);

        h->crc = config->crc;
        h->now_usec = 1000 * SEC;
        h->value_max = mtu - 3;
        for (OmpChar c = 0; c < _OMP_CHAR_MAX; c++)
                h->values[c] = g_ptr_array_new_with_free_func((GDestroyNotify) g_bytes_unref);
        h->p = peripheral_new(config, &ops, h);
        peripheral_set_value_max(h->p, h->value_max);
        peripheral_advance(h->p, h->now_usec);
        return h;
}

void host_free(Host *h) {
        peripheral_free(h->p);
        for (OmpChar c = 0; c < _OMP_CHAR_MAX; c++)
                g_ptr_array_unref(h->values[c]);
        g_free(h);
}

void run(Host *h, uint64_t usec) {
        uint64_t end = h->now_usec + usec, next;

        while ((next = MAX(peripheral_next(h->p), h->now_usec)) <= end) {
                h->now_usec = next;
                peripheral_advance(h->p, next);
                g_assert_cmpuint(peripheral_next(h->p), >, next); /* else a loop would turn for ever */
        }
        h->now_usec = end;
        peripheral_advance(h->p, end);
}

void enable(Host *h, OmpChar c) {
        peripheral_subscribe(h->p, c, true);
}

void enable_all(Host *h) {
        unsigned n;
        const PeripheralChar *chars = peripheral_chars(h->p, &n);

        for (unsigned i = 0; i < n; i++)
                if (chars[i].properties & (PERIPHERAL_NOTIFY | PERIPHERAL_INDICATE))
                        enable(h, (OmpChar) i);
        run(h, ANSWER_USEC);
}

void reconnect(Host *h) {
        peripheral_disconnected(h->p);
        run(h, ANSWER_USEC);
        peripheral_set_value_max(h->p, h->value_max);
}

void control(Host *h, const char *word, const char *argument) {
        g_assert_cmpint(peripheral_control(h->p, word, argument), ==, 0);
        run(h, ANSWER_USEC);
}

void procedure(Host *h) {
        peripheral_start(h->p);
        run(h, 60 * SEC);
        g_assert_false(peripheral_running(h->p));
}

static int write_value(Host *h, OmpChar c, const Value *v) {
        g_autofree uint8_t *copy = g_memdup2(v->octets, v->size);

        return peripheral_write(h->p, c, copy, v->size);
}

void writes(Host *h, OmpChar c, const char *hex) {
        Value v = value_from_hex(hex);

        g_assert_cmpint(write_value(h, c, &v), ==, 0);
}

void refused(Host *h, OmpChar c, const char *hex, int error) {
        Value v = value_from_hex(hex);

        g_assert_cmphex((unsigned) -write_value(h, c, &v), ==, (unsigned) error);
}

static void assert_octets(const uint8_t *data, size_t size, const Value *v) {
        g_assert_cmpmem(data, size, v->octets, v->size);
}

void reads(Host *h, OmpChar c, const char *hex) {
        Value v = value_from_hex(hex);
        uint8_t buf[OMP_VALUE_MAX];
        int n = peripheral_read(h->p, c, buf, sizeof(buf));

        g_assert_cmpint(n, >, 0);
        assert_octets(buf, (size_t) n, &v);
}

static void expect_value(Host *h, OmpChar c, const Value *v) {
        const uint8_t *data;
        size_t size;

        run(h, ANSWER_USEC);
        g_assert_cmpuint(count(h, c), >, h->seen[c]);
        data = value(h, c, h->seen[c]++, &size);
        assert_octets(data, size, v);
}

void expect(Host *h, OmpChar c, const char *hex) {
        Value v = value_from_hex(hex);

        expect_value(h, c, &v);
}

void expect_nothing(Host *h, OmpChar c) {
        run(h, ANSWER_USEC);
        g_assert_cmpuint(count(h, c), ==, h->seen[c]);
}

void forget(Host *h, OmpChar c) {
        h->seen[c] = count(h, c);
}

static Value control_value(const Host *h, const char *hex) {
        Value v = value_from_hex(hex);

        if (h->crc) {
                v.size += 2;
                value_seal(&v);
        }
        return v;
}

void request(Host *h, const char *hex) {
        Value v = control_value(h, hex);

        g_assert_cmpint(write_value(h, OMP_CHAR_CONTROL_POINT, &v), ==, 0);
}

void ask(Host *h, const char *hex, const char *response) {
        Value v = control_value(h, response);

        request(h, hex);
        expect_value(h, OMP_CHAR_CONTROL_POINT, &v);
}

const uint8_t *value(const Host *h, OmpChar c, unsigned i, size_t *ret_size) {
        return g_bytes_get_data(h->values[c]->pdata[i], ret_size);
}

unsigned count(const Host *h, OmpChar c) {
        return h->values[c]->len;
}

OmpLive live(const Host *h, unsigned i) {
        size_t size;
        const uint8_t *data = value(h, OMP_CHAR_LIVE, i, &size);
        OmpLive ret;

        g_assert_cmpint(omp_live_decode(data, size, &ret), ==, 0);
        return ret;
}

OmpEvent event(const Host *h, unsigned i) {
        size_t size;
        const uint8_t *data = value(h, OMP_CHAR_EVENT, i, &size);
        OmpEvent ret;

        g_assert_cmpint(omp_event_decode(data, size, &ret), ==, 0);
        return ret;
}

OmpStatus status(const Host *h) {
        uint8_t buf[OMP_VALUE_MAX];
        int n = peripheral_read(h->p, OMP_CHAR_STATUS, buf, sizeof(buf));
        OmpStatus ret;

        g_assert_cmpint(n, >, 0);
        g_assert_cmpint(omp_status_decode(buf, (size_t) n, &ret), ==, 0);
        return ret;
}

bool find_event(const Host *h, unsigned from, uint8_t code, OmpEvent *ret) {
        for (unsigned i = from; i < count(h, OMP_CHAR_EVENT); i++) {
                OmpEvent e = event(h, i);

                if (e.code == code) {
                        *ret = e;
                        return true;
                }
        }

        return false;
}

void bodies(const Host *h, unsigned from, Bodies *ret) {
        g_autofree OmpReassembler *r = g_new0(OmpReassembler, 1);

        *ret = (Bodies) {};
        for (unsigned i = from; i < count(h, OMP_CHAR_SESSION_DATA); i++) {
                unsigned lost;
                size_t size;
                const uint8_t *data = value(h, OMP_CHAR_SESSION_DATA, i, &size);
                int got = omp_reassembler_push(r, data, size, &lost);

                g_assert_cmpint(got, >=, 0);
                ret->lost += lost;
                if (!(got & OMP_SEGMENT_BODY))
                        continue;
                g_assert_cmpuint(ret->n, <, G_N_ELEMENTS(ret->body));
                g_assert_cmpint(omp_body_decode(r->body, r->size, &ret->body[ret->n++]), ==, 0);
        }
}

int conformance_main(int argc, char **argv, const ConformanceCase *cases, size_t n) {
        g_test_init(&argc, &argv, NULL);
        for (size_t i = 0; i < n; i++) {
                g_autofree char *path = g_strconcat("/conformance/", cases[i].name, NULL);

                g_test_add_func(path, cases[i].test);
        }
        return g_test_run();
}
