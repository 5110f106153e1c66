"""pycocotools, the evaluation code of the COCO data set, on boxes in memory."""

import contextlib
import io

import numpy as np


def coco_eval(batch, ious, class_ids, area_range=(0, 1e10), most=100):
    """Precisions (t, r, k) and recalls (t, k), -1 where there is no object."""
    run = coco_run(batch, ious, class_ids, area_range, most)
    with contextlib.redirect_stdout(io.StringIO()):
        run.evaluate()
        run.accumulate()
    return run.eval["precision"][..., 0, 0], run.eval["recall"][..., 0, 0]


def coco_run(batch, ious, class_ids, area_range=(0, 1e10), most=100):
    """A run that has its boxes, before it evaluates them."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    objects, detections = (_annotations(batch[key]) for key in ("labels", "predictions"))
    for i, one in enumerate(objects):
        one |= {"id": i + 1, "area": one["bbox"][2] * one["bbox"][3], "iscrowd": 0}
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": [{"id": i} for i in range(len(batch["labels"]))],
            "categories": [{"id": i, "name": str(i)} for i in class_ids],
            "annotations": objects,
        }
        truth.createIndex()
        run = COCOeval(truth, truth.loadRes(detections), "bbox")
        run.params.iouThrs, run.params.catIds = np.asarray(ious), list(class_ids)
        run.params.areaRng, run.params.areaRngLbl, run.params.maxDets = [list(area_range)], ["all"], [most]
    return run


def _annotations(rows):
    found = []
    for image, boxes in enumerate(rows.to_pylist()):
        for left, top, right, bottom, class_id, *score in boxes:
            if class_id >= 0:
                box = {"image_id": image, "bbox": [left, top, right - left, bottom - top], "category_id": int(class_id)}
                found.append(box | ({"score": score[0]} if score else {}))
    return found
