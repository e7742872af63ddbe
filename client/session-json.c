/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/session-json.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "client/json.h"

#define FRAMES_KEY "\"frames\""
#define DEPTH_MAX 16
#define USEC_MAX INT64_C(253402300799000000) /* the end of the year 9999 */

static int fail(SessionJson *j, int error, const char *reason) {
        g_free(j->problem);
        j->problem = g_strdup_printf("%s:%u: %s.", j->name, j->line, reason);
        return error;
}

static int next_char(SessionJson *j) {
        int c = getc_unlocked(j->file);

        j->line += c == '\n';
        return c;
}

static bool is_blank(int c) {
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The next character that is not blank, of at most `max` that are. */
static int skip_blanks(SessionJson *j, unsigned max) {
        int c;

        do
                c = next_char(j);
        while (is_blank(c) && max-- > 0);
        return c;
}

/* ---- All but the frames ---- */

/* Whether a string that has just ended is the key "frames". */
static bool at_frames_key(const GString *text) {
        return text->len >= strlen(FRAMES_KEY) && strcmp(text->str + text->len - strlen(FRAMES_KEY), FRAMES_KEY) == 0;
}

/* Takes what stands before the first frame into j->text, up to the bracket that opens the frames. */
static int read_head(SessionJson *j) {
        bool in_string = false, escaped = false, is_key = false;
        int depth = 0, c;

        while ((c = next_char(j)) != EOF) {
                if (j->text->len >= SESSION_JSON_HEAD_MAX)
                        return fail(j, -EBADMSG, "what stands before the frames is larger than 32 MiB");
                g_string_append_c(j->text, (char) c);
                if (in_string) {
                        in_string = escaped || c != '"';
                        escaped = !escaped && c == '\\';
                        is_key = !in_string && depth == 1 && at_frames_key(j->text);
                        continue;
                }
                if (is_blank(c) || c == ':')
                        continue;
                if (c == '[' && is_key)
                        return 0;
                in_string = c == '"';
                is_key = false;
                depth += (c == '{' || c == '[') - (c == '}' || c == ']');
                if (depth > DEPTH_MAX)
                        return fail(j, -EBADMSG, "it is nested deeper than a session ever is");
                if (depth <= 0)
                        return fail(j, -EBADMSG, "there are no frames in it");
        }

        return fail(j, -EBADMSG, "it ends before its frames begin: only a part of the file is here");
}

static int parse_head(SessionJson *j) {
        json_error_t error;

        g_string_append(j->text, "]}");
        j->head = json_loadb(j->text->str, j->text->len, JSON_REJECT_DUPLICATES, &error);
        if (j->head)
                return 0;

        j->line = (unsigned) MAX(error.line, 1);
        return fail(j, -EBADMSG, "this is no JSON");
}

static int check_format(SessionJson *j) {
        int64_t version;

        j->line = 1;
        if (strcmp(json_text(j->head, "format"), "needled-session") != 0)
                return fail(j, -EBADMSG, "this is no session of needled: \"format\" is not \"needled-session\"");
        version = json_number(j->head, "version");
        if (version > SESSION_JSON_VERSION)
                return fail(j, -EOPNOTSUPP, "this was written by a later version: update needled to read it");
        if (version != SESSION_JSON_VERSION)
                return fail(j, -EBADMSG, "it has no version");
        j->session = json_object_get(j->head, "session");
        if (!json_is_object(j->session))
                return fail(j, -EBADMSG, "there is no object \"session\" in it");
        if (json_number(j->session, "start") < 0 || json_number(j->session, "start") > USEC_MAX)
                return fail(j, -EBADMSG, "the start of the session is no time");
        if (!json_is_integer(json_object_get(j->session, "end")) || json_number(j->session, "end") < 0)
                return fail(j, -EBADMSG, "it does not say when the session ended");
        if (!*json_text(j->session, "end_reason"))
                return fail(j, -EBADMSG, "it does not say how the session ended");

        return 0;
}

static const char *alias_of(const VendorProfile *vendor, unsigned number, const char *uuid) {
        for (size_t i = 0; vendor && i < vendor->n_chars; i++)
                if (*uuid ? g_strcmp0(vendor->chars[i].uuid, uuid) == 0 : i == number && !vendor->chars[i].uuid)
                        return vendor->chars[i].alias;

        return NULL;
}

static bool head_is_good(const TapeHead *head) {
        char buffer[TAPE_HEAD_MAX];

        return tape_format_head(head, buffer, sizeof(buffer)) >= 0;
}

/* With its alias if a tape can hold that, else by its number: as the service calls it in what it exports. */
static void name_channel(const TapeHead *head, TapeChannel *channel, const char *alias) {
        if (alias && strlen(alias) <= TAPE_NAME_MAX) {
                g_strlcpy(channel->name, alias, sizeof(channel->name));
                if (head_is_good(head))
                        return;
        }
        (void) g_snprintf(channel->name, sizeof(channel->name), "channel-%u", channel->channel);
}

/* "0=<text>" */
static bool split_entry(char *entry, uint8_t *ret_number, const char **ret_text) {
        char *sign = strchr(entry, '=');
        guint64 number;

        if (!sign)
                return false;
        *sign = '\0';
        if (!g_ascii_string_to_unsigned(entry, 10, 0, UINT8_MAX, &number, NULL))
                return false;

        *ret_number = (uint8_t) number;
        *ret_text = sign + 1;
        return true;
}

/* What the file itself calls them, "0=data;1=battery", by number. */
static bool read_names(GStrv entries, const char *ret[static UINT8_MAX + 1]) {
        for (unsigned i = 0; entries[i]; i++) {
                const char *name;
                uint8_t number;

                if (i == TAPE_CHANNELS_MAX || !split_entry(entries[i], &number, &name) || ret[number])
                        return false;
                ret[number] = name;
        }

        return true;
}

/* "0=<uuid>;1=<uuid>", with the file's names for them; one that has none is called as the profile of this host does. */
static bool add_channels(TapeHead *head, const VendorProfile *vendor, const char *channels,
                         const char *names[static UINT8_MAX + 1]) {
        g_auto(GStrv) entries = g_strsplit(channels, ";", TAPE_CHANNELS_MAX + 1);

        for (unsigned i = 0; entries[i]; i++) {
                TapeChannel *channel = &head->channels[head->n_channels];
                const char *uuid;
                uint8_t number;

                if (head->n_channels == TAPE_CHANNELS_MAX || !split_entry(entries[i], &number, &uuid) ||
                    strlen(uuid) >= sizeof(channel->uuid))
                        return false;
                *channel = (TapeChannel) { .channel = number };
                g_strlcpy(channel->uuid, uuid, sizeof(channel->uuid));
                head->n_channels++;
                name_channel(head, channel, names[number] ?: alias_of(vendor, number, uuid));
        }

        return true;
}

static int take_channels(SessionJson *j, const VendorProfile *vendor, const char *channels) {
        g_auto(GStrv) entries = g_strsplit(json_text(j->session, "names"), ";", TAPE_CHANNELS_MAX + 1);
        const char *names[UINT8_MAX + 1] = {};
        const TapeHead *head = &j->tape;

        if (!read_names(entries, names))
                return fail(j, -EBADMSG, "the names of the channels are not of the form \"0=data;1=battery\"");
        if (!add_channels(&j->tape, vendor, channels, names))
                return fail(j, -EBADMSG, "the channels are not of the form \"0=<uuid>;1=<uuid>\"");
        if (!head_is_good(head))
                return fail(j, -EBADMSG, "the channels are none that a device can have");
        for (size_t i = 0; i < head->n_channels; i++)
                if (names[head->channels[i].channel] && strcmp(names[head->channels[i].channel], head->channels[i].name) != 0)
                        return fail(j, -EBADMSG, "a channel has a name that none can have, or that another has");

        return 0;
}

static int make_tape_head(SessionJson *j, const Profiles *profiles) {
        const Profile *profile = profiles_by_id(profiles, json_text(j->session, "profile"));
        const char *channels = json_text(j->session, "channels");
        TapeHead *head = &j->tape;

        *head = (TapeHead) { .start_realtime_usec = (uint64_t) json_number(j->session, "start") };
        if (strlen(json_text(j->session, "profile")) >= sizeof(head->profile))
                return fail(j, -EBADMSG, "the profile is not one");
        g_strlcpy(head->profile, json_text(j->session, "profile"), sizeof(head->profile));
        if (!head_is_good(head))
                return fail(j, -EBADMSG, "the profile is missing, or not one");

        return *channels ? take_channels(j, profile ? profile->vendor : NULL, channels) : 0;
}

int session_json_open(SessionJson *j, FILE *file, const char *name, const Profiles *profiles) {
        int r;

        *j = (SessionJson) { .name = g_strdup(name), .file = file, .line = 1, .text = g_string_new(NULL) };
        r = read_head(j);
        if (r == 0)
                r = parse_head(j);
        if (r == 0) {
                unsigned line = j->line;

                r = check_format(j);
                if (r == 0)
                        r = make_tape_head(j, profiles);
                if (r == 0)
                        j->line = line;
        }
        g_string_set_size(j->text, 0);
        return r;
}

void session_json_close(SessionJson *j) {
        if (j->file)
                (void) fclose(j->file);
        json_decref(j->head);
        if (j->text)
                (void) g_string_free(j->text, TRUE);
        g_free(j->name);
        g_free(j->problem);
        *j = (SessionJson) {};
}

/* ---- Frames ---- */

/* The text of the next object into j->text; 0: the frames are over. */
static int read_object(SessionJson *j) {
        bool in_string = false, escaped = false;
        int c = skip_blanks(j, SESSION_JSON_FRAME_MAX);

        if (c == ']')
                return 0;
        if (j->any_frame) {
                if (c != ',')
                        return fail(j, -EBADMSG, c == EOF ? "it ends within the frames: only a part of the file is here"
                                                          : "a comma between two frames is missing");
                c = skip_blanks(j, SESSION_JSON_FRAME_MAX);
        }
        g_string_set_size(j->text, 0);
        if (c != '{' && c != EOF)
                return fail(j, -EBADMSG, "a frame is not an object");

        for (; c != EOF; c = next_char(j)) {
                if (j->text->len >= SESSION_JSON_FRAME_MAX)
                        return fail(j, -EBADMSG, "a frame is longer than a frame ever is");
                g_string_append_c(j->text, (char) c);
                if (in_string) {
                        in_string = escaped || c != '"';
                        escaped = !escaped && c == '\\';
                        continue;
                }
                in_string = c == '"';
                if (c == '}')
                        return 1;
        }

        return fail(j, -EBADMSG, "it ends within the frames: only a part of the file is here");
}

static bool read_octets(const char *hex, uint8_t *octets, uint16_t *ret_size) {
        size_t n = 0;

        for (; *hex; hex++) {
                int high, low;

                if (*hex == ' ')
                        continue;
                high = g_ascii_xdigit_value(hex[0]);
                low = hex[1] ? g_ascii_xdigit_value(hex[1]) : -1;
                if (high < 0 || low < 0 || n == 512)
                        return false;
                octets[n++] = (uint8_t) (high << 4 | low);
                hex++;
        }

        *ret_size = (uint16_t) n;
        return true;
}

/* As the tape's own reader knows them. */
static int find_channel(const TapeHead *head, const char *name) {
        char buf[TAPE_NAME_MAX + 1];

        for (unsigned i = 0; i <= UINT8_MAX; i++)
                if (strcmp(tape_channel_name(head, (uint8_t) i, buf), name) == 0)
                        return (int) i;

        return -ENOENT;
}

static int read_frame(SessionJson *j, const json_t *object, uint8_t *octets, Frame *ret) {
        static const char directions[] = "<>!%";
        const char *direction = json_text(object, "d"), *found = *direction ? strchr(directions, *direction) : NULL;
        int64_t time = json_number(object, "t"), off = json_number(object, "w");
        int channel = 0;

        if (!json_is_integer(json_object_get(object, "t")) || time < 0 || time > USEC_MAX || off < -USEC_MAX || off > USEC_MAX)
                return fail(j, -EBADMSG, "the time of a frame is none");
        if ((uint64_t) time < j->last_usec)
                return fail(j, -EBADMSG, "the time runs backwards");
        if (!found || direction[1])
                return fail(j, -EBADMSG, "what a frame is, \"d\", is none of <, >, ! and %");
        *ret = (Frame) { .direction = (uint8_t) (found - directions), .data = octets };
        if (ret->direction <= FRAME_TO_DEVICE)
                channel = find_channel(&j->tape, json_text(object, "c"));
        if (channel < 0)
                return fail(
                        j, -EBADMSG,
                        "neither the profile nor the session knows a characteristic of this name; if the device is a "
                        "vendor's, put its profile into /etc/needled/profiles.d");
        if (!read_octets(json_text(object, "x"), octets, &ret->size))
                return fail(j, -EBADMSG, "the octets of a frame are not two hexadecimal digits each, 512 at most");

        ret->channel = (uint8_t) channel;
        ret->boottime_usec = (uint64_t) time;
        ret->realtime_usec =
                j->tape.start_realtime_usec == 0 ? 0 : j->tape.start_realtime_usec + (uint64_t) time + (uint64_t) off;
        j->last_usec = (uint64_t) time;
        return 0;
}

/* Nothing but the end of the object may stand behind the frames. */
static int read_tail(SessionJson *j) {
        int c = skip_blanks(j, SESSION_JSON_FRAME_MAX);

        if (c == EOF)
                return fail(j, -EBADMSG, "it ends before its last bracket: only a part of the file is here");
        if (c != '}')
                return fail(j, -EBADMSG, "something stands behind the frames, which have to come last");
        if (skip_blanks(j, SESSION_JSON_FRAME_MAX) != EOF)
                return fail(j, -EBADMSG, "something stands behind the session");

        return ferror(j->file) ? fail(j, -EBADMSG, "it cannot be read") : 0;
}

int session_json_frame(SessionJson *j, char buf[static TAPE_LINE_MAX]) {
        json_auto *object = NULL;
        uint8_t octets[512];
        json_error_t error;
        Frame frame;
        int r;

        r = read_object(j);
        if (r == 0)
                return read_tail(j);
        if (r < 0)
                return r;
        j->any_frame = true;
        object = json_loadb(j->text->str, j->text->len, JSON_REJECT_DUPLICATES, &error);
        if (!object)
                return fail(j, -EBADMSG, "a frame is no JSON");
        r = read_frame(j, object, octets, &frame);
        if (r < 0)
                return r;

        r = tape_format_frame(&j->tape, &frame, 0, buf, TAPE_LINE_MAX);
        return r < 0 ? fail(j, -EBADMSG, "a frame is none that a device, its link or needled ever makes") : r;
}

int session_json_end(SessionJson *j, char buf[static TAPE_LINE_MAX]) {
        int r = tape_format_end((uint64_t) json_number(j->session, "end"), 0,
                                json_text(j->session, "end_reason"), buf, TAPE_LINE_MAX);

        return r < 0 ? fail(j, -EBADMSG, "how the session ended is nothing that a tape can hold") : r;
}
