"""Columns of Arrow tables: also those within structs, named with dots (`sample.label`)."""

from collections.abc import Iterator
from pathlib import Path

from augcam.data.labels import tidy
from augcam.data.notes import counted, listed
from augcam.errors import AugcamError


def columns(schema) -> dict[str, object]:
    """Arrow type of each column; the fields of a struct that is no image stand for it."""
    return {name: kind for field in schema for name, kind in _leaves(field.name, field.type)}


def _leaves(name: str, kind) -> Iterator[tuple[str, object]]:
    import pyarrow as pa

    if pa.types.is_struct(kind) and not holds_images(kind):
        for field in kind:
            yield from _leaves(f"{name}.{field.name}", field.type)
    else:
        yield name, kind


def is_list(kind) -> bool:
    """Whether values of an Arrow type are lists, of whatever form."""
    import pyarrow as pa

    return (
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def holds_images(kind) -> bool:
    """Whether an Arrow type is bytes, a struct with a field `bytes` of them, or a list of such."""
    import pyarrow as pa

    if is_list(kind):
        return holds_images(kind.value_type)
    if pa.types.is_struct(kind):
        place = kind.get_field_index("bytes")
        return place >= 0 and holds_images(kind.field(place).type)
    if pa.types.is_dictionary(kind):
        return holds_images(kind.value_type)
    return (
        pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)
    )


def column(table, name: str):
    """The ChunkedArray of a column named with dots."""
    import pyarrow.compute as pc

    top = max((n for n in table.column_names if f"{name}.".startswith(f"{n}.")), key=len)
    path = name.removeprefix(top).split(".")[1:]
    return pc.struct_field(table[top], path) if path else table[top]


def one_each(array, file: Path | str, name: str):
    """The items of a column of lists with one item each; any other column as it is."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        if pa.types.is_fixed_size_list(kind) and kind.list_size == 1:
            return pc.list_flatten(array)
        return array
    sizes = pc.fill_null(pc.list_value_length(array), 0).to_numpy()
    if (sizes != 1).any():
        i = int((sizes != 1).argmax())
        raise AugcamError(
            f"{file}: {counted(int((sizes != 1).sum()), 'row')} with another number of images than "
            f"one in column '{name}' (the first: row {i} with {sizes[i]})."
        )
    return pc.list_flatten(array)


def text_values(array) -> list[str | None]:
    """A column as tidy text: whole floats as whole numbers, None where there is nothing."""
    return [_text(value) for value in array.to_pylist()]


def written_values(array) -> list[str | None]:
    """A column as text as it is written, as paths need it; None where there is nothing."""
    texts = map(_as_text, array.to_pylist())
    return [text if text and text.strip() else None for text in texts]


def _text(value) -> str | None:
    text = _as_text(value)
    return tidy(text) or None if text else None


def _as_text(value) -> str | None:
    if value is None or value != value:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def require(file: Path, there: dict[str, object], key: str, name: str | None) -> None:
    """Raises AugcamError where a column that a key of the config names is missing."""
    if name is not None and name not in there:
        raise AugcamError(
            f"{file}: there is no column '{name}'; its columns are {listed(list(there), 20)} "
            f"({key})."
        )
