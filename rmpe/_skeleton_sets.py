"""The data sets' skeletons: joints in their published order, limbs, sigmas."""

from __future__ import annotations

from rmpe._skeleton import Skeleton


def _limbs(joints: tuple[str, ...], pairs: str) -> tuple[tuple[int, int], ...]:
    """Return the limbs written as ``a-b a-b ...`` with s_ standing for both sides."""
    result = []
    for pair in pairs.split():
        for side in ("left_", "right_") if "s_" in pair else ("",):
            first, second = pair.replace("s_", side).split("-")
            result.append((joints.index(first), joints.index(second)))
    return tuple(result)


def _both(*names: str) -> tuple[str, ...]:
    """Return left and right of every name, in turn."""
    return tuple(f"{side}_{name}" for name in names for side in ("left", "right"))


_SIGMA = {
    "nose": 0.026,
    "eye": 0.025,
    "ear": 0.035,
    "shoulder": 0.079,
    "elbow": 0.072,
    "wrist": 0.062,
    "hip": 0.107,
    "knee": 0.087,
    "ankle": 0.089,
    "neck": 0.079,
    "head_top": 0.079,
    "pelvis": 0.107,
    "thorax": 0.079,
    "mid_hip": 0.107,
    "big_toe": 0.068,
    "small_toe": 0.066,
    "heel": 0.066,
    "eye_inner": 0.025,
    "eye_outer": 0.025,
    "mouth": 0.026,
    "pupil": 0.02,
    "pinky": 0.035,
    "index": 0.035,
    "thumb": 0.035,
    "foot_index": 0.068,
}


def _sigmas(joints: tuple[str, ...]) -> tuple[float, ...]:
    """Return COCO's sigmas by joint name, COCO-WholeBody's means for face and hands."""
    result = []
    for joint in joints:
        base = joint.removeprefix("left_").removeprefix("right_")
        if base.startswith("face_"):
            result.append(0.02)
        elif base.startswith("hand_"):
            result.append(0.035)
        else:
            result.append(_SIGMA[base])
    return tuple(result)


_BODY = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
_COCO = ("nose", *_both("eye", "ear", *_BODY))
_ARMS = "s_shoulder-s_elbow s_elbow-s_wrist"
_LEGS = "s_hip-s_knee s_knee-s_ankle"
_TORSO = "left_shoulder-right_shoulder left_hip-right_hip s_shoulder-s_hip"
_FACE = "nose-s_eye s_eye-s_ear"

COCO_17 = Skeleton(
    "coco17", _COCO, _limbs(_COCO, f"{_FACE} {_TORSO} {_ARMS} {_LEGS}"), _sigmas(_COCO)
)

_COCO_19 = (*_COCO, "neck", "head_top")
COCO_19 = Skeleton(
    "coco19",
    _COCO_19,
    _limbs(_COCO_19, f"head_top-neck {_FACE} {_TORSO} {_ARMS} {_LEGS}"),
    _sigmas(_COCO_19),
)

_MPII_LEGS = tuple(f"right_{n}" for n in ("ankle", "knee", "hip")) + tuple(
    f"left_{n}" for n in ("hip", "knee", "ankle")
)
_MPII_ARMS = tuple(f"right_{n}" for n in ("wrist", "elbow", "shoulder")) + tuple(
    f"left_{n}" for n in ("shoulder", "elbow", "wrist")
)
_MPII = (*_MPII_LEGS, "pelvis", "thorax", "neck", "head_top", *_MPII_ARMS)
MPII_16 = Skeleton(
    "mpii16",
    _MPII,
    _limbs(
        _MPII,
        f"head_top-neck neck-thorax thorax-s_shoulder thorax-pelvis pelvis-s_hip {_ARMS} {_LEGS}",
    ),
    _sigmas(_MPII),
)

_LSP = (*_MPII_LEGS, *_MPII_ARMS, "neck", "head_top")
LSP_14 = Skeleton(
    "lsp14", _LSP, _limbs(_LSP, f"head_top-neck {_TORSO} {_ARMS} {_LEGS}"), _sigmas(_LSP)
)

_CROWDPOSE = (*_both(*_BODY), "head_top", "neck")
CROWDPOSE_14 = Skeleton(
    "crowdpose14",
    _CROWDPOSE,
    _limbs(_CROWDPOSE, f"head_top-neck {_TORSO} {_ARMS} {_LEGS}"),
    _sigmas(_CROWDPOSE),
)

_POSETRACK = (*_MPII_LEGS, *_MPII_ARMS, "neck", "nose", "head_top")
POSETRACK_15 = Skeleton(
    "posetrack15",
    _POSETRACK,
    _limbs(_POSETRACK, f"head_top-nose nose-neck {_TORSO} {_ARMS} {_LEGS}"),
    _sigmas(_POSETRACK),
)

