"""Pages for people who sign in: rendered here, usable without scripts, in English and Chinese."""
