"""The runs of the papers, and a few of our own, by name."""

from __future__ import annotations

from dataclasses import replace

from rmpe.training.recipes.settings import NetworkRecipe

IMAGENET_50 = "ResNet50_Weights.IMAGENET1K_V1"
COARSE_KERNELS = (15, 11, 9, 7)
"""Targets of the four levels of a stage that is not the last (MSPN, section 3.3)."""
LAST_KERNELS = (11, 9, 7, 5)
"""The same for the last stage."""
LEVEL_WEIGHTS = (0.25, 0.25, 0.25, 1.0)
"""The coarse levels of a stage count a quarter each, as in the public code."""

# Sun et al., CVPR 2019, section 4.1.
HRNET_W32 = NetworkRecipe(
    "hrnet_w32_coco",
    "hrnet_w32",
    "hrnet",
    epochs=210,
    rate_drops=(170, 200),
    rotation_degrees=45.0,
    scale_low=0.65,
    scale_high=1.35,
    half_body_share=0.3,
)
HRNET_W48 = replace(HRNET_W32, name="hrnet_w48_coco", variant="hrnet_w48")

# Jiang et al., RTMPose, 2023, section 3: epochs, augmentation and loss; with Adam on batches of 256
# from scratch, where the paper has AdamW on 1024 and a trunk that ImageNet trained.
RTMPOSE_M = NetworkRecipe(
    "rtmpose_m_coco",
    "rtmpose_m",
    "openmmlab_rtm",
    epochs=420,
    batch_size=256,
    schedule="cosine",
    warm_up_steps=1000,
    average_decay=0.9998,
    loss="simcc",
    rotation_degrees=80.0,
    scale_low=0.6,
    scale_high=1.4,
    half_body_share=0.3,
)

# Xiao et al., ECCV 2018, section 3.
SIMPLEBASELINE_50 = NetworkRecipe(
    "simplebaseline50_coco",
    "pose_resnet50",
    "simplebaseline",
    backbone=IMAGENET_50,
    rate_drops=(90, 120),
)

# Chen et al., CVPR 2018, section 4.1; factors of the levels and batch from the public code.
CPN_50 = NetworkRecipe(
    "cpn50_coco",
    "cpn50",
    "cpn",
    backbone=IMAGENET_50,
    epochs=32,
    batch_size=32,
    rate=5e-4,
    weight_decay=1e-5,
    schedule="halving",
    output_kernels=(15, 11, 9, 7, 7),
    output_weights=(0.5, 0.5, 0.5, 0.5, 1.0),
    hard_joints=8,
    hard_outputs=(4,),
    rotation_degrees=45.0,
    rotation_share=1.0,
    scale_low=0.7,
    scale_high=1.35,
    random_draw="uniform",
)


def _multi_stage(name: str, variant: str, stage_count: int) -> NetworkRecipe:
    """Li et al., 2019, section 4.2, and Cai et al., ECCV 2020, section 4.1."""
    return NetworkRecipe(
        name,
        variant,
        "megvii",
        epochs=164,
        batch_size=256,
        rate=5e-4,
        weight_decay=1e-5,
        schedule="linear",
        output_kernels=COARSE_KERNELS * (stage_count - 1) + LAST_KERNELS,
        output_weights=LEVEL_WEIGHTS * stage_count,
        hard_joints=8,
        hard_outputs=tuple(4 * stage + 3 for stage in range(stage_count)),
        rotation_degrees=45.0,
        scale_low=0.7,
        scale_high=1.35,
        random_draw="uniform",
        half_body_share=0.3,
    )


# Fang et al., ICCV 2017 and TPAMI 2022, and the public program's configuration.
FASTPOSE_50 = NetworkRecipe(
    "fastpose_res50_coco",
    "fastpose_res50",
    "alphapose",
    backbone=IMAGENET_50,
    epochs=200,
    batch_size=32,
    rate_drops=(90, 120, 160, 190),
    half_body_share=0.3,
    proposals_from=140,
)

