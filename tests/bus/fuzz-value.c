/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz-value.h"

#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "autoptr.h"

#define DEPTH_MAX 24u                   /* a bus carries 64 in all and closes the connection of who sends more */
#define FDS_MAX 8u                      /* likewise; it carries 16 */
#define LONG_TEXT (1024 * 1024)
#define LONG_PATH 60000

/* Words that the service knows, and those that confuse who is not careful. */
static const char *const words[] = {
        "", "a", "pen", "json", "csv", "tape", "force", "stroke_rate", "depth", "cleanse", "numb", "needling", "aftercare", "chin", "user-0",
        "unspecified", "C0:FF:EE:00:00:01", "00000000-0000-4000-8000-000000000042", "org.needled.Manager1", "org.needled.Session1",
        "org.freedesktop.DBus.Properties", "State", "Version", "/org/needled", "../../../etc/passwd", "%s%n%s%x", "'; DROP TABLE session; --",
        "\x01\x02\x1b[2J\x7f", "line\nline\r\n", "\xe2\x80\xae-desrever", "\xc3\xa4\xc3\xb6\xe2\x82\xac\xf0\x9f\x92\x89",
        "\xef\xbf\xbd\xef\xbf\xbd", "\xf4\x8f\xbf\xbf\xef\xbf\xbf", "e\xcc\x81\xcc\x81\xcc\x81\xcc\x81", "\xef\xbb\xbf", "NaN", "-1", "0x7fffffff",
        "18446744073709551616", "null", "{\"a\":[]}", "\"\\", "=cmd()", "\xc2\x85\xc2\xa0", ":1.1",
};

/* What stands in dictionaries anywhere in the contract. */
static const struct {
        const char *name;
        const char *type;
} keys[] = {
        { "seconds", "u" }, { "alias", "s" }, { "agent", "o" }, { "allow-unbonded", "b" }, { "owner", "u" }, { "subject", "s" }, { "area", "s" },
        { "product", "s" }, { "note", "s" }, { "rating", "u" }, { "live_period_ms", "u" }, { "waveform_rate_hz", "u" },
        { "overpressure_mn", "i" }, { "hysteresis_mn", "i" }, { "feedback_mask", "u" }, { "session_limit_s", "u" },
        { "contact_threshold_mn", "i" }, { "zone_low_mn", "i" }, { "zone_high_mn", "i" }, { "feedback_window_ms", "u" },
        { "waveform_batch", "u" }, { "waveform", "b" }, { "frames", "b" }, { "max_rate_hz", "u" }, { "period", "t" }, { "history", "t" },
        { "since", "t" }, { "until", "t" }, { "device", "s" }, { "limit", "u" }, { "before", "t" }, { "after", "t" }, { "from", "t" },
        { "to", "t" }, { "resample_hz", "u" }, { "uuid", "s" }, { "acknowledged", "b" }, { "utc_offset", "i" }, { "record", "u" },
        { "copies", "b" }, { "language", "s" }, { "reset", "b" }, { "weekly_max", "u" }, { "course_weeks", "u" }, { "rest_300um", "t" },
        { "rest_500um", "t" }, { "rest_1000um", "t" }, { "rest_deeper", "t" }, { "version", "s" },
};

static const char basic_types[] = "ybnqiuxtdsogh";

unsigned dice_below(Dice *dice, unsigned n) {
        return g_rand_int(dice->rand) % n;
}

static bool one_in(Dice *dice, unsigned n) {
        return dice_below(dice, n) == 0;
}

/* ---- Numbers ---- */

static uint64_t any_bits(Dice *dice) {
        return (uint64_t) g_rand_int(dice->rand) << 32 | g_rand_int(dice->rand);
}

/* Mostly where limits are: small, around powers of two, at the ends, and around now. */
static uint64_t any_number(Dice *dice) {
        switch (dice_below(dice, 7)) {
        case 0:
                return dice_below(dice, 20);
        case 1:
                return (UINT64_C(1) << dice_below(dice, 64)) + dice_below(dice, 3) - 1;
        case 2:
                return UINT64_MAX - dice_below(dice, 3);
        case 3:
                return (uint64_t) INT64_MAX + dice_below(dice, 3) - 1;
        case 4:
                return UINT64_C(1700000000000000) + any_bits(dice) % (UINT64_C(400) * 86400 * 1000000);
        case 5:
                return dice_below(dice, 20000);
        default:
                return any_bits(dice);
        }
}

