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
        names = ["proof.json", *(f"checkpoint-{n}" for n in range(len(checkpoints)))]
        for name, text in zip(names, [json.dumps(proof), *checkpoints], strict=True):
            (self._folder / name).write_text(text)
        command = [sys.executable, "-I", VERIFIER, self._key, *(self._folder / name for name in names)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert result.returncode == (0 if result.stdout else 1)
        return result.stdout + result.stderr
