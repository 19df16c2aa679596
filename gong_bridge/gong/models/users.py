"""Gong's users and their settings."""

from __future__ import annotations

from pydantic import Field

from gong_bridge.gong.wire import GongAnswer, Page


class UserSettings(GongAnswer):
    """What Gong records and imports of a user."""

    web_conferences_recorded: bool | None = None
    prevent_web_conference_recording: bool | None = None
    telephony_calls_imported: bool | None = None
    emails_imported: bool | None = None
    prevent_email_import: bool | None = None
    non_recorded_meetings_imported: bool | None = None
    gong_connect_enabled: bool | None = None


class SpokenLanguage(GongAnswer):
    """A language by BCP-47, such as en-US."""

    language: str | None = None
    primary: bool | None = None


class UserRow(GongAnswer):
    """One user. created: ISO-8601."""

    id: str = Field(min_length=1)
    email_address: str | None = None
    created: str | None = None
    active: bool | None = None
    email_aliases: tuple[str, ...] | None = None
    trusted_email_address: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    title: str | None = None
    phone_number: str | None = None
    extension: str | None = None
    personal_meeting_urls: tuple[str, ...] | None = None
    settings: UserSettings | None = None
    manager_id: str | None = None
    meeting_consent_page_url: str | None = None
    spoken_languages: tuple[SpokenLanguage, ...] | None = None


class SettingChange(GongAnswer):
    """One change of a setting. time: ISO-8601."""

    setting: str | None = None
    value: bool | None = None
    time: str | None = None


class UsersPage(Page):
    """One page of GET /v2/users and of POST /v2/users/extensive."""

    users: tuple[UserRow, ...] | None = None


class OneUser(GongAnswer):
    """GET /v2/users/{id}."""

    user: UserRow


class SettingsHistory(GongAnswer):
    """GET /v2/users/{id}/settings-history."""

    user_settings_history: tuple[SettingChange, ...] | None = None
