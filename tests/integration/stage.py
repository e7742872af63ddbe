# SPDX-License-Identifier: LGPL-2.1-or-later
"""A stage for the whole service without Bluetooth: a private dbus-daemon, needlesim as bluetoothd and device, needled, needlectl.

The programs are the real ones, of the build directory named by NEEDLED_BUILD. Nothing here waits for a fixed time: wait_for()
polls with a deadline that is generous enough for a busy machine.
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from wire import Wire

DEADLINE_SEC = 60
BUS_CONFIG = pathlib.Path(__file__).resolve().parent.parent / 'data' / 'private-bus.conf'
SHIPPED = pathlib.Path(__file__).resolve().parents[2] / 'daemon' / 'profiles'
SANITIZER_WORDS = ('AddressSanitizer', 'LeakSanitizer', 'ThreadSanitizer', 'runtime error:')


class Failure(AssertionError):
    """What was expected, and what was there."""


def wait_for(what, condition, deadline_sec=DEADLINE_SEC):
    """Polls until condition() is true and returns its value. To ask may cost more than what is waited for, above all on a busy machine: so two
    thirds of the time are left to that."""
    end = time.monotonic() + deadline_sec
    while True:
        began = time.monotonic()
        value = condition()
        if value:
            return value
        now = time.monotonic()
        if now > end:
            raise Failure(f'gave up waiting for {what}; last seen: {value!r}')
        time.sleep(max(0.02, 2 * (now - began)))


class Process:
    """A child whose output goes to a file."""

    def __init__(self, stage, name, args, env=None, stdin=None):
        self.name = name
        self.log_path = stage.dir / f'{name}.log'
        self.log = open(self.log_path, 'ab')
        self.child = subprocess.Popen([str(a) for a in args], stdin=stdin or subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                      env={**os.environ, **stage.env, **(env or {})})

    def text(self):
        return self.log_path.read_text(errors='replace')

    def running(self):
        return self.child.poll() is None

    def stop(self, how=signal.SIGTERM):
        """Stops it and returns its exit status."""
        if self.running():
            self.child.send_signal(how)
        try:
            self.child.wait(DEADLINE_SEC)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise Failure(f'{self.name} did not stop on {how!r}') from None
        finally:
            self.log.close()
        return self.child.returncode


class Login(Process):
    """logind as far as sleep goes: see fake-login1.c."""

    def __init__(self, stage):
        super().__init__(stage, 'login1', [stage.binary('tests/integration/fake-login1')], stdin=subprocess.PIPE)
        wait_for('fake-login1', lambda: 'ready' in self.text() or not self.running())

    def say(self, word):
        """sleep or wake: what PrepareForSleep tells."""
        self.child.stdin.write(f'{word}\n'.encode())
        self.child.stdin.flush()

    def last(self):
        return self.text().splitlines()[-1]


class Sim(Process):
    """needlesim, with its control lines."""

    def __init__(self, stage, args):
        super().__init__(stage, f'sim{stage.count("sim")}', [stage.binary('simulator/needlesim'), '--stand-in', '--control', '--report', *args],
                         stdin=subprocess.PIPE)
        wait_for('needlesim', lambda: 'ready\n' in self.text() or not self.running())

    def control(self, line):
        """Says a control line and returns the answer; fails on an error."""
        if not line.endswith('status'):
            self.last = line, time.time()
        before = len(self.text().splitlines())
        self.child.stdin.write(f'{line}\n'.encode())
        self.child.stdin.flush()
        # A line counts when its end has been written: a reader can see the first half of a write.
        answer = wait_for(f'the answer to {line}', lambda: self.text().rpartition('\n')[0].splitlines()[before:])[0]
        if not answer.startswith('ok'):
            raise Failure(f'needlesim: {line}: {answer}')
        return answer[2:].strip()

    def status(self, device=0):
        return json.loads(self.control(f'@{device} status'))


class Stage:
    def __init__(self, bus_limits=''):
        self.build = pathlib.Path(os.environ['NEEDLED_BUILD'])
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix='needled-stage-'))
        self.env = {'DBUS_SYSTEM_BUS_ADDRESS': f'unix:path={self.dir}/bus', 'NO_COLOR': '1', 'NEEDLED_PROFILES_PATH': '',
                    'NEEDLED_CONTRAINDICATIONS': str(pathlib.Path(__file__).resolve().parents[2] / 'daemon' / 'contraindications.list')}
        self.processes = []
        self.counts = {}
        self.state_dir = self.dir / 'state'
        self.config_dir = self.dir / 'etc'
        self.config_dir.mkdir()
        self.daemon = None
        config = self.dir / 'bus.conf'
        config.write_text(BUS_CONFIG.read_text().replace('@SOCKET@', str(self.dir / 'bus')).replace('</busconfig>', f'{bus_limits}</busconfig>'))
        self.start('bus', ['dbus-daemon', f'--config-file={config}', '--nofork', '--nopidfile'])
        wait_for('the bus', self.bus_answers)
        self.wire = Wire(self.dir / 'bus')

    def shipped_profiles(self):
        """The folder of those that come with needled, as they are installed: nobody but their owner may write them, whatever the checkout's modes
        are. needled and needlectl look there from now on."""
        folder = self.dir / 'shipped'
        if not folder.exists():
            folder.mkdir()
            for path in SHIPPED.glob('*.mnprofile'):
                shutil.copyfile(path, folder / path.name)
        self.env['NEEDLED_PROFILES_PATH'] = str(folder)
        return folder

    def bus_answers(self):
        """Its socket is there a moment before it takes anybody."""
        with socket.socket(socket.AF_UNIX) as one:
            return one.connect_ex(str(self.dir / 'bus')) == 0

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        problems = []
        for process in reversed(self.processes):
            if process.name == 'bus':
                problems += [f'not as in dbus/*.xml: {what}' for what in self.wire.finish()]
            try:
                status = process.stop()
            except Failure as failure:
                problems.append(str(failure))
                continue
            if status not in (0, -signal.SIGTERM):      # also of one that ended before, if its test has not taken it off
                problems.append(f'{process.name} ended with status {status}')
        for log in sorted(self.dir.glob('*.log')):      # also of those that a test has taken off, since they may end as they like
            text = log.read_text(errors='replace')
            if any(word in text for word in SANITIZER_WORDS):
                problems.append(f'{log.stem}: {text}')
        if kind:
            print(self.logs())
        shutil.rmtree(self.dir, ignore_errors=True)
        if problems and not kind:
            raise Failure('\n'.join(problems))

    def logs(self):
        """The ends of what the programs said, for TAP."""
        return '\n'.join(f'# {process.name}: {line}' for process in self.processes for line in process.text().splitlines()[-60:])

    def binary(self, name):
        return self.build / name

    def count(self, name):
        self.counts[name] = self.counts.get(name, 0) + 1
        return self.counts[name]

    def start(self, name, args, env=None):
        process = Process(self, name, args, env)
        self.processes.append(process)
        return process

    def sim(self, *args, fast=True):
        sim = Sim(self, [*(['--fast'] if fast else []), *args])
        self.processes.append(sim)
        return sim

    def login(self):
        login = Login(self)
        self.processes.append(login)
        return login

    def needled(self, *args, wait=True, env=None):
        name = f'needled{self.count("needled")}'
        self.daemon = self.start(name, [self.binary('daemon/needled'), f'--state-dir={self.state_dir}', f'--config-dir={self.config_dir}',
                                        *args], env)
        if wait:
            wait_for('needled on the bus', lambda: self.ctl('status')[0] == 0 or not self.daemon.running())
        return self.daemon

    def ctl(self, *args, stdin=None, env=None):
        """Runs needlectl; returns (status, stdout, stderr)."""
        done = subprocess.run([str(self.binary('client/needlectl')), *map(str, args)], env={**os.environ, **self.env, **(env or {})}, input=stdin,
                              capture_output=True, text=True, timeout=DEADLINE_SEC * 3, check=False)
        if any(word in done.stderr for word in SANITIZER_WORDS):
            raise Failure(done.stderr)
        return done.returncode, done.stdout, done.stderr

    def json(self, *args, env=None):
        """Runs needlectl --json, which must succeed."""
        status, out, err = self.ctl(*args, '--json', env=env)
        if status != 0:
            raise Failure(f'needlectl {" ".join(map(str, args))}: status {status}: {err}')
        return json.loads(out)

    def look(self, *args):
        """As json(), for what is asked again and again: without the search for leaks, which takes nearly as long as all else. Other tests call the
        same verbs with it."""
        options = self.env.get('ASAN_OPTIONS', os.environ.get('ASAN_OPTIONS', ''))
        return self.json(*args, env={'ASAN_OPTIONS': f'{options}:detect_leaks=0'})

    def device(self, address=None):
        devices = self.look('devices')['devices']
        for device in devices:
            if address in (None, device['address'], device.get('alias')):
                return device
        return None

    def adopt(self, *options, address=None, alias='pen'):
        """Searches, adopts the first device (or the one of this address), waits until it streams."""
        def found():
            self.ctl('search', '--seconds=1', '-q')
            device = self.device(address)
            return device if device else None
        device = wait_for('a found device', found)
        status, _, err = self.ctl('adopt', device['address'], f'--alias={alias}', *options)
        if status != 0:
            raise Failure(f'adopt: {err}')
        return wait_for('streaming', lambda: self.streaming(alias))

    def streaming(self, alias='pen'):
        device = self.device(alias)
        return device if device and device['state'] == 'streaming' else None

    def counters(self, alias=None):
        """Device1.GetCounters of the first device, or the named one."""
        done = subprocess.run(['busctl', '--address', self.env['DBUS_SYSTEM_BUS_ADDRESS'], '--json=short', 'call', 'org.needled',
                               self.device(alias)['path'], 'org.needled.Device1', 'GetCounters'], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)['data'][0]

    def live_session(self):
        return next((s for s in self.look('status')['sessions'] if s['state'] != 'finished'), None)

    def sessions(self):
        return self.look('sessions')['sessions']


def expect(value, expected, what):
    if value != expected:
        raise Failure(f'{what}: expected {expected!r}, got {value!r}')


def at_least(value, least, what):
    if value is None or value < least:
        raise Failure(f'{what}: expected at least {least!r}, got {value!r}')
