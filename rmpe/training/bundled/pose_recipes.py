"""The runs that make the bundled pose weights: network recipes on packs that no user has."""

from __future__ import annotations

from dataclasses import replace

from rmpe.training.recipes.settings import NetworkRecipe

COMPACT_POSE = NetworkRecipe(
    "compact-pose",
    "compact",
    "compact",
    dataset="packs",
    epochs=8,
    epoch_people=14_400,
    batch_size=16,
    optimiser="relative_adam",
    rate=1.5e-3,
    schedule="cosine",
    warm_up_steps=200,
    average_decay=0.999,
    clip_gradient=5.0,
    precision="bf16-mixed",
    loss="classification",
    target_sigma=1.0,
    teacher_weight=1.5,
    absent_weight=0.03,
    frozen=("stem", "stem_filter", "stem_project", "level4", "level8"),
    frozen_depthwise=True,
    output_rate_factor=2.0,
    rotation_degrees=20.0,
    rotation_share=0.4,
    any_turn_share=0.1,
    refit_turned=True,
    scale_low=0.72,
    scale_high=1.2,
    shift_share=0.08,
    cut_share=0.3,
    beside_share=0.25,
    cover_share=0.2,
    blur_share=0.25,
    colour_spread=0.2,
)
"""Human joints on LSPET, a teacher's maps of everyday people; from a mix of MoveNet Lightning and
the first network without focus, see docs/compact.md."""

COMPACT_ACCURATE_POSE = replace(
    COMPACT_POSE,
    name="compact-accurate-pose",
    variant="compact-accurate",
    origin="compact-accurate",
    input_height=320,
    input_width=256,
    epochs=6,
    epoch_people=7_200,
    rate=1e-3,
    warm_up_steps=100,
    average_decay=0.998,
    target_sigma=1.25,
    teacher_weight=2.0,
    scale_low=0.8,
    scale_high=1.2,
)
"""The same for the wider network on larger crops; its teacher is itself on three crops, plain and
mirrored, and it starts from the bundled weights."""

POSE_RECIPES: dict[str, NetworkRecipe] = {
    recipe.name: recipe for recipe in (COMPACT_POSE, COMPACT_ACCURATE_POSE)
}
"""Name at the command line to recipe."""
