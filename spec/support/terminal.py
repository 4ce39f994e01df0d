"""Runs a command on a terminal of its own: terminal.py COLUMNS FILE COMMAND...

What it writes goes to FILE. The number in FILE.columns, where that is there, is how wide the terminal is now. INT, TERM and
USR1 are passed on; the exit status is the command's, 128 + N where signal N has ended it."""
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios


def main():
    columns, path, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.execvp(command[0], command)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, lambda given, _: os.kill(pid, given))
    with open(path, "wb", buffering=0) as out:
        while copy(terminal, out):
            columns = resize(terminal, path + ".columns", columns)
    _, status = os.waitpid(pid, 0)
    sys.exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))


def copy(terminal, out):
    if not select.select([terminal], [], [], 0.05)[0]:
        return True
    try:
        data = os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return False
    out.write(data)
    return bool(data)


def resize(terminal, path, columns):
    try:
        with open(path) as file:
            wanted = int(file.read())
    except (OSError, ValueError):
        return columns
    if wanted != columns:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, wanted, 0, 0))
    return wanted


main()
