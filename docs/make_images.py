"""Take the pictures of the documentation from a finished demonstration: `python docs/make_images.py demo-output`.

Needs Chromium (Debian: `apt-get install chromium fonts-noto-cjk`).
"""

import subprocess
import sys
from pathlib import Path

IMAGES = Path(__file__).parent / "images"
PICTURES = {"report.png": ("healthcare", "en", 1250), "report-zh.png": ("manufacturing", "zh", 1000)}


def main(demonstration: Path) -> None:
    """Photograph the head of each report."""
    IMAGES.mkdir(exist_ok=True)
    for name, (system, language, height) in PICTURES.items():
        report = (demonstration / system / f"report.{language}.html").absolute()
        subprocess.run(
            [
                *["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"],
                *[f"--window-size=1000,{height}", f"--screenshot={IMAGES / name}", report.as_uri()],
            ],
            check=True,
            capture_output=True,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
