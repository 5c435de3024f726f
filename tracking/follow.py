"""prototype"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from tracking.appearance import Looks, learn_looks, unknown_looks
from tracking.kalman import (
    Bodies, MotionParameters, observe_places, observe_speeds, predict_bodies, start_bodies,
)
from tracking.likelihood import *
from tracking.motion import camera_motion, displacement, move_points, still_camera
from tracking.parameters import ReturnParameters, FeatureParameters, FloatArray
from tracking.returning import _colour_evidence, _leads, _strangers
from tracking.similarity import shared_features, People
from tracking.tracks import Tracks
from scipy.optimize import linear_sum_assignment


@dataclass(frozen=True)
class TrackerParameters:
    motion: MotionParameters = field(default_factory=MotionParameters)
    likelihood: LikelihoodParameters = field(default_factory=LikelihoodParameters)
    returns: ReturnParameters | None = field(default_factory=ReturnParameters)
    place_limit_s: float = 2.0
    """Somebody out of sight for longer is known again by looks alone."""
    match_nats: float = 0.0
    remember_s: float = 20.0
    most_unseen: int = 150
    sure_score: float = 0.6
    wait_sightings: int = 3
    wait_s: float = 0.3
    doubt_overlap: float = 0.5
    away_s: float = 0.2
    drift_s: float = 2.0
    drift_rate: float = 10.0
    joint_speeds: float = 0.05
    pose_alike: float = 0.1
    own_rounds: bool = False
    not_own_nats: float = 4.0
    covered: float = 0.0
    gap_nats: float = 2.0
    gap_full_s: float = 2.0
    gap_colours: float = 1.0
    # for features and description
    joint_radius: float = 0.15
    joint_radius_unit: str = "person"
    minimum_joint_score: float | None = 0.0
    top_joints: int = 17
    box_margin: float = 0.1
    cut_share: float = 0.12
    features: FeatureParameters = field(default_factory=FeatureParameters)


def assign_nats(nats: FloatArray, least: float):
    gain = np.maximum(nats - least, 0.0)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    good = gain[rows, columns] > 0
    return rows[good], columns[good]


def own_poses(people, boxes, alike=0.1):
    """Return whose pose is their own, (M,): of two equal ones that of the box which it fills best."""
    count = len(people)
    own = np.ones(count, bool)
    if count < 2:
        return own
    h = np.maximum(boxes[:, 3] - boxes[:, 1], 1.0)
    both = people.joint_counts[:, None] & people.joint_counts[None]
    off = np.sqrt(((people.keypoints_xy[:, None] - people.keypoints_xy[None]) ** 2).sum(-1))
    mean = (off * both).sum(-1) / np.maximum(both.sum(-1), 1)
    same = (mean < alike * np.minimum(h[:, None], h[None])) & (both.sum(-1) >= 3)
    np.fill_diagonal(same, False)
    e = people.boxes_xyxy
    lo, hi = np.maximum(e[:, :2], boxes[:, :2]), np.minimum(e[:, 2:], boxes[:, 2:])
    inter = np.maximum(hi - lo, 0).prod(1)
    fit = inter / np.maximum((e[:, 2:] - e[:, :2]).prod(1) + (boxes[:, 2:] - boxes[:, :2]).prod(1) - inter, 1)
    for a, b in np.argwhere(np.triu(same)):
        own[a if fit[a] < fit[b] else b] = False
    return own


class Follower:
    def __init__(self, parameters: TrackerParameters):
        self.parameters = parameters
        self.tracks: Tracks | None = None
        self.highest_id = 0
        self.explain = None

    def forget(self):
        self.tracks = None

    def link(self, people: People, boxes, box_scores, joint_scores, correspondences, size, look, dt, updates=1):
        P = self.parameters; L = P.likelihood
        tracks = self.tracks
        if tracks is None:
            tracks = Tracks.empty(people.keypoints_xy.shape[1])
        M = len(people)
        boxes = np.asarray(boxes, np.float64)
        box_scores = np.asarray(box_scores, np.float64)
        camera = camera_motion(correspondences, tracks.boxes_xyxy[tracks.unseen_updates == 0])
        tracks = replace(
            tracks,
            bodies=tracks.bodies.moved(camera),
            keypoints_xy=move_points(tracks.keypoints_xy, camera),
            boxes_xyxy=move_points(tracks.boxes_xyxy.reshape(-1, 2, 2), camera).reshape(-1, 4),
        )
        gaps = tracks.unseen_s + dt
        expected = predict_bodies(replace(tracks.bodies, ) if False else tracks.bodies, gaps, P.motion) if False else _predict(tracks, gaps, P.motion)
        middles = (boxes[:, :2] + boxes[:, 2:]) / 2
        heights = np.maximum(boxes[:, 3] - boxes[:, 1], 1.0)
        shift = expected.places_xy - tracks.bodies.places_xy
        recent = gaps <= P.place_limit_s + dt
        N = len(tracks)
        nats = np.full((N, M), -50.0)
        looks = unknown_looks(*people.joint_counts.shape)
        if look is not None:
            looks = look(people_of(tracks.select(np.zeros(0, int))))
        own = own_poses(people, boxes, P.pose_alike)
        if P.pose_alike > 0:
            looks = Looks(looks.colours, looks.weights * own[:, None])
        if P.covered > 0 and M:
            lo = np.maximum(boxes[:, None, :2], boxes[None, :, :2]); hi = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
            share = np.maximum(hi - lo, 0).prod(-1) / np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(1), 1)[:, None]
            share *= (boxes[None, :, 3] > boxes[:, None, 3])
            hid = share.max(1)
            looks = Looks(looks.colours, looks.weights * np.clip(1 - (hid - P.covered) / (1 - P.covered), 0, 1)[:, None])
        strangers = _strangers(tracks)
        terms = {}
        if recent.any() and M:
            r = np.flatnonzero(recent)
            T = tracks.select(r); E = expected.select(r)
            place = place_evidence(E, T.heights_px, middles, L)
            tall = height_evidence(T.heights_px, gaps[r], heights, L)
            swing = L.joint_swing * np.minimum(gaps[r] / L.swing_s, 1.0)
            var = E.covariances[..., 0].mean(1) + L.joint_spread**2 + swing**2
            joints = joint_evidence(
                T.keypoints_xy + shift[r][:, None], T.joint_counts * 1.0, T.heights_px, var,
                people.keypoints_xy, np.clip(joint_scores, 0, 1) * people.joint_counts, L)
            known = People(T.keypoints_xy, T.boxes_xyxy, T.joint_counts, P.joint_radius * T.heights_px)
            _, fj = shared_features(known, people, correspondences, P.top_joints)
            rows = np.asarray(correspondences).reshape(-1, 4)
            b = T.boxes_xyxy
            n = ((rows[:, 0] >= b[:, :1]) & (rows[:, 0] <= b[:, 2:3]) & (rows[:, 1] >= b[:, 1:2]) & (rows[:, 1] <= b[:, 3:])).sum(1)
            feats = feature_evidence(fj, np.where(T.unseen_updates == 0, n, 0), L)
            feats[T.joint_counts.sum(1) < 3] = 0.0
            feats[:, people.joint_counts.sum(1) < 3] = 0.0
            i, j = np.indices(place.shape).reshape(2, -1)
            col = np.zeros(place.shape)
            if P.returns is not None:
                col = _colour_evidence(T.select(i), looks.select(j), strangers, P.returns).reshape(place.shape)
                share = np.minimum(gaps[r] / P.gap_full_s, 1.0)[:, None]
                col = np.clip((L.colours_weight + (P.gap_colours - L.colours_weight) * share) * col, -L.most_colours, L.most_colours)
            terms = dict(rows=r, place=place, height=tall, joints=joints, features=feats, colours=col)
            nats[r] = place + tall + joints + feats + col - P.gap_nats * np.minimum((gaps[r] - dt) / P.gap_full_s, 1.0)[:, None]
        nats[:, ~own] -= P.not_own_nats
        # two rounds
        sure = box_scores >= P.sure_score
        if P.pose_alike > 0 and P.own_rounds:
            sure = sure & own
        track_of = np.full(M, -1)
        for these in (sure, ~sure):
            c = np.flatnonzero(these & (track_of < 0)); left = np.setdiff1d(np.arange(N), track_of)
            if len(c) and len(left):
                a, b_ = assign_nats(nats[np.ix_(left, c)], P.match_nats)
                track_of[c[b_]] = left[a]
        # who comes back
        if P.returns is not None:
            self._returns(tracks, track_of, people, looks, gaps, size, strangers)
        self.explain = dict(terms=terms, nats=nats, track_of=track_of.copy(), ids=tracks.ids)
        # births
        born = np.flatnonzero(track_of < 0)
        doubtful = np.zeros(M, bool)
        for j in born:
            others = [k for k in range(M) if k != j and (track_of[k] >= 0 and tracks.ids[track_of[k]] > 0 or (track_of[k] < 0 and box_scores[k] > box_scores[j]))]
            if others:
                o = boxes[others]
                lo = np.maximum(o[:, :2], boxes[j, :2]); hi = np.minimum(o[:, 2:], boxes[j, 2:])
                inter = np.maximum(hi - lo, 0).prod(1)
                smaller = np.minimum((o[:, 2:] - o[:, :2]).prod(1), (boxes[j, 2:] - boxes[j, :2]).prod())
                doubtful[j] = (inter / np.maximum(smaller, 1)).max() > P.doubt_overlap
            doubtful[j] |= not sure[j] or not own[j]
        ids = np.zeros(M, np.int64)
        known = track_of >= 0
        ids[known] = tracks.ids[track_of[known]]
        sight = np.ones(M, np.int64); sight[known] = tracks.sightings[track_of[known]] + 1
        give = (ids == 0) & ~(~known & doubtful) & (~known | (sight >= P.wait_sightings))
        ids[give] = self.highest_id + 1 + np.arange(give.sum())
        self.highest_id = max(self.highest_id, int(ids.max(initial=0)))
        self._remember(tracks, expected, track_of, ids, sight, people, boxes, middles, heights, looks, dt, gaps, shift)
        return ids

    def _returns(self, tracks, track_of, people, looks, gaps, size, strangers):
        P = self.parameters; R = P.returns
        left = np.setdiff1d(np.arange(len(tracks)), track_of)
        lost = left[(gaps[left] > P.away_s) & (tracks.sightings[left] >= R.least_sightings) & (tracks.ids[left] > 0)]
        new = np.flatnonzero(track_of < 0)
        if not len(lost) or not len(new):
            return
        T = tracks.select(lost)
        i, j = np.indices((len(lost), len(new))).reshape(2, -1)
        colours = _colour_evidence(T.select(i), looks.select(new[j]), strangers, R).reshape(len(lost), -1)
        from tracking.place import place_evidence as old_place
        from tracking.memory import Memory
        mem = Memory(ids=T.ids, unseen_updates=T.unseen_updates, unseen_frames=T.unseen_updates, sightings=T.sightings,
            keypoints_xy=T.keypoints_xy, boxes_xyxy=T.boxes_xyxy, joint_counts=T.joint_counts, radii_px=T.heights_px,
            velocities_xy=T.bodies.velocities_xy / P.drift_rate, colour_means=T.colour_means, colour_variances=T.colour_variances, colour_weights=T.colour_weights)
        sel = People(people.keypoints_xy[new], people.boxes_xyxy[new], people.joint_counts[new], people.radii_px[new])
        places = old_place(mem, sel, np.minimum(gaps[lost], P.drift_s) * P.drift_rate, size, R)
        found = colours + places
        shown = looks.weights[new].mean(1) > 0.5
        sure = _leads(found, R.needed_margin) & (colours > R.needed_colours * shown)
        surplus = np.where(sure, found - R.needed_evidence, 0.0)
        a, b = assign_nats(surplus, 0.0)
        track_of[new[b]] = lost[a]

    def _remember(self, tracks, expected, track_of, ids, sight, people, boxes, middles, heights, looks, dt, gaps, shift):
        P = self.parameters; M = len(ids)
        known = np.flatnonzero(track_of >= 0); rows = track_of[known]
        bodies = start_bodies(middles, P.motion)
        hs = heights.copy()
        means, variances, weights = looks.colours.copy(), np.zeros_like(looks.colours), looks.weights.copy()
        if len(known):
            before = tracks.select(rows)
            h = before.heights_px
            seen = observe_places(expected.select(rows), middles[known], h, np.full(len(rows), P.motion.box_noise))
            if P.joint_speeds > 0:
                both = before.joint_counts & people.joint_counts[known]
                disp = displacement(before.keypoints_xy, people.keypoints_xy[known], both)
                g = gaps[rows][:, None]
                off = np.abs(disp - (middles[known] - (before.boxes_xyxy[:, :2] + before.boxes_xyxy[:, 2:]) / 2)) / h[:, None]
                ok = (off.max(1) < 0.3) & (both.sum(1) >= 5) & (g[:, 0] < 1.0)
                told = observe_speeds(seen, disp / g, P.joint_speeds / np.maximum(g[:, 0], 0.02))
                seen = Bodies(**{n: np.where(ok.reshape((-1,) + (1,) * (getattr(seen, n).ndim - 1)), getattr(told, n), getattr(seen, n)) for n in ("places_xy", "velocities_xy", "covariances")})
            for name in ("places_xy", "velocities_xy", "covariances"):
                getattr(bodies, name)[known] = getattr(seen, name)
            step = np.clip(np.log(heights[known] / h), -0.3, 0.3)
            gain = np.maximum(0.2, 1 / sight[known])
            hs[known] = h * np.exp(gain * step)
            if P.returns is not None:
                means[known], variances[known], weights[known] = learn_looks(
                    before.colour_means, before.colour_variances, before.colour_weights,
                    looks.select(known), P.returns.longest_memory)
        zeros = np.zeros(M, np.int64)
        now = Tracks(ids=ids, sightings=sight, unseen_updates=zeros, unseen_s=np.zeros(M), bodies=bodies, heights_px=hs,
            boxes_xyxy=boxes.reshape(-1, 4), keypoints_xy=people.keypoints_xy, joint_counts=people.joint_counts,
            colour_means=means, colour_variances=variances, colour_weights=weights)
        aged = replace(tracks, unseen_updates=tracks.unseen_updates + 1, unseen_s=gaps)
        keep = np.ones(len(aged), bool); keep[rows] = False
        keep &= np.where(aged.ids > 0, aged.unseen_s < P.remember_s, aged.unseen_s < P.wait_s)
        kept = np.flatnonzero(keep)[: P.most_unseen]
        self.tracks = now.followed_by(aged.select(kept))


def people_of(t: Tracks) -> People:
    return People(t.keypoints_xy, t.boxes_xyxy, t.joint_counts, 0.15 * t.heights_px)


def _predict(tracks, gaps, motion):
    h = tracks.heights_px[:, None]
    b = tracks.bodies
    return predict_bodies(b, gaps, motion)
