"""Pictures of a plan: an indented tree and a Mermaid flowchart. Standard library only."""

from __future__ import annotations

from collections.abc import Iterator

from assay.plan.plan import EVALUATE, EXTRACT, GATE, READ_INPUTS, Plan, Stage, Task, edges
from assay.types import VALIDATIONS_KEY


def as_tree(plan: Plan) -> str:
    """The plan as an indented tree: tasks, their stages, and under each extractor the evaluators that wait for it."""
    lines = [f"{name} = {'(must be given)' if value is None else value}" for name, value in plan.params.items()]
    for task in plan.tasks:
        after = f"  [after {', '.join(task.after)}]" if task.after else ""
        lines += [f"{task.name}{after}", *_branches(_children(plan, task))]
    return "\n".join(lines) + "\n"


_Tree = list[tuple[str, "_Tree"]]


def _children(plan: Plan, task: Task) -> _Tree:
    """The stages of a task; an evaluator is below its extractor if that runs in the same task."""
    tree: dict[str, _Tree] = {}
    for stage in (stage for stage in plan.stages if stage.name in task.stages):
        inner: _Tree = [(writer["name"], []) for writer in stage.settings.get("writers", [])]
        before = plan.extractor_before(stage) if stage.kind == EVALUATE else ""
        if before in tree:
            tree[before].append((_title(plan, stage), inner))
        else:
            tree[stage.name] = inner
    return [(_title(plan, plan.stage(name)), inner) for name, inner in tree.items()]


def _title(plan: Plan, stage: Stage) -> str:
    detail = _detail(plan, stage)
    return f"{stage.name}  [{detail}]" if detail else stage.name


def _detail(plan: Plan, stage: Stage) -> str:
    if stage.kind == READ_INPUTS:
        inputs = plan.inputs
        return inputs.get("factory") or f"{inputs['format']}: {', '.join(inputs['files'])}"
    if stage.kind == EXTRACT:
        return f"adds {', '.join(stage.adds)}" if stage.adds else ""
    if stage.kind == EVALUATE:
        return f"run_after {stage.run_after or 'reading'}; outputs {', '.join(stage.outputs)}"
    return f"outputs {VALIDATIONS_KEY}" if stage.kind == GATE else f"to {plan.output}"


def _branches(tree: _Tree, indent: str = "") -> Iterator[str]:
    for i, (title, inner) in enumerate(tree):
        last = i == len(tree) - 1
        yield f"{indent}{'└─ ' if last else '├─ '}{title}"
        yield from _branches(inner, indent + ("   " if last else "│  "))


def as_mermaid(plan: Plan) -> str:
    """The plan as a Mermaid flowchart; the edge to an evaluator is labelled `run_after`."""
    ids = {stage.name: f"s{i}" for i, stage in enumerate(plan.stages)}
    lines = ["flowchart LR"]
    for i, task in enumerate(plan.tasks):
        lines.append(f'  subgraph t{i}["{task.name}"]')
        lines += [f'    {ids[name]}["{name}"]' for name in task.stages]
        lines.append("  end")
    for edge in edges(plan):
        label = f'|"{edge.label}"|' if edge.label else ""
        lines.append(f"  {ids[edge.before]} -->{label} {ids[edge.after]}")
    return "\n".join(lines) + "\n"