static uint64_t any_id(Dice *dice) {
        if (dice->ids->len == 0 || one_in(dice, 3))
                return any_number(dice);

        return g_array_index(dice->ids, uint64_t, dice_below(dice, dice->ids->len));
}

static double any_double(Dice *dice) {
        const double edges[] = { NAN, -NAN, INFINITY, -INFINITY, 0.0, -0.0, DBL_MAX, -DBL_MAX, DBL_MIN, DBL_TRUE_MIN, 1e18, 0.1 };
        uint64_t bits = any_bits(dice);
        double value;

        if (!one_in(dice, 4))
                return edges[dice_below(dice, G_N_ELEMENTS(edges))];
        memcpy(&value, &bits, sizeof(value));
        return value;
}

/* ---- Texts ---- */

char *dice_text(Dice *dice) {
        g_autoptr(GString) s = g_string_new(NULL);

        switch (dice_below(dice, 12)) {
        case 0: /* code points of all sizes */
                for (unsigned n = dice_below(dice, 100); n > 0; n--) {
                        gunichar c = 1 + dice_below(dice, 0x10fffe);

                        g_string_append_unichar(s, g_unichar_validate(c) ? c : '?');
                }
                break;
        case 1: /* as long as limits are, and one more */
                for (unsigned n = (1u << dice_below(dice, 13)) + dice_below(dice, 3) - 1; n > 0; n--)
                        g_string_append_c(s, 'x');
                break;
        case 2:
                for (unsigned n = one_in(dice, 10) ? LONG_TEXT : 300; n > 0; n -= 2)
                        g_string_append(s, "\xc3\xa4");
                break;
        case 3:
                for (unsigned n = dice_below(dice, 40); n > 0; n--)
                        g_string_append_c(s, (char) (1 + dice_below(dice, 126)));
                break;
        default:
                g_string_append(s, words[dice_below(dice, G_N_ELEMENTS(words))]);
        }

        return g_string_free(g_steal_pointer(&s), false);
}

char *dice_path(Dice *dice) {
        static const char *const others[] = {
                "/", "/org", "/org/needled", "/org/needled/device", "/org/needled/session", "/org/needled/session/0",
                "/org/needled/session/18446744073709551615", "/org/needled/session/1/2", "/org/needled/device/C0_FF_EE_FF_FF_FF",
                "/org/needled/device/_", "/org/bluez/hci0", "/org/freedesktop/DBus",
        };

        if (dice->paths->len > 0 && !one_in(dice, 3))
                return g_strdup(dice->paths->pdata[dice_below(dice, dice->paths->len)]);
        if (one_in(dice, 20)) {
                char *path = g_strnfill(LONG_PATH, 'p');

                path[0] = '/';
                return path;
        }

        return g_strdup(others[dice_below(dice, G_N_ELEMENTS(others))]);
}

static void any_type(Dice *dice, GString *s, unsigned depth) {
        if (depth >= 5 || !one_in(dice, 3)) {
                g_string_append_c(s, basic_types[dice_below(dice, sizeof(basic_types) - 1)]);
                return;
        }

        switch (dice_below(dice, 4)) {
        case 0:
                g_string_append_c(s, 'a');
                any_type(dice, s, depth + 1);
                break;
        case 1:
                g_string_append(s, "a{");
                g_string_append_c(s, basic_types[dice_below(dice, sizeof(basic_types) - 1)]);
                any_type(dice, s, depth + 1);
                g_string_append_c(s, '}');
                break;
        case 2:
                g_string_append_c(s, '(');
                for (unsigned n = 1 + dice_below(dice, 3); n > 0; n--)
                        any_type(dice, s, depth + 1);
                g_string_append_c(s, ')');
                break;
        default:
                g_string_append_c(s, 'v');
        }
}

char *dice_signature(Dice *dice) {
        GString *s = g_string_new(NULL);

        for (unsigned n = dice_below(dice, 5); n > 0; n--)
                any_type(dice, s, 0);

        return g_string_free(s, false);
}

/* ---- Descriptors ---- */

