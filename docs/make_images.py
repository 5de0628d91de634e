"""Take the pictures of the documentation from a finished demonstration: `python docs/make_images.py demo-output`.

The picture of a scan is taken of the model files of the examples.

Needs Chromium (Debian: `apt-get install chromium fonts-noto-cjk`).
"""

import subprocess
import sys
import tempfile
from pathlib import Path

IMAGES = Path(__file__).parent / "images"
EXAMPLES = Path(__file__).parents[1] / "examples"
PICTURES = {"report.png": ("healthcare", "en", 1250), "report-zh.png": ("manufacturing", "zh", 1000)}


def main(demonstration: Path) -> None:
    """Photograph the head of each report."""
    IMAGES.mkdir(exist_ok=True)
    for name, (system, language, height) in PICTURES.items():
        photograph((demonstration / system / f"report.{language}.html").absolute(), name, height)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "scan.html"
        models = EXAMPLES / "manufacturing" / "model"
        command = [sys.executable, "-m", "touchstone", "scan", str(models), "--format", "html", "--output", str(page)]
        subprocess.run(command, check=False, capture_output=True)  # exits with 1: there is something to be found
        photograph(page, "scan.png", 760)


def photograph(page: Path, name: str, height: int) -> None:
    """Take one picture of the upper part of a page."""
    subprocess.run(
        [
            *["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"],
            *[f"--window-size=1000,{height}", f"--screenshot={IMAGES / name}", page.as_uri()],
        ],
        check=True,
        capture_output=True,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
