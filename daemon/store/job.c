/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/job.h"

#include <stddef.h>
#include <string.h>

_Static_assert(offsetof(Frame, size) + sizeof((Frame *) NULL)->size == JOB_FRAME_HEAD &&
                       offsetof(Frame, data) >= JOB_FRAME_HEAD,
               "a piece keeps the head of a frame as it lies in memory");

/* What is lost where frames are dropped, by needled_stream_gap's numbers. */
enum {
        STREAM_ALL = 0,
        STREAM_WAVEFORM = 2,
};

void job_copy_device(StoreDevice *ret, const StoreDevice *device) {
        *ret = *device;
        ret->path = g_strdup(device->path);
        ret->address = g_strdup(device->address);
        ret->address_type = g_strdup(device->address_type);
        ret->adapter = g_strdup(device->adapter);
        ret->name = g_strdup(device->name);
        ret->alias = g_strdup(device->alias);
        ret->profile = g_strdup(device->profile);
        ret->manufacturer = g_strdup(device->manufacturer);
        ret->model = g_strdup(device->model);
        ret->serial = g_strdup(device->serial);
        ret->firmware = g_strdup(device->firmware);
}

void job_clear_device(StoreDevice *device) {
        g_free(device->path);
        g_free(device->address);
        g_free(device->address_type);
        g_free(device->adapter);
        g_free(device->name);
        g_free(device->alias);
        g_free(device->profile);
        g_free(device->manufacturer);
        g_free(device->model);
        g_free(device->serial);
        g_free(device->firmware);
        *device = (StoreDevice) {};
}

void job_copy_session(StoreSession *ret, const StoreSession *session) {
        *ret = *session;
        ret->uuid = g_strdup(session->uuid);
        ret->device_address = g_strdup(session->device_address);
        ret->device_alias = g_strdup(session->device_alias);
        ret->profile = g_strdup(session->profile);
        ret->channels = g_strdup(session->channels);
        ret->owner_name = g_strdup(session->owner_name);
        ret->boot_id = g_strdup(session->boot_id);
        ret->subject = g_strdup(session->subject);
        ret->area = g_strdup(session->area);
        ret->product = g_strdup(session->product);
        ret->note = g_strdup(session->note);
        ret->state = g_strdup(session->state);
        ret->end_reason = g_strdup(session->end_reason);
        ret->source = g_strdup(session->source);
}

void job_clear_session(StoreSession *session) {
        g_free(session->uuid);
        g_free(session->device_address);
        g_free(session->device_alias);
        g_free(session->profile);
        g_free(session->channels);
        g_free(session->owner_name);
        g_free(session->boot_id);
        g_free(session->subject);
        g_free(session->area);
        g_free(session->product);
        g_free(session->note);
        g_free(session->state);
        g_free(session->end_reason);
        g_free(session->source);
        *session = (StoreSession) {};
}

void job_copy_plan(StorePlan *ret, const StorePlan *plan) {
        *ret = *plan;
        ret->owner_name = g_strdup(plan->owner_name);
        ret->subject = g_strdup(plan->subject ?: "");
}

void job_clear_plan(StorePlan *plan) {
        g_free(plan->owner_name);
        g_free(plan->subject);
        *plan = (StorePlan) {};
}

void job_copy_acknowledgement(StoreAcknowledgement *ret, const StoreAcknowledgement *acknowledgement) {
        *ret = *acknowledgement;
        ret->owner_name = g_strdup(acknowledgement->owner_name);
        ret->version = g_strdup(acknowledgement->version);
}

void job_clear_acknowledgement(StoreAcknowledgement *acknowledgement) {
        g_free(acknowledgement->owner_name);
        g_free(acknowledgement->version);
        *acknowledgement = (StoreAcknowledgement) {};
}

/* The job's own, which nobody else can change. */
static void free_text(const char *text) {
        g_free((char *) text);
}

