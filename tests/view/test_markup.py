"""Text can not become markup."""

from hypothesis import given
from hypothesis import strategies as st

from roarm_lab.view.markup import Html, html, tag


def test_text_is_escaped_and_markup_is_kept() -> None:
    assert html("a < b & 'c'", Html("<b>x</b>"), None, 3) == "a &lt; b &amp; &#x27;c&#x27;<b>x</b>3"


def test_children_and_attribute_values_are_escaped() -> None:
    got = tag("td", '<script>alert("x")</script>', class_='a" onclick="b', aria_label="1 & 2", title=None)
    assert got == (
        '<td class="a&quot; onclick=&quot;b" aria-label="1 &amp; 2">'
        "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;</td>"
    )


def test_a_tag_inside_of_a_tag_is_not_escaped_twice() -> None:
    assert tag("p", tag("b", "<")) == "<p><b>&lt;</b></p>"


@given(st.text())
def test_no_text_opens_a_tag_or_leaves_an_attribute(text: str) -> None:
    assert "<" not in html(text)
    assert '"' not in html(text)


def test_joining_markup_with_text_makes_text() -> None:
    assert not isinstance(tag("b", "x") + "<i>", Html)  # so it is escaped when it is used
