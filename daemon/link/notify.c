/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "autoptr.h"
#include "clock.h"
#include "log.h"

/* The streams. Each followed characteristic has a socket from AcquireNotify: one datagram is one
 * notification. bluetoothd's end holds 278 of them and drops silently what comes then, so nothing may stand
 * between a notification and its frame. */

#define CHARACTERISTIC "org.bluez.GattCharacteristic1"
#define PRIORITY (SD_EVENT_PRIORITY_IMPORTANT)  /* before every message of both buses */
#define HELD_FIRST_USEC (20 * 1000)
#define HELD_QUICK_TRIES 6u /* 20 ms → 640 ms: the socket of a daemon before us is let go in that time */
#define HELD_USEC (5 * G_USEC_PER_SEC)
#define BURST_MAX 8u
#define BURST_USEC 500u
#define DRAIN_EMPTY_MAX 8u              /* an ended socket gives empty datagrams for ever */

static void acquire_next(Device *device);

static void deliver_link(Device *device, FrameLink what) {
        uint8_t data[] = { (uint8_t) what };

        notify_deliver(device, 0, FRAME_OF_LINK, data, sizeof(data));
}

static bool is_control_point(const Device *device, const ProfileChar *ch) {
        return ch->channel == OMP_CHAR_CONTROL_POINT && !device->profile->vendor;
}

/* Of stored sessions: not what is measured now. */
static bool is_stored(const Device *device, const ProfileChar *ch) {
        return (ch->channel == OMP_CHAR_SESSION_DATA || ch->channel == OMP_CHAR_RACP) && !device->profile->vendor;
}

static bool flows(const Device *device) {
        return device->state == DEVICE_STREAMING || device->state == DEVICE_SYNCING;
}

static void socket_ended(Device *device) {
        trouble_detached(device);
        device->work->socket_ended = true;
        reconnect_lost(device, DEVICE_REASON_NONE);
}

/* "Zero-length values are forbidden" (1.1): but while the other end is open this is one, not the end. */
static bool is_open(int fd) {
        struct pollfd pfd = { .fd = fd };

        return poll(&pfd, 1, 0) == 0;
}

/* Something came a moment ago: a connection event brings up to six values, and a loop that was away finds more. One read
 * and one wakeup are for all of them then. */
static bool is_burst(const Stream *stream) {
        uint64_t now_usec;

        return sd_event_now(stream->device->link->event, CLOCK_BOOTTIME, &now_usec) >= 0 &&
               now_usec < stream->device->work->newest_usec + BURST_USEC &&
               !is_control_point(stream->device, stream->ch) && !is_stored(stream->device, stream->ch);
}

static int receive_burst(Stream *stream, int fd) {
        uint8_t data[BURST_MAX][OMP_VALUE_MAX + 1];
        struct mmsghdr messages[BURST_MAX];
        struct iovec iovecs[BURST_MAX];
        Device *device = stream->device;
        const Stream *streams = device->work->streams;
        bool ended;
        int n;

        for (unsigned i = 0; i < BURST_MAX; i++) {
                iovecs[i] = (struct iovec) { .iov_base = data[i], .iov_len = sizeof(data[i]) };
                messages[i] = (struct mmsghdr) { .msg_hdr = { .msg_iov = &iovecs[i], .msg_iovlen = 1 } };
        }
        n = recvmmsg(fd, messages, BURST_MAX, MSG_DONTWAIT, NULL);
        ended = n < 0 && errno != EAGAIN && errno != EINTR;
        /* Whoever heard of one may have ended the streams. The end of the socket is an empty one too, behind all that
         * was in it. */
        for (int i = 0; i < n && device->work->streams == streams; i++)
                if (messages[i].msg_len == 0 && !is_open(fd))
                        ended = true;
                else
                        notify_take(device, stream->ch, data[i], messages[i].msg_len);
        if (ended && device->work->streams == streams)
                socket_ended(device);

        return 0;
}

/* The hot path: one read for each wakeup (draining to EAGAIN costs one more syscall a packet and gains
 * nothing), two clocks, the frame. No timer, no log, no allocation. */
