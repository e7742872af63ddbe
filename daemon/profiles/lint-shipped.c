/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "profiles/file.h"

/* The build's own lint: what is shipped can be loaded, keeps its tests, and is no other's double. */

static void print(const char *path, unsigned line, const char *text, void *userdata) {
        fprintf(stderr, "%s:%u: %s\n", path, line, text);
}

static void file_free(void *p) {
        profile_file_free(p);
}

int main(int argc, char **argv) {
        g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(file_free);
        unsigned wrong = 0;

        for (int i = 1; i < argc; i++) {
                ProfileFile *file;

                if (profile_file_load(argv[i], print, NULL, &file) < 0) {
                        wrong++;
                        continue;
                }
                wrong += profile_file_test(file, print, NULL);
                g_ptr_array_add(files, file);
        }
        wrong += profile_files_lint((const ProfileFile *const *) files->pdata, files->len, print, NULL);
        if (wrong == 0)
                printf("%u profiles are good\n", files->len);

        return wrong > 0 || files->len == 0;
}