/* One of the ends of a pipe; the other end gets `text` and is closed, unless it is kept, which leaves a pipe that says nothing. */
static int end_of_pipe(bool writing, const char *text) {
        int fds[2];

        if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
                return -1;
        if (text && write(fds[1], text, strlen(text)) < 0)
                g_printerr("a pipe takes nothing: %s\n", g_strerror(errno));
        (void) close(fds[writing ? 0 : 1]);
        return fds[writing ? 1 : 0];
}

static int end_of_sockets(int type) {
        int fds[2];

        if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) < 0)
                return -1;

        (void) close(fds[1]);
        return fds[0];
}

static int fifo_without_writer(void) {
        g_autofree char *path = g_strdup_printf("%s/needled-fuzz-%d", g_get_tmp_dir(), (int) getpid());
        int fd;

        if (mkfifo(path, 0600) < 0)
                return -1;

        fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        (void) unlink(path);
        return fd;
}

static int any_fd(Dice *dice) {
        switch (dice_below(dice, 17)) {
        case 0:
                return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        case 1:
                return open("/dev/zero", O_RDWR | O_CLOEXEC);
        case 2:
                return open("/dev/null", O_RDWR | O_CLOEXEC);
        case 3:
                return open("/dev", O_PATH | O_CLOEXEC);
        case 4:
                return open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
        case 5:
                return end_of_sockets(SOCK_STREAM);
        case 6:
                return end_of_sockets(SOCK_SEQPACKET);
        case 7:
                return epoll_create1(EPOLL_CLOEXEC);
        case 8:
                return eventfd(1, EFD_CLOEXEC);
        case 9:
                return memfd_create("needled-fuzz", MFD_CLOEXEC);
        case 10:
                return fcntl(dice->bus_fd, F_DUPFD_CLOEXEC, 3);
        case 11:
                return fifo_without_writer();
        case 12:
                return end_of_pipe(true, NULL);
        case 13:
                return end_of_pipe(false, NULL);
        case 14:
                return end_of_pipe(false, "needled-tape 1\n");
        case 15:
                return end_of_pipe(false, "needled-tape 1\nprofile omp1\nsession 1\n0.000000 < live 0102030405\n1 2 3\n");
        default:
                return end_of_pipe(false, "\x89PNG\r\n\x1a\n and what no tape is \xff\xfe");
        }
}

/* ---- Messages ---- */

static int append_one(Dice *dice, sd_bus_message *m, const char *type, size_t length, unsigned depth);

/* The length of the first complete type. */
static size_t type_length(const char *types) {
        unsigned depth = 0;
        size_t n = strspn(types, "a");

        do {
                depth += types[n] == '(' || types[n] == '{';
                depth -= types[n] == ')' || types[n] == '}';
                n++;
        } while (depth > 0);

        return n;
}

static int append_types(Dice *dice, sd_bus_message *m, const char *types, unsigned depth) {
        while (*types) {
                size_t length = type_length(types);
                int r;

                r = append_one(dice, m, types, length, depth);
                if (r < 0)
                        return r;
                types += length;
        }

        return 0;
}

static int append_container(Dice *dice, sd_bus_message *m, char container, const char *types, unsigned depth) {
        int r;

        r = sd_bus_message_open_container(m, container, types);
        if (r < 0)
                return r;
        r = append_types(dice, m, types, depth + 1);
        if (r < 0)
                return r;

        return sd_bus_message_close_container(m);
}

/* Another in another, as deep as can be. */
static int append_deep(Dice *dice, sd_bus_message *m, unsigned depth) {
        int r;

        if (depth >= DEPTH_MAX)
                return append_container(dice, m, 'v', "u", depth);

        r = sd_bus_message_open_container(m, 'v', "v");
        if (r < 0)
                return r;
        r = append_deep(dice, m, depth + 1);
        if (r < 0)
                return r;

        return sd_bus_message_close_container(m);
}

static int append_variant(Dice *dice, sd_bus_message *m, const char *wanted, unsigned depth) {
        g_autoptr(GString) type = g_string_new(NULL);

        if (one_in(dice, 30))
                return append_deep(dice, m, depth);
        if (wanted && !one_in(dice, 4))
                return append_container(dice, m, 'v', wanted, depth);
        any_type(dice, type, 3);
        if (depth >= DEPTH_MAX / 2 || (dice->n_fds >= FDS_MAX && strchr(type->str, 'h')))
                return append_container(dice, m, 'v', "i", depth);

        return append_container(dice, m, 'v', type->str, depth);
}

