"""The walls of the house: each rule reads one parsed file and names what offends it.

A rule never imports the file it reads, so one that cannot even be imported is still named.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("ingest", "rules", "alerts", "pipeline")
"""The storeys, lowest first: each may import those before it."""

BROAD_EXCEPTS_ALLOWED = 3
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60

_CLOCKS = {
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
    "time.time",
    "time.time_ns",
    "time.ctime",
    "time.gmtime",
    "time.localtime",
    "pandas.Timestamp.now",
    "pandas.Timestamp.utcnow",
    "pandas.Timestamp.today",
    "sqlalchemy.func.now",
    "sqlalchemy.func.current_timestamp",
}
_CLOCK_TEXTS = {"now", "today", "CURRENT_TIMESTAMP"}
_ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.putenv"}
_CLIENTS = {"requests", "urllib3", "http.client", "httpx", "aiohttp", "socket", "urllib.request"}
_SERVERS = {"http.server", "socketserver", "uvicorn", "fastapi", "starlette"}
_SQL = {"sqlalchemy", "sqlite3", "psycopg"}
# One module per subject: each takes a connection and knows its own rows.
_STORES = {
    "ingest/database.py",
    "ingest/archive.py",
    "alerts/answers/call_rows.py",
    "alerts/answers/chase.py",
    "alerts/answers/closing.py",
    "alerts/answers/pauses.py",
    "alerts/answers/receipts.py",
    "alerts/answers/replies.py",
    "alerts/answers/reports.py",
    "alerts/duty/release_rows.py",
    "alerts/duty/silences.py",
    "alerts/duty/stand_ins.py",
    "alerts/duty/unsilenced.py",
    "alerts/event/orders.py",
    "alerts/outgoing/bulk.py",
    "alerts/outgoing/deliveries.py",
    "alerts/outgoing/digest.py",
    "alerts/outgoing/folding.py",
    "alerts/record/account_tables.py",
    "alerts/record/accounts.py",
    "alerts/record/audit.py",
    "alerts/record/deeds.py",
    "alerts/record/keys.py",
    "alerts/record/ledger.py",
    "alerts/record/shadows.py",
    "alerts/record/sightings.py",
    "alerts/record/store.py",
    "alerts/record/tables.py",
    "alerts/record/timeline.py",
    "alerts/record/troubles.py",
    "alerts/record/verdicts.py",
    "alerts/record/verify.py",
    "alerts/record/versions.py",
    "alerts/record/watching.py",
}
_PROCESSES = {"subprocess", "pty", "os.system", "os.popen", "os.fork", "os.execv", "os.spawnv"}
_UNSAFE = {
    "pickle",
    "marshal",
    "shelve",
    "dill",
    "cloudpickle",
    "joblib",
    "eval",
    "exec",
    "compile",
    "yaml.load_all",
    "yaml.unsafe_load",
    "yaml.UnsafeLoader",
    "yaml.FullLoader",
    "pandas.read_pickle",
}
_OPENING = {"open", "connect", "read_text", "read_bytes", "read_csv", "mkdir", "write_text"}
_VAGUE = {"core", "common", "utils", "util", "helpers", "helper", "misc", "base"}
_VAGUE_ENDINGS = ("Manager", "Helper", "Helpers", "Util", "Utils")


@dataclass(frozen=True, kw_only=True)
class Source:
    """One Python file of the packages."""

    path: str
    """Path from the checkout, with forward slashes."""
    text: str
    """What stands in it."""

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the file."""
        return list(ast.walk(self.tree))

    @cached_property
    def functions(self) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Every function and method, nested ones too."""
        return [n for n in self.nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]

    @cached_property
    def classes(self) -> list[ast.ClassDef]:
        """Every class."""
        return [n for n in self.nodes if isinstance(n, ast.ClassDef)]

    @cached_property
    def aliases(self) -> dict[str, str]:
        """Local name -> dotted name it was imported as."""
        found: dict[str, str] = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for name in node.names:
                    local = name.asname or name.name.partition(".")[0]
                    found[local] = name.name if name.asname else local
            elif isinstance(node, ast.ImportFrom):
                for name in node.names:
                    found[name.asname or name.name] = f"{node.module}.{name.name}"
        return found

    @cached_property
    def imports(self) -> set[str]:
        """Dotted names of every import, those inside functions too."""
        found: set[str] = set()
        for node in self.nodes:
            if isinstance(node, ast.Import):
                found |= {name.name for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                module = "." * node.level + (node.module or "")
                found |= {f"{module}.{name.name}" for name in node.names}
        return found

    def dotted(self, node: ast.AST) -> str:
        """``dt.now`` as ``datetime.datetime.now``; empty for what is no plain dotted name."""
        if isinstance(node, ast.Name):
            return self.aliases.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            left = self.dotted(node.value)
            return f"{left}.{node.attr}" if left else ""
        return ""

    @cached_property
    def names(self) -> set[str]:
        """Every dotted name the file uses, aliases resolved."""
        uses = (n for n in self.nodes if isinstance(n, ast.Name | ast.Attribute))
        return {self.dotted(node) for node in uses} | self.imports


Rule = Callable[[Source], list[str]]


def _uses(source: Source, forbidden: set[str]) -> list[str]:
    """Names of `source` that are a forbidden one or stand below it."""
    below = tuple(f"{name}." for name in forbidden)
    return sorted(n for n in source.names if n in forbidden or n.startswith(below))


def _listens(source: Source) -> bool:
    """Whether `source` is one of those that may bind a port."""
    return source.path.startswith("pipeline/console/") or source.path == "pipeline/demo/subsystem.py"


def imports_run_one_way(source: Source) -> list[str]:
    """A storey knows those below it: ingest <- rules <- alerts <- pipeline; and no test code."""
    storey = PACKAGES.index(source.path.partition("/")[0])
    above = {*PACKAGES[storey + 1 :], "tests", "simulators"}
    return sorted(n for n in source.imports if n.startswith(".") or n.partition(".")[0] in above)


def one_file_reads_the_clock(source: Source) -> list[str]:
    """Everywhere else the present moment is an argument."""
    if source.path == "pipeline/daemon.py":
        return []
    calls = (node for node in source.nodes if isinstance(node, ast.Call))
    texts = [
        f"{source.dotted(call.func)}({argument.value!r})"
        for call in calls
        for argument in call.args
        if isinstance(argument, ast.Constant) and argument.value in _CLOCK_TEXTS
        if source.dotted(call.func).rpartition(".")[2] in {"datetime64", "Timestamp", "text"}
    ]
    return _uses(source, _CLOCKS) + texts


def one_file_reads_the_environment(source: Source) -> list[str]:
    """`pipeline/settings.py` reads it and hands on what it found."""
    return [] if source.path == "pipeline/settings.py" else _uses(source, _ENVIRONMENT)


def http_leaves_through_two_doors(source: Source) -> list[str]:
    """One module per direction: data comes in by one, messages leave by two, of HTTP and of all else."""
    if source.path in {"ingest/http.py", "alerts/outgoing/post.py", "alerts/outgoing/line.py"}:
        return []
    return _uses(source, _CLIENTS - {"socket"} if _listens(source) else _CLIENTS)


def servers_stand_under_the_roof(source: Source) -> list[str]:
    """Only the console and the example subsystem listen."""
    return [] if _listens(source) else _uses(source, _SERVERS)


def sql_stands_in_the_stores(source: Source) -> list[str]:
    """Statements stand in the stores; others may hold a connection and hand it to one of them."""
    if source.path in _STORES:
        return []
    handles = {"sqlalchemy.Engine", "sqlalchemy.Connection", "sqlalchemy.engine.Engine"}
    return [name for name in _uses(source, _SQL) if name not in handles]


def nothing_starts_a_process(source: Source) -> list[str]:
    """No shell stands between a message and its officer."""
    return _uses(source, _PROCESSES)


def nothing_prints(source: Source) -> list[str]:
    """The command line speaks through click; everything else logs."""
    return _uses(source, {"print", "pprint"})


def nothing_runs_data(source: Source) -> list[str]:
    """No pickle, no eval, no YAML that makes objects: configuration and models are data."""
    loads = [n for n in _uses(source, {"yaml.load"}) if "SafeLoader" not in source.text]
    return _uses(source, _UNSAFE) + loads


def _executed_at_import(node: ast.AST) -> Iterator[ast.AST]:
    """Every node that runs when the module is imported: all but the bodies of functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Lambda):
            continue
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            early = [*child.decorator_list, *child.args.defaults, *child.args.kw_defaults]
            for part in filter(None, early):
                yield part
                yield from _executed_at_import(part)
            continue
        yield child
        yield from _executed_at_import(child)


