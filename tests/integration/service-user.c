/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Preloaded: there is a user needled, who is nobody. */

#include <pwd.h>
#include <string.h>

#define NOBODY 65534

__attribute__((visibility("default"))) struct passwd *getpwnam(const char *name) {
        static char text[] = "needled";
        static struct passwd user = { .pw_name = text, .pw_uid = NOBODY, .pw_gid = NOBODY };

        return strcmp(name, text) == 0 ? &user : NULL;
}