static int on_notification(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        uint8_t data[OMP_VALUE_MAX + 1];
        Stream *stream = userdata;
        ssize_t n;

        if (is_burst(stream))
                return receive_burst(stream, fd);

        n = recv(fd, data, sizeof(data), MSG_DONTWAIT);
        if (G_LIKELY(n > 0)) {
                notify_take(stream->device, stream->ch, data, (size_t) n);
        } else if (n == 0 && !(revents & EPOLLHUP)) {
                notify_take(stream->device, stream->ch, data, 0);
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
                socket_ended(stream->device);
        }

        return 0;
}

/* What was in the socket before it ended was received: it counts, even if Connected falls first. */
static void drain(Stream *stream) {
        uint8_t data[OMP_VALUE_MAX + 1];
        int fd = sd_event_source_get_io_fd(stream->source);

        for (unsigned empty = 0; empty < DRAIN_EMPTY_MAX;) {
                ssize_t n = recv(fd, data, sizeof(data), MSG_DONTWAIT);

                if (n < 0 && errno != EINTR)
                        break;
                if (n > 0)
                        notify_take(stream->device, stream->ch, data, (size_t) n);
                else if (n == 0)
                        empty++;
        }
}

/* The stream that is being acquired: the first without a mode. NULL: all were. */
static Stream *stream_next(Device *device) {
        for (size_t i = 0; i < device->work->n_streams; i++)
                if (device->work->streams[i].mode == STREAM_NONE)
                        return &device->work->streams[i];

        return NULL;
}

/* By another program, or by the daemon before us. */
static bool is_held(const Stream *stream) {
        return stream->mode == STREAM_SKIPPED && (stream->error == -EALREADY || stream->error == -EBUSY);
}

/* What was let go of while others were asked for. */
static Stream *stream_again(Device *device) {
        for (size_t i = 0; i < device->work->n_streams; i++) {
                Stream *stream = &device->work->streams[i];

                if (!stream->again)
                        continue;
                stream->again = false;
                stream->mode = STREAM_NONE;
                return stream;
        }

        return NULL;
}

static int stream_take_fd(Stream *stream, sd_bus_message *reply) {
        Device *device = stream->device;
        int fd, copy, r;
        uint16_t mtu;

        r = sd_bus_message_read(reply, "hq", &fd, &mtu);
        if (r < 0)
                return r;
        copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (copy < 0)
                return -errno;

        notify_up(device);
        r = sd_event_add_io(device->link->event, &stream->source, copy, EPOLLIN, on_notification, stream);
        if (r < 0) {
                close(copy);
                return r;
        }
        (void) sd_event_source_set_io_fd_own(stream->source, true);
        (void) sd_event_source_set_priority(stream->source, PRIORITY);
        stream->mode = STREAM_FD;
        log_debug("%s: channel %i, MTU %u", device->path, stream->ch->channel, mtu);
        return 0;
}

/* Short at first: after a restart of needled the old socket may not have been let go. Then patiently, and
 * sooner when NotifyAcquired or Notifying falls. */
static void held(Device *device) {
        unsigned tries = device->work->held_tries++;

        if (tries < HELD_QUICK_TRIES)
                device_enter(device, device->state, device->reason, STEP_HELD,
                             (uint64_t) HELD_FIRST_USEC << tries);
        else
                device_enter(device, DEVICE_WAITING, DEVICE_REASON_NOTIFICATIONS_HELD, STEP_HELD, HELD_USEC);
}

/* Optional, as all are of a vendor's: the others may be given. */
static void skip(Stream *stream, int error) {
        Device *device = stream->device;

        stream->mode = STREAM_SKIPPED;
        stream->error = error;
        if (error == -EOPNOTSUPP && device->profile->vendor && !setup_may_broadcast(device, stream->ch) &&
            setup_say_once(&device->work->told_refused, stream->ch))
                log_device(LOG_WARNING, device_label(device),
                           "%s gives %s only as a broadcast, which every local user can read: "
                           "set AllowBroadcast=yes in needled.conf to take it all the same",
                           log_name(device_label(device)).text, setup_char_name(device, stream->ch));
        acquire_next(device);
}

