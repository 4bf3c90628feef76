"""The words of script commands: every form of an option, and what is said about words that do not fit."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinset.commands.options import Command, Option, count, number, parse
from twinset.errors import UsageError

FLAG = Option("X", "exact", "a flag")
VALUE = Option("R", "restarts", "a value", "n", "6.3-12")
PLAIN = Command("ARMTEST", "Test.", "1.1-01", ("id", "[server]"), (FLAG, VALUE))
STARTS = Command("ARMTEST", "Test.", "1.1-01", ("id",), (FLAG, VALUE), "program [arguments]")
NONE = Command("ARMTEST", "Test.", "1.1-01")
MANY = Command("ARMTEST", "Test.", "1.1-01", ("[target ...]",))

words = st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=8)
values = st.text(min_size=1, max_size=12)
names = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1)


def any_case(name: str) -> st.SearchStrategy[str]:
    return st.sampled_from([name.lower(), name.upper(), name.title()])


@st.composite
def written(draw: st.DrawFn, option: Option, value: str) -> list[str]:
    """An option with its value, in one of its forms."""
    letter, word = draw(any_case(option.letter)), draw(any_case(option.word))
    sign = draw(st.sampled_from("/-"))
    forms = [
        [f"{sign}{letter}", value],
        [f"{sign}{letter}:{value}"],
        [f"{sign}{word}", value],
        [f"--{word}", value],
        [f"--{word}={value}"],
    ]
    return draw(st.sampled_from(forms))


@given(st.data(), values, names, st.booleans())
def test_every_form_means_the_same(data: st.DataObject, value: str, name: str, before: bool) -> None:
    """/X value, /X:value, -X, --word value and --word=value in any case, before or after the operand."""
    option = data.draw(written(VALUE, value))
    given_ = parse(PLAIN, [*option, name] if before else [name, *option])
    assert given_.values == {"restarts": value}
    assert given_.operands == [name]


@given(st.lists(words, max_size=6))
@settings(max_examples=300)
def test_any_words_are_sorted_or_refused(given_words: list[str]) -> None:
    """Whatever is written, it is taken or refused with a sentence and a clause: never another exception."""
    for command in (PLAIN, STARTS, NONE, MANY):
        try:
            given_ = parse(command, given_words)
        except UsageError as error:
            assert error.message
            assert error.clause
        else:
            assert given_.help or len(given_.operands) <= command.room


@given(names, st.lists(values, min_size=1, max_size=5))
def test_the_words_of_the_program_are_its_own(name: str, arguments: list[str]) -> None:
    """What follows the program is not looked at, options of ours included; the path of a program is no option."""
    given_ = parse(STARTS, ["/R", "2", name, "/usr/bin/app", *arguments])
    assert (given_.operands, given_.program) == ([name], ["/usr/bin/app", *arguments])
    assert given_.values == {"restarts": "2"}


@given(st.lists(values, min_size=2, max_size=5))
def test_after_two_dashes_no_word_is_an_option(rest: list[str]) -> None:
    """`--` lets operands and programs begin with a slash or a dash."""
    given_ = parse(STARTS, ["/X", "--", *rest])
    assert (given_.operands, given_.program) == (rest[:1], rest[1:])
    assert parse(STARTS, ["id", "--", *rest]).program == rest


@pytest.mark.parametrize("word", ["/?", "-?", "--help"])
def test_help_comes_before_everything_else(word: str) -> None:
    """The usage is shown although the required operand is missing; it names each option in both forms."""
    assert parse(PLAIN, [word]).help
    text = PLAIN.help()
    assert text.startswith("ARMTEST id [server] [/X] [/R n]\n")
    assert "/R, --restarts n" in text
    assert "[6.3-12]" in text


REFUSED = [
    (PLAIN, [], "id is missing", "1.1-01"),
    (PLAIN, ["a", "b", "c"], "'c' is one word too many", "1.1-01"),
    (PLAIN, ["a", "/R"], "/R needs a value: n", "6.3-12"),
    (PLAIN, ["a", "/R:"], "/R needs a value: n", "6.3-12"),
    (PLAIN, ["a", "/R", "1", "--restarts=2"], "/R is given twice", "6.3-12"),
    (PLAIN, ["a", "/X:1"], "/X takes no value", "1.1-01"),
    (PLAIN, ["a", "/Q"], "unknown option '/Q'; it takes /X, /R", "1.1-01"),
    (PLAIN, ["a", "--r", "1"], "unknown option '--r'", "1.1-01"),
    (PLAIN, ["a", "-2x"], "unknown option '-2x'", "1.1-01"),
    (STARTS, ["a"], "program [arguments] is missing", "1.1-01"),
    (STARTS, ["a", "/app"], "-- before a word that is none", "1.1-01"),
    (NONE, ["/Q"], "it takes no options", "1.1-01"),
    (MANY, ["t"] * 17, "one word too many", "1.1-01"),
]


@pytest.mark.parametrize(("command", "given_words", "message", "clause"), REFUSED)
def test_a_refusal_names_the_word_and_the_clause(
    command: Command, given_words: list[str], message: str, clause: str
) -> None:
    """Each kind of misuse has its own sentence, with the clause of the option or of the command."""
    with pytest.raises(UsageError) as refused:
        parse(command, given_words)
    assert message in refused.value.message
    assert refused.value.clause == clause


def test_several_operands() -> None:
    """`[name ...]` takes none, one or several."""
    assert parse(MANY, []).operands == []
    assert parse(MANY, ["a", "b"]).operands == ["a", "b"]
    assert parse(PLAIN, ["a"]).operand(1) == ""


@given(st.integers(0, 99))
def test_whole_numbers_in_range_are_taken(value: int) -> None:
    """Decimal digits inside the range."""
    assert count(str(value), "/R", 0, 99, "6.3-12") == value


@pytest.mark.parametrize("text", ["", "-1", "100", "1.5", "x", "1e1", " 1", "٣", "9" * 400])
def test_everything_else_is_no_count(text: str) -> None:
    """Signs, fractions, exponents, other digits and values outside the range are usage errors (9.3-05)."""
    with pytest.raises(UsageError, match="from 0 to 99"):
        count(text, "/R", 0, 99, "6.3-12")


def test_numbers_may_have_a_fraction() -> None:
    """Hours may be parts of hours; nan, infinity and signs are none."""
    assert number("0.5", "/H", 0, 10, "6.3-13") == 0.5
    for text in ("nan", "inf", "-1", "11", "", "1e3", "0x1"):
        with pytest.raises(UsageError, match="/H must be a number from 0 to 10"):
            number(text, "/H", 0, 10, "6.3-13")
