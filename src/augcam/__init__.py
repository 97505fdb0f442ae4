"""augcam: how does data augmentation change what an image classifier looks at?

The modules stand in the order in which the data flow, and import only what stands before them:
errors, files → config → datasets → augmentations → models → training → explanations → similarity
→ performance → aggregation → figures. None of them knows Snakemake.
"""

__version__ = "0.1.0"
