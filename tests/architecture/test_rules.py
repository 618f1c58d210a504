"""The rules of the architecture, and proof that each of them catches violations."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hirewire.assembly import SERVICES

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "src" / "hirewire"

PLANTED = [
    ("Layers", "messaging/planted.py", "import hirewire.kit.clock"),
    ("Layers", "kit/planted.py", "import hirewire.contracts.auth"),
    ("Layers", "auth/credentials.py", "import hirewire.profiles.tables"),
    ("Layers", "stray.py", ""),
    ("Layers", "tools/demo.py", "import hirewire.operators.client"),
    ("Layers", "catalogue/page.py", "import hirewire.tools.api_client"),
    ("Layers", "operators/client.py", "import hirewire.cli.operations"),
    ("Layers", "launcher/state.py", "import hirewire.assembly"),
    ("Layers", "web/app.py", "import hirewire.launcher.state"),
    ("auth: app", "auth/accounts/queries.py", "import hirewire.auth.sessions.rules"),
    ("auth: app", "auth/stray.py", ""),
    ("profiles: app", "profiles/people/queries.py", "import hirewire.profiles.resumes.rules"),
    ("vacancies: app", "vacancies/authority.py", "import hirewire.vacancies.posting.rules"),
    ("web: app", "web/proxy/exchange.py", "import hirewire.web.pages.rendering"),
    ("web: app", "web/live/hub.py", "import hirewire.web.proxy.exchange"),
    ("web: app", "web/api/services.py", "import hirewire.web.i18n.words"),
    ("web: app", "web/i18n/labels.py", "import hirewire.web.sessions"),
    ("web: app", "web/stray.py", ""),
    ("Inside a feature", "auth/sessions/rules.py", "import hirewire.auth.sessions.queries"),
    ("Inside a feature", "profiles/people/queries.py", "import hirewire.profiles.people.commands"),
    ("Inside a feature", "vacancies/posting/stray.py", ""),
    ("Rules are pure", "vacancies/posting/rules.py", "import sqlalchemy"),
    ("Rules are pure", "auth/keys/rules.py", "import hirewire.kit.clock"),
    ("Rules are pure", "vacancies/recommendations/inputs.py", "import httpx"),
    ("Commands, queries and handlers", "auth/roles/commands.py", "import fastapi"),
    ("Commands, queries and handlers", "auth/roles/handlers.py", "import hirewire.kit.http"),
    ("Messaging: what runs it", "messaging/locks.py", "import hirewire.messaging.runtime"),
    (
        "Messaging: what runs it",
        "messaging/consuming/inbox.py",
        "import hirewire.messaging.publishing.outbox",
    ),
    ("Messaging: what runs it", "messaging/stray.py", ""),
    ("Messaging knows no web", "messaging/publishing/relay.py", "import httpx"),
    ("The web front end speaks HTTP", "web/api/services.py", "import sqlalchemy"),
    ("The web front end speaks HTTP", "web/api/services.py", "import hirewire.contracts.auth"),
    ("Only messaging.brokers.rabbitmq", "messaging/consuming/consumer.py", "import pika"),
    ("Test helpers never ship", "kit/service.py", "import hirewire.messaging.testing"),
]


def lint_imports(root: Path) -> str:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=root,
        env={"PYTHONPATH": str(root / "src"), "PATH": "/usr/bin:/bin", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    shutil.copytree(ROOT / "src", root / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def test_the_code_keeps_its_rules(tree: Path) -> None:
    assert "0 broken" in lint_imports(tree)


def rounds() -> list[list[tuple[str, str, str]]]:
    """The violations, in a few groups that have each rule and each file at most once."""
    groups: list[list[tuple[str, str, str]]] = []
    for one in PLANTED:
        for group in groups:
            if all(one[0] != other[0] and one[1] != other[1] for other in group):
                group.append(one)
                break
        else:
            groups.append([one])
    return groups


@pytest.mark.parametrize("planted", rounds())
def test_planted_violations_are_caught(tree: Path, planted: list[tuple[str, str, str]]) -> None:
    originals: dict[Path, str | None] = {}
    for _, file, line in planted:
        path = tree / "src" / "hirewire" / file
        originals[path] = path.read_text() if path.exists() else None
        path.write_text((originals[path] or "") + f"\n{line}\n")
    try:
        output = lint_imports(tree)
    finally:
        for path, before in originals.items():
            if before is None:
                path.unlink()
            else:
                path.write_text(before)
    broken = [text for text in output.splitlines() if " BROKEN" in text]
    for rule, file, line in planted:
        assert any(text.startswith(rule) for text in broken), (rule, output)
        module = "hirewire." + file.removesuffix(".py").replace("/", ".")
        imported = line.removeprefix("import ")
        named = f"{module} -> {imported}" if line else module.rpartition(".")[2]
        assert named in output, (named, output)


OWNERS = {
    "transaction.py": "opens and commits everybody's transactions",
    "pooling.py": "asks a pooler what it keeps, in a transaction that changes nothing",
    "schema.py": "migrates a database in one transaction",
    "replay.py": "the relay's own connection",
    "queues.py": "the PostgreSQL broker's own connection",
    "publishing.py": "the PostgreSQL broker's own connection",
    "lineage.py": "migrate's own connection",
    "introduction.py": "migrate's own connection",
    "subscribers.py": "migrate's own connection",
}
"""Modules of messaging that begin and end transactions, and why."""


def without_transactions() -> list[Path]:
    """What gets a transaction as a parameter: features, and messaging except the owners."""
    # The search index has its own commits, and gets no transaction.
    features = [p for name in SERVICES for p in (SOURCES / name).rglob("*.py")]
    for name in ("storage.py", "embedded.py"):
        features.remove(SOURCES / "vacancies" / "search" / "index" / name)
    return features + [p for p in (SOURCES / "messaging").rglob("*.py") if p.name not in OWNERS]


def ends_transactions(source: str) -> list[int]:
    """Lines that call `.commit()`, `.rollback()`, `.begin()` or `.transaction()` on anything but a
    Kafka client, which commits offsets.
    """
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("commit", "rollback", "begin", "begin_nested", "transaction")
        and not (isinstance(node.func.value, ast.Name) and node.func.value.id == "commands")
        and ast.unparse(node.func.value) != "self._kafka"
    ]


@pytest.mark.parametrize("path", without_transactions(), ids=lambda p: str(p.relative_to(SOURCES)))
def test_nothing_below_the_entry_points_ends_a_transaction(path: Path) -> None:
    assert ends_transactions(path.read_text()) == []


def test_the_modules_that_own_transactions_exist_and_end_some() -> None:
    found = {
        path.name
        for path in (SOURCES / "messaging").rglob("*.py")
        if ends_transactions(path.read_text())
    }
    assert found == set(OWNERS)


def test_that_rule_catches_what_it_forbids() -> None:
    source = "async def f(tx):\n    await tx.execute('x')\n    await tx.commit()\n"
    assert ends_transactions(source) == [3]
    source = "async def f(connection):\n    async with connection.transaction():\n        pass\n"
    assert ends_transactions(source) == [2]


def lists_of_any_length(source: str) -> list[int]:
    """Lines with an `in_` of variable length, which makes a different statement for each length."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("in_", "not_in", "notin_")
        and not isinstance(one := node.args[0], ast.Tuple)
        and not (isinstance(one, ast.Attribute) and one.attr.isupper())  # a constant
        and not (
            isinstance(one, ast.Call) and ast.unparse(one.func).endswith((".limit", ".where"))
        )  # a query
    ]


