"""Errors as libraries really raise them, with secrets and people in their texts; each with what must not be printed."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable

import botocore.exceptions
import httpx
import psycopg
import sqlalchemy.exc
from pydantic import BaseModel, ValidationError

Spoken = tuple[BaseException, list[str]]
Speaking = Callable[[random.Random], Spoken]


class _Person(BaseModel):
    email: int


def token(chance: random.Random, length: int = 24) -> str:
    """A secret as services make them."""
    return "".join(chance.choices(string.ascii_letters + string.digits, k=length))


def number(chance: random.Random) -> str:
    return f"+1555{chance.randrange(10**6, 10**7)}"


def presigned(chance: random.Random) -> Spoken:
    signature, name = token(chance, 64), f"201-{number(chance)}.wav"
    query = f"X-Amz-Credential=AKIA{token(chance, 16).upper()}&X-Amz-Signature={signature}"
    url = f"https://b.s3.amazonaws.com/calls/{name}?{query}"
    return httpx.ConnectError(f"All connection attempts failed for {url}"), [signature, name]


def client_error(chance: random.Random) -> Spoken:
    secret, key = token(chance, 40), f"calls/{number(chance)}/a.wav"
    message = f"AWSAccessKeyId=AKIA{token(chance, 16).upper()} Signature={secret} key '{key}'"
    answer = {"Error": {"Code": "AccessDenied", "Message": message}}
    return botocore.exceptions.ClientError(answer, "GetObject"), [secret, key]


def statement(chance: random.Random) -> Spoken:
    name = f"{number(chance)}-{token(chance)}.wav"
    cause = RuntimeError("UNIQUE constraint failed")
    return sqlalchemy.exc.IntegrityError("INSERT INTO entries VALUES (?)", (name,), cause), [name]


def connection(chance: random.Random) -> Spoken:
    password = token(chance)
    return psycopg.OperationalError(f'invalid dsn "host=db user=bridge password={password} dbname=ledger"'), [password]


def address(chance: random.Random) -> Spoken:
    password = token(chance)
    return ValueError(f"cannot parse postgresql://bridge:{password}@db.example.com:port/ledger"), [password]


def validation(chance: random.Random) -> Spoken:
    email = f"{token(chance, 8).lower()}@example.com"
    try:
        _Person.model_validate({"email": email})
    except ValidationError as error:
        return error, [email]
    raise AssertionError("a text is no number")


def file_name(chance: random.Random) -> Spoken:
    name = f"/srv/calls/{token(chance)} {number(chance)}.wav"
    return FileNotFoundError(2, "No such file or directory", name), [name]


def header(chance: random.Random) -> Spoken:
    basic = base64.b64encode(f"{token(chance)}:{token(chance)}".encode()).decode()
    said = chance.choice(
        (
            f"401 for Authorization: Basic {basic}",
            f"headers were {{'Authorization': 'Basic {basic}', 'Accept': '*/*'}}",
            f'{{"authorization": "Bearer {basic}"}}',
            f"proxy-authorization=Basic {basic}",
        )
    )
    return httpx.RemoteProtocolError(said), [basic]


def setting(chance: random.Random) -> Spoken:
    secret = token(chance)
    name = chance.choice(
        ("access_key_secret", "password", "client_secret", "refresh_token", "access_key", "token", "secret")
    )
    said = chance.choice(
        (f"{name}={secret}", f"{name}: {secret}", f"'{name}': '{secret}'", f'"{name}":"{secret}"', f"{name}%3D{secret}")
    )
    return RuntimeError(f"cannot use {said}, it is wrong"), [secret]


def person(chance: random.Random) -> Spoken:
    email, phone = f"{token(chance, 9).lower()}@example.org", number(chance)
    return KeyError(f"no agent {email} for {phone} in out-{phone}.wav"), [email, phone]


SPEAKINGS: tuple[Speaking, ...] = (
    presigned, client_error, statement, connection, address, validation, file_name, header, setting, person,
)  # fmt: skip


def spoken_error(number_: int, seed: int) -> Spoken:
    """An error with a cause, raised for its traceback, and what must not be printed of both."""
    chance = random.Random(seed * 1_000_003 + number_)
    cause, first = SPEAKINGS[number_ % len(SPEAKINGS)](chance)
    error, second = chance.choice(SPEAKINGS)(chance)
    try:
        try:
            raise cause
        except Exception as known:
            raise error from known
    except Exception as raised:
        return raised, first + second
