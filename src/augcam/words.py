"""Times, sizes and tables as people read them."""

from collections.abc import Sequence


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 05 min`, `2 d 5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours < 48 else "{} d {} h".format(*divmod(hours, 24))


def size(count: float) -> str:
    """Bytes: `3.4 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            break
        count, unit = count / 1024, "TiB"
    return f"{count:.3g} {unit}"


def columns(rows: Sequence[tuple[str, ...]], right: bool = False) -> list[str]:
    """Lines of a table of text: the first column to the left, the others too unless `right`."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = []
    for first, *rest in rows:
        cells = [cell.rjust(w) if right else cell.ljust(w) for cell, w in zip(rest, widths[1:])]
        lines.append("  ".join([first.ljust(widths[0]), *cells]).rstrip())
    return lines
