import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinset.disks import sizes
from twinset.errors import Refusal


@pytest.mark.parametrize(
    ("text", "size"),
    [("512", 512), ("4K", 4096), ("8m", 8 << 20), ("10G", 10 << 30), ("2TiB", 2 << 40), (" 1GB ", 1 << 30)],
)
def test_sizes_are_powers_of_1024(text: str, size: int) -> None:
    """With or without iB, in either case."""
    assert sizes.parse(text) == size


@pytest.mark.parametrize("text", ["", "G", "1.5G", "-1", "10 G", "1P", "ten", "٣"])
def test_anything_else_is_refused(text: str) -> None:
    """With the text, so that the operator sees which one."""
    with pytest.raises(Refusal, match="is no size"):
        sizes.parse(text)


def test_rest_is_a_share() -> None:
    """In a list, `rest` stands for what is left."""
    assert sizes.parse_list("1G,rest,512M") == (1 << 30, None, 512 << 20)


@given(st.integers(0, 1 << 60))
def test_what_is_shown_is_exact(size: int) -> None:
    """A size that was shown can be given back."""
    assert sizes.parse(sizes.show(size).replace(" bytes", "").replace(" ", "")) == size