def _calls(source: Source, nodes: Iterator[ast.AST], forbidden: set[str]) -> list[str]:
    """Calls among `nodes` whose last name is forbidden, each with its line."""
    found = []
    for node in nodes:
        if isinstance(node, ast.Call):
            named = isinstance(node.func, ast.Attribute | ast.Name)
            last = ast.unparse(node.func).rpartition(".")[2] if named else ""
            if last in forbidden:
                found.append(f"{last}() in line {node.lineno}")
    return found


def nothing_opens_at_import(source: Source) -> list[str]:
    """Importing a module touches no file, no socket and no database."""
    return _calls(source, _executed_at_import(source.tree), _OPENING | {"create_engine"})


def nothing_opens_in_a_constructor(source: Source) -> list[str]:
    """An object can be made, printed and thrown away without a trace."""
    names = {"__init__", "__post_init__", "__new__"}
    constructors = [function for function in source.functions if function.name in names]
    return [call for f in constructors for call in _calls(source, ast.walk(f), _OPENING)]


def broad_excepts(source: Source) -> list[str]:
    """Handlers that catch everything and do not raise it again, as ``file:line``."""
    found = []
    for handler in (node for node in source.nodes if isinstance(node, ast.ExceptHandler)):
        kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        caught = {source.dotted(kind) if kind else "" for kind in kinds}
        last = handler.body[-1]
        again = isinstance(last, ast.Raise) and last.exc is None
        if caught & {"", "Exception", "BaseException"} and not again:
            found.append(f"{source.path}:{handler.lineno}")
    return found


