"""The keys of subjects as they are kept: each encrypted with the installation's key, and bound to its subject."""

import secrets

from application.privacy.cipher import DamagedKey, SubjectKey, bound
from domain.values import TenantName
from infrastructure.keys.installation_key import InstallationKey, WrongInstallationKey

KEY_BYTES = 32


class KeyWrapper:
    """Makes keys of subjects, and reads those that are kept."""

    def __init__(self, installation: InstallationKey) -> None:
        self._installation = installation

    def new(self, tenant: TenantName, subject: str) -> bytes:
        """Return a new key as it is kept."""
        return self._installation.wrap(secrets.token_bytes(KEY_BYTES), bound(tenant, subject))

    def key(self, tenant: TenantName, subject: str, wrapped: bytes | None) -> SubjectKey | None:
        """Return a key that is kept; None if it was destroyed, a DamagedKey if it was changed."""
        if wrapped is None:
            return None
        try:
            return SubjectKey(self._installation.unwrap(wrapped, bound(tenant, subject)))
        except (WrongInstallationKey, ValueError):  # a ValueError, if it is no key of 32 bytes
            return DamagedKey(subject)

    def can_read(self, tenant: TenantName, subject: str, wrapped: bytes) -> bool:
        """Return whether a key can be read. Using it takes several times as long."""
        try:
            return len(self._installation.unwrap(wrapped, bound(tenant, subject))) == KEY_BYTES
        except WrongInstallationKey:
            return False
