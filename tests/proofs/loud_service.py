"""`gong-bridge` whose S3 libraries are logged from debug upwards, as the program itself never does.

What they say of each request (headers, signatures, addresses, answers) goes through the program's own log: a few
minutes make the 100 MB that would take it months.
"""

from __future__ import annotations

import logging
from typing import TextIO

from gong_bridge import logs

TALKATIVE = ("boto3", "botocore", "urllib3")
"""Those that speak to Gong are silenced by the client itself, because they print whole addresses."""
LONGEST_TEXT = 8000
"""The log cuts texts after 500 characters: what would be cut off is searched, too."""
_configure = logs.configure


def _loudly(level: str = "info", format: str = "auto", stream: TextIO | None = None) -> None:
    _configure(level, format, stream)
    logging.getLogger().setLevel(logging.DEBUG)
    logging.getLogger("sqlalchemy").setLevel(logging.WARNING)  # it would print what the ledger is there to hold
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.DEBUG)


if __name__ == "__main__":
    logs.configure = _loudly
    logs._LONGEST_TEXT = LONGEST_TEXT
    from gong_bridge.cli import main

    main()
