"""The part of a report that shows what the policy does: strips of its failures, and a 3D replay in the page."""

import base64
from dataclasses import dataclass

from roarm_lab.core.errors import MissingError
from roarm_lab.envs.config import EnvConfig
from roarm_lab.evaluation.episode_player import Infer
from roarm_lab.evaluation.evaluate import Evaluation
from roarm_lab.view import formatting
from roarm_lab.view.episode_replay import ReplayedEpisodes, replay_episodes
from roarm_lab.view.filmstrips import Picture, Strip, shown_failures, strips
from roarm_lab.view.markup import Html, html, tag
from roarm_lab.view.page import note, section
from roarm_lab.view.replay import Replay, replay_html


@dataclass(frozen=True, kw_only=True)
class ReportMedia:
    """What can be looked at, or why not."""

    replay: Replay | None = None
    strips: tuple[Strip, ...] = ()
    about: str = ""
    """Which episodes these are."""
    trouble: str | None = None
    """What could not be shown, and why."""


def record_media(infer: Infer, config: EnvConfig, found: Evaluation) -> ReportMedia:
    """Return pictures of the failures of an evaluation, and a replay; pictures that can not be drawn are left out.

    Args:
        infer: The policy that was evaluated.
        config: The task, randomised as it was.
        found: The evaluation.
    """
    within_m, seen = config.described.within_m, replay_episodes(infer, config, found)
    drawn, trouble = tuple[Strip, ...](), None
    try:
        drawn = strips(seen, within_m)
    except MissingError as error:
        trouble = str(error)
    replay = Replay(
        title=f"{config.name} with the {config.robot.title}",
        about="Failures first, then successes" if shown_failures(seen) else "The first episodes of the evaluation",
        geometry=seen.geometry,
        dt_s=config.control_dt_s,
        episodes=[episode.moments for episode in seen.episodes],
        markers=seen.markers,
        tip_site=config.described.site,
        within_m=within_m,
    )
    return ReportMedia(replay=replay, strips=drawn, about=_about(seen, found), trouble=trouble)


def failures_shown(seen: ReportMedia) -> Html:
    """Return the strips, or why there are none."""
    lines = (
        tag(
            "figure",
            tag("figcaption", strip.title),
            tag("div", *(_picture(picture) for picture in strip.pictures), class_="strip"),
            tag("p", strip.caption, class_="soft small"),
            class_="failure",
        )
        for strip in seen.strips
    )
    about = tag("p", seen.about) if seen.about else None
    return section("Failures in pictures", about, *lines, note(seen.trouble) if seen.trouble else None)


def replayed(seen: ReportMedia) -> Html | None:
    """Return the replay as a page in the page; it runs on its own, and nothing in it can reach outside."""
    if seen.replay is None:
        return None
    frame = tag(
        "iframe",
        srcdoc=replay_html(seen.replay),
        sandbox="allow-scripts",
        title="Replay in 3D",
        loading="lazy",
        class_="replay",
    )
    many = formatting.plural(len(seen.replay.episodes), "episode")
    told = f"{many} of the evaluation: drag to turn, choose one by its number. {seen.replay.about}."
    return section("Replay in 3D", tag("p", told), frame)


def _picture(picture: Picture) -> Html:
    source = "data:image/png;base64," + base64.b64encode(picture.png).decode()
    image = f'<img src="{source}" alt="The arm at {html(picture.told)}">'
    return tag("div", Html(image), tag("span", picture.told, class_="soft small"))


def _about(seen: ReplayedEpisodes, found: Evaluation) -> str:
    """Return which episodes were played, and how many of them failed."""
    failed, rest = seen.played - seen.successes, found.episodes - seen.played
    many = (
        f"the first {formatting.count(seen.played)} episodes"
        if rest
        else f"{formatting.plural(seen.played, 'episode')}"
    )
    those = formatting.count(failed) if failed else "none"
    told = f"Of {many} of the evaluation, played again for this page, {those} failed"
    if not rest and seen.successes != found.successes:
        then = formatting.count(found.episodes - found.successes)
        told += f" (then {then}: other versions, another machine or simulator)"
    shown = len(shown_failures(seen))
    if not shown:
        return f"{told}: there is nothing to show."
    which = "all of them" if shown == failed else f"{formatting.count(shown)} of them, as different as there are"
    return f"{told}. Here {'it is' if failed == 1 else f'are {which}'}, numbered as in the replay below."
