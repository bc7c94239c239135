"""The merchant's side of the contract: every field names the scopes it requires."""
