/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x31676e69526c644e)      /* "NdlRing1" */
#define BEFORE 4096u                    /* octets before the records */
#define WRAP UINT32_MAX                 /* instead of what a record is: what follows is at the beginning */
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

typedef struct Shared {
        uint64_t magic;
        uint32_t version, size;
        char boot_id[40];
        _Atomic uint64_t head, tail, evicted;
        RingPromise promise;            /* all of it is in place when `promised` says how far it goes */
        _Atomic uint64_t promised;
} Shared;

typedef struct Head {                   /* of a record; all but `check` is what that checks */
        uint32_t check;
        uint32_t what;                  /* octets behind the head, and the RingKind in the highest 8 bits */
        uint64_t position;              /* its own: what an earlier round has left here has another */
        uint64_t session, start_boottime_usec;
} Head;

#define KIND_SHIFT 24
#define SIZE_MASK ((1u << KIND_SHIFT) - 1)
#define UNIT 16u                        /* records are so many octets long, or a multiple */

G_STATIC_ASSERT(RING_VERSION == 1 && sizeof(Shared) == 136 && offsetof(Shared, head) == 56 && offsetof(Shared, promise) == 80);
G_STATIC_ASSERT(RING_VERSION == 1 && sizeof(RingPromise) == 48 && sizeof(Head) == 32 && _RING_KIND_MAX == 7);
G_STATIC_ASSERT(sizeof(Shared) <= BEFORE);
G_STATIC_ASSERT(sizeof(Head) % UNIT == 0);
G_STATIC_ASSERT(RING_RECORD_MAX <= SIZE_MASK);
G_STATIC_ASSERT((RING_SIZE & (RING_SIZE - 1)) == 0);

struct Ring {
        Shared *shared;
        uint8_t *records;
        uint64_t touched;               /* octets of the records that may have pages */
        bool borrowed;                  /* the memory is a test's */
};

static const char *const trouble_texts[_RING_TROUBLE_MAX] = {
        [RING_FINE] = "",
        [RING_NOT_SEALED] = "it is not sealed memory",
        [RING_WRONG_SIZE] = "it has another size",
        [RING_NOT_READABLE] = "it cannot be mapped",
        [RING_UNKNOWN] = "it is of another version",
        [RING_OTHER_BOOT] = "it is from before the computer was started",
        [RING_DAMAGED] = "it is damaged",
};

static size_t padded(size_t size) {
        return (size + UNIT - 1) & ~(size_t) (UNIT - 1);
}

/* Not against whoever writes what he likes: against what was half written, or was never a record. */
static inline uint32_t check_of(const uint8_t *record, size_t size) {
        uint64_t words[UNIT / sizeof(uint64_t)], sum;

        memcpy(words, record, sizeof(words));
        sum = (words[0] >> 32 ^ words[1]) * UINT64_C(0x9e3779b97f4a7c15); /* without the check itself */
        for (size_t i = UNIT; i < size; i += UNIT) {
                memcpy(words, record + i, sizeof(words));
                sum ^= words[0];
                sum = ((sum << 5 | sum >> 59) + words[1]) * UINT64_C(0x9e3779b97f4a7c15);
        }
        return (uint32_t) (sum >> 32);
}

static Ring *wrap(void *memory) {
        Ring *ring = g_new0(Ring, 1);

        ring->shared = memory;
        ring->records = (uint8_t *) memory + BEFORE;
        return ring;
}

