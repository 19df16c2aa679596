"""Turns an address into a keyed hash (HMAC-SHA256), so that a list of erased people names nobody without the key.

Phone numbers are few: anybody who has a plain hash of one finds the number in seconds. The key is in bridge.yaml (as
env:, file: or credential:), never in the ledger, so that a stolen ledger or backup tells nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping

from gong_bridge.config.privacy import PrivacyOptions
from gong_bridge.config.secrets import Secret
from gong_bridge.errors import ConfigError
from gong_bridge.privacy.addresses import Address

_KEY_ID_LENGTH = 8
NO_KEY = (
    "bridge.yaml has no key for the list of erased people. Make one (gong-bridge privacy key > privacy.key, readable "
    "by the service's user only), write `privacy: {key: file:privacy.key}`, and give every host of this ledger the same"
)


def new_key() -> str:
    """A key that nobody can guess."""
    return secrets.token_urlsafe(48)


class Keyring:
    """The present key and those before it."""

    def __init__(self, options: PrivacyOptions) -> None:
        self._present = None if options.key is None else key_id(options.key)
        keys = (*(() if options.key is None else (options.key,)), *options.earlier_keys)
        self._keys: dict[str, Secret] = {key_id(key): key for key in keys}

    @property
    def key_ids(self) -> frozenset[str]:
        """Of all keys that are known here."""
        return frozenset(self._keys)

    def digest(self, address: Address) -> tuple[str, str]:
        """The digest by which somebody is put on the list, and the present key's id. Raises ConfigError: no key."""
        if self._present is None:
            raise ConfigError(NO_KEY)
        return _digest(self._keys[self._present], address), self._present

    def digests(self, addresses: Iterable[Address]) -> Mapping[str, Address]:
        """Every digest by which one of these addresses may be on the list."""
        return {_digest(key, address): address for address in addresses for key in self._keys.values()}


def key_id(key: Secret) -> str:
    """By what a key is told from others; says nothing about it."""
    return _hmac(key, "gong-bridge: which key is it")[:_KEY_ID_LENGTH]


def _digest(key: Secret, address: Address) -> str:
    return _hmac(key, f"{address.kind}:{address.value}")


def _hmac(key: Secret, text: str) -> str:
    return hmac.new(key.reveal().encode(), text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
