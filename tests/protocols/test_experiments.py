import sys

import pytest

from tests.protocols.conftest import Repository, another_batch
from unmask.config import load_config
from unmask.data.ingest import ingest
from unmask.errors import ConfigError, DataError
from unmask.protocols.experiments import experiments
from unmask.protocols.plan import Fold

FOLDS = [Fold(("swap",), ("swap",)), Fold(("Diffusion, v2",), ("Diffusion, v2",))]


def names(repository: Repository, settings: tuple[str, ...] = ()) -> list[str]:
    return [one.name for one in experiments("leave-one-out", FOLDS, root=repository.root, settings=settings)]


def test_a_name_says_the_protocol_and_what_it_is_about(repository: Repository) -> None:
    first, second = names(repository)
    assert first.startswith("leave-one-out-swap-")
    assert second.startswith("leave-one-out-diffusion-v2-")
    assert names(repository) == [first, second]


def test_settings_data_and_code_make_another_experiment(repository: Repository) -> None:
    found = {tuple(names(repository)), tuple(names(repository, ("seed=8",)))}
    ingest(str(another_batch(repository)), repository.root / "data", today="2025-07-01")
    found.add(tuple(names(repository)))
    with (repository.root / "src/evaluate.py").open("a") as code:
        code.write("# another line\n")
    found.add(tuple(names(repository)))
    repository.call("git", "commit", "--all", "--quiet", "--message", "another line")
    found.add(tuple(names(repository)))
    assert len(found) == 5
    assert len({name for pair in found for name in pair}) == 10


def test_tracking_the_same_data_makes_no_other_experiment(repository: Repository) -> None:
    ingest(str(another_batch(repository)), repository.root / "data", today="2025-07-01")
    before = names(repository)
    repository.call(sys.executable, "-m", "dvc", "add", "--quiet", "data")
    repository.call("git", "commit", "--all", "--quiet", "--message", "another batch")
    assert names(repository) == before


def test_other_files_do_not(repository: Repository) -> None:
    before = names(repository)
    (repository.root / "README.md").write_text("hello")
    repository.call("git", "add", "--all")
    repository.call("git", "commit", "--quiet", "--message", "hello")
    assert names(repository) == before


@pytest.mark.parametrize("name", ["it's", 'a "b"', "x: [y, z]", "d.e=f:g", "null", "1e3", "Ünï", " a "])
def test_any_generator_arrives_as_it_is_called(repository: Repository, name: str) -> None:
    (one,) = experiments("leave-one-out", [Fold((name,), (name,))], root=repository.root)
    settings = load_config(repository.root, one.overrides)
    assert settings.assemble.unseen_generators == [name]
    assert settings.warm_start.weights == "none", "a champion may have learnt from what is held out"


@pytest.mark.parametrize("name", ["a\nb", "${seed}", "back\\slash"])
def test_a_name_that_is_no_setting_is_refused(repository: Repository, name: str) -> None:
    with pytest.raises(DataError, match="can't be written as a setting"):
        experiments("leave-one-out", [Fold((name,), (name,))], root=repository.root)


def test_what_the_protocol_decides_is_not_for_settings(repository: Repository) -> None:
    for setting in ("assemble.unseen_generators=[]", "warm_start.weights=champion"):
        with pytest.raises(ConfigError, match="the protocol decides it"):
            names(repository, (setting,))
    with pytest.raises(ConfigError, match="epochz"):
        names(repository, ("teach.epochz=1",))
