/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/redact.h"

#include <glib.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/json.h"

#define ADDRESS_LENGTH 17u              /* of "C0:FF:EE:12:34:56" */

static const char *const kind_names[_REDACT_KIND_MAX] = {
        [REDACT_DEVICE] = "device",
        [REDACT_SERIAL] = "serial",
        [REDACT_SUBJECT] = "subject",
        [REDACT_PRODUCT] = "product",
        [REDACT_NOTE] = "note",
        [REDACT_USER] = "user",
        [REDACT_HOST] = "host",
};

static const struct {
        const char *key;
        RedactKind kind;
} personal_keys[] = {
        { "subject", REDACT_SUBJECT },
        { "product", REDACT_PRODUCT },
        { "note", REDACT_NOTE },
        { "serial", REDACT_SERIAL },
        { "_HOSTNAME", REDACT_HOST },
        { "_MACHINE_ID", REDACT_HOST },
        { "NEEDLED_DEVICE", REDACT_DEVICE },
};

/* Who calls a device "pen" tells nothing by it, and what is a pen is called so in many places. They are replaced as a
 * name alone, and in messages, which say of no device what kind it is: there the same device would have two names
 * else. */
static const char *const common_words[] = {
        "pen", "roller", "stamp", "unknown", "found", "bonding", "connecting", "ready", "streaming", "syncing",
        "running", "paused", "open", "finished", "device", "serial", "subject", "product", "note", "user", "host",
        "session", "needled", "needlectl",
};

/* Strings of a JSON that are messages: in the journal's entries, and of `doctor`. */
static const char *const message_keys[] = { "MESSAGE", "check", "finding", "remedy" };

static struct {
        bool on;
        GHashTable *names;              /* word → its other name */
        GHashTable *by_head;            /* the first octet → GPtrArray of words in `names`, the longest first */
        bool sorted;                    /* each of by_head */
        unsigned count[_REDACT_KIND_MAX];
} state;


static bool is_one_of(const char *word, const char *const *words, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (g_ascii_strcasecmp(words[i], word) == 0)
                        return true;

        return false;
}

static bool is_common(const char *word) {
        return is_one_of(word, common_words, G_N_ELEMENTS(common_words));
}

/* A figure, or nothing that could be found again. */
static bool is_figure(const char *word) {
        return word[strspn(word, G_CSET_DIGITS ".,:- ")] == '\0';
}

static int longest_first(const void *a, const void *b) {
        size_t x = strlen(*(char *const *) a), y = strlen(*(char *const *) b);

        return x == y ? 0 : x > y ? -1 : 1;
}

static void add(const char *word, const char *name) {
        char *key = g_strdup(word);
        GPtrArray *bucket;

        g_hash_table_insert(state.names, key, g_strdup(name));
        if (is_figure(word))
                return;

        bucket = g_hash_table_lookup(state.by_head, GUINT_TO_POINTER((unsigned char) *word));
        if (!bucket) {
                bucket = g_ptr_array_new();
                g_hash_table_insert(state.by_head, GUINT_TO_POINTER((unsigned char) *word), bucket);
        }
        g_ptr_array_add(bucket, key);
        state.sorted = false;
}

static void sort(void) {
        GHashTableIter iter;
        void *bucket;

        g_hash_table_iter_init(&iter, state.by_head);
        while (!state.sorted && g_hash_table_iter_next(&iter, NULL, &bucket))
                g_ptr_array_sort(bucket, longest_first);
        state.sorted = true;
}

static const char *new_name(RedactKind kind, const char *word) {
        const char *known = g_hash_table_lookup(state.names, word);
        g_autofree char *name = NULL;

        if (known)
                return known;

        name = g_strdup_printf("%s-%u", kind_names[kind], ++state.count[kind]);
        add(word, name);
        return g_hash_table_lookup(state.names, word);
}

/* ---- Addresses ---- */

/* Six octets at the beginning of `s`, with ':', '_' or '-' between them; as "C0:FF:EE:12:34:56" into `ret`. */
static bool read_address(const char *s, char ret[static ADDRESS_LENGTH + 1]) {
        char separator = '\0';

        for (unsigned i = 0; i < ADDRESS_LENGTH; i++) {
                if (i % 3 == 2) {
                        if (i == 2)
                                separator = s[i];
                        if (s[i] != separator || !s[i] || !strchr(":_-", s[i]))
                                return false;
                        ret[i] = ':';
                } else if (!g_ascii_isxdigit(s[i]))
                        return false;
                else
                        ret[i] = g_ascii_toupper(s[i]);
        }
        ret[ADDRESS_LENGTH] = '\0';
        return !g_ascii_isxdigit(s[ADDRESS_LENGTH]);
}

