"""Patches an attacker prints and sticks on what a camera sees: found, and then judged in views they were not found in.

    surface = Surface(share=0.05)
    stickers = search_textures(labels, pictures, surface, ...)          # labels only
    stickers = search_patches(scores, pictures, surface, stickers, ...) # scores: Croce et al. 2022 (Sparse-RS)
    stickers = climb_patches(slope, pictures, surface, stickers, ...)   # gradients: Brown et al. 2017
    answers = answers_in_views(labels, pictures, surface, stickers, fresh_draws)

A patch covers at most its share of the pixels in every view, whatever the position, turn and perspective; all other
pixels stay exactly as they are. What differs from view to view follows from numbers drawn for each sample alone, so
results do not depend on the batch, and whoever keeps the patch, the pose and the draws can place it again.
"""