static void clear_labels(StoreLabels *labels) {
        free_text(labels->subject);
        free_text(labels->area);
        free_text(labels->product);
        free_text(labels->note);
        *labels = (StoreLabels) {};
}

static void clear_record(Job *job) {
        StoreRecord *record = job->record;

        job_clear_session(&record->session);
        free_text(record->device_address_type);
        g_free((Frame *) record->frames);
        g_free(record);
        g_free(job->record_octets);
}

void intake_part_clear(IntakePart *part) {
        chunk_builder_done(&part->chunk);
        g_free(part->gaps);
        for (size_t i = 0; i < part->n_events; i++)
                free_text(part->events[i].text);
        g_free(part->events);
        *part = (IntakePart) {};
}

size_t intake_part_size(const IntakePart *part) {
        return sizeof(Job) + part->chunk.size + part->n_gaps * sizeof *part->gaps + part->n_events * sizeof *part->events;
}

Job *job_new(JobType type, uint64_t session) {
        Job *job = g_new0(Job, 1);

        job->type = type;
        job->session = session;
        return job;
}

Job *job_free(Job *job) {
        if (!job)
                return NULL;
        switch (job->type) {
        case JOB_DEVICE_PUT:
        case JOB_DEVICE_REMOVE:
                job_clear_device(&job->device);
                break;
        case JOB_BEGIN:
        case JOB_INTAKE_BEGIN:
                job_clear_session(job->begin);
                g_free(job->begin);
                break;
        case JOB_RECORD:
                clear_record(job);
                break;
        case JOB_INTAKE_PART:
                intake_part_clear(&job->part);
                break;
        case JOB_PIECE:
                g_free(job->piece.data);
                break;
        case JOB_END:
        case JOB_INTAKE_FINISH:
                free_text(job->end.reason);
                g_free((Figures *) job->end.figures);
                break;
        case JOB_EVENT:
                free_text(job->event.text);
                break;
        case JOB_LABEL:
                clear_labels(&job->labels);
                break;
        case JOB_PLAN:
                job_clear_plan(&job->plan);
                break;
        case JOB_ACKNOWLEDGE:
                job_clear_acknowledgement(&job->acknowledgement);
                break;
        case JOB_DISCARD:
                free_text(job->burial.device_address);
                break;
        case JOB_ERASE:
                g_clear_pointer(&job->spared, g_array_unref);
                g_free(job->erase_owner_name);
                break;
        case JOB_GAP:
        case JOB_SYNC:
        case JOB_INTAKE_ABANDON:
                break;
        }
        g_free(job);
        return NULL;
}

Job *job_new_record(const StoreRecord *record) {
        Job *job = job_new(JOB_RECORD, record->session.id);
        Frame *frames = g_memdup2(record->frames, record->n_frames * sizeof *frames);
        StoreRecord *copy = g_memdup2(record, sizeof *copy);
        size_t size = 0;
        uint8_t *p;

        for (size_t i = 0; i < record->n_frames; i++)
                size += record->frames[i].size;
        job->record_octets = p = g_malloc(size + 1);
        for (size_t i = 0; i < record->n_frames; i++) {
                if (frames[i].size > 0)
                        memcpy(p, frames[i].data, frames[i].size);
                frames[i].data = p;
                p += frames[i].size;
        }
        job_copy_session(&copy->session, &record->session);
        job->fate = STORE_RECORD_KNOWN;         /* until it is written */
        copy->device_address_type = g_strdup(record->device_address_type);
        copy->frames = frames;
        job->record = copy;
        return job;
}

/* What comes whole, and what takes away, is bounded where it comes from, and must not push out what comes once. */
static bool is_bounded(const Job *job) {
        return job->type == JOB_RECORD || job->type == JOB_ERASE || (job->type >= JOB_INTAKE_BEGIN && job->type <= JOB_INTAKE_ABANDON);
}

static size_t size_of_text(const char *text) {
        return text ? strlen(text) + 1 : 0;
}

