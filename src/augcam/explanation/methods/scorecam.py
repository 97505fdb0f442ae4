"""Score-CAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augcam.entries import CamMethod

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from augcam.explanation.subject import Explain, Subject


def scorecam(subject: Subject) -> AbstractContextManager[Explain]:
    """Channels weighted by the softmax of the logits that the image, masked with each, gets."""
    from augcam.explanation.through_gradcam import score_cam

    return score_cam(subject)


ENTRY = CamMethod(
    name="scorecam",
    display_name="Score-CAM",
    reference="Wang et al. 2020",
    function=scorecam,
    needs="model",
    passes=lambda channels, cells: channels + 1,
)
