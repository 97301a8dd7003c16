"""What a retrain is asked to do; the flow's parameters, and what its form in Prefect's pages shows."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from unmask.git import Identity

TREE = Path("retrain/tree")  # the loop's worktree, below the state folder


class Author(BaseModel):
    """Who commits and tags."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = "unmask"
    email: str = "unmask@localhost"

    @property
    def identity(self) -> Identity:
        """As git takes it."""
        return Identity(self.name, self.email)


class RetrainSettings(BaseModel):
    """What `retrain` does with a challenger; only `warm_start` changes its figures, and the commit tells that."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    branch: str = Field("retrain", description="the loop's own branch; every run commits there")
    author: Author = Field(Author(), description="who commits and tags")
    take_inbox: bool = Field(True, description="take feedback and captured pictures in first")
    warm_start: bool = Field(True, description="go on from the champion's weights, as params.yaml says; else afresh")
    min_labels: int = Field(0, ge=0, description="labelled pictures that must be new in the inbox; fewer do nothing")
    trigger: str = Field(
        "",
        description="slice it must be better on, as `unmask compare` names it; empty: reported fakes, else all",
    )
    approval: bool = Field(False, description="wait for a person before prod; the challenger is in staging meanwhile")
    approval_hours: float = Field(24.0, gt=0, description="how long it waits; then the champion stays")
    data_remote: str = Field("", description="DVC remote of data that the cache lacks; empty is the default one")
    push: str = Field("", description="git remote for branch and tags, with `dvc push`; empty pushes nothing")
    merge: bool = Field(False, description="fast-forward the checked-out branch to the loop's after a promotion")
    notify: str = Field("", description="Prefect block that is told, custom-webhook/desk; empty tells nobody")