static bool is_address(const char *s, char ret[static ADDRESS_LENGTH + 1]) {
        return strlen(s) == ADDRESS_LENGTH && read_address(s, ret);
}

/* ---- Learning ---- */

static const char *member(const json_t *object, const char *name) {
        const char *key;
        json_t *value;

        json_object_foreach((json_t *) object, key, value)
                if (g_ascii_strcasecmp(key, name) == 0 && json_is_string(value))
                        return json_string_value(value);

        return "";
}

/* Address, alias and name of a device are the same to who reads. */
static void learn_device(const json_t *object) {
        const char *address = member(object, "address"), *alias = member(object, "alias"), *name = member(object, "name"), *other;
        char canonical[ADDRESS_LENGTH + 1];

        if (!*address)
                address = member(object, "device");
        if (!is_address(address, canonical)) {
                redact_learn_word(REDACT_DEVICE, alias);
                return;
        }

        other = new_name(REDACT_DEVICE, canonical);
        if (*alias && !g_hash_table_contains(state.names, alias))
                add(alias, other);
        if (*name && !g_hash_table_contains(state.names, name))
                add(name, other);
}

static void learn_owner(const json_t *object) {
        const json_t *owner = json_object_get(object, "owner") ?: json_object_get(object, "Owner");
        const struct passwd *user = json_is_integer(owner) && json_integer_value(owner) > 0 &&
                json_integer_value(owner) < UINT32_MAX
                                            ? getpwuid((uid_t) json_integer_value(owner)) : NULL;

        if (user)
                redact_learn_word(REDACT_USER, user->pw_name);
}

static const char *personal_kind(const json_t *object, const char *key, RedactKind *ret) {
        for (size_t i = 0; i < G_N_ELEMENTS(personal_keys); i++)
                if (g_ascii_strcasecmp(personal_keys[i].key, key) == 0) {
                        *ret = personal_keys[i].kind;
                        return key;
                }
        if (strcmp(key, "text") == 0 && (strcmp(json_text(object, "kind"), "mark") == 0 ||
                                         strcmp(json_text(object, "type"), "mark") == 0)) {
                *ret = REDACT_NOTE;
                return key;
        }

        return NULL;
}

static void learn_object(const json_t *object) {
        const char *key;
        json_t *value;

        learn_device(object);
        learn_owner(object);
        json_object_foreach((json_t *) object, key, value) {
                RedactKind kind;

                if (json_is_string(value) && personal_kind(object, key, &kind))
                        redact_learn_word(kind, json_string_value(value));
                else
                        redact_learn(value);
        }
}

static void learn_user(const struct passwd *user) {
        g_autofree char *full = user && user->pw_gecos ? g_strndup(user->pw_gecos, strcspn(user->pw_gecos, ",")) : NULL;

        if (!user || user->pw_uid == 0)
                return;
        redact_learn_word(REDACT_USER, user->pw_name);
        if (full && *full && !g_hash_table_contains(state.names, full))
                add(full, g_hash_table_lookup(state.names, user->pw_name));
}

static void learn_host(void) {
        char host[256] = "";

        if (gethostname(host, sizeof(host) - 1) < 0 || !*host || strcmp(host, "localhost") == 0)
                return;
        redact_learn_word(REDACT_HOST, host);
        if (strchr(host, '.')) {
                g_autofree char *first = g_strndup(host, strcspn(host, "."));

                if (*first && !g_hash_table_contains(state.names, first))
                        add(first, g_hash_table_lookup(state.names, host));
        }
}

/* ---- Replacing ---- */

static bool is_word_char(gunichar c) {
        return g_unichar_isalnum(c) || g_unichar_ismark(c);
}

static bool begins_word(const char *text, const char *p) {
        return p == text || !is_word_char(g_utf8_get_char(g_utf8_prev_char(p))) || !is_word_char(g_utf8_get_char(p));
}

static bool ends_word(const char *word, const char *after) {
        const char *last = g_utf8_prev_char(word + strlen(word));

        return !*after || !is_word_char(g_utf8_get_char(after)) || !is_word_char(g_utf8_get_char(last));
}