static size_t size_of_labels(const StoreLabels *labels) {
        return size_of_text(labels->subject) + size_of_text(labels->area) + size_of_text(labels->product) + size_of_text(labels->note);
}

/* A piece counts with what its frames need, not with the room it has: the room is given back when the next
 * piece begins. */
size_t job_size(const Job *job) {
        if (is_bounded(job))
                return 0;
        return sizeof *job + (job->type == JOB_PIECE ? job->piece.size : 0) + (job->type == JOB_LABEL ? size_of_labels(&job->labels) : 0) +
               (job->type == JOB_EVENT ? size_of_text(job->event.text) : 0);
}

static const uint8_t *get_sample(const uint8_t *p, StoreSample *ret) {
        ret->has = *p++;
        for (int i = 0; i < _STORE_METRIC_MAX; i++)
                if (ret->has & 1u << i) {
                        memcpy(&ret->mean[i], p, sizeof ret->mean[i]);
                        memcpy(&ret->max[i], p + sizeof ret->mean[i], sizeof ret->max[i]);
                        p += sizeof ret->mean[i] + sizeof ret->max[i];
                }
        return p;
}

static uint8_t *put_sample(uint8_t *p, const StoreSample *sample) {
        *p++ = sample->has;
        for (int i = 0; i < _STORE_METRIC_MAX; i++)
                if (sample->has & 1u << i) {
                        memcpy(p, &sample->mean[i], sizeof sample->mean[i]);
                        memcpy(p + sizeof sample->mean[i], &sample->max[i], sizeof sample->max[i]);
                        p += sizeof sample->mean[i] + sizeof sample->max[i];
                }
        return p;
}

bool piece_next(const Piece *piece, size_t *offset, Frame *ret, StoreSample *ret_sample) {
        const uint8_t *p = piece->data + *offset;
        StoreSample sample = {};

        if (*offset >= piece->size)
                return false;
        memcpy(ret, p, JOB_FRAME_HEAD);
        ret->data = p + JOB_FRAME_HEAD;
        p = ret->data + ret->size;
        if (ret->direction & JOB_FRAME_SAMPLED) {
                ret->direction &= (uint8_t) ~JOB_FRAME_SAMPLED;
                p = get_sample(p, &sample);
        }
        *offset = (size_t) (p - piece->data);
        if (ret_sample)
                *ret_sample = sample;
        return true;
}

size_t piece_size_of(const Frame *frame, const StoreSample *sample) {
        size_t size = JOB_FRAME_HEAD + (size_t) frame->size;

        if (sample && sample->has)
                size += 1 + (size_t) __builtin_popcount(sample->has) * 2 * sizeof(int32_t);
        return size;
}

void piece_add(Piece *piece, const Frame *frame, const StoreSample *sample) {
        uint8_t *p = piece->data + piece->size, *direction = p + offsetof(Frame, direction);

        memcpy(p, frame, JOB_FRAME_HEAD);
        p += JOB_FRAME_HEAD;
        if (frame->size > 0)
                memcpy(p, frame->data, frame->size);
        p += frame->size;
        *direction &= (uint8_t) ~JOB_FRAME_SAMPLED;
        if (sample && sample->has) {
                *direction |= JOB_FRAME_SAMPLED;
                p = put_sample(p, sample);
        }
        piece->size = (size_t) (p - piece->data);
        piece->n_frames++;
}

void piece_reserve(Piece *piece, size_t size) {
        if (piece->allocated - piece->size >= size)
                return;
        piece->allocated = MAX(MAX(piece->size + size, 2 * piece->allocated), 4096);
        piece->data = g_realloc(piece->data, piece->allocated);
}

void queue_init(Queue *queue) {
        *queue = (Queue) {};
        TAILQ_INIT(&queue->jobs);
}

void queue_done(Queue *queue) {
        Job *job;

        while ((job = TAILQ_FIRST(&queue->jobs))) {
                TAILQ_REMOVE(&queue->jobs, job, entry);
                job_free(job);
        }
}

