"""Who writes rows that a filter of the Instances page looks at.

Pages find what matches once for each version of an element's rows (docs/decisions/0012). So each of these makes a new
version in its transaction; tests/usecases/conftest.py proves it for every test of a use case.
"""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WRITES = {"update", "delete", "_raw_delete", "create", "bulk_create", "bulk_update", "save", "get_or_create"} | {
    *("update_or_create", "add_instances", "change_instances", "executemany", "_remove")
}
ABOUT = ("Instance", "instances", "ScheduledEvent", "scheduled_events", "row.save", "UPDATE", "INSERT", "sql")
WRITERS = {
    "models/instance_writes.py": {"_run"},
    "usecases/prune.py": {"_remove_instances"},
    "usecases/read_spot_types.py": {"store_spot_types"},
    "usecases/removal.py": {"_remove_instances"},
    "usecases/send_actions.py": {"_accept", "_refuse"},
    "usecases/store_scheduled_events.py": {"_save", "store_scheduled_events"},
    "usecases/store_snapshots.py": {"_update", "_write", "store_rows"},
}
# Their words mean something else: settings, and the file in which a reading is put aside.
OTHERS = {
    "models/user_settings.py": {"_keep"},
    "usecases/configure.py": {"save_naming_format", "save_settings"},
    "usecases/reading.py": {"note_instances"},
    "usecases/spool.py": {"_insert", "rename", "set_names"},
}


def test_nobody_else_writes_what_filters_look_at():
    found = {}
    for file in sorted((ROOT / "elements").rglob("*.py")):
        names = set(_writers(file)) if "migrations" not in file.parts else set()
        if names:
            found[str(file.relative_to(ROOT / "elements"))] = names

    assert found == WRITERS | OTHERS


def _writers(file):
    """Yield the functions with a call that may write rows and a word that may mean these."""
    source = file.read_text()
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef):
            calls = [node for node in ast.walk(function) if isinstance(node, ast.Call) and _name(node) in WRITES]
            text = "\n".join(filter(None, (ast.get_source_segment(source, call) for call in calls)))
            if any(word in text for word in ABOUT):
                yield function.name


def _name(call):
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
