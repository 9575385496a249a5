"""Reads Swift sources for Tools/check: what is code, what is a comment, what is a text."""
import bisect
import re
from pathlib import Path

INTERESTING = re.compile(r'//|/\*|#*"|[()]')
NOT_NEWLINE = re.compile(r"[^\n]")
IMPORT = re.compile(r"^ *(?:(\w+) )?import (?:\w+ )?(\w+)", re.M)
MODIFIERS = r"(?:(?:public|package|internal|final|indirect|nonisolated)\s+)*"
TYPE = re.compile(
    rf"^(?:@\w+(?:\([^)]*\))?\s+)*{MODIFIERS}(?:class|struct|enum|actor|protocol|typealias) (\w+)",
    re.M)
FUNCTION = re.compile(r"(?<![\w.])(?:func\s+[^\s(<]+|init[?!]?(?=\s*[(<]))")


class Source:
    """One file. `code`, `comments` and `texts` have the file's own length and lines; each keeps its
    own characters and has spaces in place of all others. What is interpolated in a text is code."""

    def __init__(self, root: Path, path: str):
        self.path = path
        self.text = (root / path).read_text()
        self.lines = self.text.split("\n")
        self._starts = [0] + [match.end() for match in re.finditer("\n", self.text)]
        self._marks: list[tuple[int, int, int]] = []
        self._scan(0, len(self.text))
        self.code, self.comments, self.texts = (self._only(kind) for kind in (0, 1, 2))

    def line(self, offset: int) -> int:
        return bisect.bisect_right(self._starts, offset)

    def imports(self) -> list[tuple[int, str, str]]:
        """Line, access level and module of each import."""
        found = IMPORT.finditer(self.code)
        return [(self.line(m.start(2)), m[1] or "", m[2]) for m in found]

    def types(self) -> set[str]:
        """Types of the top level that other files can see."""
        return set(TYPE.findall(self.code))

    def words(self) -> set[str]:
        return set(re.findall(r"\b[A-Z]\w*", self.code))

    def functions(self) -> list[tuple[int, int, str]]:
        """First line, number of lines and parameters of each function."""
        found = []
        for match in FUNCTION.finditer(self.code):
            opening = self.code.find("(", match.end())
            generics = self.code[match.end():opening]
            if opening < 0 or not re.fullmatch(r"\s*(<.*>)?\s*", generics, re.S):
                continue
            closing = self._closing(opening, "()")
            first, last = self.line(match.start()), self.line(closing)
            body = self._body(closing + 1)
            if body is not None:
                last = self.line(self._closing(body, "{}"))
            found.append((first, last - first + 1, self.code[opening + 1:closing]))
        return found

    def _body(self, start: int) -> int | None:
        """Where a function's body opens; nil for a requirement of a protocol."""
        depth = 0
        for offset in range(start, len(self.code)):
            character = self.code[offset]
            if character in "([":
                depth += 1
            elif character in ")]":
                depth -= 1
                if depth < 0:
                    return None
            elif depth == 0 and character == "{":
                return offset
            elif depth == 0 and character == "}":
                return None
            elif depth == 0 and character == "\n":
                rest = self.code[offset:].lstrip()
                if not rest.startswith(("{", "where ", "throws", "->", "async")):
                    return None
        return None

    def _closing(self, opening: int, pair: str) -> int:
        depth = 0
        for offset in range(opening, len(self.code)):
            if self.code[offset] == pair[0]:
                depth += 1
            elif self.code[offset] == pair[1]:
                depth -= 1
                if depth == 0:
                    return offset
        return len(self.code) - 1

    def _only(self, kind: int) -> str:
        pieces, end = [], 0
        for start, stop, found in sorted(self._marks):
            pieces.append(self._kept(end, start, kind == 0))
            pieces.append(self._kept(start, stop, kind == found))
            end = stop
        pieces.append(self._kept(end, len(self.text), kind == 0))
        return "".join(pieces)

    def _kept(self, start: int, end: int, keeps: bool) -> str:
        piece = self.text[start:end]
        return piece if keeps else NOT_NEWLINE.sub(" ", piece)

    def _mark(self, start: int, end: int, kind: int) -> None:
        self._marks.append((start, end, kind))

    def _scan(self, start: int, end: int, closes: bool = False) -> int:
        """Goes through code, up to a parenthesis that was opened before it where `closes` is set.
        Returns where that is."""
        depth, offset = 0, start
        while match := INTERESTING.search(self.text, offset, end):
            offset = match.end()
            if match[0] == "(":
                depth += 1
            elif match[0] == ")":
                if closes and depth == 0:
                    return match.start()
                depth -= 1
            elif match[0] == "//":
                stop = self.text.find("\n", offset)
                offset = end if stop < 0 else stop
                self._mark(match.start(), offset, 1)
            elif match[0] == "/*":
                offset = self._comment(match.start(), end)
            else:
                offset = self._text(match.start(), match[0].count("#"), end)
        return end

    def _comment(self, start: int, end: int) -> int:
        depth, stop = 0, end
        for match in re.compile(r"/\*|\*/").finditer(self.text, start, end):
            depth += 1 if match[0] == "/*" else -1
            if depth == 0:
                stop = match.end()
                break
        self._mark(start, stop, 1)
        return stop

    def _text(self, start: int, hashes: int, end: int) -> int:
        quote = '"""' if self.text.startswith('"""', start + hashes) else '"'
        escape, close = "\\" + "#" * hashes, quote + "#" * hashes
        stops = re.compile(f"{re.escape(escape)}.|{re.escape(close)}", re.S)
        offset, since = start + hashes + len(quote), start
        while match := stops.search(self.text, offset, end):
            offset = match.end()
            if match[0] == close:
                self._mark(since, offset, 2)
                return offset
            if match[0][-1] == "(":
                self._mark(since, offset, 2)
                since = self._scan(offset, end, closes=True)
                offset = since + 1
        self._mark(since, end, 2)
        return end
