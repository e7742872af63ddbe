/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fuzz.h"

/* Feeds a target with the files of a folder, without libFuzzer: each is a case. What the target finds wrong ends the program. */

static uint8_t *file_read(const char *path, size_t *ret_size) {
        FILE *f = fopen(path, "rb");
        struct stat st;
        uint8_t *data;

        if (!f || fstat(fileno(f), &st) < 0) {
                perror(path);
                exit(1);
        }
        data = malloc((size_t) st.st_size); /* exactly: AddressSanitizer sees one octet too far */
        if (!data || fread(data, 1, (size_t) st.st_size, f) != (size_t) st.st_size) {
                perror(path);
                exit(1);
        }
        fclose(f);
        *ret_size = (size_t) st.st_size;
        return data;
}

static int is_file(const struct dirent *entry) {
        return entry->d_name[0] != '.';
}

int main(int argc, char **argv) {
        struct dirent **entries;
        int n;

        if (argc != 2) {
                fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
                return 64;
        }
        n = scandir(argv[1], &entries, is_file, alphasort);
        if (n <= 0) {
                fprintf(stderr, "%s: no files\n", argv[1]);
                return 1;
        }

        printf("1..%i\n", n);
        for (int i = 0; i < n; i++) {
                char path[4096];
                uint8_t *data;
                size_t size;

                snprintf(path, sizeof(path), "%s/%s", argv[1], entries[i]->d_name);
                data = file_read(path, &size);
                LLVMFuzzerTestOneInput(data, size);
                printf("ok %i %s\n", i + 1, entries[i]->d_name);
                fflush(stdout);
                free(data);
                free(entries[i]);
        }
        free(entries);
        return 0;
}
