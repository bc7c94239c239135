"""Scripts behind the make targets. They are no part of the installed package."""
