"""awsdeploy on a real terminal: questions answered as they appear."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios


def talk(words: list[str], conversation: list[tuple[str, str]], end: str = "\n", columns: int = 0) -> tuple[str, int]:
    """Answer each question as it appears on a real terminal; what was said, and the exit code.

    Without `columns` the terminal does not know its size.
    """
    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40 if columns else 0, columns, 0, 0))
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a test worker may ignore it, and programs inherit that
        script = "import sys; from awsdeploy.cli import main; sys.argv[0] = 'awsdeploy'; main()"
        # Without the COLUMNS and LINES that readline sets behind the back of os.environ.
        os.execve(sys.executable, [sys.executable, "-c", script, *words], dict(os.environ))
    said = ""
    heard = 0
    decoder = codecs.getincrementaldecoder("utf-8")("replace")  # a character may come in two parts

    def read() -> str:
        text = ""
        while not text and (more := _read(terminal)):
            text = decoder.decode(more)
        return text

    try:
        for question, answer in conversation:
            while question not in said[heard:]:
                more = read()
                assert more, said
                said += more
            heard = len(said)
            os.write(terminal, (answer + end).encode())
        while more := read():
            said += more
            # readline may miss a Ctrl-C that comes with its prompt: people press it again
            if not end and not select.select([terminal], [], [], 0.5)[0]:
                os.write(terminal, answer.encode())
    finally:
        os.close(terminal)
        status = os.waitpid(pid, 0)[1]
    return said, os.waitstatus_to_exitcode(status)


def _read(terminal: int) -> bytes:
    if not select.select([terminal], [], [], 60)[0]:
        return b""
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux says so when the other end is closed
        return b""