/* The key `at`, with its type; or of another type, or one that nobody knows. */
static int append_option(Dice *dice, sd_bus_message *m, unsigned at, unsigned depth) {
        bool known = !one_in(dice, 5);
        g_autofree char *text = known ? g_strdup(keys[at].name) : dice_text(dice);
        int r;

        r = sd_bus_message_open_container(m, 'e', "sv");
        if (r < 0)
                return r;
        r = sd_bus_message_append_basic(m, 's', text);
        if (r < 0)
                return r;
        r = append_variant(dice, m, known ? keys[at].type : NULL, depth + 1);
        if (r < 0)
                return r;

        return sd_bus_message_close_container(m);
}

static int append_array(Dice *dice, sd_bus_message *m, const char *element, unsigned depth) {
        bool options = g_str_equal(element, "{sv}"), same = options && one_in(dice, 6);
        unsigned n = dice_below(dice, 4), at = dice_below(dice, G_N_ELEMENTS(keys));
        int r;

        /* Many of what is small; of descriptors a message carries a few. */
        if (depth < 2 && !dice->many && !strpbrk(element, "hsov") && one_in(dice, 20))
                n = 20000;
        else if (options && one_in(dice, 20))
                n = 500;
        dice->many |= n > 100;
        r = sd_bus_message_open_container(m, 'a', element);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < n; i++) {
                if (!same)
                        at = dice_below(dice, G_N_ELEMENTS(keys));
                r = options ? append_option(dice, m, at, depth + 1) : append_types(dice, m, element, depth + 1);
                if (r < 0)
                        return r;
        }

        return sd_bus_message_close_container(m);
}

static int append_text(Dice *dice, sd_bus_message *m, char type) {
        g_autofree char *text = type == 'o' ? dice_path(dice) : type == 'g' ? dice_signature(dice) : dice_text(dice);

        return sd_bus_message_append_basic(m, type, text);
}

static int append_fd(Dice *dice, sd_bus_message *m) {
        int r, fd;

        if (dice->n_fds++ >= FDS_MAX)
                return -EMFILE;

        fd = any_fd(dice);
        if (fd < 0)
                return -errno;

        r = sd_bus_message_append_basic(m, 'h', &fd); /* a copy */
        (void) close(fd);
        return r;
}

static int append_number(Dice *dice, sd_bus_message *m, char type) {
        uint64_t number = type == 't' ? any_id(dice) : any_number(dice);
        double d = any_double(dice);
        uint32_t u = (uint32_t) number;
        uint16_t q = (uint16_t) number;
        uint8_t y = (uint8_t) number;
        int b = (int) (number & 1);

        switch (type) {
        case 'y':
                return sd_bus_message_append_basic(m, type, &y);
        case 'b':
                return sd_bus_message_append_basic(m, type, &b);
        case 'n':
        case 'q':
                return sd_bus_message_append_basic(m, type, &q);
        case 'i':
        case 'u':
                return sd_bus_message_append_basic(m, type, &u);
        case 'd':
                return sd_bus_message_append_basic(m, type, &d);
        default:
                return sd_bus_message_append_basic(m, type, &number);
        }
}

static int append_one(Dice *dice, sd_bus_message *m, const char *type, size_t length, unsigned depth) {
        g_autofree char *inner = length > 1 ? g_strndup(type + 1, length - (*type == 'a' ? 1 : 2)) : NULL;

        switch (*type) {
        case 'a':
                return append_array(dice, m, inner, depth);
        case '(':
                return append_container(dice, m, 'r', inner, depth);
        case '{':
                return append_container(dice, m, 'e', inner, depth);
        case 'v':
                return append_variant(dice, m, NULL, depth);
        case 's':
        case 'o':
        case 'g':
                return append_text(dice, m, *type);
        case 'h':
                return append_fd(dice, m);
        default:
                return append_number(dice, m, *type);
        }
}

int dice_append(Dice *dice, sd_bus_message *m, const char *types) {
        return append_types(dice, m, types, 0);
}
