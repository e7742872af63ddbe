/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Preloaded: one allocation of libsystemd fails, or some. The file that FAIL_ALLOCATION names says which, and is told what came of it. Whoever else
 * allocates is passed on. */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))
#define CALLER ((uintptr_t) __builtin_return_address(0))
#define NEXT(name) ((__typeof__(&name)) next(#name))

/* As test_memory.py packs it. */
struct plan {
        uint64_t first;         /* of the allocations from now on fails; 0: none */
        uint64_t n;             /* so many */
        _Atomic uint64_t count; /* since the test has set it to 0 */
        _Atomic uint64_t failed;
};

static struct plan *plan;
static uintptr_t from, to;      /* the code of libsystemd */

static void *next(const char *name) {
        return dlsym(RTLD_NEXT, name);
}

static int on_object(struct dl_phdr_info *info, size_t size, void *userdata) {
        if (!info->dlpi_name || !strstr(info->dlpi_name, "/libsystemd.so"))
                return 0;
        for (unsigned i = 0; i < info->dlpi_phnum; i++)
                if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X) {
                        from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
                        to = from + info->dlpi_phdr[i].p_memsz;
                }
        return 1;
}

__attribute__((constructor)) static void begin(void) {
        const char *path = getenv("FAIL_ALLOCATION");
        int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
        void *map = fd >= 0 ? mmap(NULL, sizeof(struct plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;

        if (fd >= 0)
                close(fd);
        dl_iterate_phdr(on_object, NULL);
        if (map != MAP_FAILED)
                plan = map;
}

static int fails(uintptr_t caller) {
        uint64_t number;

        if (!plan || caller < from || caller >= to)
                return 0;
        number = atomic_fetch_add(&plan->count, 1) + 1;
        if (plan->first == 0 || number < plan->first || number >= plan->first + plan->n)
                return 0;
        atomic_fetch_add(&plan->failed, 1);
        errno = ENOMEM;
        return 1;
}

SHOWN void *malloc(size_t size) {
        return fails(CALLER) ? NULL : NEXT(malloc)(size);
}

SHOWN void *calloc(size_t n, size_t size) {
        return fails(CALLER) ? NULL : NEXT(calloc)(n, size);
}

SHOWN void *realloc(void *old, size_t size) {
        return fails(CALLER) ? NULL : NEXT(realloc)(old, size);
}

SHOWN void *reallocarray(void *old, size_t n, size_t size) {
        return fails(CALLER) ? NULL : NEXT(reallocarray)(old, n, size);
}

SHOWN char *strdup(const char *text) {
        return fails(CALLER) ? NULL : NEXT(strdup)(text);
}

SHOWN char *strndup(const char *text, size_t n) {
        return fails(CALLER) ? NULL : NEXT(strndup)(text, n);
}

SHOWN FILE *open_memstream(char **text, size_t *size) {
        return fails(CALLER) ? NULL : NEXT(open_memstream)(text, size);
}

/* What asprintf() and vasprintf() are in a program that is compiled with _FORTIFY_SOURCE. */
int __vasprintf_chk(char **text, int flag, const char *format, va_list arguments);
int __asprintf_chk(char **text, int flag, const char *format, ...);

SHOWN int __vasprintf_chk(char **text, int flag, const char *format, va_list arguments) {
        return fails(CALLER) ? -1 : NEXT(__vasprintf_chk)(text, flag, format, arguments);
}

SHOWN int __asprintf_chk(char **text, int flag, const char *format, ...) {
        va_list arguments;
        int r;

        if (fails(CALLER))
                return -1;
        va_start(arguments, format);
        r = NEXT(__vasprintf_chk)(text, flag, format, arguments);
        va_end(arguments);
        return r;
}