@pytest.mark.parametrize("path", without_transactions(), ids=lambda p: str(p.relative_to(SOURCES)))
def test_statements_do_not_depend_on_the_number_of_values(path: Path) -> None:
    assert lists_of_any_length(path.read_text()) == [], "use hirewire.kit.db.among"


def test_that_rule_catches_lists_of_any_length() -> None:
    source = (
        "a.in_(ids)\na.in_(('x', 'y'))\na.in_(rules.OPEN)\na.in_(old.limit(5))\na.in_(list(x))\n"
    )
    source += "a.in_(select(b).where(c))"
    assert lists_of_any_length(source) == [1, 5]


def writes_tables(source: str) -> list[int]:
    """Lines that write CSV directly: their cells may be formulas in a spreadsheet."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if (isinstance(node, ast.Attribute) and node.attr in ("writer", "DictWriter"))
        or (isinstance(node, ast.ImportFrom) and node.module == "csv")
    ]


def test_csv_is_written_by_one_module() -> None:
    writers = [
        p for p in SOURCES.rglob("*.py") if "csv" in (text := p.read_text()) and writes_tables(text)
    ]
    assert [str(path.relative_to(SOURCES)) for path in writers] == ["kit/spreadsheets.py"]
    assert writes_tables("import csv\ncsv.DictWriter(f)\nfrom csv import writer\n") == [3, 2]


LOOSE = {
    "contracts/auth.py": "a key may have any members (RFC 7517), as its published schema says",
    "kit/openapi.py": "FastAPI's own type of `responses`",
    "messaging/event.py": "an earlier version of a payload, which only its upcast knows",
    "messaging/testing.py": "payloads for tests to look into",
    "messaging/transaction.py": "SQLAlchemy's options of a connection",
    "places/making.py": "rows of GeoNames while the gazetteer is made",
    "profiles/resumes/jsonresume.py": "a JSON Resume, which may have any members",
    "profiles/resumes/routes.py": "the same, as it is sent",
    "tools/sample_data/city.py": "rows of its TOML files, which it checks as it reads them",
    "tools/sample_data/city_vacancies.py": "bodies of requests, as JSON",
    "tools/sample_data/resumes.py": "the same",
    "tools/sample_data/vacancies.py": "the same",
    "tools/imports/columns.py": "a body that the columns of a table fill by paths",
    "vacancies/recommendations/index/columns.py": "numpy's arrays by name",
    "vacancies/search/index/facets.py": "what tantivy counts",
}
"""Modules with untyped dictionaries between functions, and why."""


def loose_dictionaries(source: str) -> list[int]:
    """Lines with `dict[str, Any]` in a signature, a field, an alias or a constant's type."""
    found = []
    for node in ast.walk(ast.parse(source)):
        said: list[ast.expr | None] = []
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            given = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
            said = [node.returns, *(one.annotation for one in given)]
        elif isinstance(node, ast.ClassDef):
            said = [one.annotation for one in node.body if isinstance(one, ast.AnnAssign)]
        elif isinstance(node, ast.Module):
            for one in node.body:
                if isinstance(one, ast.AnnAssign):
                    said += [one.annotation, one.value]
                elif isinstance(one, ast.Assign):
                    said.append(one.value)
        found += [one.lineno for one in said if one and "dict[str, Any]" in ast.unparse(one)]
    return sorted(set(found))


def test_values_passed_between_functions_are_typed() -> None:
    found = {
        str(path.relative_to(SOURCES))
        for path in SOURCES.rglob("*.py")
        if "migrations" not in path.parts and loose_dictionaries(path.read_text())
    }
    assert found == set(LOOSE), "a TypedDict, a dataclass, a model, or dict[str, JsonValue]"


def test_that_rule_catches_dictionaries_of_anything() -> None:
    source = (
        "def f(a: int, *, b: list[dict[str, Any]]) -> None: ...\n"
        "async def g() -> dict[str, Any] | None: ...\n"
        "class C:\n    d: dict[str, Any]\n"
        "Alias = dict[str, Any]\n"
        "def h(a: dict[str, JsonValue]) -> Mapping[str, object]:\n    b: dict[str, Any] = {}\n"
    )
    assert loose_dictionaries(source) == [1, 2, 4, 5]
