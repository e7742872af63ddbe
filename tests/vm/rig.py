#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guest: a QEMU machine with a real kernel Bluetooth stack, two virtual LE controllers, bluetoothd and
systemd.

As a module: class Guest. By hand, for debugging (each DIR is a machine of its own, several can run):

    rig.py --dir DIR boot               start a fresh guest (10 to 15 s)
    rig.py --dir DIR install TREE       copy a DESTDIR tree (prefix /usr) into it
    rig.py --dir DIR save STATE         save the running machine to a file; it ends there
    rig.py --dir DIR restore STATE      start the saved machine (under a second)
    rig.py --dir DIR run 'SCRIPT'       run a bash script in it ("-": from stdin); its status is rig.py's
    rig.py --dir DIR put FILE [PLACE]   copy a file into it
    rig.py --dir DIR journal | console  what it has to say
    rig.py --dir DIR stop
"""

import argparse
import hashlib
import json
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid

HERE = pathlib.Path(__file__).resolve().parent

MEMORY_MIB = 1024
# tsc=reliable: the emulated TSCs are in step, and without it each look at the clock asks the HPET.
KERNEL_OPTIONS = ('console=ttyS0 quiet panic=-1 mitigations=off systemd.show_status=0 audit=0 '
                  'no_timer_check tsc=reliable')
ACCELERATORS = {
    # -cpu max has RDRAND, so that nothing waits for entropy; five-level paging and a PMU only slow TCG down.
    'tcg': ['-accel', 'tcg,thread=multi,tb-size=512', '-cpu', 'max,la57=off,pmu=off'],
    'kvm': ['-accel', 'kvm', '-cpu', 'host'],
}
KVM_TRIAL_SEC = 15
BOOT_SEC = 180
REST_SEC = 120
RESTORE_SEC = 60
# On top of the time that a script has in the guest: for a host so busy that even the guest's answer is late.
ANSWER_GRACE_SEC = 60
UNIX_PATH_MAX = 107


class GuestError(Exception):
    """The guest did not do what it must; the message holds the end of its console."""


def image():
    """Directory of the built guest; builds it when it is not in the cache."""
    done = subprocess.run([str(HERE / 'build')], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise GuestError('the guest could not be built (see above)')
    return pathlib.Path(done.stdout.strip())


def _deadline_left(deadline):
    return max(deadline - time.monotonic(), 0.001)


class KvmVerdict:
    """Whether KVM can run the guest on this host, kept in the cache.

    /dev/kvm may exist and Debian's kernel hang on it all the same (seen on nested hosts), so that the only
    proof is a boot. NEEDLED_VM_ACCEL=kvm or tcg decides without a trial.
    """

    def __init__(self, cache):
        cpu = [line for line in pathlib.Path('/proc/cpuinfo').read_text().splitlines()
               if line.startswith('model name')][:1]
        host = hashlib.sha256(f'{os.uname().release} {cpu}'.encode()).hexdigest()[:12]
        self._path = cache / f'accelerator-{host}'

    def get(self):
        """'kvm', 'tcg', or None when it has to be tried."""
        forced = os.environ.get('NEEDLED_VM_ACCEL')
        if forced in ACCELERATORS:
            return forced
        if not os.access('/dev/kvm', os.R_OK | os.W_OK):
            return 'tcg'
        try:
            known = self._path.read_text().strip()
        except OSError:
            return None
        return known if known in ACCELERATORS else None

    def set(self, accelerator):
        try:
            part = self._path.with_name(f'{self._path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}')
            part.write_text(accelerator + '\n')
            part.rename(self._path)
        except OSError:
            pass        # a cache that cannot be written costs the next run another trial, nothing else


class Lines:
    """Lines from a UNIX socket, each wait with a deadline."""

    def __init__(self, path, deadline, alive):
        self._buffer = b''
        self._alive = alive
        while True:
            self._socket = socket.socket(socket.AF_UNIX)
            try:
                self._socket.connect(str(path))
                return
            except OSError:
                self._socket.close()
                if not alive() or time.monotonic() > deadline:
                    raise GuestError(f'no connection to {path}') from None
                time.sleep(0.01)

    def send(self, text):
        try:
            self._socket.sendall(text.encode() + b'\n')
        except OSError as e:
            raise GuestError(f'the machine is gone ({e})') from e

    def receive(self, deadline):
        while b'\n' not in self._buffer:
            self._socket.settimeout(_deadline_left(deadline))
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                raise GuestError('the machine does not answer') from None
            except OSError as e:
                raise GuestError(f'the machine is gone ({e})') from e
            if not data:
                raise GuestError('the machine is gone')
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b'\n')
        return line.decode(errors='replace').strip()

    def close(self):
        self._socket.close()


class Guest:
    """One machine with a directory of its own (sockets, console, share); stopped when the `with` block ends.

    keep: the machine outlives this process (for work by hand); otherwise it dies with it, whatever ends it.
    """

    def __init__(self, directory, image_directory=None, keep=False):
        self.directory = pathlib.Path(directory).absolute()
        if len(os.fsencode(self.directory / 'agent.sock')) > UNIX_PATH_MAX:
            raise GuestError(f'{self.directory} is too long a path for a socket: choose a shorter one')
        self.share = self.directory / 'share'
        self._image = pathlib.Path(image_directory) if image_directory else None
        self._keep = keep
        self._process = None
        self._agent = None
        self.packages = None            # folder on the host with Debian packages of the product
        self.scenes = None              # folder on the host where scenes.py keeps states; None: none are kept
        self.touched = False            # a script has run since the start or the restoring
        self.accelerator = None
        self.ready_sec = None           # from the start of qemu to READY
        self.restored_at = None         # time of day

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # Starting

    def boot(self):
        """Cold boot to a guest at rest: systemd has started everything, both controllers are powered."""
        if not os.path.isdir('/proc/self/fd'):
            raise GuestError('/proc is not mounted here, and QEMU needs it for the folder that it shares '
                             'with the guest: mount -t proc proc /proc')
        self._start_cold()
        status, output = self.run("""systemctl is-system-running --wait
            for path in /org/bluez/hci0 /org/bluez/hci1; do
                since=$SECONDS  # on a busy host a controller may have answered the kernel too late: the next one is a new one
                until busctl get-property org.bluez $path org.bluez.Adapter1 Powered 2>&1 | grep -q true; do
                    sleep 0.1
                    if [ $((SECONDS - since)) -ge 15 ]; then systemctl restart btvirt bluetooth; since=$SECONDS; fi
                done
            done""", REST_SEC)
        if status != 0:
            raise self._error(f'the guest has booted and does not come to rest within {REST_SEC} s: '
                              f'{output.strip()}\n{self.journal("-n 100")}')
        return self

    def cut_power(self):
        """Off in the middle of everything, and a cold boot with the same disk, as far as /etc, /usr and /var were changed: what was
        mounted and what ran by hand is gone. It takes as long as boot()."""
        self.check("""began=$(journalctl -b -o short-unix --no-pager | sed -n 's/^\\([0-9]*\\)\\..*/\\1/p;T;q')
            journalctl --sync
            kill -STOP -1
            for attempt in 1 2 3; do    # who is stopped ends first what the kernel does for it: what changed meanwhile is read again
                find /etc /usr /var -xdev ! -type d ! -type s -newerct "@$began" -print0 |
                    tar -C / --null -T - -cf /host/files/disk.tar && break
            done
            status=$?; kill -CONT -1; exit $status""", 120)
        self.stop()
        try:
            return self.boot()
        finally:
            (self.share / 'files/disk.tar').unlink()

    def _start_cold(self):
        self._image = self._image or image()
        verdict = KvmVerdict(self._image.parent)
        known = verdict.get()
        if known:
            self._start(known, BOOT_SEC)
            return
        try:
            self._start('kvm', KVM_TRIAL_SEC)
            verdict.set('kvm')
        except GuestError:
            self.stop()
            self._start('tcg', BOOT_SEC)
            verdict.set('tcg')          # only now: a guest that boots with neither says nothing about KVM

    def restore(self, state):
        """Start the machine that save() wrote to `state`."""
        state = pathlib.Path(state)
        saved = json.loads(state.with_suffix('.json').read_text())
        self._image = pathlib.Path(saved['image'])
        self.restored_at = time.time()
        self._start(saved['accelerator'], RESTORE_SEC, incoming=state)
        return self

    def _command(self, accelerator, incoming):
        d = self.directory
        command = [
            'qemu-system-x86_64', *ACCELERATORS[accelerator], '-m', str(MEMORY_MIB), '-smp', '2',
            '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-M', 'pc',
            '-kernel', f'{self._image}/vmlinux', '-initrd', f'{self._image}/initrd.gz',
            '-append', KERNEL_OPTIONS,
            '-chardev', f'file,id=c0,path={d}/console.log', '-serial', 'chardev:c0',
            '-chardev', f'socket,id=c1,path={d}/agent.sock,server=on,wait=off', '-serial', 'chardev:c1',
            '-fsdev', f'local,id=h,path={d}/share,security_model=none,multidevs=remap',
            '-device', 'virtio-9p-pci,fsdev=h,mount_tag=host',
            '-drive', f'if=none,id=d,file={self._image}/root.ext4,format=raw,readonly=on',
            '-device', 'virtio-blk-pci,drive=d',
            '-qmp', f'unix:{d}/qmp.sock,server=on,wait=off',
        ]
        if incoming:
            command += ['-incoming', f'exec:exec lz4 -dc <{incoming}']
        # setpriv asks the kernel to end qemu with the thread that starts it, even if that is killed.
        return command if self._keep else ['setpriv', '--pdeathsig', 'KILL', '--', *command]

    def _start(self, accelerator, timeout_sec, incoming=None):
        if self._pid():
            raise GuestError(f'a guest runs in {self.directory} already')
        for folder in ('cmd', 'out', 'files'):
            (self.share / folder).mkdir(parents=True, exist_ok=True)
        for name in ('agent.sock', 'qmp.sock', 'console.log'):
            (self.directory / name).unlink(missing_ok=True)
        self.touched = False
        began = time.monotonic()
        deadline = began + timeout_sec
        with open(self.directory / 'qemu.log', 'w', encoding='utf-8') as log:
            self._process = subprocess.Popen(self._command(accelerator, incoming), stdin=subprocess.DEVNULL,
                                             stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        self.accelerator = accelerator
        (self.directory / 'machine.json').write_text(json.dumps(
            {'pid': self._process.pid, 'image': str(self._image), 'accelerator': accelerator}))
        try:
            self._agent = Lines(self.directory / 'agent.sock', deadline, self._pid)
            if incoming:
                self._continue_restored(deadline)
            while not self._agent.receive(deadline).startswith('READY'):
                pass
        except GuestError as e:
            raise self._error(f'no READY within {timeout_sec} s with {accelerator}: {e}') from e
        self.ready_sec = time.monotonic() - began

    def _continue_restored(self, deadline):
        while self._qmp('query-status')['status'] == 'inmigrate':
            if time.monotonic() > deadline:
                raise GuestError('the saved state does not load')
            time.sleep(0.01)
        self._qmp('cont')
        self._agent.send(f'{time.time():.3f}')      # the clock stood still; the agent sets it

    # Attaching to a machine that another process left running

    def attach(self):
        if not self._pid():
            raise GuestError(f'no guest runs in {self.directory}')
        machine = self._machine()
        self._image, self.accelerator = pathlib.Path(machine['image']), machine['accelerator']
        self._keep = True
        self._agent = Lines(self.directory / 'agent.sock', time.monotonic() + 10, self._pid)
        return self

    def _machine(self):
        try:
            return json.loads((self.directory / 'machine.json').read_text())
        except (OSError, ValueError):
            return {}

    def _pid(self):
        """The qemu of this directory if it lives; another process that has its number by now is not it."""
        if self._process:
            return self._process.pid if self._process.poll() is None else None
        pid = self._machine().get('pid')
        try:
            ours = f'{self.directory}/qmp.sock'.encode() in pathlib.Path(f'/proc/{pid}/cmdline').read_bytes()
        except OSError:
            return None
        return pid if ours else None

    # Talking to qemu

    def _qmp(self, execute, **arguments):
        lines = Lines(self.directory / 'qmp.sock', time.monotonic() + 10, self._pid)
        try:
            deadline = time.monotonic() + 30
            lines.receive(deadline)                 # greeting
            for message in ({'execute': 'qmp_capabilities'}, {'execute': execute, 'arguments': arguments}):
                lines.send(json.dumps(message))
                answer = {}
                while 'return' not in answer and 'error' not in answer:     # events in between
                    answer = json.loads(lines.receive(deadline))
                if 'error' in answer:
                    raise GuestError(f'qemu refuses {message["execute"]}: {answer["error"]["desc"]}')
            return answer['return']
        finally:
            lines.close()

    # Using it

    def run(self, script, timeout=60):
        """Run a bash script as root for at most `timeout` seconds. Returns (status, output); 124: too long.

        The guest does one script at a time. What it leaves in the background goes on when it ends.
        """
        self.touched = True
        ident = uuid.uuid4().hex[:12]
        (self.share / 'cmd' / f'{ident}.sh').write_text(script + '\n')
        self._agent.send(f'{ident} {timeout:g}')
        status = self._wait_done(ident, timeout + ANSWER_GRACE_SEC)
        return status, (self.share / 'out' / f'{ident}.out').read_text(errors='replace')

    def check(self, script, timeout=60):
        """run(), and an error unless the status is 0. Returns the output."""
        status, output = self.run(script, timeout)
        if status != 0:
            raise GuestError(f'status {status} of the script\n{script.strip()}\n'
                             f'which printed\n{output.rstrip()}')
        return output

    def _wait_done(self, ident, timeout_sec):
        deadline = time.monotonic() + timeout_sec
        try:
            while True:
                line = self._agent.receive(deadline)
                if line.startswith(f'DONE {ident} '):
                    return int(line.split()[2])
                if line.startswith('READY'):        # systemd restarted it: the answer will never come
                    raise GuestError('the agent in the guest was restarted in the middle of a script')
        except GuestError as e:
            raise self._error(str(e)) from e

    def put(self, file, place=None):
        """Copy a file into the guest with its mode. Returns its path there (below /host without a place)."""
        file = pathlib.Path(file)
        copy = self.share / 'files' / file.name
        shutil.copy(file, copy)
        if place is None:
            return f'/host/files/{file.name}'
        self.check(f'install -D -m {file.stat().st_mode & 0o777:o} "/host/files/{file.name}" "{place}"')
        return place

    def install(self, destdir):
        """Copy a tree made by `DESTDIR=destdir meson install` (prefix /usr) into the root, and let systemd,
        the bus and the journal know. Nothing is started."""
        destdir = pathlib.Path(destdir)
        if not (destdir / 'usr').is_dir():
            raise GuestError(f'{destdir} holds no usr: configure the build with --prefix=/usr')
        entries = sorted(destdir.rglob('*'))
        folders = [p for p in entries if p.is_dir() and not p.is_symlink()]
        files = [p.relative_to(destdir) for p in entries if p not in set(folders)]
        archive = self.share / 'files' / 'install.tar'
        names = '\0'.join(map(str, files)).encode()
        subprocess.run(['tar', '-C', str(destdir), '--owner=0', '--group=0', '--no-recursion', '--null',
                        '-T', '-', '-cf', str(archive)], input=names, check=True)

        # Folders that the guest has are left alone (tar closes them to others while it works in them, which
        # dbus notices). Users come first: the bus reads a policy as soon as it is there.
        wanted = [(shlex.quote(f'/{p.relative_to(destdir)}'), p.stat().st_mode & 0o7777) for p in folders]
        self.check('\n'.join([
            'set -e; unpack="tar -C / --keep-directory-symlink -xf /host/files/install.tar"',
            *(f'[ -d {place} ] || install -d -m {mode:o} {place}' for place, mode in wanted),
            '$unpack --wildcards "usr/lib/sysusers.d/*" 2>/dev/null || true',
            'systemd-sysusers; $unpack; systemd-tmpfiles --create',
            'journalctl --update-catalog; systemctl daemon-reload',
            'busctl call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus ReloadConfig']), 180)
        archive.unlink()

    def save(self, state):
        """Save the machine to a file, for restore() as often as wanted. The machine itself ends."""
        state = pathlib.Path(state).absolute()
        part = state.with_suffix('.part')
        self._agent.send('save 0')
        if self._wait_done('save', 60) != 0:
            raise self._error('the share cannot be unmounted: a process in the guest uses /host')
        self._qmp('stop')
        self._qmp('migrate-set-parameters', **{'max-bandwidth': 1 << 34})
        self._qmp('migrate', uri=f'exec:exec lz4 -q -1 >{part}')
        deadline = time.monotonic() + 120
        while (progress := self._qmp('query-migrate')).get('status') != 'completed':
            if progress.get('status') == 'failed' or time.monotonic() > deadline:
                raise self._error(f'saving failed: {progress.get("error-desc", progress.get("status"))}')
            time.sleep(0.02)
        self.stop()
        state.with_suffix('.json').write_text(json.dumps(
            {'image': str(self._image), 'accelerator': self.accelerator}))
        part.rename(state)

    def stop(self):
        """End the machine. May be called at any time, and again."""
        if self._agent:
            self._agent.close()
            self._agent = None
        pid = self._pid()
        for number, patience_sec in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            if not pid:
                break
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                break
            deadline = time.monotonic() + patience_sec
            while self._pid() and time.monotonic() < deadline:
                time.sleep(0.01)
            pid = self._pid()
        if self._process:
            self._process.wait()
            self._process = None
        (self.directory / 'machine.json').unlink(missing_ok=True)

    # What it has to say

    def journal(self, arguments='-n 200'):
        return self.run(f'journalctl -b --no-pager {arguments}')[1]

    def console(self, lines=40):
        text = ''
        for name in ('qemu.log', 'console.log'):
            try:
                text += (self.directory / name).read_text(errors='replace')
            except OSError:
                continue
        return '\n'.join(text.splitlines()[-lines:])

    def _error(self, message):
        return GuestError(f'{message}\n--- the end of its console:\n{self.console()}')


def _main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--dir', required=True, help='the directory of the machine')
    parser.add_argument('--timeout', type=float, default=300, help='seconds that a script may take')
    parser.add_argument('verb', choices=['boot', 'install', 'save', 'restore', 'run', 'put', 'journal',
                                         'console', 'stop'])
    parser.add_argument('arguments', nargs='*')
    args = parser.parse_args()
    guest, rest = Guest(args.dir, keep=True), args.arguments
    counts = {'install': [1], 'save': [1], 'restore': [1], 'run': [1], 'put': [1, 2]}.get(args.verb, [0])
    if len(rest) not in counts:
        parser.error(f'{args.verb} takes {" or ".join(map(str, counts))} arguments, not {len(rest)}')

    if args.verb in ('boot', 'restore'):
        try:
            getattr(guest, args.verb)(*rest)
        except BaseException:
            guest.stop()
            raise
        print(f'READY after {guest.ready_sec:.2f} s ({guest.accelerator})')
    elif args.verb == 'stop':
        guest.stop()
    elif args.verb == 'console':
        print(guest.console(200))
    elif args.verb == 'run':
        status, output = guest.attach().run(sys.stdin.read() if rest[0] == '-' else rest[0], args.timeout)
        sys.stdout.write(output)
        sys.exit(status)
    else:
        print(getattr(guest.attach(), args.verb)(*rest) or 'done')


if __name__ == '__main__':
    try:
        _main()
    except GuestError as error:
        sys.exit(f'rig.py: {error}')
    except KeyboardInterrupt:
        sys.exit(130)