static void *map(int fd) {
        void *memory = mmap(NULL, BEFORE + RING_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        return memory == MAP_FAILED ? NULL : memory;
}

static void start(Shared *shared, const char *boot_id) {
        *shared = (Shared) { .magic = MAGIC, .version = RING_VERSION, .size = RING_SIZE };
        g_strlcpy(shared->boot_id, boot_id, sizeof(shared->boot_id));
        atomic_init(&shared->head, RING_SIZE);
        atomic_init(&shared->tail, RING_SIZE);
}

int ring_new(const char *boot_id, int *ret_fd, Ring **ret) {
        int fd = memfd_create("needled-frames", MFD_CLOEXEC | MFD_ALLOW_SEALING), r = 0;
        void *memory = NULL;

        if (fd < 0)
                return -errno;
        if (fchmod(fd, 0600) < 0 || ftruncate(fd, BEFORE + RING_SIZE) < 0 || fcntl(fd, F_ADD_SEALS, SEALS) < 0 || !(memory = map(fd)))
                r = -errno;
        if (r < 0) {
                (void) close(fd);
                return r;
        }
        start(memory, boot_id);
        *ret_fd = fd;
        *ret = wrap(memory);
        return 0;
}

static bool is_ours(const Shared *shared) {
        return shared->magic == MAGIC && shared->version == RING_VERSION && shared->size == RING_SIZE &&
               memchr(shared->boot_id, '\0', sizeof(shared->boot_id));
}

/* Whether all between the two can be read; a `tail` beyond `head` is what one that was just emptied may look like. */
static bool is_whole(Ring *ring) {
        uint64_t head = ring_head(ring), tail = ring_tail(ring), position = tail;
        RingRecord record;
        int r;

        if (head % UNIT != 0 || tail % UNIT != 0 || head < RING_SIZE || tail < RING_SIZE || tail > UINT64_MAX / 2 || head > UINT64_MAX / 2)
                return false;
        if (tail >= head) {
                atomic_store(&ring->shared->head, tail);
                return true;
        }
        if (head - tail > RING_SIZE)
                return false;
        do {
                r = ring_next(ring, &position, &record);
        } while (r > 0);
        return r == 0;
}

static RingTrouble look(Ring *ring, const char *boot_id) {
        if (!is_ours(ring->shared))
                return RING_UNKNOWN;
        if (strcmp(ring->shared->boot_id, boot_id) != 0)
                return RING_OTHER_BOOT;
        ring->touched = RING_SIZE;
        return is_whole(ring) ? RING_FINE : RING_DAMAGED;
}

RingTrouble ring_open(int fd, const char *boot_id, Ring **ret) {
        int seals = fcntl(fd, F_GET_SEALS);
        RingTrouble trouble;
        struct stat st;
        void *memory;
        Ring *ring;

        if (seals < 0 || !(seals & F_SEAL_SHRINK))
                return RING_NOT_SEALED;
        if (fstat(fd, &st) < 0 || st.st_size != BEFORE + RING_SIZE)
                return RING_WRONG_SIZE;
        memory = map(fd);
        if (!memory)
                return RING_NOT_READABLE;
        ring = wrap(memory);
        trouble = look(ring, boot_id);
        if (trouble == RING_FINE)
                *ret = ring;
        else
                (void) ring_free(ring);
        return trouble;
}

RingTrouble ring_adopt(void *memory, size_t size, const char *boot_id, Ring **ret) {
        RingTrouble trouble = size == BEFORE + RING_SIZE ? RING_FINE : RING_WRONG_SIZE;
        Ring *ring;

        if (trouble != RING_FINE)
                return trouble;
        ring = wrap(memory);
        ring->borrowed = true;
        trouble = look(ring, boot_id);
        if (trouble == RING_FINE)
                *ret = ring;
        else
                (void) ring_free(ring);
        return trouble;
}

const char *ring_trouble_text(RingTrouble trouble) {
        return trouble_texts[trouble];
}

Ring *ring_free(Ring *ring) {
        if (!ring)
                return NULL;
        if (!ring->borrowed)
                (void) munmap(ring->shared, BEFORE + RING_SIZE);
        g_free(ring);
        return NULL;
}

/* The oldest goes. */
static void evict(Ring *ring) {
        uint64_t position = ring_tail(ring);
        RingRecord record;

        if (ring_next(ring, &position, &record) <= 0)
                position = ring_head(ring); /* not so: what is here was written by us, or was read when it was opened */
        else if (record.kind == RING_FRAME)
                atomic_fetch_add_explicit(&ring->shared->evicted, 1, memory_order_relaxed);
        atomic_store_explicit(&ring->shared->tail, position, memory_order_release);
}

static void write_record(Ring *ring, const Head *head, const void *data, size_t size) {
        uint64_t at = head->position % RING_SIZE, end = at + sizeof(*head) + padded(size);
        uint8_t *record = ring->records + at;
        uint32_t check;

        memset(ring->records + end - UNIT, 0, UNIT);
        memcpy(record, head, sizeof(*head));
        if (size > 0)
                memcpy(record + sizeof(*head), data, size);
        check = check_of(record, end - at);
        memcpy(record, &check, sizeof(check));
        ring->touched = MAX(ring->touched, end);
        atomic_store_explicit(&ring->shared->head, head->position + end - at, memory_order_release);
}

void ring_put(Ring *ring, RingKind kind, uint64_t session, uint64_t start_boottime_usec, const void *data, size_t size) {
        static const uint32_t wrapped[2] = { 0, WRAP };
        size_t need = sizeof(Head) + padded(size);
        Head head = {
                .what = (uint32_t) size | (uint32_t) kind << KIND_SHIFT,
                .position = ring_head(ring),
                .session = session,
                .start_boottime_usec = start_boottime_usec,
        };
        uint64_t left = RING_SIZE - head.position % RING_SIZE;

        if (G_UNLIKELY(size > RING_RECORD_MAX))
                return;
        if (G_UNLIKELY(left < need))
                head.position += left;
        while (G_UNLIKELY(head.position + need - ring_tail(ring) > RING_SIZE))
                evict(ring);
        if (G_UNLIKELY(left < need))
                memcpy(ring->records + RING_SIZE - left, wrapped, sizeof(wrapped));
        write_record(ring, &head, data, size);
}

uint64_t ring_head(const Ring *ring) {
        return atomic_load_explicit(&ring->shared->head, memory_order_acquire);
}

uint64_t ring_tail(const Ring *ring) {
        return atomic_load_explicit(&ring->shared->tail, memory_order_acquire);
}

bool ring_is_empty(const Ring *ring) {
        return ring_tail(ring) >= ring_head(ring);
}

uint64_t ring_evicted(const Ring *ring) {
        return atomic_load(&ring->shared->evicted);
}

int ring_next(const Ring *ring, uint64_t *position, RingRecord *ret) {
        uint64_t end = ring_head(ring), at = *position % RING_SIZE;
        const uint8_t *record = ring->records + at;
        uint32_t kind, size;
        Head head;

        if (*position >= end)
                return 0;
        memcpy(&head, record, UNIT);
        if (head.what == WRAP) {
                *position += RING_SIZE - at;
                return at == 0 || *position >= end ? -EBADMSG : ring_next(ring, position, ret);
        }
        if (RING_SIZE - at < sizeof(head))
                return -EBADMSG;
        memcpy(&head, record, sizeof(head));
        kind = head.what >> KIND_SHIFT;
        size = head.what & SIZE_MASK;
        if (size > RING_RECORD_MAX || sizeof(head) + padded(size) > MIN(RING_SIZE - at, end - *position) || head.position != *position ||
            kind == 0 || kind >= _RING_KIND_MAX || head.check != check_of(record, sizeof(head) + padded(size)))
                return -EBADMSG;
        *ret = (RingRecord) {
                .kind = (RingKind) kind,
                .session = head.session,
                .start_boottime_usec = head.start_boottime_usec,
                .data = record + sizeof(head),
                .size = size,
        };
        *position += sizeof(head) + padded(size);
        return 1;
}

void ring_promise(Ring *ring, const RingPromise *promise) {
        atomic_store_explicit(&ring->shared->promised, 0, memory_order_relaxed);
        atomic_thread_fence(memory_order_release);
        ring->shared->promise = *promise;
        atomic_store_explicit(&ring->shared->promised, promise->upto, memory_order_release);
}

RingPromise ring_promised(const Ring *ring) {
        RingPromise promise = ring->shared->promise;

        promise.upto = atomic_load(&ring->shared->promised);
        return promise;
}

/* One that is empty begins at the beginning, so that the same few pages do. */
static void rewind_to_start(Ring *ring) {
        uint64_t head = ring_head(ring), begin = (head + RING_SIZE - 1) / RING_SIZE * RING_SIZE;

        atomic_store_explicit(&ring->shared->tail, begin, memory_order_release);
        atomic_store_explicit(&ring->shared->head, begin, memory_order_release);
}

void ring_commit(Ring *ring, uint64_t upto) {
        if (upto > ring_tail(ring)) {
                atomic_store_explicit(&ring->shared->tail, upto, memory_order_release);
                atomic_store_explicit(&ring->shared->evicted, 0, memory_order_relaxed);
        }
        if (ring_is_empty(ring))
                rewind_to_start(ring);
        atomic_store_explicit(&ring->shared->promised, 0, memory_order_release);
}

void ring_give_back(Ring *ring) {
        if (ring->touched == 0 || ring->borrowed || !ring_is_empty(ring))
                return;
        (void) madvise(ring->records, (ring->touched + 4095u) & ~UINT64_C(4095), MADV_REMOVE);
        ring->touched = 0;
}
