"""augcam: how does data augmentation change what an image classifier looks at?

One package a stage, in the order in which data flow; each imports only what stands before it:
errors → entries, names → config → files → data → augment → networks → train → explain → compare
→ paper → statistics → report → run. None of them knows Snakemake.
"""

__version__ = "0.1.0"
