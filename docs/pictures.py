"""Makes docs/demo.svg anew: runs the demo and draws its terminal. Usage: python docs/pictures.py"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 132


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        shown = subprocess.run(
            [sys.executable, "-m", "gong_bridge", "demo", "--folder", f"{folder}/demo"],
            env={**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "TERM": "xterm-256color"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.replace(f"{folder}/", "./")
    text = re.sub(r"\S*/bin/gong-bridge|\S*__main__\.py", "gong-bridge", shown)
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(Text.from_ansi("$ make demo\n" + text))
    svg = console.export_svg(title="gong-bridge demo")
    # Terminal fonts of the reader's machine: nothing is fetched from anywhere.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    Path(__file__).with_name("demo.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
