"""`python -m gong_bridge` is the command `gong-bridge`."""

from gong_bridge.cli import main

main()
