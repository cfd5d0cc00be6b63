"""Somebody outside, who checks proofs with docs/verifier.py in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

VERIFIER = Path(__file__).parents[1] / "docs" / "verifier.py"


class Auditor:
    """Somebody outside, with a folder, the verifier and a key."""

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder
        self._key = key

    def check(self, proof: Any, *checkpoints: str) -> str:
        """Return what the verifier says."""
        return self.check_bytes(json.dumps(proof).encode(), *checkpoints)

    def check_bytes(self, proof: bytes, *checkpoints: str) -> str:
        """Return what the verifier says of files."""
        names = ["proof.json", *(f"checkpoint-{n}" for n in range(len(checkpoints)))]
        for name, content in zip(names, [proof, *(text.encode() for text in checkpoints)], strict=True):
            (self._folder / name).write_bytes(content)
        command = [sys.executable, "-I", VERIFIER, self._key, *(self._folder / name for name in names)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert result.returncode == (0 if result.stdout else 2 if result.stderr.startswith("NOT CHECKED: ") else 1)
        return result.stdout + result.stderr
