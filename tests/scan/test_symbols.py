"""The reviewed names: packs are well formed, say what they mean, and let none of the known gadgets through."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.scan import symbols
from touchstone.scan.pickle_machine.contracts import CONTRACTS
from touchstone.scan.symbols import PACKS, TIERS, is_enumeration, standing

PACK_FILES = sorted(file for file in PACKS.glob("*.json") if file.name != "dangerous.json")
DANGEROUS = json.loads((PACKS / "dangerous.json").read_bytes())
GADGETS = Path(__file__).with_name("gadgets")
TOOL = Path(__file__).parents[2] / "tools" / "review_symbols.py"


def tool() -> ModuleType:
    """`tools/review_symbols.py`, which is a script and no part of a package."""
    specification = importlib.util.spec_from_file_location("review_symbols", TOOL)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def gadgets(kind: str) -> list[str]:
    """Names by which pickles act, one on a line."""
    lines = (GADGETS / f"{kind}.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def listed() -> Iterator[tuple[str, str, str]]:
    """Every listed name: tier, module, name."""
    for file in PACK_FILES:
        for tier, modules in json.loads(file.read_bytes()).get("known", {}).items():
            for module, names in modules.items():
                for name in names:
                    yield tier, module, name


LISTED = sorted({(module, name) for _, module, name in listed()})


# ---- packs as documents


@pytest.mark.parametrize("file", PACK_FILES, ids=lambda file: file.stem)
def test_a_pack_says_what_it_is_and_where_it_comes_from(file: Path) -> None:
    pack = json.loads(file.read_bytes())
    assert set(pack) <= {
        "library", "about", "reviewed", "source", "reviewer", "known", "contracts", "namespaces", "renamed",
    }  # fmt: skip
    assert all(len(pack[key]) >= 3 for key in ("library", "about", "reviewed", "source", "reviewer"))
    assert pack.get("known") or pack.get("namespaces")
    assert set(pack.get("known", {})) <= set(TIERS)


@pytest.mark.parametrize("file", sorted(PACKS.glob("*.json")), ids=lambda file: file.stem)
def test_packs_are_written_the_one_way_they_are_written(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert tool().written(json.loads(text)) == text, "run: python tools/review_symbols.py format"


def test_each_name_is_listed_once() -> None:
    seen: dict[tuple[str, str], str] = {}
    for tier, module, name in listed():
        assert seen.setdefault((module, name), tier) == tier, f"{module}.{name} is in two tiers"
    assert len(seen) == len(list(listed()))


def test_every_line_can_be_reached() -> None:
    """A name under a module that is renamed would never be found."""
    for tier, module, name in listed():
        found = standing(module, name)
        assert (found.trust, found.rights) == ("known", TIERS[tier]), f"{module}.{name}"


def test_renaming_ends() -> None:
    renamed = {old: new for file in PACK_FILES for old, new in json.loads(file.read_bytes()).get("renamed", {}).items()}
    for old in renamed:
        assert standing(f"{old}.anything", "anything") is not None


@pytest.mark.parametrize("file", PACK_FILES, ids=lambda file: file.stem)
def test_contracts_exist_and_belong_to_listed_names(file: Path) -> None:
    pack = json.loads(file.read_bytes())
    for name, contract in pack.get("contracts", {}).items():
        module, _, last = name.partition(":")
        assert contract in CONTRACTS, name
        assert any(last in modules.get(module, ()) for modules in pack["known"].values()), name
        assert standing(module, last).contract == contract


@pytest.mark.parametrize("file", PACK_FILES, ids=lambda file: file.stem)
def test_exceptions_lie_in_their_namespace(file: Path) -> None:
    for below, exceptions in json.loads(file.read_bytes()).get("namespaces", {}).items():
        assert standing(f"{below}.some_module", "SomeClass").trust == "known", below
        for exception in exceptions:
            assert exception.startswith(f"{below}."), exception
            assert standing(exception, "SomeClass").trust != "known", exception


# ---- what is never known


def test_a_namespace_lets_nothing_be_called() -> None:
    for file in PACK_FILES:
        for below in json.loads(file.read_bytes()).get("namespaces", {}):
            assert standing(f"{below}.some_module", "SomeClass").rights == {"import", "new", "build"}
            assert standing(f"{below}.some_module", "some_function").trust != "known"
            assert standing(f"{below}.some_module", "_Private").trust != "known"


def test_no_name_is_both_known_and_dangerous() -> None:
    dangerous = {name for names in DANGEROUS["names"].values() for name in names}
    assert not dangerous & {f"{module}.{name}" for module, name in LISTED} - {"numpy.memmap"}
    assert standing("numpy", "memmap").rights == {"import"}


def test_dangerous_names_are_out_of_reach_of_every_namespace() -> None:
    for names in DANGEROUS["names"].values():
        for name in names:
            assert standing(name, "SomeClass").trust == "dangerous", name
    for attribute in DANGEROUS["attributes"]:
        assert standing("sklearn.tree", attribute).trust == "dangerous", attribute


@pytest.mark.parametrize("gadget", gadgets("functions"))
def test_no_function_that_acts_is_known(gadget: str) -> None:
    module, _, name = gadget.partition(":")
    assert standing(module, name).trust == "dangerous"


@pytest.mark.parametrize("gadget", gadgets("classes"))
def test_no_class_whose_hooks_act_can_be_made_and_filled(gadget: str) -> None:
    """Each of these opens, removes, loads or runs what its state names, when it is made, filled or thrown away."""
    module, _, name = gadget.partition(":")
    found = standing(module, name)
    assert not {"new", "build"} & found.rights or found.contract


def test_there_are_enough_gadgets_to_mean_something() -> None:
    assert len(set(gadgets("functions"))) >= 150


@given(st.sampled_from(LISTED), st.text(min_size=1, max_size=12))
def test_an_attribute_of_a_known_name_is_not_known(symbol: tuple[str, str], attribute: str) -> None:
    module, name = symbol
    dotted = f"{name}.{attribute}"
    assert (module, dotted) in LISTED or standing(module, dotted).trust != "known"


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_has_a_standing(module: str, name: str) -> None:
    found = standing(module, name)
    assert (found.trust == "known") == ("import" in found.rights)


@given(st.sampled_from(["os", "subprocess", "runpy", "shutil", "ctypes", "importlib"]), st.from_regex(r"[A-Z]\w{0,9}"))
def test_nothing_of_a_dangerous_module_is_known(module: str, name: str) -> None:
    assert standing(module, name.strip()).trust == "dangerous"


def test_no_listed_name_has_more_parts_than_are_compared() -> None:
    deepest = max(len(f"{module}.{name}".split(".")) for module, name in LISTED)
    assert deepest < symbols._DEEPEST


def test_hostile_names_cost_little() -> None:
    long = ".".join("a" * 20_000)
    assert standing(long, long).trust == "unknown"
    assert standing(f"os.{long}", "x").trust == "dangerous"


# ---- what is known


@pytest.mark.parametrize(
    ("module", "name", "right"),
    [
        ("builtins", "dict", "call"),
        ("__builtin__", "set", "call"),
        ("exceptions", "ValueError", "call"),
        ("copy_reg", "_reconstructor", "call"),
        ("pathlib", "PosixPath", "call"),
        ("pathlib._local", "PosixPath", "call"),
        ("numpy.core.multiarray", "_reconstruct", "call"),
        ("numpy._core.multiarray", "scalar", "call"),
        ("numpy.core.multiarray", "ndarray", "import"),
        ("pandas.core.indexes.numeric", "Int64Index", "new"),
        ("pandas.indexes.base", "_new_Index", "call"),
        ("scipy.sparse.csr", "csr_matrix", "build"),
        ("sklearn.ensemble.forest", "RandomForestClassifier", "new"),
        ("sklearn.tree.tree", "DecisionTreeClassifier", "build"),
        ("sklearn.externals.joblib.numpy_pickle", "NumpyArrayWrapper", "build"),
        ("sklearn.neighbors.kd_tree", "newObj", "call"),
        ("torch._utils", "_rebuild_tensor_v2", "call"),
        ("torch.nn.modules.conv", "Conv2d", "build"),
        ("transformers.training_args", "TrainingArguments", "build"),
        ("transformers.trainer_utils", "SchedulerType", "call"),
        ("ultralytics.nn.tasks", "DetectionModel", "build"),
        ("models.yolo", "Model", "build"),
        ("mmengine.logging.history_buffer", "HistoryBuffer", "build"),
        ("xgboost.sklearn", "XGBClassifier", "build"),
        ("lightgbm.basic", "Booster", "build"),
        ("nltk.tokenize.punkt", "PunktSentenceTokenizer", "build"),
        ("keras_preprocessing.text", "Tokenizer", "build"),
        ("zoneinfo", "ZoneInfo._unpickle", "call"),
    ],
)
def test_what_real_files_hold_is_known(module: str, name: str, right: str) -> None:
    assert right in standing(module, name).rights


def test_members_are_taken_from_enumerations_only() -> None:
    assert is_enumeration("transformers.trainer_utils", "IntervalStrategy")
    assert not is_enumeration("torch", "Tensor")
    assert not is_enumeration("os", "path")


def test_python_2_names_stand_where_pickle_would_look_for_them() -> None:
    """Up to protocol 2, `pickle` maps names of Python 2; what we call known has to be what it finds."""
    from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING

    for (module, name), present in NAME_MAPPING.items():
        if standing(module, name).trust == "known":
            assert standing(*present).trust == "known", (module, name)
    for old, new in IMPORT_MAPPING.items():
        for module, name in LISTED:
            if module == new and standing(old, name).trust == "known":
                assert standing(new, name).rights == standing(old, name).rights


# ---- digest


def digest_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(symbols, "PACKS", folder / "names")
    return symbols.digest.__wrapped__()


def written_packs(folder: Path, change: Any = None, indent: int | None = None) -> Path:
    """A copy of all lists, laid out another way."""
    for file in PACKS.parent.rglob("*.json"):
        document = json.loads(file.read_bytes())
        if change is not None and file.name == "python.json":
            change(document)
        place = folder / file.relative_to(PACKS.parent)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(document, indent=indent))
    return folder


def test_the_digest_is_that_of_the_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = symbols.digest()
    assert re.fullmatch("[0-9a-f]{64}", before)
    assert digest_of(written_packs(tmp_path / "same", indent=3), monkeypatch) == before

    def add(pack: dict[str, Any]) -> None:
        pack["known"]["values"]["builtins"].append("one_more")

    assert digest_of(written_packs(tmp_path / "other", add), monkeypatch) != before