static void not_given(Stream *stream, const ErrorMeaning *error) {
        Device *device = stream->device;

        log_debug("%s: channel %i: %s", device->path, stream->ch->channel, error->sentence);
        if (trouble_is_key(device, error)) {
                trouble_bond_lost(device);
                return;
        }
        if ((device->profile->vendor || !(stream->ch->use & PROFILE_REQUIRED)) &&
            (device->work->up || error->error != -ENOTCONN)) {
                skip(stream, error->error);
                return;
        }

        switch (-error->error) {
        case EALREADY:
        case EBUSY:
                held(device);
                break;
        case ENOTCONN:
                break; /* Connected is falling; if not, the step's limit acts */
        case EOPNOTSUPP:
                notify_close(device);
                log_device(LOG_WARNING, device_label(device),
                           "%s gives notifications only as broadcasts, which every local user can read: "
                           "set AllowBroadcast=yes in needled.conf to take them all the same",
                           log_name(device_label(device)).text);
                device_enter(device, DEVICE_REFUSED, DEVICE_REASON_SERVICES_MISSING, STEP_NONE, 0);
                break;
        default:
                reconnect_give_up(device, DEVICE_REASON_TIMEOUT);
                break;
        }
}

static void on_started(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        Device *device = userdata;
        Stream *stream = stream_next(device);

        if (!stream)
                return;
        if (error) {
                not_given(stream, error);
                return;
        }

        notify_up(device);
        stream->mode = STREAM_SIGNAL;
        acquire_next(device);
}

static void start_notify(Stream *stream) {
        Device *device = stream->device;

        (void) bluez_call(device->link->bluez, &device->work->calls, stream->path, CHARACTERISTIC,
                          "StartNotify", BLUEZ_TIMEOUT_USEC, on_started, device, NULL);
}

static void on_acquired(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        static const ErrorMeaning broken = { -EIO, "bluetoothd's answer to AcquireNotify cannot be used." };
        Device *device = userdata;
        Stream *stream = stream_next(device);

        if (!stream)
                return;
        if (error && (error->error == -EOPNOTSUPP || error->error == -EALREADY) &&
            setup_may_broadcast(device, stream->ch))
                start_notify(stream);
        else if (error)
                not_given(stream, error);
        else if (stream_take_fd(stream, reply) < 0)
                not_given(stream, &broken);
        else
                acquire_next(device);
}

/* A vendor's device that would give none of its streams, and has nothing that can be polled. Why is in the journal already. */
static void none_given(Device *device) {
        bool any_held = false, refused = true;

        for (size_t i = 0; i < device->work->n_streams; i++) {
                Stream *stream = &device->work->streams[i];

                if (is_held(stream)) {
                        stream->mode = STREAM_NONE;
                        any_held = true;
                }
                refused = refused && stream->error == -EOPNOTSUPP;
        }

        if (any_held) {
                held(device);
        } else if (refused) {
                notify_close(device);
                device_enter(device, DEVICE_REFUSED, DEVICE_REASON_SERVICES_MISSING, STEP_NONE, 0);
        } else {
                reconnect_give_up(device, DEVICE_REASON_TIMEOUT);
        }
}

static void enter_streaming(Device *device) {
        device->work->attempts = 0;
        device_enter(device, DEVICE_STREAMING, DEVICE_REASON_NONE, STEP_NONE, 0);
        trouble_over(device);
}

/* Each stream was given or passed over: now what is read, what the device is told, and who it is. */
static void all_asked(Device *device) {
        poll_say_refused(device);
        if (!flows(device)) {
                if (!poll_works(device)) {
                        none_given(device);
                        return;
                }
                notify_up(device);
                enter_streaming(device);
        }

        if (!device->work->asked) {
                device->work->asked = true;
                poll_begin(device);
                action_begin(device);
                wallclock_begin(device);
        }
        control_begin(device);
        sync_begin(device);
        setup_read_identity(device);
}

/* An OMP device streams when all that is required flows, a vendor's with the first that does. */
static bool streams(const Device *device, const Stream *next) {
        return device->profile->vendor ? device->work->up : !next || !(next->ch->use & PROFILE_REQUIRED);
}

