# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every measurement needs: a device that is adopted already, needled alone or under a tool, the device's counts.

Adopting happens once, without any tool; each measurement begins with a copy of that state, so that nothing but the service as it
runs every day is measured.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
import typing

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'integration'))

from stage import Failure, Process, Stage, wait_for  # noqa: E402

ADDRESS = 'C0:FF:EE:12:34:56'
VALUE_OCTETS = 60
LIVE = 1                # OMP_CHAR_LIVE
FROM_DEVICE = 0         # FRAME_FROM_DEVICE
PACKAGES = {'valgrind': 'valgrind', 'callgrind_annotate': 'valgrind', 'strace': 'strace', 'busctl': 'systemd',
            'dbus-daemon': 'dbus-daemon', 'setpriv': 'util-linux'}


def need(*programs):
    """Fails when a tool is missing, with what has to be installed: a measurement that was not made is not one that passed."""
    for program in programs:
        if not shutil.which(program):
            raise Failure(f'{program} is not there; it is in the package {PACKAGES[program]} (apt-get install {PACKAGES[program]})')


class Template:
    """The state directory of a service that has adopted the device, and the bonds of the device."""

    def __init__(self):
        need('dbus-daemon', 'busctl')
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix='needled-bench-'))
        self.state = self.dir / 'state'
        self.bonds = self.dir / 'bonds'

    def __enter__(self):
        with Stage() as stage:
            stage.sim(f'--state={self.bonds}', f'--address={ADDRESS}')
            stage.needled()
            wait_for('the device', lambda: stage.ctl('search', '--seconds=5', '-q') and ADDRESS in stage.ctl('devices')[1])
            status, _, err = stage.ctl('adopt', ADDRESS)
            if status != 0:
                raise Failure(f'adopt: {err}')
            status = stage.daemon.stop()
            if status != 0:
                raise Failure(f'needled ended with status {status}: {stage.daemon.text()}')
            shutil.copytree(stage.state_dir, self.state)
        return self

    def __exit__(self, kind, value, traceback):
        shutil.rmtree(self.dir, ignore_errors=True)


class Bench(Stage):
    """A stage with the adopted device: needlesim, and needled as often as wanted."""

    def __init__(self, template, *sim_options):
        self.template = template
        self.load = None
        super().__init__()
        try:
            self.load = self.sim(f'--state={template.bonds}', f'--address={ADDRESS}', *sim_options)
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise

    def state_new(self):
        shutil.rmtree(self.state_dir, ignore_errors=True)
        shutil.copytree(self.template.state, self.state_dir)

    def daemon_new(self, *wrapper, env=None):
        """Starts needled, under a tool if one is given, with a fresh copy of the state."""
        self.state_new()
        return self.daemon_start(*wrapper, env=env)

    def daemon_start(self, *wrapper, env=None):
        self.daemon = self.start(f'needled{self.count("needled")}',
                                 [*wrapper, self.binary('daemon/needled'), f'--state-dir={self.state_dir}',
                                  f'--config-dir={self.config_dir}'], env)
        return self.daemon

    def daemon_stop(self, pid=None):
        """Stops needled, which may be a child of the tool that it runs under."""
        if pid:
            os.kill(pid, signal.SIGTERM)
            status = self.daemon.child.wait(120)
            self.daemon.log.close()
        else:
            status = self.daemon.stop()
        if status != 0:
            raise Failure(f'needled ended with status {status}: {self.daemon.text()}')

    def sent(self):
        """(taken by the socket, refused by it) of Live, so far. Not asked often: the device is to send, not to answer."""
        time.sleep(0.1)
        status = self.load.status()
        return status['sent']['live'] - status['refused']['live'], status['refused']['live']

    def flow(self, n):
        """Waits until the socket took n more Live notifications than now."""
        target = self.sent()[0] + n
        wait_for(f'{n} notifications', lambda: self.running() and self.sent()[0] >= target, 300)

    def disconnect(self):
        """The device is not connected, and advertises: as needled finds it when the host starts."""
        self.load.control('advertise off')
        with contextlib.suppress(Failure):      # it was not connected
            self.load.control('drop 08')
        self.load.control('advertise on')

    def running(self):
        if self.daemon and not self.daemon.running():
            raise Failure(f'{self.daemon.name} ended: {self.daemon.text()}')
        return True

    def flood_over(self, count):
        """Waits until the device has sent its count; returns its report."""
        def over():
            time.sleep(0.25)
            status = self.load.status()
            return status if self.running() and status['sent']['live'] >= count and not status['running'] else None
        return wait_for(f'the end of {count} notifications', over, 600)

    def received(self):
        """(what the sockets took, of all characteristics; the counters), when both agree or nothing more comes: what is in a
        socket arrives, whatever the machine does meanwhile, and a last Status may follow the end of a session."""
        taken = counters = None

        def agree():
            nonlocal taken, counters
            time.sleep(0.2)
            report = self.load.status()
            taken = sum(report['sent'].values()) - sum(report['refused'].values()) + sum(report['extra'].values())
            counters = self.counters()
            return counters['received'] == taken
        with contextlib.suppress(Failure):
            wait_for('the last notifications', agree, 20)
        return taken, counters

    def frames(self):
        """All frames in the database, in the order of the record. While a session is live, frames of a chunk may still be in the tail too
        and come twice; after its end there is no tail."""
        with contextlib.closing(sqlite3.connect(f'file:{self.state_dir}/needled.db?mode=ro', uri=True)) as db:
            rows = db.execute('SELECT t0_boottime, t0_realtime, frames, data FROM chunk UNION ALL'
                              ' SELECT t0_boottime, t0_realtime, frames, data FROM tail ORDER BY 1').fetchall()
        for row in rows:
            yield from decode_chunk(*row)


