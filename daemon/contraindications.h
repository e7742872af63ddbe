/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The list of contraindications that people read and acknowledge: statements, each with who says so. It is one key file, so that a
 * translation is a line (`Text[de]=…`) and a new wording needs no new program; its version changes with what it says, in any language.
 *
 *     [Contraindications]
 *     Version=1
 *     [pregnancy]
 *     Text=…
 *     Text[de]=…
 *     Source=… */

#include <glib.h>

#define CONTRAINDICATIONS_MAX 64u
#define CONTRAINDICATIONS_FILE_MAX (64u * 1024u)
#define CONTRAINDICATIONS_TEXT_MAX 300u /* characters */
#define CONTRAINDICATIONS_VERSION_MAX 32u

typedef struct Contraindications Contraindications;

/* 0; or -ENOENT no such file, -EIO it cannot be read, -EBADMSG it is not such a list: *ret_problem says what is wrong (g_free). */
int contraindications_load(const char *path, Contraindications **ret, char **ret_problem);
Contraindications *contraindications_free(Contraindications *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Contraindications, contraindications_free)

const char *contraindications_version(const Contraindications *list);
/* What they are called in the file and in docs/session.md, in its order; NULL at the end. */
const char *const *contraindications_ids(const Contraindications *list);
/* The statements in that order, in the language ("de", "de_AT.UTF-8"; NULL or "": as written) as far as they are translated. g_strfreev. */
char **contraindications_texts(const Contraindications *list, const char *language);
const char *contraindications_source(const Contraindications *list, const char *id);