/* One call at a time: a disconnect during AcquireNotify leaves a stale lock in BlueZ 5.66 (until then the
 * sockets that we have are let go by bluetoothd itself). */
static void acquire_next(Device *device) {
        Stream *stream = stream_next(device) ?: stream_again(device);
        Object *object;

        if (!flows(device) && streams(device, stream))
                enter_streaming(device);
        if (!stream) {
                all_asked(device);
                return;
        }

        object = objects_get(bluez_objects(device->link->bluez), stream->path);
        if (object && !object->has_notify_acquired && setup_may_broadcast(device, stream->ch))
                start_notify(stream);
        else
                (void) bluez_call(device->link->bluez, &device->work->calls, stream->path, CHARACTERISTIC,
                                  "AcquireNotify", BLUEZ_TIMEOUT_USEC, on_acquired, device, "a{sv}", 0);
}

/* In the profile's order, but the required ones before the others, so that streaming does not wait for
 * these. */
static void add_streams(Device *device, bool required) {
        const Profile *profile = device->profile;

        for (size_t i = 0; i < profile->n_chars; i++) {
                const ProfileChar *ch = &profile->chars[i];
                bool is_required = ch->use & PROFILE_REQUIRED;
                Object *object;

                if (!(ch->use & PROFILE_FOLLOW) || is_required != required)
                        continue;
                if (is_stored(device, ch) && !(device->feature.bits & OMP_FEATURE_STORED_SESSIONS))
                        continue;
                object = setup_char(device, ch);
                if (object)
                        device->work->streams[device->work->n_streams++] =
                                (Stream) { .device = device, .ch = ch, .path = g_strdup(object->path) };
        }
}

void notify_begin(Device *device) {
        device->work->streams = g_new0(Stream, device->profile->n_chars);
        device->work->n_streams = 0;
        device->work->held_tries = 0;
        device->work->asked = false;
        add_streams(device, true);
        add_streams(device, false);
        notify_retry(device);
}

void notify_up(Device *device) {
        if (device->work->up)
                return;

        device->work->up = true;
        device->counters.connects++;
        deliver_link(device, FRAME_LINK_UP);
        /* What comes then is explained by it: so a record can be decoded alone. */
        if (device->work->feature)
                notify_deliver(device, OMP_CHAR_FEATURE, FRAME_FROM_DEVICE, device->work->feature->data,
                        device->work->feature->len);
}

void notify_deliver(Device *device, uint8_t channel, FrameDirection direction, const uint8_t *data, size_t size) {
        Frame frame = {
                .boottime_usec = clock_usec(CLOCK_BOOTTIME),
                .realtime_usec = clock_usec(CLOCK_REALTIME),
                .channel = channel,
                .direction = (uint8_t) direction,
                .size = (uint16_t) size,
                .data = data,
        };

        device->work->newest_usec = frame.boottime_usec;
        device->link->observer.device_frame(device, &frame, device->link->userdata);
}

void notify_take(Device *device, const ProfileChar *ch, const uint8_t *data, size_t size) {
        if (G_UNLIKELY(size == 0 || size > OMP_VALUE_MAX)) {
                device->counters.oversize_or_empty++;
                size = 0;
        }
        device->counters.received++;
        if (G_UNLIKELY(is_stored(device, ch))) {
                sync_take(device, ch, data, size);
                return;
        }
        notify_deliver(device, (uint8_t) ch->channel, FRAME_FROM_DEVICE, data, size);
        if (G_UNLIKELY(is_control_point(device, ch)))
                control_response(device, data, size);
}

StreamMode notify_mode(const Device *device, const ProfileChar *ch) {
        for (size_t i = 0; i < device->work->n_streams; i++)
                if (device->work->streams[i].ch == ch)
                        return device->work->streams[i].mode;

        return STREAM_NONE;
}

void notify_retry(Device *device) {
        if (!device->work->streams)
                return;

        device_enter(device, DEVICE_READY, DEVICE_REASON_NONE, STEP_ACQUIRE, 0);
        if (device->work->step == STEP_ACQUIRE)
                acquire_next(device);
}

