/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Notes: what a session was told by its host and not by its device, kept among its frames (FRAME_OF_HOST, channel 0), so that the record alone
 * gives every figure again. data[0] is the kind, what follows is little-endian and grows at its end only: unknown kinds and octets beyond are
 * skipped. Pure functions on libc. */

#include <stddef.h>
#include <stdint.h>

#define NOTE_TEXT_MAX 255u              /* octets of UTF-8 */
#define NOTE_SIZE_MAX (1 + NOTE_TEXT_MAX)

typedef enum NoteKind {
        NOTE_LIMITS,                    /* from here on these hold: s32 ×4, u32 ×2, s32 ×2, in the order of NoteLimits; the last two left
                                           out where contact_on_mn is 0 */
        NOTE_PAUSE,                     /* u8: enum NotePause; left out where it is 0 */
        NOTE_RESUME,
        NOTE_STAGE,                     /* u8: enum Stage */
        NOTE_AREA,                      /* u8: of the profile (OMP_WORDS_AREA), 0 unspecified */
        NOTE_MARK,                      /* text, without an end */
        NOTE_ALERT,                     /* from outside the session: u8 code, u8 level (0: cleared), s32 value */
        _NOTE_KIND_MAX,
} NoteKind;

typedef enum Stage {                    /* numbered as needled_stream_state.stage */
        STAGE_NONE,
        STAGE_CLEANSE,
        STAGE_NUMB,
        STAGE_NEEDLING,
        STAGE_AFTERCARE,
        _STAGE_MAX,
} Stage;

typedef enum NotePause {
        NOTE_PAUSE_BY_HAND,
        NOTE_PAUSE_IDLE,                /* by itself: no contact for a while */
        _NOTE_PAUSE_MAX,
} NotePause;

/* Forces in mN. 0 of a time or a depth: no such limit. */
typedef struct NoteLimits {
        int32_t overpressure_mn, hysteresis_mn; /* over from the first on, until it falls below it by the second */
        int32_t zone_low_mn, zone_high_mn; /* low < zone_low ≤ good < zone_high ≤ high < overpressure ≤ over */
        uint32_t time_limit_sec;
        uint32_t depth_max_um;
        int32_t contact_on_mn, contact_off_mn; /* where a device tells force and not contact: from the first on, until below the second. 0 of
                                           the first: on at 200 mN, off below 100 mN */
} NoteLimits;

typedef struct Note {
        NoteKind kind;
        NoteLimits limits;              /* LIMITS */
        uint8_t number;                 /* STAGE, AREA; PAUSE: which; ALERT: the code */
        uint8_t level;                  /* ALERT */
        int32_t value;                  /* ALERT */
        char text[NOTE_TEXT_MAX + 1];   /* MARK */
} Note;

/* Octets written into buf, which has NOTE_SIZE_MAX. -EINVAL: no such kind, stage, or text. */
int note_encode(const Note *note, uint8_t buf[static NOTE_SIZE_MAX]);
/* -EBADMSG too short or no valid text; -EOPNOTSUPP a kind, stage or pause of a later version. */
int note_decode(const uint8_t *data, size_t size, Note *ret);

/* As words, as a tape has them: "area cheek-left", "alert rest-not-over warning 3600"; what has none (another kind, more octets than are known) is
 * "octets 0a 01". Every note but a mark reads back to the same octets. */
#define NOTE_WORDS_MAX 1600u            /* with the NUL */
/* The length. -EINVAL: no octets, or more than 512. */
int note_format(const uint8_t *data, size_t size, char buf[static NOTE_WORDS_MAX]);
/* Up to 512 octets. Returns their number, or -EBADMSG: *ret_problem is a static sentence without an end stop. */
int note_parse(const char *words, size_t length, uint8_t data[static 512], const char **ret_problem);

/* "cleanse", as in Session1.Stage; "" for STAGE_NONE. */
const char *stage_name(Stage stage);
/* -EINVAL: no such name. "" is STAGE_NONE. */
int stage_from_name(const char *name, Stage *ret);

/* "rest-not-over"; NULL: a code of a later version. The codes are session/alerts.h's and the streams'. */
const char *note_alert_name(uint8_t code);
