"""The test rows that both sides scored, and what each side lacks."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from unmask.errors import DataError
from unmask.evaluation.comparison.sides import Side

SLICED_BY = ("source", "generator", "domain", "seen", "clip")


@dataclass(frozen=True)
class SharedRows:
    """The same test rows (N,) of both sides, in one order.

    Facts are the challenger's, whose data is the newer; only `group` joins what either side holds for one, so that no
    interval gets narrower. `relabelled` rows have another label on the other side and are left out, `renamed` ones
    another source, generator, domain, clip or mark of being seen.
    """

    champion: pd.DataFrame
    challenger: pd.DataFrame
    champion_only: int
    challenger_only: int
    relabelled: int
    renamed: int


def share_rows(champion: Side, challenger: Side, *, min_shared: float) -> SharedRows:
    """Match test rows by image_id and label.

    Raises:
        DataError: less than MIN_SHARED of the rows of a side are among the other's.
    """
    ours, theirs = champion.test.set_index("image_id"), challenger.test.set_index("image_id")
    both = theirs.index[theirs.index.isin(ours.index)]
    same = both[(ours.loc[both, "label"] == theirs.loc[both, "label"]).to_numpy()]
    for side, other, rows in ((champion, challenger, ours), (challenger, champion, theirs)):
        if len(same) < max(1, min_shared * len(rows)):
            raise DataError(
                f"{other.name}: has {len(same)} of the {len(rows)} test rows of {side.name} with the same label, fewer "
                f"than promote.min_shared, {min_shared:.0%}; evaluate both on the same data"
            )
    ours, theirs = ours.loc[same], theirs.loc[same]
    renamed = (ours[list(SLICED_BY)].to_numpy() != theirs[list(SLICED_BY)].to_numpy()).any(axis=1)
    facts = theirs.assign(group=joined_groups(ours["group"], theirs["group"])).reset_index()
    scores = {name: ours[name].to_numpy() for name in ("logit", "p_fake")}
    return SharedRows(
        champion=facts.assign(**scores),
        challenger=facts,
        champion_only=len(champion.test) - len(both),
        challenger_only=len(challenger.test) - len(both),
        relabelled=len(both) - len(same),
        renamed=int(renamed.sum()),
    )


def joined_groups(first: pd.Series, second: pd.Series) -> npt.NDArray[np.int64]:
    """Codes 0..G-1 of rows (N,), equal where rows share a group in either grouping, directly or by way of others."""
    codes = [pd.factorize(groups)[0] for groups in (first, second)]
    counts = [int(code.max()) + 1 for code in codes]
    links = (np.ones(len(first)), (codes[0], codes[1] + counts[0]))
    components = connected_components(coo_array(links, shape=(sum(counts), sum(counts))), directed=False)[1]
    joined: npt.NDArray[np.int64] = np.unique(components[codes[0]], return_inverse=True)[1].astype(np.int64)
    return joined