void queue_push(Queue *queue, Job *job) {
        TAILQ_INSERT_TAIL(&queue->jobs, job, entry);
        queue->size += job_size(job);
}

static void queue_remove(Queue *queue, Job *job) {
        TAILQ_REMOVE(&queue->jobs, job, entry);
        queue->size -= job_size(job);
        job_free(job);
}

static bool same_device(const Job *a, const Job *b) {
        return (a->type == JOB_DEVICE_PUT || a->type == JOB_DEVICE_REMOVE) &&
               g_strcmp0(a->device.address, b->device.address) == 0 &&
               g_strcmp0(a->device.address_type, b->device.address_type) == 0;
}

/* What takes the place of what waits; but a device that is put after it was removed begins anew. */
void queue_push_device(Queue *queue, Job *job) {
        Job *before, *next;

        for (before = TAILQ_FIRST(&queue->jobs); before; before = next) {
                next = TAILQ_NEXT(before, entry);
                if (same_device(before, job) && (job->type == JOB_DEVICE_REMOVE || before->type == JOB_DEVICE_PUT))
                        queue_remove(queue, before);
        }
        queue_push(queue, job);
}

static bool same_purpose(const Job *a, const Job *b) {
        if (a->type != b->type)
                return false;
        if (a->type == JOB_LABEL)
                return a->session == b->session;
        if (a->type == JOB_PLAN)
                return a->plan.owner == b->plan.owner && g_strcmp0(a->plan.subject, b->plan.subject) == 0;
        return a->type == JOB_ACKNOWLEDGE && a->acknowledgement.owner == b->acknowledgement.owner;
}

static void merge_label(const char **label, const char **with) {
        if (!*with)
                return;
        free_text(*label);
        *label = g_steal_pointer(with);
}

Job *queue_merge(Queue *queue, Job *job) {
        Job *before;

        /* The newest: one that came back from a commit that failed stands before it. */
        TAILQ_FOREACH_REVERSE(before, &queue->jobs, JobList, entry)
                if (before->type == JOB_ERASE || same_purpose(before, job))
                        break;
        if (!before || before->type == JOB_ERASE)
                return NULL;
        queue->size -= job_size(before);
        if (job->type == JOB_LABEL) {
                merge_label(&before->labels.subject, &job->labels.subject);
                merge_label(&before->labels.area, &job->labels.area);
                merge_label(&before->labels.product, &job->labels.product);
                merge_label(&before->labels.note, &job->labels.note);
                before->labels.rating = job->labels.rating ?: before->labels.rating;
        } else if (job->type == JOB_PLAN) {
                job_clear_plan(&before->plan);
                before->plan = job->plan;
                job->plan = (StorePlan) {};
        } else {
                job_clear_acknowledgement(&before->acknowledgement);
                before->acknowledgement = job->acknowledgement;
                job->acknowledgement = (StoreAcknowledgement) {};
        }
        queue->size += job_size(before);
        job_free(job);
        return before;
}

uint64_t queue_push_erase(Queue *queue, Job *job) {
        uint64_t wait = 0;
        Job *before;

        TAILQ_FOREACH(before, &queue->jobs, entry)
                if (before->type == JOB_ERASE && before->erase == job->erase && before->session == job->session &&
                    before->erase_owner == job->erase_owner && g_strcmp0(before->erase_owner_name, job->erase_owner_name) == 0) {
                        wait = before->wait;
                        queue_remove(queue, before);
                        break;
                }
        queue_push(queue, job);
        return wait;
}

void queue_drop_intake(Queue *queue, uint64_t session) {
        Job *job, *next;

        for (job = TAILQ_FIRST(&queue->jobs); job; job = next) {
                next = TAILQ_NEXT(job, entry);
                if (job->session == session && (job->type == JOB_INTAKE_PART || job->type == JOB_INTAKE_FINISH))
                        queue_remove(queue, job);
        }
}

