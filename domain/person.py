"""People: whoever makes events happen and is known by an id."""

from functools import lru_cache
from hashlib import sha256


@lru_cache(maxsize=4_096)
def stream_of(person_id: str) -> str:
    """Return the name of the person's stream; ids may have characters, and lengths, that names of streams cannot."""
    return f"person-{sha256(person_id.encode()).hexdigest()}"