# Newell et al., ECCV 2016, section 4.1: the rate falls once, by five.
HOURGLASS_2 = NetworkRecipe(
    "hourglass2_mpii",
    "hourglass_2stack",
    "hourglass",
    dataset="mpii",
    input_width=256,
    epochs=200,
    batch_size=16,
    optimiser="rmsprop",
    rate=2.5e-4,
    rate_drops=(150,),
    rate_factor=0.2,
    rotation_degrees=30.0,
    rotation_share=1.0,
    scale_low=0.75,
    scale_high=1.25,
    random_draw="uniform",
)

# Li et al., CVPR 2019, section 3.2, on RMPE's network.
JC_CROWDPOSE = replace(
    FASTPOSE_50, name="jc_crowdpose", dataset="crowdpose", interference=0.5, proposals_from=0
)

COMPACT_TRUNK = (
    *("stem", "stem_filter", "stem_project"),
    *("level4", "level8", "level16", "level32", "last"),
)

# The same loss for the compact network, on single people and rendered crowds; made for a CPU: only
# what stands on the trunk learns.
JC_COMPACT = NetworkRecipe(
    "jc_compact",
    "compact",
    "compact",
    dataset="lspet",
    epochs=4,
    epoch_people=3200,
    batch_size=16,
    rate=1e-3,
    schedule="cosine",
    warm_up_steps=50,
    average_decay=0.99,
    clip_gradient=5.0,
    precision="bf16-mixed",
    interference=0.5,
    crowd_pictures=300,
    frozen=COMPACT_TRUNK,
    rotation_degrees=20.0,
    half_body_share=0.1,
)

# Fang et al., TPAMI 2022, section 3.2: coordinates in place of maps.
FASTPOSE_INTEGRAL = replace(FASTPOSE_50, name="fastpose_res50_integral_coco", loss="integral")

# Fine-tuning of the bundled network on a user's own joints; made for a CPU.
COMPACT = NetworkRecipe(
    "compact_coco",
    "compact",
    "compact",
    epochs=30,
    batch_size=16,
    optimiser="relative_adam",
    rate=3e-3,
    schedule="cosine",
    warm_up_steps=50,
    average_decay=0.99,
    clip_gradient=5.0,
    loss="classification",
    target_sigma=1.0,
    half_body_share=0.15,
)

# Fang et al., ICCV 2017, section 3.1: both branches; the regression is ours and starts it off. The
# paper extends boxes by 30 % on either side; here 50 % on top of the network's own margin.
SSTN_COMPACT = NetworkRecipe(
    "sstn_compact",
    "compact",
    "compact",
    dataset="lspet",
    input_height=384,
    input_width=288,
    crop_growth=1.5,
    epochs=1,
    epoch_people=3200,
    batch_size=16,
    rate=1e-4,
    schedule="cosine",
    clip_gradient=5.0,
    precision="bf16-mixed",
    loss="classification",
    transformer=True,
    transformer_start=18_000,
    transformer_regression=1.0,
    rotation_degrees=0.0,
    shift_share=0.3,
    random_draw="uniform",
)

NETWORK_RECIPES: dict[str, NetworkRecipe] = {
    recipe.name: recipe
    for recipe in (
        HRNET_W32,
        HRNET_W48,
        RTMPOSE_M,
        replace(RTMPOSE_M, name="rtmpose_s_coco", variant="rtmpose_s"),
        SIMPLEBASELINE_50,
        *(
            _multi_stage(f"mspn_{count}stage_coco", f"mspn_{count}stage", count)
            for count in (1, 2, 3, 4)
        ),
        _multi_stage("rsn18_coco", "rsn18_1stage", 1),
        _multi_stage("rsn50_coco", "rsn50_1stage", 1),
        CPN_50,
        FASTPOSE_50,
        FASTPOSE_INTEGRAL,
        HOURGLASS_2,
        replace(HOURGLASS_2, name="hourglass8_mpii", variant="hourglass_8stack"),
        JC_CROWDPOSE,
        JC_COMPACT,
        COMPACT,
        SSTN_COMPACT,
    )
}
"""Name at the command line to recipe."""