def excepts_are_narrow(source: Source) -> list[str]:
    """Only a tick's step, a delivery and the daemon may catch everything."""
    may = source.path == "alerts/outgoing/outbox.py" or source.path.startswith("pipeline/")
    return [] if may else broad_excepts(source)


def files_are_short(source: Source) -> list[str]:
    """A file fits in a head."""
    lines = source.text.count("\n")
    return [f"{lines} lines"] if lines > MAX_FILE_LINES else []


def functions_are_short(source: Source) -> list[str]:
    """A function fits on a screen."""
    spans = {f.name: (f.end_lineno or f.lineno) - f.lineno + 1 for f in source.functions}
    return [f"{name}: {n} lines" for name, n in spans.items() if n > MAX_FUNCTION_LINES]


def _dataclass_decorator(source: Source, node: ast.ClassDef) -> ast.expr | None:
    """The decorator that makes `node` a dataclass, or None."""
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if source.dotted(called) in {"dataclasses.dataclass", "pydantic.dataclasses.dataclass"}:
            return decorator
    return None


def dataclasses_are_frozen(source: Source) -> list[str]:
    """A value cannot change under those who hold it, and is built by the names of its fields."""
    found = []
    for node in source.classes:
        decorator = _dataclass_decorator(source, node)
        keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
        said = {k.arg for k in keywords if ast.unparse(k.value) == "True"}
        if decorator is not None and not {"frozen", "kw_only"} <= said:
            found.append(node.name)
    return found


def fields_are_documented(source: Source) -> list[str]:
    """Each public field of a public dataclass is followed by a line that says what it is."""
    found = []
    for node in source.classes:
        if _dataclass_decorator(source, node) is None or node.name.startswith("_"):
            continue
        for field, after in zip(node.body, [*node.body[1:], None], strict=True):
            name = ast.unparse(field.target) if isinstance(field, ast.AnnAssign) else "_"
            said = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            if not said and not name.startswith("_"):
                found.append(f"{node.name}.{name}")
    return found


def names_say_what_is_there(source: Source) -> list[str]:
    """No drawer for odds and ends: a type lives in the package that produces it."""
    parts = {part.removesuffix(".py") for part in source.path.split("/")}
    classes = [node.name for node in source.classes if node.name.endswith(_VAGUE_ENDINGS)]
    return sorted(parts & _VAGUE) + classes


Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _public_definitions(
    body: list[ast.stmt], prefix: str = ""
) -> Iterator[tuple[str, Documented]]:
    """Public functions, classes and their methods, by dotted name."""
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
        repeated = any(text.endswith(("overload", ".setter")) for text in decorators)
        if repeated or node.name.startswith("_"):
            continue
        yield prefix + node.name, node
        if isinstance(node, ast.ClassDef):
            yield from _public_definitions(node.body, f"{node.name}.")


def everything_public_is_documented(source: Source) -> list[str]:
    """Every module, and every public class, function and method."""
    definitions: list[tuple[str, Documented]] = [("module", source.tree)]
    definitions += _public_definitions(source.tree.body)
    return [name for name, node in definitions if not ast.get_docstring(node)]


def nothing_is_left_for_later(source: Source) -> list[str]:
    """No note to self, and no state that functions share behind one's back."""
    notes = re.findall(r"#.*\b(TODO|FIXME|XXX|HACK)\b", source.text)
    return notes + [f"global {n.names}" for n in source.nodes if isinstance(n, ast.Global)]


RULES: tuple[Rule, ...] = (
    imports_run_one_way,
    one_file_reads_the_clock,
    one_file_reads_the_environment,
    http_leaves_through_two_doors,
    servers_stand_under_the_roof,
    sql_stands_in_the_stores,
    nothing_starts_a_process,
    nothing_prints,
    nothing_runs_data,
    nothing_opens_at_import,
    nothing_opens_in_a_constructor,
    excepts_are_narrow,
    files_are_short,
    functions_are_short,
    dataclasses_are_frozen,
    fields_are_documented,
    names_say_what_is_there,
    everything_public_is_documented,
    nothing_is_left_for_later,
)


def package_sources() -> list[Source]:
    """Every Python file of the four packages, in a stable order."""
    paths = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return [
        Source(path=path.relative_to(ROOT).as_posix(), text=path.read_text("utf-8"))
        for path in paths
    ]