def varint(data, at):
    value = shift = 0
    while True:
        octet = data[at]
        at += 1
        value |= (octet & 0x7f) << shift
        shift += 7
        if octet < 0x80:
            return value, at


class Frame(typing.NamedTuple):
    """As needled received it: both clocks in µs."""
    boottime: int
    realtime: int
    channel: int
    direction: int
    data: bytes

    @property
    def is_live(self):
        return (self.channel, self.direction) == (LIVE, FROM_DEVICE)


def decode_chunk(t0_boottime, t0_realtime, n, data):
    """Encoding 1 of daemon/store/chunk.h."""
    at, boottime, offset = 0, t0_boottime, (t0_realtime - t0_boottime) % 2**64
    for _ in range(n):
        step, at = varint(data, at)
        boottime = (boottime + step) % 2**64
        change, at = varint(data, at)
        offset = (offset + (change >> 1 ^ -(change & 1))) % 2**64
        channel, direction = data[at], data[at + 1]
        size, at = varint(data, at + 2)
        yield Frame(boottime, (boottime + offset) % 2**64, channel, direction, data[at:at + size])
        at += size


def cpu_usec(pid):
    """CPU time of a process with all its threads, from the kernel's own clock of it: times of /proc/PID/stat are whole ticks."""
    return time.clock_gettime((~pid << 3) | 2) * 1e6


def thread_cpu_usec(pid, tid):
    return int(pathlib.Path(f'/proc/{pid}/task/{tid}/schedstat').read_text().split()[0]) / 1e3


def memory_kib(pid):
    """(resident, private) from the kernel's own sums."""
    resident = private = 0
    for line in pathlib.Path(f'/proc/{pid}/smaps_rollup').read_text().splitlines():
        name, *rest = line.split()
        if name == 'Rss:':
            resident = int(rest[0])
        elif name in ('Private_Clean:', 'Private_Dirty:'):
            private += int(rest[0])
    return resident, private


def switches(pid):
    """How often each thread gave up the CPU by itself, that is: went to sleep after it had been woken."""
    counts = {}
    for task in pathlib.Path(f'/proc/{pid}/task').iterdir():
        for line in (task / 'status').read_text().splitlines():
            if line.startswith('voluntary_ctxt_switches:'):
                counts[int(task.name)] = int(line.split()[1])
    return counts


__all__ = ['ADDRESS', 'Bench', 'Failure', 'Process', 'Template', 'VALUE_OCTETS', 'cpu_usec', 'decode_chunk', 'memory_kib',
           'need', 'switches', 'thread_cpu_usec', 'wait_for']
