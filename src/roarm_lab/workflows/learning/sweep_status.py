"""What is known of a sweep while it runs and afterwards, and the files that show it."""

from collections.abc import Sequence
from dataclasses import replace

from roarm_lab.core.errors import BadInputError, DiskError
from roarm_lab.core.json_fields import read_fields
from roarm_lab.core.object_references import short_name
from roarm_lab.runs.run_folder import EVALUATION, RunFolder
from roarm_lab.runs.run_reader import evaluation_of, wall_time_s
from roarm_lab.runs.sweep_folder import Plan, SweepFolder
from roarm_lab.runs.sweep_grid import Trial
from roarm_lab.runs.sweep_results import CAVEAT, Row, Score, State, results_csv, summaries_of, summary_markdown
from roarm_lab.view.sweep_page import Curve, Rate, Shown, sweep_page


class Scoreboard:
    """The rows of a sweep as they are known, and the files that show them."""

    def __init__(self, folder: SweepFolder, plan: Plan) -> None:
        self.folder, self.plan = folder, plan
        self.rows = [self._row(trial, self._state(trial)) for trial in plan.trials]
        self._printed = [self._log_size(trial) for trial in plan.trials]

    def _state(self, trial: Trial) -> State:
        run = RunFolder(self.folder.run(trial))
        return "done" if run.is_evaluated() else "stopped" if (run.path / "meta.json").exists() else "waiting"

    def _log_size(self, trial: Trial) -> int:
        log = self.folder.log(trial)
        return log.stat().st_size if log.exists() else 0

    def unfinished(self) -> list[Trial]:
        """Return the trials that are not done."""
        return [trial for trial, row in zip(self.plan.trials, self.rows, strict=True) if row.state != "done"]

    def end(self, trial: Trial, failure: str | None) -> Row:
        """Note how a trial ended, write everything anew, and return its row."""
        row = self._row(trial, "failed" if failure is not None else "done", failure or "")
        self.rows[trial.number] = row
        self.write()
        return row

    def look(self) -> int:
        """See how far unfinished trials are; return the steps of all trials together."""
        for trial in self.unfinished():
            row = self.rows[trial.number]
            if row.state != "failed":
                begun = self._log_size(trial) > self._printed[trial.number]  # a trial begins by printing
                self.rows[trial.number] = self._row(trial, "running" if begun else row.state)
        planned = zip(self.rows, self.plan.total_timesteps, strict=True)
        return sum(min(row.steps or 0, steps) for row, steps in planned)  # the last rollout reaches beyond

    def stop(self) -> None:
        """Note that nothing runs any more, and write everything."""
        self.look()
        for trial in self.unfinished():
            row = self.rows[trial.number]
            state = self._state(trial)
            self.rows[trial.number] = row if row.state == "failed" else self._row(trial, state)
        self.write()

    def write(self) -> None:
        """Write the results, the table and the picture.

        Raises:
            DiskError: They can not be written.
        """
        title = f"Sweep of {short_name(self.plan.task)}: {counted(self.rows)}"
        try:
            self.folder.write_text("results.csv", results_csv(self.rows))
            self.folder.write_text("summary.md", summary_markdown(title, self.rows))
            self.folder.write_text("curves.html", sweep_page(title, self._shown(), CAVEAT))
        except BadInputError as error:
            raise DiskError(f"{error} When there is room again, go on with: {resume_call(self.folder)}") from error

    def _row(self, trial: Trial, state: State, reason: str = "") -> Row:
        setting, run = self.plan.settings[trial.setting], RunFolder(self.folder.run(trial))
        curve = _curve(run)
        row = Row(
            trial=trial.number,
            setting=setting.name,
            trainer=setting.trainer,
            changes=setting.changes,
            seed=trial.seed,
            state=state,
            run=run.path.relative_to(self.folder.path).as_posix(),
            steps=int(curve["steps"][-1]) if curve else None,
            wall_s=wall_time_s(curve) if curve else None,
            reason=reason,
        )
        if state != "done":
            return row
        try:
            found = evaluation_of(read_fields(run.path / EVALUATION))
        except BadInputError as error:
            return replace(row, state="failed", reason=str(error))
        return replace(row, successes=found.successes, episodes=found.episodes)

    def _shown(self) -> list[Shown]:
        shown: list[Shown] = []
        for summary in summaries_of(self.rows):
            trials = [trial for trial in self.plan.trials if self.plan.settings[trial.setting].name == summary.setting]
            curves = [curve for trial in trials if (curve := _curve(RunFolder(self.folder.run(trial))))]
            shown.append(
                Shown(
                    name=summary.setting,
                    curves=[Curve(steps=curve["steps"], success=curve["success"]) for curve in curves],
                    done=summary.done,
                    asked=summary.asked,
                    pooled=_rate(summary.pooled),
                    worst=_rate(summary.worst),
                    worst_seed=summary.worst_seed,
                )
            )
        return shown


def resume_call(folder: SweepFolder) -> str:
    """Return the call that goes on with a sweep."""
    return f"`sweep(resume={str(folder.path)!r})`"


def counted(rows: Sequence[Row]) -> str:
    """Return how many trials are where, for instance `2 of 6 done, 1 running`."""
    parts = [f"{sum(row.state == 'done' for row in rows)} of {len(rows)} done"]
    for state in ("running", "stopped", "failed"):
        if count := sum(row.state == state for row in rows):
            parts.append(f"{count} {state}")
    return ", ".join(parts)


def _curve(run: RunFolder) -> dict[str, list[float]]:
    """Return the curve of a run; nothing where there is none or it is damaged, which the trial itself will say."""
    try:
        curve = run.read_curve()
    except BadInputError:
        return {}
    return curve if {"steps", "wall_s", "success"} <= curve.keys() else {}


def _rate(score: Score | None) -> Rate | None:
    return None if score is None else Rate(rate=score.rate, interval=score.interval)
