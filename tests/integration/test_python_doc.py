"""The examples of docs/python.md work as they stand, one after the other, in a fresh interpreter."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from gong_bridge.sandbox.server import Sandbox
from tests.sandbox_requests import add_call, client_of, put_media, wav_bytes

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"


def test_the_examples_of_the_python_page_run(sandbox: Sandbox, tmp_path: Path) -> None:
    first, *others = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    with client_of(sandbox) as client:
        ids = [add_call(client, clientUniqueId=f"c{n}", title=f"Call {n}") for n in range(5)]
        put_media(client, ids[0], wav_bytes())
    # The other examples speak of the `gong` of the first one, which is closed at the end of its `with`.
    connected = re.search(r"with (connect\(.*\)) as gong:", first)
    assert connected is not None
    program = "\n".join([first, f"gong = {connected[1]}", *others, "gong.close()"])
    (tmp_path / "bridge.yaml").write_text(
        f"gong: {{base_url: '{sandbox.base_url}', access_key: sandbox, access_key_secret: sandbox-secret}}\n"
        f"ledger: {{url: 'sqlite:///{tmp_path}/ledger.db'}}\n"
        f"sources: [{{name: pbx, folder: {tmp_path}, mapping: sidecar-json}}]\n"
    )
    (tmp_path / "bridge.yaml").chmod(0o600)
    environment = {
        **os.environ,
        "GONG_BRIDGE_CONFIG": str(tmp_path / "bridge.yaml"),
        "GONG_BASE_URL": sandbox.base_url,
        "GONG_ACCESS_KEY": "sandbox",
        "GONG_ACCESS_KEY_SECRET": "sandbox-secret",
    }
    program = program.replace('ACCESS_KEY_SECRET"])', 'ACCESS_KEY_SECRET"], calls_per_second=100)')
    shown = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        cwd=tmp_path,
    )
    assert shown.returncode == 0, shown.stderr
    assert "agent-207@example.com False" in shown.stdout
    assert "7 users" in shown.stdout
    assert "The price list was discussed" in shown.stdout
    assert f"{ids[0]} {ids[0][-12:]}001 ['Good morning, how are you?']" in shown.stdout
    assert f"{ids[4]} Call 4" in shown.stdout
    assert "DONE 1" in shown.stdout
