"""scikit-learn's handwritten digits: 1,797 images of 8×8 pixels, grey levels 0 to 16."""

from augcam.entries import DataKind


def read(_dataset):
    import numpy as np
    from sklearn.datasets import load_digits

    from augcam.data.decoding import Picture
    from augcam.data.source import Source

    digits = load_digits()
    pixels = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    return Source(
        labels=digits.target.astype(np.int64),
        class_names=[str(name) for name in digits.target_names],
        names=[f"digits[{i}]" for i in range(len(pixels))],
        decode=lambda i: Picture(np.repeat(pixels[i][:, :, None], 3, axis=2), grey=True),
        splits=np.full(len(pixels), "train"),
    )


ENTRY = DataKind(name="digits", display_name="scikit-learn's, embedded", read=read)
