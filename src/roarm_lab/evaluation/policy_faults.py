"""What the episodes of a policy show to be wrong: it hovers, flings, presses, or never comes near.

Each check returns findings, or nothing. Thresholds stand beside the check with their reason; what holds for them all is
that the episodes of trained policies that work, their failures included, give no finding.
"""

import numpy as np

from roarm_lab.core.arrays import Bool, Float32
from roarm_lab.evaluation.curve_faults import LATE, Finding
from roarm_lab.evaluation.traces import Trace

OF_FAILED, OF_ALL = 0.3, 0.1
"""A behaviour is worth naming if this share of the failed episodes has it, and this share of all: the only failure of a
policy that works proves nothing."""
NEAR_BOX_M = 0.06
"""A hand whose grasp point is this near to the middle of a box could grasp it."""
LIFTED_M = 0.01
"""A box that rose by less than this was never lifted."""
CLOSING = 0.2
"""A gripper that is told to close by less than this share of its range never tried. One that grips is told 0.27 more
than the cube lets it come."""


def hovers(trace: Trace) -> list[Finding]:
    """Return a finding if the hand stays at the box, open, and the box stays on the table."""
    if trace.box_pos_w is None or trace.hand_to_box_m is None:
        return []
    share = _share(_stays_at_box(trace.hand_to_box_m) & ~_closed(trace) & ~_lifted(trace.box_pos_w), trace)
    if share is None:
        return []
    return [
        Finding(
            name="hovers and never closes",
            evidence=(
                f"In {share:.0%} of the failed episodes the hand stays within {NEAR_BOX_M * 100:.0f} cm of the box, "
                f"the gripper is never told to close by {CLOSING:.0%} of its range, and the box stays on the table."
            ),
            advice=(
                "Being near is worth almost as much as lifting. Give the terms that need a lifted box (BoxLifted, "
                "BoxNearGoal) several times the weight of SiteNearBox, and check that the span of GripperOpening "
                "reaches below the width of the box."
            ),
        )
    ]


STILL_M_S = 0.03
"""A hand slower than this waits."""


def presses(trace: Trace) -> list[Finding]:
    """Return a finding if the closed hand touches the box, waits there, and the box stays on the table."""
    if trace.box_pos_w is None or trace.hand_to_box_m is None or trace.touching is None:
        return []
    waits = np.median(_late(trace.hand_speed_m_s), axis=1) < STILL_M_S
    touches = np.median(_late(trace.touching), axis=1) > 0.0
    rests = _stays_at_box(trace.hand_to_box_m) & touches & waits & ~_lifted(trace.box_pos_w)
    share = _share(rests & _closed(trace), trace)
    if share is None:
        return []
    return [
        Finding(
            name="pushes down and waits",
            evidence=(
                f"In {share:.0%} of the failed episodes the closed hand ends at the box, touches it and moves slower "
                f"than {STILL_M_S * 100:.0f} cm/s, and the box never rises by {LIFTED_M * 100:.0f} cm."
            ),
            advice=(
                "Touching pays and lifting is never tried. Do not reward contact; give BoxLifted and BoxNearGoal more "
                "weight, so that the first centimetre already pays, or train on: some seeds wait half a million steps "
                "before they lift."
            ),
        )
    ]


FLUNG_M_S = 0.4
"""Speed along the table or upwards of a box that no hand is at: a swing of the base at full speed gives it 0.55. Of 128
episodes of policies that work, one lost its box that fast."""


def flings(trace: Trace) -> list[Finding]:
    """Return a finding if the box is thrown instead of carried."""
    if trace.box_pos_w is None or trace.hand_to_box_m is None:
        return []
    speed_w = np.diff(trace.box_pos_w, axis=1) / trace.control_dt_s
    falling = np.array([0.0, 0.0, 1.0]) * np.minimum(speed_w, 0.0)  # that is gravity, not the hand
    alone = (trace.hand_to_box_m > NEAR_BOX_M)[:, 1:]
    thrown_m_s = (np.linalg.norm(speed_w - falling, axis=2) * alone).max(axis=1)
    share = _share(thrown_m_s > FLUNG_M_S, trace)
    if share is None:
        return []
    return [
        Finding(
            name="flings the box",
            evidence=(
                f"In {share:.0%} of the failed episodes the box flies or slides faster than {FLUNG_M_S} m/s with the "
                f"hand more than {NEAR_BOX_M * 100:.0f} cm away; the fastest at {thrown_m_s.max():.1f} m/s."
            ),
            advice=(
                "A moment in the air or at the goal pays without holding. Reward the box near the goal at every step "
                "instead of height, ask that success is held to the end, and raise the penalties ActionRate and "
                "JointSpeed."
            ),
        )
    ]


LUCKY = 0.05
"""As many episodes may succeed by luck: one in 64 says nothing of a policy that succeeds in 7 of 500."""
FAR, FEW = 3.0, 0.1
"""Never within three times what counts as success: not even begun. Up to a tenth may start that near by luck."""


def never_near(trace: Trace) -> list[Finding]:
    """Return a finding if hardly an episode comes anywhere near success."""
    if trace.within_m is None or np.mean(trace.success) > LUCKY:
        return []
    nearest_m = trace.distance_m.min(axis=1)
    if np.mean(nearest_m < FAR * trace.within_m) > FEW:
        return []
    return [
        Finding(
            name="success never near",
            evidence=(
                f"The nearest of {len(nearest_m)} episodes comes within {nearest_m.min() * 100:.1f} cm, half of them "
                f"not within {np.median(nearest_m) * 100:.1f} cm; success needs {trace.within_m * 100:.1f} cm."
            ),
            advice=(
                "Exploration never meets the reward. Widen the shaping terms (a larger scale_m), begin with an easier "
                "task (goals nearer to the start), train longer, and look with `play()` at what the arm does."
            ),
        )
    ]


BOUND = 0.98
"""An action this large is at the bound."""


def share_at_bound(trace: Trace) -> float:
    """Return which share of the policy's actions is at the bound."""
    return float(np.mean(np.abs(trace.action) >= BOUND))


def _late(values: Float32 | Bool) -> Float32 | Bool:
    """Return the last quarter of the moments or steps [episode, ...]."""
    return values[:, -max(int(values.shape[1] * LATE), 1) :]


def _stays_at_box(hand_to_box_m: Float32) -> Bool:
    return np.median(_late(hand_to_box_m), axis=1) < NEAR_BOX_M


def _closed(trace: Trace) -> Bool:
    """Return whether the gripper was told to close, or never was open [episode]."""
    assert trace.hand_to_box_m is not None
    at_box = np.where(trace.hand_to_box_m < NEAR_BOX_M, trace.gripper_open, np.inf).min(axis=1)
    widest = trace.gripper_open.max(axis=1)
    return (at_box < widest - CLOSING) | (widest < CLOSING)


def _lifted(box_pos_w: Float32) -> Bool:
    height_m = box_pos_w[:, :, 2]
    return height_m.max(axis=1) - height_m[:, 0] > LIFTED_M


def _share(rows: Bool, trace: Trace) -> float | None:
    """Return which share of the failed episodes is among `rows` [episode]; None if that is not worth naming."""
    failed = ~trace.success
    count = int((rows & failed).sum())
    worth = count >= OF_ALL * len(failed) and count >= OF_FAILED * int(failed.sum()) and count > 0
    return count / int(failed.sum()) if worth else None
