"""Average precision and recall of 50,000 detections, beside pycocotools: `python -m bench.boxes`.

Both get the same boxes in memory: 5,000 images of 20 classes. The time of pycocotools is that of matching and
accumulating; ours is that of a whole pass, from lists of boxes to values. The least of three runs, one after another.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

IMAGES, CLASSES, DETECTIONS = 5_000, 20, 50_000
RUNS = 3


def batch() -> dict[str, Any]:
    """Ten detections an image, seven of them beside an object."""
    rng = np.random.default_rng(1)
    corner, size = rng.integers(0, 400, (IMAGES, 7, 2)), rng.integers(8, 200, (IMAGES, 7, 2))
    objects = np.concatenate([corner, corner + size, rng.integers(0, CLASSES, (IMAGES, 7, 1))], axis=2).astype(float)
    others = objects[:, :3].copy()
    others[..., :4] += 97
    found = np.concatenate([objects, others], axis=1)
    found[..., :4] += np.tile(rng.integers(-9, 10, (IMAGES, 10, 2)), 2)
    scores = rng.random((IMAGES, 10, 1))
    kind = pa.list_(pa.list_(pa.float64()))
    detections = np.concatenate([found, scores], axis=2)
    return {
        "features": {"image": pa.array(np.arange(IMAGES))},
        "labels": pa.array(objects.tolist(), kind),
        "predictions": pa.array(detections.tolist(), kind),
    }


def ours(rows: dict[str, Any]) -> Callable[[], list[float]]:
    """Mean average precision and mean average recall by a pass of the engine."""
    from tests.metrics import engine

    whole: Callable[..., Any] = engine.whole
    ids = ", ".join(map(str, range(CLASSES)))
    config = engine.config_of(
        "".join(
            f"metrics {{ class_name: '{name}' config: '\"class_ids\": [{ids}], \"max_num_detections\": 100' }} "
            for name in ("COCOMeanAveragePrecision", "COCOMeanAverageRecall")
        ),
        weighted=False,
    )
    return lambda: [float(value) for values in whole(rows, config).values() for value in values.values()]


def theirs(rows: dict[str, Any]) -> Callable[[], list[float]]:
    """The same by pycocotools, whose index of the boxes is made before."""
    from tests.metrics import coco

    coco_run: Callable[..., Any] = coco.coco_run
    run = coco_run(rows, [i / 20 for i in range(10, 20)], range(CLASSES))

    def values() -> list[float]:
        run.evaluate()
        run.accumulate()
        return [float(run.eval[name][run.eval[name] > -1].mean()) for name in ("precision", "recall")]

    return values


def main() -> None:
    """Prints both times and their ratio."""
    import contextlib
    import io

    rows = batch()
    times: dict[str, list[float]] = {}
    values: dict[str, list[float]] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        sides = {"assay": ours(rows), "pycocotools": theirs(rows)}
        for _ in range(RUNS):
            for name, side in sides.items():
                start = time.perf_counter()
                values[name] = side()
                times.setdefault(name, []).append(time.perf_counter() - start)
    np.testing.assert_allclose(values["assay"], values["pycocotools"], rtol=1e-9)
    for name, seconds in times.items():
        print(f"{name:12} {min(seconds):.2f} s ({', '.join(f'{one:.2f}' for one in seconds)})")
    print(f"ratio        {min(times['assay']) / min(times['pycocotools']):.2f}")


if __name__ == "__main__":
    main()
