/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an entry of the journal consists of. journald is stood in for: the linker takes the function below for its library's. */

#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "log.h"

static GPtrArray *entries;              /* GStrv, the fields of each */

int sd_journal_sendv(const struct iovec *iov, int n);
int sd_journal_sendv(const struct iovec *iov, int n) {
        char **fields = g_new0(char *, (size_t) n + 1);

        for (int i = 0; i < n; i++)
                fields[i] = g_strndup(iov[i].iov_base, iov[i].iov_len);
        g_ptr_array_add(entries, fields);
        return 0;
}

static void free_entry(void *entry) {
        g_strfreev(entry);
}

/* The value of a field of an entry, NULL: it has none. Fails if it has two. */
static const char *field(unsigned i, const char *name) {
        const char *found = NULL;

        g_assert_cmpuint(i, <, entries->len);
        for (char **f = entries->pdata[i]; *f; f++)
                if (g_str_has_prefix(*f, name) && (*f)[strlen(name)] == '=') {
                        g_assert_null(found);
                        found = *f + strlen(name) + 1;
                }

        return found;
}

static void begin(void) {
        log_set_event(NULL);
        g_clear_pointer(&entries, g_ptr_array_unref);
        entries = g_ptr_array_new_with_free_func(free_entry);
}

static void test_all_fields(void) {
        static const char *const more[] = { "NEEDLED_FIGURE_STROKES=12", "NEEDLED_FIGURE_FORCE_MEAN=900", NULL };
        LogContext context = {
                .message_id = NEEDLED_MESSAGE_DEVICE_LOST, .device = "pen", .session = 42, .state = "waiting", .reason = "away",
                .error = -EIO, .fields = more,
        };

        begin();
        log_with(LOG_NOTICE, &context, "the link to %s is gone", "pen");
        g_assert_cmpstr(field(0, "MESSAGE"), ==, "the link to pen is gone: Input/output error");
        g_assert_cmpstr(field(0, "PRIORITY"), ==, "5");
        g_assert_cmpstr(field(0, "SYSLOG_IDENTIFIER"), ==, "needled");
        g_assert_cmpstr(field(0, "MESSAGE_ID"), ==, NEEDLED_MESSAGE_DEVICE_LOST);
        g_assert_cmpstr(field(0, "NEEDLED_DEVICE"), ==, "pen");
        g_assert_cmpstr(field(0, "NEEDLED_SESSION"), ==, "42");
        g_assert_cmpstr(field(0, "NEEDLED_STATE"), ==, "waiting");
        g_assert_cmpstr(field(0, "NEEDLED_REASON"), ==, "away");
        g_assert_cmpstr(field(0, "ERRNO"), ==, "5");
        g_assert_cmpstr(field(0, "NEEDLED_FIGURE_STROKES"), ==, "12");
        g_assert_cmpstr(field(0, "NEEDLED_FIGURE_FORCE_MEAN"), ==, "900");
        g_assert_cmpstr(field(0, "CODE_FUNC"), ==, "test_all_fields");
        g_assert_cmpstr(field(0, "CODE_FILE"), ==, "test-log.c");
        g_assert_cmpuint(entries->len, ==, 1);
}

static void test_what_is_unknown_is_absent(void) {
        LogContext context = { .device = "" };

        begin();
        log_info("something happened");
        log_with(LOG_WARNING, &context, "something else");
        for (unsigned i = 0; i < 2; i++) {
                static const char *const names[] = { "MESSAGE_ID", "NEEDLED_DEVICE", "NEEDLED_SESSION", "NEEDLED_STATE", "NEEDLED_REASON", "ERRNO" };

                g_assert_cmpstr(field(i, "SYSLOG_IDENTIFIER"), ==, "needled");
                for (size_t n = 0; n < G_N_ELEMENTS(names); n++)
                        g_assert_null(field(i, names[n]));
        }
        g_assert_cmpstr(field(1, "PRIORITY"), ==, "4");
}

static void test_levels(void) {
        begin();
        log_debug("too much");
        g_assert_cmpuint(entries->len, ==, 0);
        log_set_max_level(LOG_DEBUG);
        log_debug("wanted");
        log_set_max_level(LOG_INFO);
        g_assert_cmpstr(field(0, "PRIORITY"), ==, "7");
}

/* A text with a line break stays one entry, with no field that it made up. */
static void test_a_name_is_no_field(void) {
        LogContext context = { .device = "pen\nMESSAGE_ID=0" };

        begin();
        log_with(LOG_INFO, &context, "%s is connected", context.device);
        g_assert_cmpstr(field(0, "NEEDLED_DEVICE"), ==, "pen\nMESSAGE_ID=0");
        g_assert_null(field(0, "MESSAGE_ID"));
}

