"""Text that somebody might send, or name an instance, in the hope that something takes it for more than text."""

from hypothesis import strategies as st

# What a template or a format that is run would give: 913 * 877.
EVALUATED = "800701"
# A tag and an attribute that no page of ours has: found as markup, text was taken for it.
TAG, ATTRIBUTE = "wild", "onwild"

MARKUP = (
    '<wild onwild="alert(1)">x</wild>',
    '"><wild onwild=alert(1) autofocus>',
    "'><wild onwild=alert(1)>",
    '" onwild="alert(1)" x="',
    "' onwild='alert(1)' x='",
    "</title></textarea></option></select></script></style></noscript><wild>",
    "<script>alert(1)</script><wild>",
    "<img src=x onerror=alert(1) onwild>",
    "<svg/onload=alert(1)><wild>",
    "--><wild><!--",
    "]]><wild>",
    "<wild/<wild",
    "&lt;wild&gt;<wild>&#60;wild&#62;",
    "javascript:alert(1)//<wild>",
    "＜wild＞ ‹wild›",
)
CODE = (
    "{{ 913*877 }}{% debug %}{% load x %}{# #}",
    "${913*877}#{913*877}<%= 913*877 %>[[913*877]]{{=913*877}}",
    "{0.__class__.__init__.__globals__}",
    "{instance_id.__class__}{settings.SECRET_KEY}{name!r:>99999}",
    "%s%n%x%(settings)s%99999d",
    "$HOME `id` $(id) ; id | id && id",
    "'; DROP TABLE elements_element; --",
    "' OR '1'='1' UNION SELECT password FROM auth_user --",
    "1); SELECT pg_sleep(9); --",
    "\\'; %27 %2527 \\x27 ''",
    "=cmd|' /C calc'!A0",
    "../../../../etc/passwd",
    "..\\..\\windows\\win.ini%00.png",
)
UNSEEN = (
    "a\x00b",
    "".join(map(chr, range(32))) + "\x7f\x80\x9f",
    "\x1b[2J\x1b]0;title\x07",
    "one\r\ntwo\nthree\rfour\x0bfive\x85six\u2028seven\u2029",
    "x\r\nSet-Cookie: wild=1\r\n\r\n<wild>",
    "abc\u202edef\u202c\u2066ghi\u2069\u200f",
    "z\u200be\u200cr\u200do\ufeff\u2060\u00ad",
    "Z\u0351\u036b\u0343" + "\u0300" * 300,
    "\ufffe\uffff\U0010ffff\ufdd0",
    "🏴\U000e0067\U000e0062\U000e007f👨‍👩‍👧",
    "\ue000\uf8ff",
)
NUMBERS = (
    "-1",
    "0",
    "9" * 19,
    "9" * 5000,
    "-9223372036854775809",
    "1e999",
    "NaN",
    "-Infinity",
    "１２３",
    "٣",
    "²",
    "0x10",
    "1_000",
    " 1 ",
    "9999-12-31T23:59:59+99:99",
    "0001-01-01T00:00",
    "9999999999-01-01",
)
SHAPES = (
    "",
    " ",
    "[" * 2_000,
    "(" * 2_000 + "a",
    '{"a":' * 500,
    "<b>" * 700,
    "a:b:c:d:e::::",
    "tag:" + "x" * 300 + "=y",
    "state:running " * 200,
    "-" * 1_000,
    '"' * 1_001,
    "a|b|c\\|d",
    "*?[a-z]+(a+)+$",
)
BIG = ("x" * 1_000_000, "ü<wild>" * 150_000)

TEXTS = (*MARKUP, *CODE, *UNSEEN, *NUMBERS, *SHAPES)
# Bytes that are no UTF-8, as they stand in a query or a form.
RAW = (
    "%ff%fe",
    "%ed%a0%80%ed%bf%bf",
    "%c0%ae%c0%ae%c0%af",
    "%f8%a1%a1%a1%a1",
    "%",
    "%zz%u0041",
    "%00",
    "+&&&=&;&a=b=c&",
    "%e2%28%a1",
)

anything = st.one_of(
    st.text(max_size=60),
    st.sampled_from(TEXTS),
    st.lists(st.sampled_from([*MARKUP, *CODE, *UNSEEN[:6], "a", " "]), min_size=2, max_size=4).map("".join),
    st.integers().map(str),
)
