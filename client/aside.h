/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A file that is at its place when it is whole, and not before: until then it has a name of its own beside it. A
 * signal that ends the program (Ctrl-C, a terminal that goes) takes it along. One at a time. */

#include <stdbool.h>

/* Makes "PATH.XXXXXX" (0600), open for writing. The descriptor, or a negative errno. *ret_name goes to aside_keep()
 * or aside_drop(). */
int aside_open(const char *path, char **ret_name);

/* Gives it its place. Without `force` never over what came meanwhile: -EEXIST. Another negative errno: as rename().
 * What failed stays aside. */
int aside_keep(const char *name, const char *path, bool force);
void aside_drop(const char *name);
