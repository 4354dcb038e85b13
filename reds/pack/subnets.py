"""A tuple of subnets that knows their names."""

from typing import Protocol, TypeVar, overload


class Named(Protocol):
    """Have a name."""

    @property
    def name(self) -> str:
        """Return the name."""


T = TypeVar("T", bound=Named, covariant=True)


class Subnets(tuple[T, ...]):
    """Subnets, smallest first, by index or by name."""

    @overload  # type: ignore[override]
    def __getitem__(self, key: int | str) -> T: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[T, ...]: ...
    def __getitem__(self, key: int | str | slice) -> T | tuple[T, ...]:
        """Return the subnet of this index or name. Raises `KeyError` for a name that no subnet has."""
        if not isinstance(key, str):
            return super().__getitem__(key)
        for subnet in self:
            if subnet.name == key:
                return subnet
        raise KeyError(f"no subnet {key}: there are {', '.join(subnet.name for subnet in self)}")
