# SPDX-License-Identifier: LGPL-2.1-or-later
"""Streams that begin with the past: what they say is what the record says, from that moment on, nothing missing and nothing twice."""
import concurrent.futures
import os
import random
import signal
import subprocess
import time

from stage import Failure, at_least, expect, wait_for
from test_pipeline import committed

ALL = 10 ** 12
RATE = 800
DISCARDED = 6            # NEEDLED_STREAM_END


def follower(stage, path, history, n):
    """Whose stream is open."""
    reader = subprocess.Popen([str(stage.binary('tests/integration/follow-past')), path, str(history), str(n)], env={**os.environ, **stage.env},
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if (said := reader.stderr.readline()) != 'open\n':
        out, err = reader.communicate(timeout=120)
        raise Failure(f'follow-past: {out}{said}{err}')
    return reader


def followed(reader):
    """(values, dropped, whole, past, live, from): values are (time, octets)."""
    out, err = reader.communicate(timeout=120)
    expect(reader.returncode, 0, f'follow-past: {out[-300:]}{err}')
    *lines, last = out.splitlines()
    values = [(int(when), octets) for when, octets in map(lambda line: (line + ' ').split(' ')[:2], lines)]
    return values, *map(int, last.split())


def follow(stage, path, history, n):
    return followed(follower(stage, path, history, n))


def recorded(stage, session):
    """What the device said: (time in µs, octets) each, by the tape."""
    status, tape, err = stage.ctl('export', session)
    expect(status, 0, err)
    values = []
    for line in tape.splitlines():
        if ' < ' not in line:
            continue
        before, _, value = line.partition(' < ')
        seconds, _, fraction = before.split(' ')[0].partition('.') # the wall clock's offset may follow
        values.append((int(seconds) * 10 ** 6 + int(fraction.ljust(6, '0') or 0), ''.join(value.split(' ')[1:])))
    return values


def check(values, dropped, whole, came_from, record):
    expect((dropped, whole), (0, 1), 'dropped, whole')
    expected = [value for value in record if value[0] >= came_from]
    if values and values[0][0] == values[1][0] and values[0] != expected[0]:
        values = values[1:]             # the device's Feature, which is told at once
    for n, (value, should) in enumerate(zip(values, expected)):
        expect(value, should, f'value {n} of {len(values)}')
    if len(values) > len(expected):
        raise Failure(f'{len(values)} values were told, {len(expected)} are in the record')


def end(stage):
    expect(stage.ctl('finish')[0], 0, 'finish')
    return wait_for('the stored session', stage.sessions)[0]['id']


def test_at_random_moments(stage):
    """800 values a second; the store's tail becomes a chunk while it is read."""
    rand = random.Random(8)
    stage.sim(f'--flood={RATE}:0:60', fast=False)
    stage.needled()
    stage.adopt()
    path = f'/org/needled/session/{wait_for("a session", stage.live_session)["id"]}'
    took, told = [], []
    for round_ in range(12):
        time.sleep(rand.random() * 0.4)
        history = ALL if round_ % 3 == 0 else rand.randrange(1, 3_000_000)
        begun = time.monotonic()
        told.append(follow(stage, path, history, 100))
        took.append(time.monotonic() - begun)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        told += pool.map(lambda history: follow(stage, path, history, 100), (ALL, 2_000_000))
    record = recorded(stage, end(stage))
    at_least(len(record), RATE, 'values in the record')
    for values, dropped, whole, past, live, came_from in told:
        at_least(live, 100, 'live values')
        check(values, dropped, whole, came_from, record)
    at_least(sum(past for _, _, _, past, _, _ in told), 5 * RATE, 'values of the past')
    print(f'# {len(record)} values recorded; past values told: {[past for _, _, _, past, _, _ in told]}')


def slow(stage, path):
    """A reader that does not read before it is told."""
    reader = subprocess.Popen([str(stage.binary('tests/integration/follow-past')), path, str(ALL), 'slow'], env={**os.environ, **stage.env},
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    expect(reader.stdout.readline(), 'open\n', 'the stream')
    return reader


def check_cut(reader, frames):
    """Not all of the past, and then END with the reason "discarded", alone."""
    out, _ = reader.communicate('\n', timeout=120)
    whole, past, after, reason = map(int, out.split())
    expect((whole, after, reason), (0, 1, DISCARDED), 'whole, records after PAST, the reason')
    if past >= frames:
        raise Failure(f'{past} values of a past that is gone, of {frames}')


def more_than_a_socket_takes(stage):
    """The session, and a reader that has not read any of it."""
    sim = stage.sim(f'--flood={RATE}:0:60', fast=False)
    stage.needled()
    stage.adopt()
    session = wait_for('a session', stage.live_session)
    wait_for('a past', lambda: sim.status()['sent']['live'] > 3 * RATE)
    return session['id'], slow(stage, f'/org/needled/session/{session["id"]}')


def test_it_is_discarded_meanwhile(stage):
    session, reader = more_than_a_socket_takes(stage)
    expect(stage.ctl('discard', session)[0], 0, 'discard')
    check_cut(reader, 3 * RATE)


def test_it_is_over_and_deleted_meanwhile(stage):
    session, reader = more_than_a_socket_takes(stage)
    expect(stage.ctl('finish', session)[0], 0, 'finish')
    expect(stage.ctl('delete', session, '--yes')[0], 0, 'delete')
    check_cut(reader, 3 * RATE)


def test_after_the_service_was_killed(stage):
    sim = stage.sim('--kind=pen', '--seed=3', '--live-period=20', '--procedure=3600')
    stage.needled()
    stage.adopt()
    sim.control('start')
    session = wait_for('a session', stage.live_session)['id']
    path = f'/org/needled/session/{session}'
    wait_for('use that is committed', lambda: committed(stage, session) > 100)
    stage.daemon.stop(signal.SIGKILL)
    stage.processes.remove(stage.daemon)
    stage.needled()
    wait_for('the device', lambda: stage.streaming())
    values, dropped, whole, past, live, came_from = follow(stage, path, ALL, 20)
    at_least(past, 80, 'values from before')
    record = recorded(stage, end(stage))
    check(values, dropped, whole, came_from, record)


def test_to_the_end(stage):
    """The session ends while it is read, and END is the last."""
    sim = stage.sim('--kind=pen', '--seed=3', '--live-period=20', '--procedure=3600')
    stage.needled()
    stage.adopt()
    sim.control('start')
    path = f'/org/needled/session/{wait_for("a session", stage.live_session)["id"]}'
    wait_for('use', lambda: sim.status()['sent']['live'] > 100)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        told = pool.submit(followed, follower(stage, path, ALL, 10 ** 6))
        record = recorded(stage, end(stage))
        values, dropped, whole, _, _, came_from = told.result()
    check(values, dropped, whole, came_from, record)
    if len(values) != len(record):
        raise Failure(f'{len(values)} values were told of {len(record)}')
