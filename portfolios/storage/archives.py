"""ZIP archives that are made while they are sent."""


class Outlet:
    """What zipfile writes to: a file that cannot seek, emptied after each piece."""

    def __init__(self) -> None:
        self.held: list[bytes] = []

    def write(self, raw: bytes) -> int:
        self.held.append(bytes(raw))
        return len(raw)

    def flush(self) -> None:
        """Nothing waits elsewhere."""

    def emptied(self) -> bytes:
        raw, self.held = b"".join(self.held), []
        return raw
