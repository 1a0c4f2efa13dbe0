"""Documents with pages and short recordings, made by the programs that people use."""

import io

import typst
from PIL import Image


def pages_of(pages: int = 2) -> bytes:
    """A PDF of so many pages, each with words on it."""
    body = "\n#pagebreak()\n".join(
        f"= Pūrongo, wāhanga {n}\nWhat we \\<b\\>found." for n in range(1, pages + 1)
    )
    return bytes(typst.compile(body.encode(), format="pdf"))


def film_of(seconds: int = 2, *, sound_only: bool = False, free: bool = False) -> bytes:
    """A film of one colour, or a tone. With `free` as WebM, which every build of Chromium plays."""
    import av
    import numpy as np

    made = io.BytesIO()
    kind = "ipod" if sound_only else "webm" if free else "mp4"
    with av.open(made, "w", format=kind) as target:
        if sound_only:
            stream = target.add_stream("aac", rate=8000)
            quiet = np.zeros((1, 8000 * seconds), dtype="float32")
            frame = av.AudioFrame.from_ndarray(quiet, format="fltp", layout="mono")
            frame.sample_rate = 8000
            frames = [frame]
        else:
            stream = target.add_stream("libvpx" if free else "mpeg4", rate=10)
            stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
            frames = [
                av.VideoFrame.from_image(Image.new("RGB", (160, 90), "teal"))
                for _n in range(10 * seconds)
            ]
        for one in frames:
            for packet in stream.encode(one):
                target.mux(packet)
        for packet in stream.encode():
            target.mux(packet)
    return made.getvalue()