/* Whoever held a characteristic has let go of it. An optional one that was passed over for that is taken up
 * as well: after a restart of needled it is the old daemon's. */
void notify_released(Device *device, const Object *characteristic) {
        if (device->work->step == STEP_HELD) {
                notify_retry(device);
                return;
        }
        for (size_t i = 0; i < device->work->n_streams; i++) {
                Stream *stream = &device->work->streams[i];

                if (is_held(stream) && g_str_equal(stream->path, characteristic->path)) {
                        stream->again = true;
                        if (flows(device) && !stream_next(device))
                                acquire_next(device);
                        return;
                }
        }
}

void notify_removed(Device *device, const char *path) {
        for (size_t i = 0; i < device->work->n_streams; i++) {
                Stream *stream = &device->work->streams[i];

                if (!g_str_equal(stream->path, path))
                        continue;
                if (stream->source)
                        drain(stream);
                stream->source = sd_event_source_disable_unref(stream->source);
                stream->again = false;
                if (is_control_point(device, stream->ch))
                        control_close(device);
                if (is_stored(device, stream->ch))
                        sync_close(device);
                if (stream->mode != STREAM_NONE) { /* else its call says so */
                        stream->mode = STREAM_SKIPPED;
                        stream->error = -ENOENT;
                }
                if (stream->ch->use & PROFILE_REQUIRED)
                        setup_again(device);
                else if (device->state == DEVICE_SYNCING && !device->work->sync)
                        device_enter(device, DEVICE_STREAMING, DEVICE_REASON_NONE, STEP_NONE, 0);
                return;
        }
}

/* A characteristic that came while the others were followed already. */
void notify_added(Device *device, const Object *characteristic) {
        DeviceWork *work = device->work;
        const ProfileChar *ch = work->streams ? profile_char(device->profile, characteristic->uuid) : NULL;
        Stream *stream = NULL;

        if (!ch || !(ch->use & PROFILE_FOLLOW) || setup_char(device, ch) != characteristic)
                return;

        for (size_t i = 0; i < work->n_streams && !stream; i++)
                if (work->streams[i].ch == ch)
                        stream = &work->streams[i];
        if (stream && (stream->mode != STREAM_SKIPPED || stream->error != -ENOENT))
                return;
        if (!stream) {
                stream = &work->streams[work->n_streams++];
                *stream = (Stream) { .device = device, .ch = ch, .mode = STREAM_SKIPPED };
        }
        g_free(stream->path);
        stream->path = g_strdup(characteristic->path);
        stream->again = true;
        if (flows(device) && !stream_next(device))
                acquire_next(device);
}

/* StopNotify is never called on what was acquired: BlueZ 5.66 reads freed memory then. Closing the socket
 * ends it. */
static void close_streams(Device *device, FrameLink what) {
        DeviceWork *work = device->work;

        if (!work->streams)
                return;

        for (size_t i = 0; i < work->n_streams; i++)
                if (work->streams[i].source)
                        drain(&work->streams[i]);
        for (size_t i = 0; i < work->n_streams; i++) {
                sd_event_source_disable_unref(work->streams[i].source);
                g_free(work->streams[i].path);
        }
        g_clear_pointer(&work->streams, g_free);
        work->n_streams = 0;
        sync_close(device);
        control_close(device);
        poll_close(device);

        if (work->up) {
                work->up = false;
                deliver_link(device, what);
        }
}

void notify_close(Device *device) {
        close_streams(device, FRAME_LINK_LOST);
}

void notify_suspend(Device *device) {
        close_streams(device, FRAME_LINK_SUSPENDED);
}

void notify_value(Device *device, const Object *characteristic, const ObjectValue *value) {
        for (size_t i = 0; i < device->work->n_streams; i++) {
                Stream *stream = &device->work->streams[i];

                if (stream->mode == STREAM_SIGNAL && g_str_equal(stream->path, characteristic->path)) {
                        notify_take(device, stream->ch, value->data, value->size);
                        return;
                }
        }
}