# PoseTrack 2018's own files: the ears have a place but no annotations.
_POSETRACK_COCO = ("nose", "neck", "head_top", *_both("ear", *_BODY))
POSETRACK_17 = Skeleton(
    "posetrack17",
    _POSETRACK_COCO,
    _limbs(_POSETRACK_COCO, f"head_top-nose nose-neck {_TORSO} {_ARMS} {_LEGS}"),
    _sigmas(_POSETRACK_COCO),
)

_HALPE_26 = (*_COCO, "head_top", "neck", "pelvis", *_both("big_toe", "small_toe", "heel"))
_FEET = "s_ankle-s_heel s_ankle-s_big_toe s_big_toe-s_small_toe"
_HALPE_LIMBS = (
    f"head_top-neck neck-pelvis neck-s_shoulder pelvis-s_hip {_FACE} {_ARMS} {_LEGS} {_FEET}"
)
HALPE_26 = Skeleton("halpe26", _HALPE_26, _limbs(_HALPE_26, _HALPE_LIMBS), _sigmas(_HALPE_26))

_HANDS = tuple(f"{side}_hand_{n}" for side in ("left", "right") for n in range(21))
_HALPE_136 = (*_HALPE_26, *(f"face_{n}" for n in range(68)), *_HANDS)
_FINGERS = " ".join(f"s_hand_{0 if n % 4 == 1 else n - 1}-s_hand_{n}" for n in range(1, 21))


def _lines_of_face() -> str:
    """Return the limbs of the 68 points: jaw, brows, nose, eyes and lips, as they are drawn."""
    open_lines = [(0, 16), (17, 21), (22, 26), (27, 30), (31, 35)]
    rings = [(36, 41), (42, 47), (48, 59), (60, 67)]
    steps = [(n, n + 1) for first, last in (*open_lines, *rings) for n in range(first, last)]
    steps += [(last, first) for first, last in rings]
    return " ".join(f"face_{a}-face_{b}" for a, b in steps)


_LINES_OF_FACE = _lines_of_face()
HALPE_136 = Skeleton(
    "halpe136",
    _HALPE_136,
    _limbs(_HALPE_136, f"{_HALPE_LIMBS} {_FINGERS} {_LINES_OF_FACE}"),
    _sigmas(_HALPE_136),
)


