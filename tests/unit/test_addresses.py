"""One person in every spelling, and nobody else: numbers and e-mail addresses in fields, texts and file names."""

from __future__ import annotations

import json

import pytest

from gong_bridge.config.privacy import PrivacyOptions
from gong_bridge.config.secrets import Secret
from gong_bridge.errors import ConfigError
from gong_bridge.privacy.addresses import Address, addresses_of, email_address, mentions, phone_number
from gong_bridge.privacy.keyring import Keyring, new_key

CUSTOMER = Address(kind="phone", value="+12025550143")
MAILBOX = Address(kind="email", value="customer@example.com")


@pytest.mark.parametrize(
    "written",
    ["+12025550143", "+1 (202) 555-0143", "202.555.0143", "2025550143", "tel:+1-202-555-0143", " 12025550143 "],
)
def test_a_number_that_a_person_types_is_the_same_in_each_spelling(written: str) -> None:
    assert phone_number(written, "US") == CUSTOMER


def test_an_address_that_a_person_types_is_the_same_in_capitals() -> None:
    assert email_address(" Customer@EXAMPLE.com\n") == MAILBOX


@pytest.mark.parametrize("written", ["", "201", "customer@example.com", "2025550143 x 204", "+1", "call me", "1" * 40])
def test_what_is_no_number_from_outside_is_refused_without_repeating_it(written: str) -> None:
    with pytest.raises(ConfigError, match="this is no phone number of US") as refused:
        phone_number(written, "US")
    assert "204" not in str(refused.value)


@pytest.mark.parametrize(
    "written", ["", "customer", "a@b@c", "customer@", "@example.com", "Customer <customer@example.com>"]
)
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(ConfigError, match="this is no e-mail address"):
        email_address(written)


@pytest.mark.parametrize(
    "text",
    [
        "+12025550143", "(202) 555-0143", "+1 202\u00a0555\u20110143", "sip:+12025550143@pbx.example.com;user=phone",
        "tel:+1-202-555-0143;ext=2", "0012025550143", "%2B12025550143", "called 202-555-0143 or 202-555-0199 on Monday",
        "out-12025550143-201-20260901-101500-1788272100.45.wav", "2026/09/01/2025550143_201.wav",
        "\uff0b\uff11\uff12\uff10\uff12\uff15\uff15\uff15\uff10\uff11\uff14\uff13",  # full-width digits
        json.dumps({"parties": [{"phoneNumber": "+1 (202) 555-0143"}]}),
        json.dumps({"customData": {"callback": 12025550143}}),
        "202_555_0143_201.wav", "202\u00b7555\u00b70143", "+1 [202] 555 0143", "202\t555\t0143",
        json.dumps({"note": "202\t555\n0143"}), "%252B12025550143",
        "\u202a+1\u200b202\u200b555\u200b0143\u202c",  # as address books copy it, with characters that nobody sees
    ],
)  # fmt: skip
def test_a_number_is_found_in_whatever_text(text: str) -> None:
    assert mentions(CUSTOMER, text, "US", is_name=True)


@pytest.mark.parametrize(
    "text", ["+12025550144", "+442025550143", "555-0143", "120255501431234", "20255501", "extension 201", ""]
)
def test_another_number_is_somebody_else(text: str) -> None:
    assert not mentions(CUSTOMER, text, "US", is_name=True)


def test_a_number_is_completed_by_the_company_s_country() -> None:
    london = phone_number("020 7946 0000", "GB")
    assert london.value == "+442079460000"
    assert mentions(london, "+44 (0)20 7946 0000", "US")
    assert mentions(london, "442079460000.wav", "US", is_name=True)
    assert not mentions(london, "020 7946 0000", "US")


@pytest.mark.parametrize(
    "text",
    [
        "CUSTOMER@Example.com", "mailto:customer@example.com", "to customer%40example.com.", "'customer@example.com'",
        "\u201ecustomer@example.com\u201c", "customer@example.com?subject=x", "to=customer@example.com&cc=",
        "{customer@example.com}", "customer\uff20example.com", "customer\u200b@example.com", "customer@example.com!",
        "customer%2540example.com",
    ],
)  # fmt: skip
def test_an_address_is_found_in_whatever_text(text: str) -> None:
    assert mentions(MAILBOX, text, "US")


def test_a_domain_is_the_same_in_letters_and_as_computers_exchange_it() -> None:
    assert email_address("kunde@xn--mller-kva.example") == email_address("Kunde@M\u00dcLLER.example")
    assert mentions(email_address("kunde@m\u00fcller.example"), "to kunde@xn--mller-kva.example", "DE")


def test_an_apostrophe_belongs_to_the_name() -> None:
    assert not mentions(email_address("brien@example.com"), "o'brien@example.com", "US")
    assert mentions(email_address("o'brien@example.com"), "<o'brien@example.com>", "US")


@pytest.mark.parametrize(
    "text", ["customer@example.com.au", "a-customer@example.com", "customer@example.org", "customer"]
)
def test_another_address_is_somebody_else(text: str) -> None:
    assert not mentions(MAILBOX, text, "US")


def test_in_a_file_s_name_an_address_may_touch_other_words() -> None:
    assert mentions(MAILBOX, "call-customer@example.com-17.wav", "US", is_name=True)


def test_every_text_of_a_call_and_every_name_is_looked_at() -> None:
    draft = {
        "parties": [{"userId": "7782342274025937895"}, {"phoneNumber": "+12025550143", "name": "A customer"}],
        "title": "Call with customer@example.com",
        "customData": '{"callback": "+1 202 555 0199"}',
        "duration": 61.5,
    }
    found = addresses_of(draft, ["in-12025550177-201.wav"], "US")
    assert {CUSTOMER, MAILBOX} <= found
    assert {one.value for one in found} >= {"+12025550199", "+12025550177"}


def test_a_text_full_of_digits_takes_no_time() -> None:
    assert isinstance(addresses_of({"customData": "1234567 " * 100_000}, [], "US"), set)


KEY, OTHER = Secret("k" * 40), Secret("o" * 40)


def test_a_hash_needs_the_key_and_an_earlier_key_still_counts() -> None:
    before = Keyring(PrivacyOptions(key=KEY))
    after = Keyring(PrivacyOptions(key=OTHER, earlier_keys=(KEY,)))
    digest, key_id = before.digest(CUSTOMER)
    assert digest in after.digests([CUSTOMER])
    assert key_id in after.key_ids
    assert after.digest(CUSTOMER)[0] != digest
    assert digest not in Keyring(PrivacyOptions(key=OTHER)).digests([CUSTOMER])
    assert not {"2025550143", "kkkk"} & set(digest + key_id)


def test_without_a_key_nobody_is_listed_and_the_cure_is_told() -> None:
    with pytest.raises(ConfigError, match=r"gong-bridge privacy key > privacy\.key"):
        Keyring(PrivacyOptions()).digest(CUSTOMER)


def test_a_key_that_can_be_guessed_is_refused_and_a_new_one_is_not() -> None:
    with pytest.raises(ValueError, match="32 characters or more"):
        PrivacyOptions(key=Secret("short"))
    assert PrivacyOptions(key=Secret(new_key())).key is not None
    assert new_key() != new_key()


def test_an_address_never_shows_itself() -> None:
    assert "2025550143" not in repr(CUSTOMER)
