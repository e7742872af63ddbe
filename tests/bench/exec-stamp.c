/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* exec-stamp PROGRAM ARGUMENT…: prints CLOCK_BOOTTIME in microseconds and becomes the program. Only a
 * program of this size can say when exec was called: an interpreter between fork and exec takes milliseconds
 * of its own. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
        struct timespec now;

        if (argc < 2) {
                (void) fprintf(stderr, "exec-stamp: which program?\n");
                return EXIT_FAILURE;
        }

        (void) clock_gettime(CLOCK_BOOTTIME, &now);
        (void) printf("exec %llu\n",
                      (unsigned long long) now.tv_sec * 1000000 + (unsigned long long) now.tv_nsec / 1000);
        (void) fflush(stdout);
        (void) execv(argv[1], argv + 1);
        perror(argv[1]);
        return EXIT_FAILURE;
}
