"""What an OAuth token must be allowed for each operation that the sandbox knows."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

MEDIA_URL_SCOPE = "api:calls:read:media-url"
"""Wanted besides by listCallsExtensive where it is to show media URLs."""
SCOPES: Mapping[str, str] = MappingProxyType(
    {
        "listUsers": "api:users:read",
        "listMultipleUsers": "api:users:read",
        "getUser": "api:users:read",
        "getUserHistory": "api:users:read",
        "addCall": "api:calls:create",
        "addCallRecording": "api:calls:create",
        "listCalls": "api:calls:read:basic",
        "getCall": "api:calls:read:basic",
        "listCallsExtensive": "api:calls:read:extensive",
        "getCallTranscripts": "api:calls:read:transcript",
        "listMultipleUsersAggregateActivity": "api:stats:user-actions",
        "listMultipleUsersAggregateByPeriod": "api:stats:user-actions",
        "listMultipleUsersDayByDayActivity": "api:stats:user-actions:detailed",
        "listInteractionStats": "api:stats:interaction",
        "listAnsweredScorecards": "api:stats:scorecards",
        "listWorkspaces": "api:workspaces:read",
        "listScorecards": "api:settings:scorecards:read",
        "listTrackers": "api:settings:trackers:read",
        "getLibraryStructure": "api:library:read",
        "getCallsInSpecificFolder": "api:library:read",
        "getUsersAccessToCalls": "api:call-user-access:read",
        "addUsersAccessToCalls": "api:call-user-access:write",
        "deleteUsersAccessToCalls": "api:call-user-access:write",
        "findAllReferencesToEmailAddress": "api:data-privacy:read",
        "findAllReferencesToPhoneNumber": "api:data-privacy:read",
        "purgeEmailAddress": "api:data-privacy:delete",
        "purgePhoneNumber": "api:data-privacy:delete",
        "listGenericCrmIntegration": "api:crm:integrations:read",
        "registerGenericCrmIntegration": "api:crm:integration:register",
        "deleteGenericCrmIntegration": "api:crm:integration:delete",
        "listCrmSchemaFields": "api:crm:schema",
        "uploadCrmSchemaField": "api:crm:schema",
        "getCrmObjects": "api:crm:get-objects",
        "uploadCrmData": "api:crm:upload",
        "getRequestStatus": "api:crm:upload",
    }
)
"""operationId -> its scope, as the specification's descriptions say."""
