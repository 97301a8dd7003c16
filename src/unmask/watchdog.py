"""`python -m unmask.watchdog COMMAND...` runs a command and ends its process group when standard input ends.

Standard input is a pipe that whoever asked for the command holds open: it ends when that process dies, however it died.
The watchdog goes last, so that locks it inherited are held until nobody of the group is left.
"""

import os
import select
import signal
import subprocess
import sys
import time

# dvc answers SIGINT by releasing its locks; each later signal is for who has not answered the one before.
ENDINGS = ((signal.SIGINT, 10.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
POLL_S = 0.05


def main() -> int:
    """Run the command; its code, or that of a process ended by a signal."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)  # whoever wants an end closes the pipe
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, process_group=0)
    while child.poll() is None:
        if select.select([sys.stdin], [], [], POLL_S)[0] and not os.read(sys.stdin.fileno(), 4096):
            break
    _end_group(child)
    code = child.wait()
    return code if code >= 0 else 128 - code


def _end_group(child: "subprocess.Popen[bytes]") -> None:
    """Return once no process of the group is left: the command may be gone while its children still save their work."""
    for number, grace_s in ENDINGS:
        deadline = time.monotonic() + grace_s
        try:
            os.killpg(child.pid, number)
            while time.monotonic() < deadline:
                child.poll()
                os.killpg(child.pid, 0)
                time.sleep(POLL_S)
        except ProcessLookupError:
            return


if __name__ == "__main__":
    sys.exit(main())
