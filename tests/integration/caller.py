# SPDX-License-Identifier: LGPL-2.1-or-later
"""Somebody else on the bus."""
from stage import DEADLINE_SEC, expect
from wire import BUS, CALL, ERROR, NAME, RETURN, Connection, Message


class Client(Connection):
    """Calls, and waits for answers or not."""

    def __init__(self, path):
        super().__init__(path)
        self.socket.settimeout(DEADLINE_SEC)

    def call(self, member, interface, signature, *values, path='/org/needled', answer=True):
        self.send(CALL, member, interface, signature, *values, to=(NAME, path), answer=answer)
        return self.serial

    def done(self, *args, **kwargs):
        """The values that a call is answered with."""
        answer = self.answer(self.call(*args, **kwargs))
        expect((answer.type, answer.body if answer.type == ERROR else None), (RETURN, None), f'the answer to {args[0]}')
        return answer.body

    def ask_bus(self, member, signature='', *values):
        self.send(CALL, member, BUS, signature, *values)
        return self.answer(self.serial)

    def poll(self, serial):
        """The answer to that call if it is there, or None."""
        self.socket.setblocking(False)
        try:
            return self.answer(serial)
        except BlockingIOError:
            return None
        finally:
            self.socket.settimeout(DEADLINE_SEC)

    def answer(self, serial):
        while True:
            message = Message(self.receive())
            if message.reply_serial == serial:
                return message
