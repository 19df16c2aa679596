"""Run under strace: looks into hostile files with one child, and says which of its processes are children."""

from __future__ import annotations

import contextlib
import io
import sys

from gong_bridge.config.schema import MediaOptions
from gong_bridge.errors import BadMedia
from gong_bridge.media.probe import MediaProbe
from tests.proofs.broken_files import KINDS, SECONDS, broken_files
from tests.proofs.hostile_files import hostile_file
from tests.proofs.test_hostile_files import SEED

MARK = "/hostile-files-begin-here"


def main(count: int) -> None:
    """A good recording of each kind first (codecs are loaded then), a mark, then `count` broken and hostile ones."""
    from tests.made_recordings import record

    probe = MediaProbe(MediaOptions(time_limit=10), children=1)
    files = [record(kind, SECONDS) for kind in KINDS]
    hostile = [data for _, data in broken_files(count // 2, SEED + 2)]
    hostile += [hostile_file(number, SEED + 2)[1] for number in range(count - count // 2)]
    for data in files:
        probe.inspect(io.BytesIO(data), len(data))
    print(*probe.child_pids(), flush=True)
    with contextlib.suppress(OSError):
        open(MARK).close()
    for data in hostile:
        with contextlib.suppress(BadMedia):
            probe.inspect(io.BytesIO(data), len(data))
    print(*probe.child_pids(), flush=True)
    probe.close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
