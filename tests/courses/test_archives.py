"""The files of an archive, whatever its directory claims."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses.errors import BrokenArchive, EmptyArchive, TooManyFiles, UnpacksTooLarge, UserError
from courses.extraction import Limits, Member, unpack
from courses.extraction.kinds import kind_of
from tests.courses.files import zip_bytes

PLAIN = zip_bytes({"a/one.txt": b"one " * 50, "zwei \u00fc.txt": b"two", "inner.zip": zip_bytes({"x": b"y"})})
CENTRAL, LOCAL = b"PK\x01\x02", b"PK\x03\x04"


def patched(data: bytes, mark: bytes, offset: int, value: bytes) -> bytes:
    """The archive with a field of the first header after `mark` written over."""
    place = data.index(mark) + offset
    return data[:place] + value + data[place + len(value) :]


def test_it_gives_the_files_in_order_and_refuses_archives_in_archives() -> None:
    members = list(unpack(PLAIN))
    assert [(member.name, member.problem) for member in members] == [
        ("a/one.txt", ""),
        ("zwei ü.txt", ""),
        ("inner.zip", "nested_archive"),
    ]
    assert members[1].data == b"two"


def test_names_in_utf_8_that_do_not_say_so_are_read() -> None:
    unsaid = patched(zip_bytes({"ü.txt": b"x"}), CENTRAL, 8, b"\x00\x00")
    assert [member.name for member in unpack(patched(unsaid, LOCAL, 6, b"\x00\x00"))] == ["ü.txt"]


def test_an_encrypted_file_is_named() -> None:
    locked = patched(zip_bytes({"a.txt": b"secret"}), CENTRAL, 8, b"\x01\x00")
    assert list(unpack(locked)) == [Member("a.txt", problem="encrypted")]


def test_a_size_that_lies_gives_no_more_than_it_says() -> None:
    bomb = zip_bytes({"a.txt": b"0" * 1_000_000})
    lying = patched(bomb, CENTRAL, 24, (10).to_bytes(4, "little"))
    assert list(unpack(lying, Limits(archive_bytes=100))) == [Member("a.txt", problem="broken")]


def test_one_large_file_does_not_keep_the_others_back() -> None:
    members = unpack(zip_bytes({"a.txt": b"0" * 2000, "b.txt": b"fine"}), Limits(file_bytes=1000))
    assert [(member.name, member.problem) for member in members] == [("a.txt", "too_large"), ("b.txt", "")]


@pytest.mark.parametrize(
    ("data", "limits", "error"),
    [
        (b"PK\x03\x04 nothing", Limits(), BrokenArchive),
        (PLAIN[:-30], Limits(), BrokenArchive),
        (zip_bytes({}), Limits(), EmptyArchive),
        (zip_bytes({"__MACOSX/x": b"y"}), Limits(), EmptyArchive),
        (PLAIN, Limits(archive_files=2), TooManyFiles),
        (PLAIN, Limits(archive_bytes=100), UnpacksTooLarge),
        (b"PK\x03\x04" + CENTRAL * 30_000, Limits(), BrokenArchive),
    ],
)
def test_it_refuses_the_whole_archive(data: bytes, limits: Limits, error: type[UserError]) -> None:
    with pytest.raises(error) as caught:
        unpack(data, limits)
    assert caught.value.message


@given(st.data())
def test_no_damage_makes_it_fail(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(PLAIN) - 1))
    torn = PLAIN[:place] + data.draw(st.binary(max_size=8)) + PLAIN[place + data.draw(st.integers(0, 8)) :]
    kind_of(torn)
    with contextlib.suppress(UserError):
        list(unpack(torn))