def _side(side: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{side}_{name}" for name in names)


_OPENPOSE = (
    "nose",
    "neck",
    *_side("right", "shoulder", "elbow", "wrist"),
    *_side("left", "shoulder", "elbow", "wrist"),
    *_side("right", "hip", "knee", "ankle"),
    *_side("left", "hip", "knee", "ankle"),
    *("right_eye", "left_eye", "right_ear", "left_ear"),
)
_OPENPOSE_LIMBS = f"nose-neck {_FACE} neck-s_shoulder {_ARMS} neck-s_hip {_LEGS}"
OPENPOSE_18 = Skeleton(
    "openpose18", _OPENPOSE, _limbs(_OPENPOSE, _OPENPOSE_LIMBS), _sigmas(_OPENPOSE)
)

_BODY_25 = (
    *_OPENPOSE[:8],
    "pelvis",
    *_OPENPOSE[8:],
    *_side("left", "big_toe", "small_toe", "heel"),
    *_side("right", "big_toe", "small_toe", "heel"),
)
BODY_25 = Skeleton(
    "body25",
    _BODY_25,
    _limbs(
        _BODY_25,
        f"nose-neck {_FACE} neck-s_shoulder {_ARMS} neck-pelvis pelvis-s_hip {_LEGS} {_FEET}",
    ),
    _sigmas(_BODY_25),
)

OPENPOSE_PARTS: dict[str, tuple[str, ...]] = {
    "face": (*(f"face_{n}" for n in range(68)), "right_pupil", "left_pupil"),
    "hand_left": _HANDS[:21],
    "hand_right": _HANDS[21:],
}
"""Joints of OpenPose's face (the usual 68 points, then the pupils) and hands, as its files order
them."""


def with_openpose_parts(body: Skeleton) -> Skeleton:
    """Return a body's skeleton with OpenPose's face and both hands behind it."""
    joints = (*body.joints, *(joint for part in OPENPOSE_PARTS.values() for joint in part))
    parts = _limbs(joints, f"{_FINGERS} {_LINES_OF_FACE}")
    return Skeleton(f"openpose{len(joints)}", joints, (*body.limbs, *parts), _sigmas(joints))


OPENPOSE_137 = with_openpose_parts(BODY_25)

# AI Challenger's own sigmas (its ``keypoint_eval.py``, delta = 2 sigma), far below COCO's.
_AIC_SIGMAS = (
    *(0.01388152, 0.01515228, 0.01057665, 0.01417709, 0.01497891, 0.01402144, 0.03909642),
    *(0.03686941, 0.01981803, 0.03843971, 0.03412318, 0.02415081, 0.01291456, 0.01236173),
)
_AIC = (
    *_side("right", "shoulder", "elbow", "wrist"),
    *_side("left", "shoulder", "elbow", "wrist"),
    *_side("right", "hip", "knee", "ankle"),
    *_side("left", "hip", "knee", "ankle"),
    *("head_top", "neck"),
)
AIC_14 = Skeleton(
    "aic14", _AIC, _limbs(_AIC, f"head_top-neck {_TORSO} {_ARMS} {_LEGS}"), _AIC_SIGMAS
)

# The published set takes the same for neck and head, and the hips' for the belly.
_JHMDB = ("neck", "belly", "head", *(
    f"{side}_{name}"
    for name in ("shoulder", "hip", "elbow", "knee", "wrist", "ankle")
    for side in ("right", "left")
))  # fmt: skip
JHMDB_15 = Skeleton(
    "jhmdb15",
    _JHMDB,
    _limbs(_JHMDB, f"head-neck neck-belly neck-s_shoulder belly-s_hip {_ARMS} {_LEGS}"),
    (0.025, 0.107, 0.025, *_sigmas(_JHMDB[3:])),
)

# COCO-WholeBody's own sigmas: feet, face and one hand.
_FEET_SIGMAS = (0.068, 0.066, 0.066, 0.092, 0.094, 0.094)
_FACE_SIGMAS = (
    *(0.042, 0.043, 0.044, 0.043, 0.040, 0.035, 0.031, 0.025, 0.020, 0.023, 0.029, 0.032, 0.037),
    *(0.038, 0.043, 0.041, 0.045, 0.013, 0.012, 0.011, 0.011, 0.012, 0.012, 0.011, 0.011, 0.013),
    *(0.015, 0.009, 0.007, 0.007, 0.007, 0.012, 0.009, 0.008, 0.016, 0.010, 0.017, 0.011, 0.009),
    *(0.011, 0.009, 0.007, 0.013, 0.008, 0.011, 0.012, 0.010, 0.034, 0.008, 0.008, 0.009, 0.008),
    *(0.008, 0.007, 0.010, 0.008, 0.009, 0.009, 0.009, 0.007, 0.007, 0.008, 0.011, 0.008, 0.008),
    *(0.008, 0.010, 0.008),
)
_HAND_SIGMAS = (
    *(0.029, 0.022, 0.035, 0.037, 0.047, 0.026, 0.025, 0.024, 0.035, 0.018, 0.024, 0.022, 0.026),
    *(0.017, 0.021, 0.021, 0.032, 0.020, 0.019, 0.022, 0.031),
)
_FACE_68 = tuple(f"face_{n}" for n in range(68))
_WHOLEBODY = (
    *_COCO,
    *_side("left", "big_toe", "small_toe", "heel"),
    *_side("right", "big_toe", "small_toe", "heel"),
    *_FACE_68,
    *_HANDS,
)
_WHOLEBODY_LIMBS = f"{_FACE} {_TORSO} {_ARMS} {_LEGS} {_FEET} {_FINGERS} {_LINES_OF_FACE}"
COCO_WHOLEBODY_133 = Skeleton(
    "wholebody133",
    _WHOLEBODY,
    _limbs(_WHOLEBODY, _WHOLEBODY_LIMBS),
    (*_sigmas(_COCO), *_FEET_SIGMAS, *_FACE_SIGMAS, *_HAND_SIGMAS, *_HAND_SIGMAS),
)
FACE_68 = Skeleton("face68", _FACE_68, _limbs(_FACE_68, _LINES_OF_FACE), _FACE_SIGMAS)

# One hand of either side, as networks on hand crops give it.
_HAND = tuple(f"hand_{n}" for n in range(21))
HAND_21 = Skeleton("hand21", _HAND, _limbs(_HAND, _FINGERS.replace("s_", "")), _HAND_SIGMAS)

# No sigmas were published: joints of COCO's names have COCO's, eye corners the eye's, mouth the
# nose's, and palm and toe points COCO-WholeBody's means of hands and feet.
_MEDIAPIPE = (
    "nose",
    *_side("left", "eye_inner", "eye", "eye_outer"),
    *_side("right", "eye_inner", "eye", "eye_outer"),
    *_both("ear", "mouth", "shoulder", "elbow", "wrist", "pinky", "index", "thumb"),
    *_both("hip", "knee", "ankle", "heel", "foot_index"),
)
MEDIAPIPE_33 = Skeleton(
    "mediapipe33",
    _MEDIAPIPE,
    _limbs(
        _MEDIAPIPE,
        "nose-s_eye_inner s_eye_inner-s_eye s_eye-s_eye_outer s_eye_outer-s_ear "
        f"left_mouth-right_mouth {_TORSO} {_ARMS} {_LEGS} s_wrist-s_pinky s_wrist-s_index "
        "s_wrist-s_thumb s_pinky-s_index s_ankle-s_heel s_heel-s_foot_index s_ankle-s_foot_index",
    ),
    _sigmas(_MEDIAPIPE),
)
