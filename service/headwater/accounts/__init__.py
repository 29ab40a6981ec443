"""accounts.yml: which customer accounts send which logs, read by the service and by the onboarding alike."""

from headwater.accounts.load import load_accounts, parse_accounts
from headwater.accounts.model import Account, Accounts, Central, SourceConfig

__all__ = ["Account", "Accounts", "Central", "SourceConfig", "load_accounts", "parse_accounts"]
