"""ImageNet weights for the trunks of pose networks, from torchvision."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from urllib.error import URLError

from torch import Tensor, nn
from torchvision.models import get_weight

from rmpe.networks.blocks.resnet import ResNet

logger = logging.getLogger(__name__)


def start_backbone(network: nn.Module, weights_name: str) -> bool:
    """Load ImageNet weights into the network's ResNet trunk, if they can be fetched.

    Args:
        network: holds one :class:`ResNet`, or is one.
        weights_name: torchvision's name, such as ``ResNet50_Weights.IMAGENET1K_V1``.

    Returns:
        Whether the trunk now has them; if not the log says why, and the trunk stays random.

    Raises:
        ValueError: torchvision has no such weights, or the network has no ResNet trunk.
    """
    trunk = next((module for module in network.modules() if isinstance(module, ResNet)), None)
    if trunk is None:
        raise ValueError(f"got backbone {weights_name}, but the network has no ResNet trunk")
    try:
        state = get_weight(weights_name).get_state_dict(progress=False)
    except (URLError, OSError) as error:
        logger.warning(
            "%s CANNOT BE FETCHED (%s): THE TRUNK STARTS FROM SCRATCH, which costs accuracy and "
            "many more epochs; put the file into torch's cache, or say backbone= to mean it",
            weights_name,
            error,
        )
        return False
    loaded, left = load_trunk(trunk, state)
    logger.info("the trunk starts from %s: %d tensors, %d stay random", weights_name, loaded, left)
    return True


def load_trunk(trunk: nn.Module, state: Mapping[str, Tensor]) -> tuple[int, int]:
    """Copy the tensors that the trunk has under the same name and shape.

    Returns:
        The number of tensors copied, and of those of the trunk that the file lacks (the gates of
        SE-ResNet, offsets of deformable convolutions).

    Raises:
        ValueError: most of the trunk is not in the file.
    """
    own = trunk.state_dict()
    fitting = {k: v for k, v in state.items() if k in own and own[k].shape == v.shape}
    trunk_keys = [key for key in own if key.startswith(("conv1", "bn1", "layer"))]
    missing = [key for key in trunk_keys if key not in fitting]
    if len(missing) > len(trunk_keys) / 2:
        raise ValueError(
            f"the weights do not fit the trunk: it lacks {', '.join(missing[:4])} and others; name "
            "those of its depth"
        )
    trunk.load_state_dict(fitting, strict=False)
    return len(fitting), len(missing)
