"""Puts the sandbox together: every path, the operation behind it, and the page for people."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from gong_bridge.sandbox.answers import Refusal
from gong_bridge.sandbox.arrived import Arrived
from gong_bridge.sandbox.calls_operations import CallsOperations
from gong_bridge.sandbox.control import Control
from gong_bridge.sandbox.crm_operations import CrmOperations
from gong_bridge.sandbox.faults import FaultBook, Handler
from gong_bridge.sandbox.gate import Gate, Operation
from gong_bridge.sandbox.limits import Limits
from gong_bridge.sandbox.log_in import LogIn
from gong_bridge.sandbox.options import SandboxOptions
from gong_bridge.sandbox.privacy_operations import PrivacyOperations
from gong_bridge.sandbox.rows import Rows
from gong_bridge.sandbox.settings_operations import SettingsOperations
from gong_bridge.sandbox.stats_operations import StatsOperations
from gong_bridge.sandbox.users_access_operations import UsersAccessOperations
from gong_bridge.sandbox.users_operations import UsersOperations
from gong_bridge.sandbox.web_page import Page


class ByMethod:
    """One path: an operation for each method, 405 for the others (HEAD among them: Gong documents none)."""

    def __init__(self, gate: Gate, operations: Mapping[str, Operation]) -> None:
        self._operations = operations
        self._allowed = ", ".join(operations)
        self._other = Operation(gate, None, self._refuse)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand over to the method's operation."""
        await self._operations.get(scope["method"], self._other)(scope, receive, send)

    async def _refuse(self, _request: Request) -> Response:
        raise Refusal(405, "The method is not allowed here", headers={"Allow": self._allowed})


def build_app(
    options: SandboxOptions,
    *,
    arrived: Arrived,
    limits: Limits,
    faults: FaultBook,
    stopping: asyncio.Event,
    hasher: Executor,
) -> ASGIApp:
    """The ASGI application of one sandbox."""
    log_in = LogIn(options, faults, stopping)
    gate = Gate(options, arrived, limits, faults, stopping, log_in.tokens)
    paths = {
        path: {method: gate.operation(name, handler) for method, (name, handler) in operations.items()}
        for path, operations in _operations(options, arrived, hasher).items()
    }
    return Router(
        routes=[
            *(Route(path, ByMethod(gate, operations)) for path, operations in paths.items()),
            *log_in.routes(),
            *Control(arrived, limits, faults).routes(),
            *Page(options, arrived, limits).routes(),
            Route("/{path:path}", Operation(gate, None, _no_such_path)),
        ],
        redirect_slashes=False,
    )


def _operations(
    options: SandboxOptions, arrived: Arrived, hasher: Executor
) -> dict[str, dict[str, tuple[str, Handler]]]:
    """Path -> method -> Gong's operationId, and what answers it."""
    rows = Rows(options)
    users = UsersOperations(options, rows)
    calls = CallsOperations(options, arrived, rows, hasher)
    stats = StatsOperations(options, arrived, rows)
    settings = SettingsOperations(arrived)
    access = UsersAccessOperations(options, arrived)
    privacy = PrivacyOperations(arrived)
    crm = CrmOperations(arrived.crm)
    activity = "/v2/stats/activity"
    erase = "/v2/data-privacy/erase-data-for"
    return {
        "/v2/users": {"GET": ("listUsers", users.list_users)},
        "/v2/users/extensive": {"POST": ("listMultipleUsers", users.list_chosen)},
        "/v2/users/{id}": {"GET": ("getUser", users.get_user)},
        "/v2/users/{id}/settings-history": {"GET": ("getUserHistory", users.settings_history)},
        "/v2/calls": {"GET": ("listCalls", calls.list_calls), "POST": ("addCall", calls.add_call)},
        "/v2/calls/extensive": {"POST": ("listCallsExtensive", calls.list_extensive)},
        "/v2/calls/transcript": {"POST": ("getCallTranscripts", calls.list_transcripts)},
        "/v2/calls/users-access": {
            "POST": ("getUsersAccessToCalls", access.show),
            "PUT": ("addUsersAccessToCalls", access.give),
            "DELETE": ("deleteUsersAccessToCalls", access.take_back),
        },
        "/v2/calls/{id}": {"GET": ("getCall", calls.get_call)},
        "/v2/calls/{id}/media": {"PUT": ("addCallRecording", calls.add_media)},
        f"{activity}/aggregate": {"POST": ("listMultipleUsersAggregateActivity", stats.aggregate)},
        f"{activity}/aggregate-by-period": {"POST": ("listMultipleUsersAggregateByPeriod", stats.by_period)},
        f"{activity}/day-by-day": {"POST": ("listMultipleUsersDayByDayActivity", stats.day_by_day)},
        f"{activity}/scorecards": {"POST": ("listAnsweredScorecards", stats.answered_scorecards)},
        "/v2/stats/interaction": {"POST": ("listInteractionStats", stats.interaction)},
        "/v2/workspaces": {"GET": ("listWorkspaces", settings.list_workspaces)},
        "/v2/settings/scorecards": {"GET": ("listScorecards", settings.list_scorecards)},
        "/v2/settings/trackers": {"GET": ("listTrackers", settings.list_trackers)},
        "/v2/library/folders": {"GET": ("getLibraryStructure", settings.list_folders)},
        "/v2/crm/integrations": {
            "GET": ("listGenericCrmIntegration", crm.list_integrations),
            "PUT": ("registerGenericCrmIntegration", crm.register),
            "DELETE": ("deleteGenericCrmIntegration", crm.delete),
        },
        "/v2/crm/entity-schema": {
            "GET": ("listCrmSchemaFields", crm.list_schema),
            "POST": ("uploadCrmSchemaField", crm.upload_schema),
        },
        "/v2/crm/entities": {"GET": ("getCrmObjects", crm.get_objects), "POST": ("uploadCrmData", crm.upload)},
        "/v2/crm/request-status": {"GET": ("getRequestStatus", crm.status)},
        "/v2/library/folder-content": {"GET": ("getCallsInSpecificFolder", settings.folder_content)},
        "/v2/data-privacy/data-for-email-address": {"GET": ("findAllReferencesToEmailAddress", privacy.find_email)},
        "/v2/data-privacy/data-for-phone-number": {"GET": ("findAllReferencesToPhoneNumber", privacy.find_phone)},
        f"{erase}-email-address": {"POST": ("purgeEmailAddress", privacy.purge_email)},
        f"{erase}-phone-number": {"POST": ("purgePhoneNumber", privacy.purge_phone)},
    }


async def _no_such_path(_request: Request) -> Response:
    raise Refusal(404, "There is no such operation")
