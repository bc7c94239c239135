"""A process started by ``run`` goes when ``run`` is gone, even if that was killed with -9."""

import os
import signal
import threading
import time

PARENT_VARIABLE = "PRESALE_PARENT_PID"
LOOK_EVERY_SECONDS = 0.5
LEAVE_SECONDS = 5.0


def follow_parent() -> None:
    """Send ourselves SIGTERM once the parent named in the environment is not ours any more."""
    named = os.environ.get(PARENT_VARIABLE)
    if named is None:
        return

    def watch() -> None:
        while os.getppid() == int(named):
            time.sleep(LOOK_EVERY_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)
        # The engines went with the parent: there is nothing left to finish the work with, and what
        # was not committed is begun again by the next start.
        time.sleep(LEAVE_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="follow-parent", daemon=True).start()
