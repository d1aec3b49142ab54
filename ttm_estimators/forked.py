"""What a forked process needs before torch works in it.

Torch shares its work among threads of OpenMP. A fork copies the note that there are such threads,
but not the threads, and the first operation in the child that is large enough to share waits for
them for ever. So every forked child works with one thread, as torch's own loaders do.
"""

from __future__ import annotations

import os
import sys


def let_children_work() -> None:
    """See to it that forked children of this process use torch with one thread."""
    if hasattr(os, "register_at_fork"):  # Windows does not fork
        os.register_at_fork(after_in_child=_use_one_thread)


def _use_one_thread() -> None:
    # The package starts without torch. Where it is not loaded, it has no threads to miss.
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)
