"""Governance: who did what to the city's data, with which right.

One append-only ledger is the memory of the city; roles, projects, approvals and accounts are computed from it. Keys
lie outside the city's folder, the vault holds what they lock, and every file that leaves goes through ``transfer``.
"""

from commonground.governance import transfer
from commonground.governance.accounts import Accounts
from commonground.governance.approvals import Approvals
from commonground.governance.keys import KeyRing
from commonground.governance.ledger import Entry, Ledger
from commonground.governance.projects import Project, Projects
from commonground.governance.roles import Permission, Role, Roles, current_actor
from commonground.governance.sessions import Sessions
from commonground.governance.vault import Vault

__all__ = [
    "Accounts",
    "Approvals",
    "Entry",
    "KeyRing",
    "Ledger",
    "Permission",
    "Project",
    "Projects",
    "Role",
    "Roles",
    "Sessions",
    "Vault",
    "current_actor",
    "transfer",
]
