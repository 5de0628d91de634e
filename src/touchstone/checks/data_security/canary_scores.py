"""The scores of canaries in an audit: a CSV with the columns `included` and `score`."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
from numpy.typing import NDArray

from touchstone.errors import DataError
from touchstone.text import Text

MOST_CANARIES = 1_000_000
FEWEST_CANARIES = 20


def read_canary_scores(content: bytes, where: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Scores and which canaries were included, both `(m,)`. Raises `DataError` naming the line that cannot be read."""
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        if not {"included", "score"} <= set(reader.fieldnames or ()):
            raise _unreadable(where, 1)
        scores, included = [], []
        for row in reader:
            score = float(row["score"])
            if row["included"] not in ("0", "1") or not math.isfinite(score):
                raise _unreadable(where, reader.line_num)
            scores.append(score)
            included.append(row["included"] == "1")
    except (UnicodeDecodeError, csv.Error):
        raise _unreadable(where, 1) from None
    except (TypeError, ValueError):
        raise _unreadable(where, reader.line_num) from None
    if not FEWEST_CANARIES <= len(scores) <= MOST_CANARIES:
        raise DataError(
            Text(f"holds {len(scores)} canaries", f"含 {len(scores)} 个金丝雀"),
            where,
            Text(
                f"between {FEWEST_CANARIES} and {MOST_CANARIES:,} can be used",
                f"可用数量为 {FEWEST_CANARIES} 至 {MOST_CANARIES:,} 个",
            ),
        )
    return np.array(scores), np.array(included)


def _unreadable(where: str, line: int) -> DataError:
    return DataError(
        Text("is not a table of canaries", "不是金丝雀分数表"),
        f"{where}, line {line}",
        Text(
            "write a CSV with the header `included,score`, 0 or 1 and a number on each line",
            "请提交表头为 `included,score` 的 CSV，每行为 0 或 1 与一个数值",
        ),
    )
