"""MOTChallenge's scores of identities: HOTA, CLEAR MOT and IDF1, equal to TrackEval's.

``read_mot_boxes`` opens a truth or predictions, ``evaluate_mot`` scores one against the other.
"""

from rmpe.evaluation.mot._boxes import MotBoxes, read_mot_boxes, read_people
from rmpe.evaluation.mot.scores import MotScores, evaluate_mot, score_mot

__all__ = [
    "MotBoxes",
    "MotScores",
    "evaluate_mot",
    "read_mot_boxes",
    "read_people",
    "score_mot",
]
