"""How the merchant's fields are answered; every row is looked up with the caller's shops."""
