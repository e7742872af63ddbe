/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The files of the configuration, whatever somebody has put in their place: nothing here waits, and nothing is read without a limit. */

#include <glib.h>

#define CONFIG_FILE_SIZE_MAX (64u * 1024u)
#define CONFIG_DROP_INS_MAX 256u

/* The text of a file, NULL if there is none or it is not one; the caller frees. *ret_problem: what is wrong with it and what to do, for whom
 * owns and may write it too; NULL: nothing. The caller frees. */
char *config_file_read(const char *path, char **ret_problem);
/* The paths of *.conf in a folder, in the order of their names, CONFIG_DROP_INS_MAX at most: the first. *ret_problem as above. */
GPtrArray *config_file_list(const char *dir, char **ret_problem);
