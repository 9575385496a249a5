"""Reads the compiler's index of a debug build for Tools/check --deep: what is named, and where."""
import ctypes
import os
import re
import shutil
import subprocess
from ctypes import CFUNCTYPE, byref, c_bool, c_char_p, c_size_t, c_uint, c_uint64, c_void_p
from pathlib import Path
from typing import Iterator, NamedTuple

# Numbers of indexstore.h.
MODULE = 1
# Types, functions, properties, initialisers. Cases of enumerations may come in by their raw value.
NAMED_KINDS = {5, 6, 7, 8, 11, 12, 13, 16, 17, 18, 19, 20, 21, 22}
ACCESSORS = {3, 4, *range(1000, 1004), *range(1014, 1019)}
ASSOCIATED_TYPE, GENERIC_PARAMETER = 1012, 1013
DEFINITION, REFERENCE, IMPLICIT, OVERRIDES = 1 << 1, 1 << 2, 1 << 8, 1 << 11
RECORD = 2
# Where the symbols of a module stand that hands on others.
HANDED_ON = {
    "Foundation": {"Foundation", "FoundationEssentials", "FoundationInternationalization"},
    "FoundationEssentials": {"FoundationEssentials"},
    "ArgumentParser": {"ArgumentParser", "ArgumentParserToolInfo"},
}


class Text(ctypes.Structure):
    _fields_ = [("data", c_void_p), ("length", c_size_t)]

    def __str__(self) -> str:
        return ctypes.string_at(self.data, self.length).decode()


class Occurrence(NamedTuple):
    usr: str
    name: str
    kind: int
    subkind: int
    roles: int
    line: int
    overrides: bool


def library() -> ctypes.CDLL:
    swift = Path(os.path.realpath(shutil.which("swift")))
    found = ctypes.CDLL(str(swift.parent.parent / "lib/libIndexStore.so"))
    for name in ["store_create", "unit_reader_create", "record_reader_create",
                 "occurrence_get_symbol"]:
        getattr(found, "indexstore_" + name).restype = c_void_p
    for name in ["unit_dependency_get_name", "unit_reader_get_main_file", "symbol_get_usr",
                 "symbol_get_name"]:
        getattr(found, "indexstore_" + name).restype = Text
        getattr(found, "indexstore_" + name).argtypes = [c_void_p]
    for name in ["symbol_get_kind", "symbol_get_subkind", "unit_dependency_get_kind"]:
        getattr(found, "indexstore_" + name).argtypes = [c_void_p]
    for name in ["occurrence_get_roles", "symbol_relation_get_roles"]:
        getattr(found, "indexstore_" + name).restype = c_uint64
        getattr(found, "indexstore_" + name).argtypes = [c_void_p]
    found.indexstore_occurrence_get_symbol.argtypes = [c_void_p]
    return found