void queue_return(Queue *queue, JobList *jobs) {
        Job *job;

        while ((job = TAILQ_LAST(jobs, JobList))) {
                TAILQ_REMOVE(jobs, job, entry);
                job->tried = true;
                if (job->type == JOB_PIECE)
                        job->piece.sealed = true;
                TAILQ_INSERT_HEAD(&queue->jobs, job, entry);
                queue->size += job_size(job);
        }
}

void queue_take(Queue *queue, JobList *ret) {
        TAILQ_INIT(ret);
        TAILQ_CONCAT(ret, &queue->jobs, entry);
        queue->size = 0;
}

/* One gap for all that a session loses of a stream while memory is full, before the first job that lost: it
 * must come after the session's beginning and before its end. */
static void note_loss(Queue *queue, Job *at, int stream, uint64_t n, uint64_t from_boottime_usec,
                      uint64_t to_boottime_usec) {
        uint64_t start = at->piece.start_boottime_usec;
        uint64_t from = from_boottime_usec > start ? from_boottime_usec - start : 0;
        uint64_t to = to_boottime_usec > start ? to_boottime_usec - start : 0;
        Job *gap;

        queue->n_dropped += n;
        TAILQ_FOREACH(gap, &queue->jobs, entry) {
                if (gap == at)
                        break;
                if (gap->type == JOB_GAP && gap->of_drop && gap->session == at->session &&
                    gap->gap.stream == stream) {
                        gap->gap.to_usec = MAX(gap->gap.to_usec, to);
                        gap->gap.lost += n;
                        return;
                }
        }
        gap = job_new(JOB_GAP, at->session);
        gap->of_drop = true;
        gap->gap = (StoreGap) { .from_usec = from, .to_usec = to, .stream = stream, .lost = n };
        TAILQ_INSERT_BEFORE(at, gap, entry);
        queue->size += job_size(gap);
}

/* Takes the bulk frames out of a piece, or all of them. */
static void drop_frames(Queue *queue, Job *job, bool bulk_only) {
        Piece *piece = &job->piece;
        uint64_t n = 0, from_usec = 0, to_usec = 0;
        size_t offset = 0, kept = 0, at = 0;
        Frame frame;

        queue->size -= job_size(job);
        while (at = offset, piece_next(piece, &offset, &frame, NULL)) {
                if (bulk_only && frame.channel != STORE_BULK_CHANNEL) {
                        memmove(piece->data + kept, piece->data + at, offset - at);
                        kept += offset - at;
                        continue;
                }
                if (n++ == 0)
                        from_usec = frame.boottime_usec;
                to_usec = frame.boottime_usec;
        }
        piece->size = kept;
        piece->n_frames -= (uint32_t) n;
        piece->n_bulk = 0;
        queue->size += job_size(job);
        note_loss(queue, job, bulk_only ? STREAM_WAVEFORM : STREAM_ALL, n, from_usec, to_usec);
        if (piece->n_frames == 0 && piece->sealed)
                queue_remove(queue, job);
}

static Job *find_piece(Queue *queue, bool bulk_only) {
        Job *job;

        TAILQ_FOREACH(job, &queue->jobs, entry)
                if (job->type == JOB_PIECE && (bulk_only ? job->piece.n_bulk : job->piece.n_frames) > 0)
                        return job;
        return NULL;
}

static Job *find_detail(Queue *queue) {
        Job *job;

        TAILQ_FOREACH(job, &queue->jobs, entry)
                if (job->type == JOB_EVENT || (job->type == JOB_GAP && !job->of_drop))
                        return job;
        return NULL;
}

void queue_enforce(Queue *queue, size_t size) {
        Job *job;

        while (queue->size > size) {
                if ((job = find_piece(queue, true)))
                        drop_frames(queue, job, true);
                else if ((job = find_piece(queue, false)))
                        drop_frames(queue, job, false);
                else if ((job = find_detail(queue)))
                        queue_remove(queue, job);
                else
                        return;
        }
}
