"""A PostgreSQL whose role must give its password: elsewhere in the tests everybody on this machine is trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from gong_bridge.config.secrets import Secret
from gong_bridge.ledger.ledger import Ledger


def with_password(server: Any, role: str, password: str) -> str:
    """The URL, without the password, of an empty ledger on this server, owned by a new role."""
    rules = Path(server.pgdata) / "pg_hba.conf"
    rules.write_text(f"local all {role} scram-sha-256\n" + rules.read_text())
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'".encode())
        connection.execute(f"CREATE DATABASE ledger OWNER {role}".encode())
        connection.execute("SELECT pg_reload_conf()")
    url = make_url(server.get_uri()).set(username=role, database="ledger")._replace(password=None)
    Ledger.open(url.render_as_string(), Secret(password)).close()
    return url.render_as_string()


def change_password(server: Any, role: str, password: str) -> None:
    """It is another one from now on, also for who is connected."""
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f"ALTER ROLE {role} PASSWORD '{password}'".encode())
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (role,))
