"""The authorization server: OAuth 2.1 for the admin, for merchants' systems and for their apps."""