class Index:
    """What the newest unit of each source file says."""

    def __init__(self, root: Path):
        self.root, self.library = root, library()
        path = root / ".build/debug/index/store"
        error = c_void_p()
        self.store = c_void_p(
            self.library.indexstore_store_create(str(path).encode(), byref(error)))
        if not self.store:
            raise SystemExit(f"no index in {path}; run: swift build --build-tests")

    def records(self) -> dict[str, str]:
        """The record of each source file."""
        units: list[str] = []
        each_unit = CFUNCTYPE(c_bool, c_void_p, Text)

        def take(_, name):
            units.append(str(name))
            return True

        self.library.indexstore_store_units_apply_f(self.store, c_uint(0), None, each_unit(take))
        newest: dict[str, tuple[float, str]] = {}
        for unit in units:
            written = os.path.getmtime(self.root / ".build/debug/index/store/v5/units" / unit)
            for path, record in self._records_of(unit):
                if path not in newest or newest[path][0] < written:
                    newest[path] = (written, record)
        for path, (written, _) in newest.items():
            if (self.root / path).exists() and os.path.getmtime(self.root / path) > written:
                raise SystemExit(f"{path} changed since the build; run: swift build --build-tests")
        return {path: record for path, (_, record) in newest.items()}

    def _records_of(self, unit: str) -> Iterator[tuple[str, str]]:
        reader = c_void_p(self.library.indexstore_unit_reader_create(
            self.store, unit.encode(), byref(c_void_p())))
        if not reader:
            return
        main = str(self.library.indexstore_unit_reader_get_main_file(reader))
        found: list[str] = []
        each_dependency = CFUNCTYPE(c_bool, c_void_p, c_void_p)

        def take(_, dependency):
            if self.library.indexstore_unit_dependency_get_kind(dependency) == RECORD:
                found.append(str(self.library.indexstore_unit_dependency_get_name(dependency)))
            return True

        self.library.indexstore_unit_reader_dependencies_apply_f(
            reader, None, each_dependency(take))
        self.library.indexstore_unit_reader_dispose(reader)
        path = os.path.relpath(main, self.root) if main else ""
        for record in found:
            # A unit also lists records of the modules that it imports.
            if record.startswith(os.path.basename(path) + "-"):
                yield path, record

    def occurrences(self, record: str) -> list[Occurrence]:
        lib = self.library
        reader = c_void_p(lib.indexstore_record_reader_create(
            self.store, record.encode(), byref(c_void_p())))
        found: list[Occurrence] = []
        each = CFUNCTYPE(c_bool, c_void_p, c_void_p)

        def take(_, occurrence):
            symbol = lib.indexstore_occurrence_get_symbol(occurrence)
            roles = lib.indexstore_occurrence_get_roles(occurrence)
            line, column = c_uint(), c_uint()
            lib.indexstore_occurrence_get_line_col(
                c_void_p(occurrence), byref(line), byref(column))
            found.append(Occurrence(
                str(lib.indexstore_symbol_get_usr(symbol)),
                str(lib.indexstore_symbol_get_name(symbol)),
                lib.indexstore_symbol_get_kind(symbol),
                lib.indexstore_symbol_get_subkind(symbol) & 0xffff,
                roles, line.value, bool(roles & OVERRIDES)))
            return True

        lib.indexstore_record_reader_occurrences_apply_f(reader, None, each(take))
        lib.indexstore_record_reader_dispose(reader)
        return found


def home_modules(usrs: set[str]) -> dict[str, str]:
    """The module in which each Swift symbol is declared: of a member of an extension, that of the
    extension."""
    listed = sorted(usr for usr in usrs if usr.startswith("s:"))
    text = "\n".join("$s" + usr[2:] for usr in listed)
    done = subprocess.run(
        ["swift", "demangle", "-tree-only"], input=text, capture_output=True, text=True, check=True)
    modules: dict[str, str] = {}
    trees = re.split(r"^Demangling for .*\n", done.stdout, flags=re.M)[1:]
    for usr, tree in zip(listed, trees):
        found = re.search(r"kind=Module, text=\"(\w+)\"", tree)
        if found:
            modules[usr] = found[1]
    return modules


def unused(root: Path, sources: list) -> Iterator[tuple[str, int, str]]:
    """File, line and message of each import and each name of Sources that nothing uses."""
    index = Index(root)
    records = index.records()
    seen = {
        source.path: index.occurrences(records[source.path])
        for source in sources if source.path in records}
    modules = home_modules({o.usr for occurrences in seen.values() for o in occurrences})
    for source in sources:
        if source.path in seen:
            yield from unused_imports(source, seen[source.path], modules)
    yield from unused_names(seen)


def unused_imports(
    source, occurrences: list[Occurrence], modules: dict[str, str]
) -> Iterator[tuple[str, int, str]]:
    used = {modules.get(o.usr) for o in occurrences if o.kind != MODULE}
    uses_c = any(o.usr.startswith("c:") and o.kind != MODULE for o in occurrences)
    for line, _, name in source.imports():
        is_c = name.startswith("C") and name[1:2].isupper() or name in {"Glibc", "GRDBSQLite"}
        if is_c or name == "Foundation":
            is_used = uses_c or bool(used & HANDED_ON.get(name, set()))
        else:
            is_used = bool(used & HANDED_ON.get(name, {name}))
        if not is_used and name != "Testing":
            yield source.path, line, f"nothing of {name} is used"


def unused_names(seen: dict[str, list[Occurrence]]) -> Iterator[tuple[str, int, str]]:
    used = {o.usr for occurrences in seen.values() for o in occurrences if o.roles & REFERENCE}
    for path, occurrences in seen.items():
        if not path.startswith("Sources/"):
            continue
        for o in occurrences:
            is_name = (
                o.name != "CodingKeys" and o.roles & DEFINITION and not o.roles & IMPLICIT
                and not o.overrides and o.kind in NAMED_KINDS and o.subkind not in ACCESSORS
                and o.subkind not in (ASSOCIATED_TYPE, GENERIC_PARAMETER))
            if is_name and o.usr not in used:
                yield path, o.line, f"{o.name} is used nowhere"
