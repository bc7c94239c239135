"""Sentences for whoever started a process, on stderr."""


def tell(text: str, *, soft_wrap: bool = False) -> None:
    """Print a sentence, in which rich's markup counts.

    Args:
        soft_wrap: let the terminal break it, so that what is in it can be copied.
    """
    # Most processes have nothing to tell, and need no such library for it.
    from rich.console import Console

    Console(stderr=True, highlight=False).print(text, soft_wrap=soft_wrap)
