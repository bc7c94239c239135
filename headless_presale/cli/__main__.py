"""``python -m headless_presale.cli``."""

from headless_presale.cli.main import main

if __name__ == "__main__":
    main()