/* The longest word that stands at `p`; NULL: none. */
static const char *word_at(const char *text, const char *p, bool common_too) {
        const GPtrArray *bucket = g_hash_table_lookup(state.by_head, GUINT_TO_POINTER((unsigned char) *p));

        for (unsigned i = 0; bucket && i < bucket->len && begins_word(text, p); i++) {
                const char *word = bucket->pdata[i];

                if (g_str_has_prefix(p, word) && ends_word(word, p + strlen(word)) && (common_too || !is_common(word)))
                        return word;
        }

        return NULL;
}

static char *replace(const char *text, bool common_too) {
        g_autofree char *valid = NULL;
        GString *out;

        if (!state.on || !text)
                return g_strdup(text ? text : "");

        sort();
        valid = g_utf8_make_valid(text, -1);
        out = g_string_new(NULL);
        for (const char *p = valid; *p;) {
                char address[ADDRESS_LENGTH + 1];
                const char *word;

                if ((p == valid || !g_ascii_isxdigit(p[-1])) && read_address(p, address)) {
                        g_string_append(out, new_name(REDACT_DEVICE, address));
                        p += ADDRESS_LENGTH;
                } else if ((word = word_at(valid, p, common_too))) {
                        g_string_append(out, g_hash_table_lookup(state.names, word));
                        p += strlen(word);
                } else {
                        g_string_append_len(out, p, g_utf8_next_char(p) - p);
                        p = g_utf8_next_char(p);
                }
        }

        return g_string_free(out, FALSE);
}

char *redact_text(const char *text) {
        return replace(text, false);
}

char *redact_message(const char *text) {
        return replace(text, true);
}

const char *redact_name(const char *name) {
        const char *other = NULL;
        char address[ADDRESS_LENGTH + 1];

        if (state.on && is_address(name, address))
                return new_name(REDACT_DEVICE, address);
        if (state.on)
                other = g_hash_table_lookup(state.names, name);

        return other ? other : name;
}

static bool is_name_key(const char *key) {
        return g_ascii_strcasecmp(key, "alias") == 0 || g_ascii_strcasecmp(key, "name") == 0;
}

/* An event has a name too, which is none of a device. */
static json_t *replace_string(const json_t *object, const char *key, const char *value) {
        g_autofree char *text = replace(value, is_one_of(key, message_keys, G_N_ELEMENTS(message_keys)));
        RedactKind kind;

        if (personal_kind(object, key, &kind) && *value)
                return json_string(new_name(kind, value));
        if (is_name_key(key) && (strcmp(key, "name") != 0 || *member(object, "address")))
                return json_string(redact_name(value));

        return json_string(text);
}

json_t *redact_json(const json_t *json) {
        const char *key;
        json_t *copy, *value;
        size_t i;

        if (json_is_string(json)) {
                g_autofree char *text = redact_text(json_string_value(json));

                return json_string(text);
        }
        if (json_is_array(json)) {
                copy = json_array();
                json_array_foreach((json_t *) json, i, value)
                        json_array_append_new(copy, redact_json(value));
                return copy;
        }
        if (!json_is_object(json))
                return json_incref((json_t *) json);

        copy = json_object();
        json_object_foreach((json_t *) json, key, value)
                json_object_set_new(copy, key, json_is_string(value) ? replace_string(json, key, json_string_value(value))
                                                                     : redact_json(value));
        return copy;
}

/* ---- Outside ---- */

void redact_learn_word(RedactKind kind, const char *word) {
        char address[ADDRESS_LENGTH + 1];

        if (state.on && word && *word)
                (void) new_name(kind, is_address(word, address) ? address : word);
}

void redact_learn(const json_t *json) {
        json_t *value;
        size_t i;

        if (!state.on)
                return;
        if (json_is_object(json))
                learn_object(json);
        json_array_foreach((json_t *) json, i, value)
                redact_learn(value);
}

bool redact_is_on(void) {
        return state.on;
}

void redact_reset(void) {
        g_clear_pointer(&state.names, g_hash_table_unref);
        g_clear_pointer(&state.by_head, g_hash_table_unref);
        memset(&state, 0, sizeof(state));
}

void redact_enable(void) {
        const char *sudo_user = getenv("SUDO_USER");

        if (state.on)
                return;

        state.on = true;
        state.names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        state.by_head = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify) g_ptr_array_unref);
        learn_host();
        learn_user(getpwuid(getuid()));
        if (sudo_user && strcmp(sudo_user, "root") != 0)
                redact_learn_word(REDACT_USER, sudo_user);
}
