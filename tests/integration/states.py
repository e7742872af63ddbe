# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every state that a device was in, as its signals say: none is missed, however short it was."""
import json

from stage import Failure, wait_for


class States:
    """Listens from now on."""

    def __init__(self, stage, address='C0:FF:EE:12:34:56'):
        self.stage = stage
        self.path = f'/org/needled/device/{address.replace(":", "_")}'
        self.monitor = stage.start(f'monitor{stage.count("monitor")}', [
            'busctl', '--address', stage.env['DBUS_SYSTEM_BUS_ADDRESS'], 'monitor', '--json=short',
            f"--match=type='signal',path='{self.path}',interface='org.freedesktop.DBus.Properties'"])
        wait_for('the monitor', lambda: 'Monitoring' in self.monitor.text())
        self.read = 0

    def all(self):
        """[(state, reason)] since the beginning, in order."""
        states = []
        for line in self.monitor.text().rpartition('\n')[0].splitlines():
            if line.startswith('{'):
                changed = json.loads(line)['payload']['data'][1]
                if 'State' in changed:
                    states.append((changed['State']['data'], changed['StateReason']['data']))
        return states

    def mark(self):
        """What comes is looked at from here."""
        self.read = len(self.all())

    def seen(self, state, reason=None):
        """Waits until it was in this state (with this reason) since the last mark; needlectl's last word is the same as D-Bus's."""
        def there():
            return any(s == state and reason in (None, r) for s, r in self.all()[self.read:])
        try:
            wait_for(f'{state} {reason or ""}', there)
        except Failure as failure:
            raise Failure(f'{failure}: it was {self.all()[self.read:][-12:]}') from None

    def settled(self, state, reason):
        """Waits until it is in this state, in `needlectl devices --json` as on D-Bus."""
        self.seen(state, reason)

        def shown():
            device = self.stage.device()
            last = self.all()[-1]
            return (device['state'], device.get('state_reason', '')) == (state, reason) == last
        wait_for(f'{state} {reason} in needlectl and on D-Bus', shown)
