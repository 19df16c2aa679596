"""An extension, login, e-mail or name leads to exactly one Gong user, or to a sentence that says what to do."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

import pytest

from gong_bridge.errors import BadMetadata, ConfigError, UnknownPerson, UnusableUser
from gong_bridge.mapping.agents import Agent
from gong_bridge.mapping.people import Company, People, check_usable
from gong_bridge.model import GongUser
from tests.unit.mapping.scenes import PEOPLE, USERS


@pytest.mark.parametrize(
    ("value", "kinds", "user_id"),
    [
        ("201", ("extension",), "7201"),
        (" 201 ", (), "7201"),
        ("203", ("extension",), "7203"),
        ("First.LOGIN", ("login",), "7201"),
        ("AGENT-202@example.com", (), "7202"),
        ("sales-202@EXAMPLE.com", ("email",), "7202"),
        ("202", ("extension",), "7202"),
        ("Agent  201", ("name",), "7201"),
        ("7203", (), "7203"),
        ("+18005550103", ("extension", "phone"), "7203"),
    ],
)
def test_a_person_is_found_by_whatever_the_recorder_knows(value: str, kinds: tuple[str, ...], user_id: str) -> None:
    found = PEOPLE.find(value, kinds)

    assert found is not None
    assert found.user.id == user_id


@pytest.mark.parametrize(
    ("value", "kinds", "kind", "line"),
    [
        ("299", (), "extension", "THE.AGENT@YOUR-COMPANY,299,,"),
        ("other.login", (), "login", "THE.AGENT@YOUR-COMPANY,,other.login,"),
        ("Desk, Front", ("name",), "name", 'THE.AGENT@YOUR-COMPANY,,,"Desk, Front"'),
    ],
)
def test_R25_an_unknown_person_is_held_with_the_line_to_add(
    value: str, kinds: tuple[str, ...], kind: str, line: str
) -> None:
    with pytest.raises(UnknownPerson) as held:
        PEOPLE.require(value, kinds)

    assert (held.value.kind, held.value.value) == (kind, value)
    assert held.value.message.endswith(f"add a line to agents.csv: {line}")


def test_a_line_whose_e_mail_nobody_has_names_the_line() -> None:
    with pytest.raises(UnknownPerson, match=r"left@example\.com by line 4 of agents\.csv, but no Gong user") as held:
        PEOPLE.require("204")

    assert (held.value.kind, held.value.value) == ("email", "left@example.com")


def test_a_line_without_e_mail_asks_for_it() -> None:
    with pytest.raises(UnknownPerson, match=r"line 5 of agents\.csv, but the line has no e-mail"):
        PEOPLE.require("205")


def test_a_text_that_is_too_long_to_be_anybody_is_no_unknown_person() -> None:
    with pytest.raises(BadMetadata, match=r"a text of 256 characters is nobody's extension"):
        PEOPLE.find("x" * 256)


def test_an_extension_of_two_gong_users_is_not_guessed() -> None:
    people = People([], [GongUser(id=str(n), email=f"{n}@example.com", extension="ext. 300") for n in (1, 2)])

    with pytest.raises(UnknownPerson, match="belongs to 2 Gong users"):
        people.require("300", ("extension",))


def test_agents_csv_decides_where_gong_is_ambiguous() -> None:
    users = [GongUser(id=str(n), email=f"{n}@example.com", extension="300") for n in (1, 2)]
    people = People([Agent(email="2@example.com", extension="300", line=2)], users)

    assert people.require("300", ("extension",)).user.id == "2"


def test_an_address_of_ones_own_wins_over_somebody_else_s_alias() -> None:
    first = GongUser(id="1", email="one@example.com", aliases=("two@example.com",))
    second = GongUser(id="2", email="two@example.com")

    assert People([], [first, second]).user_by_email("TWO@example.com") == second


def test_R24_an_inactive_user_is_held_saying_so() -> None:
    with pytest.raises(UnusableUser, match=r"agent-206@example\.com is not active in Gong; activate"):
        check_usable(USERS[3])


def test_R24_a_user_that_does_not_import_telephony_calls_is_held_saying_where_to_switch_it_on() -> None:
    with pytest.raises(UnusableUser, match="switch on 'Import telephony system calls' for this user"):
        check_usable(USERS[4])


def test_an_extension_pattern_that_could_run_away_is_a_mistake_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match=r"company\.extensions: a repeat inside a repeat"):
        Company(country="US", time_zone=ZoneInfo("UTC"), extensions=re.compile("(1+)+$"))
