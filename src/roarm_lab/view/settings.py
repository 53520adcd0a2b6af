"""What was run, on what, and how to do it again."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from roarm_lab.core.json_objects import object_or_empty
from roarm_lab.core.shown import shell_words
from roarm_lab.runs.run_reader import RunFiles, wall_time_s
from roarm_lab.view import formatting
from roarm_lab.view.markup import Html, html, tag
from roarm_lab.view.page import folded, record, section

UNKNOWN = "not recorded"
MORE = "soft small after"


def settings(run: RunFiles) -> Html:
    """Return everything that was recorded about the run, folded."""
    meta = run.meta.data
    source, plain = object_or_empty(meta.get("provenance")), object_or_empty(meta.get("settings"))
    algorithm = str(plain.get("kind", "PpoSettings")).removesuffix("Settings").upper()
    chosen = [(name, _code(value)) for name, value in plain.items() if name != "kind"]
    return section(
        "Settings and origin",
        folded("Task, training and machine", _run_table(run), _machine_table(source)),
        folded(f"{algorithm} settings", record(chosen)) if chosen else None,
        folded("Rewards", _rewards(run)) if run.evaluation or _rewards_set(meta) else None,
        folded("Versions and hashes", _versions(source), _hashes(run)),
        tag("p", "The whole record, down to the model's masses, is in ", tag("code", "meta.json"), ".", class_=MORE),
    )


def repeat(run: RunFiles, typed: Callable[[str], str]) -> Html:
    """Return what does it again; `typed` writes a call as it is typed."""
    command, found, path = _command(run.meta.data), run.evaluation, str(run.path)
    steps: list[tuple[str, str]] = []
    if command:
        steps.append(("Train again, with the same seed:", command))
    if found is None:
        steps.append(("Go on with this run:", typed(f"`train(resume={path!r})`")))
    elif run.contract is not None:
        differ = bool(run.meta.data.get("randomization"))
        worlds = f", domain_randomization={str(run.path / 'domain_randomization.yaml')!r}" if differ else ""
        again = f"`evaluate({path!r}, episodes={found.episodes}, seed={found.seed}{worlds})`"
        steps.append(("Evaluate the same episodes again:", typed(again)))
    if run.contract is not None:
        steps.append(("Let the policy move the simulated arm:", typed(f"`run_policy({path!r}, arm='sim')`")))
    steps.append(("Renew this page:", typed(f"`write_report({path!r})`")))
    lines = (
        html(tag("p", text, class_="small"), tag("pre", tag("code", command), tabindex=0)) for text, command in steps
    )
    other = "With other versions or on another machine training gives another policy: compare intervals, not digits."
    return section("How to repeat it", *lines, tag("p", other, class_="soft small"))


def _run_table(run: RunFiles) -> Html:
    meta, curve, found = run.meta.data, run.curve, run.evaluation
    planned = object_or_empty(meta.get("settings")).get("total_timesteps")
    steps = formatting.count(curve["steps"][-1]) if curve else "none yet"
    short = isinstance(planned, int) and (curve is None or curve["steps"][-1] < planned)
    robot = (run.contract.interface.get("robot") if run.contract else None) or _robot(meta)
    changes = object_or_empty(meta.get("changes"))
    return record((
        ("task", meta.get("task", UNKNOWN)),
        *((("changed in it", ", ".join(f"{name}={value}" for name, value in changes.items())),) if changes else ()),
        ("robot", robot or UNKNOWN),
        ("seed", meta.get("seed", UNKNOWN)),
        ("environment steps", steps + (f" of {formatting.count(cast('int', planned))} planned" if short else "")),
        ("training time", formatting.duration(wall_time_s(curve)) if curve else "none yet"),
        ("evaluation", f"{formatting.plural(found.episodes, 'episode')}, seed {found.seed}" if found else "none yet"),
        ("device of the networks", meta.get("device", UNKNOWN)),
        ("command", tag("code", _command(meta) or UNKNOWN)),
    ), "Training")  # fmt: skip


def _machine_table(source: Mapping[str, Any]) -> Html:
    cores, usable = source.get("cpu_cores"), source.get("cpu_cores_usable")
    some = f", {usable} usable" if usable not in (None, cores) else ""
    return record((
        ("processor", source.get("cpu") or UNKNOWN),
        ("cores", UNKNOWN if cores is None else f"{cores}{some}"),
        ("system", source.get("platform") or UNKNOWN),
        ("begun", source.get("time_utc") or UNKNOWN),
    ), "Machine")  # fmt: skip


def _rewards_set(meta: Mapping[str, Any]) -> Mapping[str, Any]:
    return object_or_empty(object_or_empty(meta.get("env")).get("rewards"))


def _rewards(run: RunFiles) -> Html:
    """Return each term with what it was set to and what it gave in the evaluation."""
    terms, given = _rewards_set(run.meta.data), run.evaluation.reward_per_step if run.evaluation else {}
    rows: list[tuple[str, object]] = []
    for name in dict.fromkeys((*terms, *given)):
        parts = {key: value for key, value in object_or_empty(terms.get(name)).items() if key != "kind"}
        kind = object_or_empty(terms.get(name)).get("kind")
        told = [f"{kind}({', '.join(f'{key}={value}' for key, value in parts.items())})"] if kind else []
        mean = f"{formatting.signed(given[name])} per step in the evaluation" if name in given else None
        rows.append((name, html(*(tag("div", part) for part in (mean, tag("code", *told) if told else None) if part))))
    return record(rows)


def _versions(source: Mapping[str, Any]) -> Html:
    git = object_or_empty(source.get("git"))
    changed = " with changes that were not committed" if git.get("dirty") else None
    packages = object_or_empty(source.get("packages"))
    return record((
        ("roarm-lab", source.get("roarm_lab") or UNKNOWN),
        ("revision", html(tag("code", git.get("revision")), changed) if git else UNKNOWN),
        ("Python", source.get("python") or UNKNOWN),
        *((name, version or "not installed") for name, version in packages.items()),
    ), "Versions")  # fmt: skip


def _hashes(run: RunFiles) -> Html | None:
    hashes = object_or_empty(run.contract.provenance.get("hashes") if run.contract else run.meta.data.get("hashes"))
    return record(((name, tag("code", value)) for name, value in hashes.items()), "SHA-256 hashes") if hashes else None


def _command(meta: Mapping[str, Any]) -> str | None:
    typed = meta.get("command")
    return shell_words(cast("list[object]", typed)) if isinstance(typed, list) and typed else None


def _robot(meta: Mapping[str, Any]) -> str | None:
    return object_or_empty(object_or_empty(meta.get("env")).get("robot")).get("name")


def _code(value: object) -> Html:
    """Return a value as it stands in the file, large whole numbers with their thousands apart."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 10_000:
        return html(formatting.count(value))
    if isinstance(value, list):
        return html(", ".join(str(item) for item in cast("list[object]", value)))
    return html(value)
