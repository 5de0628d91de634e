"""The main job in Python: open a system, assess it against a profile, and verify the evidence as an outsider would.

Run: `python examples/api.py`. Needs `pip install 'touchstone[assess]'`, no network and no torch.
"""

import tempfile
from pathlib import Path

import touchstone
from touchstone.signatures.keys import generate, public_half

EXAMPLES = Path(__file__).parent
PROFILES = {
    "healthcare": "digital-healthcare-screening",
    "smart-city": "smart-city-traffic-screening",
    "manufacturing": "intelligent-manufacturing-screening",
}


def main() -> None:
    """Assesses the three examples with one laboratory key and prints what became of each."""
    with tempfile.TemporaryDirectory() as scratch:
        laboratory = Path(scratch) / "laboratory.key"
        generate(laboratory, passphrase=None)
        for name, profile in PROFILES.items():
            subject = touchstone.open_system(EXAMPLES / name)
            outcome = touchstone.assess(subject, profile, output=Path(scratch) / name, key=laboratory)
            print(f"{name}: {outcome.assessment.verdict}")
            for finding in outcome.assessment.findings:
                print(f"  {finding.control}  {finding.verdict}")

            verification = touchstone.verify(outcome.folder, key=public_half(laboratory), system=EXAMPLES / name)
            print(f"  evidence verifies: {verification.ok}")


if __name__ == "__main__":
    main()