/* A name that reads like the rest of a sentence is seen to be a name, and cannot end its quotes. */
static void test_a_name_is_no_sentence(void) {
        static const struct {
                const char *label, *text;
        } cases[] = {
                { "pen", "pen" },
                { "C0:FF:EE:12:34:56", "C0:FF:EE:12:34:56" },
                { "Anna's pen", "\"Anna's pen\"" },
                { "pen is gone; run evil on", "\"pen is gone; run evil on\"" },
                { "a \"b\"", "'a \"b\"'" },
                { "a\" is gone, says 'b", "\"a? is gone, says 'b\"" },
                { "Füller", "\"Füller\"" },
                { "", "\"\"" },
        };
        g_autoptr(GString) name = g_string_new(NULL);

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
                g_assert_cmpstr(log_name(cases[i].label).text, ==, cases[i].text);

        for (unsigned i = 0; i < 400; i++) {
                LogName shown = log_name(name->str);

                g_assert_true(g_utf8_validate(shown.text, -1, NULL)); /* cut between characters */
                g_assert_cmpint(shown.text[strlen(shown.text) - 1], ==, '"');
                if (i <= 64) /* characters: as many as a device's name has at most */
                        g_assert_cmpuint(strlen(shown.text), ==, name->len + 2);
                g_string_append(name, "\U0001f58a");
        }
        begin();
        log_device(LOG_INFO, "the link to pen", "%s is connected", log_name("the link to pen").text);
        g_assert_cmpstr(field(0, "MESSAGE"), ==, "\"the link to pen\" is connected");
        g_assert_cmpstr(field(0, "NEEDLED_DEVICE"), ==, "the link to pen");
}

static void test_a_flood_is_cut_and_counted(void) {
        LogContext trouble = { .message_id = NEEDLED_MESSAGE_BOND_LOST, .device = "pen", .class = LOG_CLASS_TROUBLE };
        unsigned limited = 0;

        begin();
        for (unsigned i = 0; i < 5000; i++)
                log_device(LOG_INFO, "pen", "pen is connected");
        g_assert_cmpuint(entries->len, <, 100);
        for (unsigned i = 0; i < entries->len; i++)
                limited += g_strcmp0(field(i, "MESSAGE_ID"), NEEDLED_MESSAGE_JOURNAL_LIMITED) == 0;
        g_assert_cmpuint(limited, ==, 1);
        g_assert_cmpstr(field(entries->len - 1, "NEEDLED_DEVICE"), ==, "pen");

        log_with(LOG_WARNING, &trouble, "the bond with pen is lost");
        g_assert_cmpstr(field(entries->len - 1, "MESSAGE_ID"), ==, NEEDLED_MESSAGE_BOND_LOST);
        for (unsigned i = 0; i < 500; i++)
                log_warning("the disk is full"); /* no device causes it */
        g_assert_cmpuint(entries->len, >, 500);

        log_set_event(NULL); /* the end of the service */
        g_assert_cmpstr(field(entries->len - 1, "MESSAGE_ID"), ==, NEEDLED_MESSAGE_JOURNAL_LIMITED);
        g_assert_true(g_str_has_suffix(field(entries->len - 1, "MESSAGE"), "(needlectl status shows how it is)"));
        g_assert_true(g_str_has_prefix(field(entries->len - 1, "MESSAGE"), "49"));
}

int main(int argc, char **argv) {
        g_autofree char *stream = NULL;
        struct stat st;
        int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

        /* As systemd does it. */
        g_assert_cmpint(dup2(fd, STDERR_FILENO), ==, STDERR_FILENO);
        g_assert_cmpint(fstat(STDERR_FILENO, &st), ==, 0);
        stream = g_strdup_printf("%ju:%ju", (uintmax_t) st.st_dev, (uintmax_t) st.st_ino);
        g_setenv("JOURNAL_STREAM", stream, TRUE);

        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/log/all-fields", test_all_fields);
        g_test_add_func("/log/what-is-unknown-is-absent", test_what_is_unknown_is_absent);
        g_test_add_func("/log/levels", test_levels);
        g_test_add_func("/log/a-name-is-no-field", test_a_name_is_no_field);
        g_test_add_func("/log/a-name-is-no-sentence", test_a_name_is_no_sentence);
        g_test_add_func("/log/a-flood-is-cut-and-counted", test_a_flood_is_cut_and_counted);
        return g_test_run();
}
