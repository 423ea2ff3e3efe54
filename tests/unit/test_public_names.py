"""The public surface: complete, sorted, documented, and light to import."""

from __future__ import annotations

import subprocess
import sys

import commonground


def test_every_public_name_exists_and_is_documented() -> None:
    assert commonground.__all__ == sorted(commonground.__all__)
    for name in commonground.__all__:
        found = getattr(commonground, name)
        assert name == "__version__" or found.__doc__, name


def test_importing_and_help_load_no_heavy_library() -> None:
    program = (
        "import sys; sys.argv=['commonground','--help']\n"
        "from commonground.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy={'duckdb','pyarrow','numpy','scipy','altair','sqlalchemy','starlette','rich','pandas','numba'}\n"
        "sys.stderr.write(','.join(sorted(heavy & set(sys.modules))))\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "commonground build CITY" in run.stdout
    assert run.stderr == ""
