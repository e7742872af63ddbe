/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From the groups of a file to the program that decodes: keys, meanings and units are looked at here, once, and never again. */

#include "profiles/file.h"
#include "profiles/keys.h"

/* Fills in the file (but for path, memory and trusted); what it points to goes to file->memory. Problems are reported, all of them;
 * with any the file is not to be used. */
void compile_profile(const GPtrArray *groups, ProfileFile *file, KeysProblems *problems);

/* ---- of compile*.c alone ---- */

#define COMPILE_NAME_MAX 64u

/* A value of a closed set. */
typedef struct CompileName {
        const char *name;
        unsigned value;
} CompileName;

/* Each reports what is wrong and returns whether there is something to go on with; a key that is not there is no problem. */
bool compile_integer(const KeysGroup *group, const char *key, int64_t min, int64_t max, KeysProblems *problems, int64_t *ret);
bool compile_choice(const KeysGroup *group, const char *key, const CompileName *names, size_t n_names, KeysProblems *problems,
                    unsigned *ret);
/* The value of a key that must be there; NULL, and reported, if it is not, or is empty. */
const KeysLine *compile_required(const KeysGroup *group, const char *key, KeysProblems *problems);
/* Lower-case letters, digits, '-' and what else is allowed. */
bool compile_is_name(const char *text, const char *others);
/* Splits a copy of a list at a separator of one octet; it is freed with the file. Empty entries and more than max are reported: NULL. */
char **compile_split(ProfileFile *file, const KeysLine *line, const char *separator, size_t max, KeysProblems *problems);
/* Takes the array; what it held lives as long as the file. NULL if it is empty. */
const void *compile_keep(ProfileFile *file, GArray *array, size_t *ret_n);
int compile_length_max(const VendorChar *ch); /* octets of its longest packet */
bool compile_within(const VendorChar *ch, int64_t offset, int64_t size); /* octets stand within the longest packet */
int compile_find_char(const ProfileFile *file, const KeysGroup *group, KeysProblems *problems); /* by Char=; -ENOENT, and reported */

/* fields: the [Field] groups of one characteristic, in their order. */
void compile_fields(const GPtrArray *fields, ProfileFile *file, VendorChar *ch, bool big_endian, GArray *ret, KeysProblems *problems);
/* *ret_big_endian: what fields are that do not say. */
VendorChar compile_char(const KeysGroup *group, ProfileFile *file, const GArray *before, KeysProblems *problems, bool *ret_big_endian);
void compile_action(const KeysGroup *group, const ProfileFile *file, GArray *actions, KeysProblems *problems);
void compile_test(const KeysGroup *group, ProfileFile *file, GArray *tests, KeysProblems *problems);
