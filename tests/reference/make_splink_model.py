"""Write what Splink 5 says about invented records, for ``test_people_splink.py``.

Run by a Python that has Splink (``benchmarks/.env/bin/python tests/reference/make_splink_model.py``): trains a model,
saves it as JSON, and saves the records and Splink's weight of every pair that it compared.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pyarrow as pa
import splink
import splink.comparison_level_library as cll
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

OUT = Path(__file__).parent / "fixtures" / "splink"
SURNAMES, GIVEN = "王李张刘陈杨赵黄", "明伟芳娜敏静丽强磊军"
READINGS = "wang li zhang liu chen yang zhao huang ming wei fang na min jing li qiang lei jun"
SOUND = dict(zip(SURNAMES + GIVEN, READINGS.split(), strict=True))


def records(n: int) -> tuple[pa.Table, pa.Table]:
    """Two files of n people, the same for the greater part, with slips in the second."""
    rng = np.random.default_rng(5)
    first = []
    for i in range(n):
        name = rng.choice(list(SURNAMES)) + "".join(rng.choice(list(GIVEN), 2))
        birth = str(np.datetime64("2008-01-01") + int(rng.integers(0, 3000)))
        first.append([i, name, birth, str(rng.integers(1, 3)), f"52990{rng.integers(1, 6)}{rng.integers(100, 120)}"])
    second = [r.copy() for r in first]
    for r in second:
        if rng.random() < 0.1:
            r[1] = r[1][:2] + rng.choice(list(GIVEN))
        if rng.random() < 0.1:
            r[2] = r[2][:8] + f"{rng.integers(1, 29):02d}"
        if rng.random() < 0.2:
            r[4] = None
    names = ("unique_id", "name", "birth", "sex", "village")

    def table(rows: list[list[object]]) -> pa.Table:
        made = {c: [r[k] for r in rows] for k, c in enumerate(names)}
        made["sound"] = ["".join(SOUND[c] for c in str(x)) for x in made["name"]]
        return pa.table(made)

    return table(first), table(second[n // 5 :])


def main() -> None:
    """Train, predict, save."""
    logging.getLogger("splink").setLevel(logging.ERROR)
    name = cl.CustomComparison(output_column_name="name", comparison_levels=[
        cll.NullLevel("name"), cll.ExactMatchLevel("name", term_frequency_adjustments=True),
        cll.ExactMatchLevel("sound"), cll.JaroWinklerLevel("sound", 0.9), cll.ElseLevel(),
    ])  # fmt: skip
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=[name, cl.DateOfBirthComparison("birth", input_is_string=True), cl.ExactMatch("sex"),
                     cl.ExactMatch("village").configure(term_frequency_adjustments=True)],
        blocking_rules_to_generate_predictions=[block_on("sound"), block_on("birth"), block_on("village", "sex")],
    )  # fmt: skip
    tables, api = records(300), DuckDBAPI()
    linker = Linker([api.register(t, dataset_display_name=n) for t, n in zip(tables, "ab", strict=True)], settings)
    linker.training.estimate_probability_two_random_records_match([block_on("name", "birth")], recall=0.8)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e5, seed=1)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("birth"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("sound"))
    OUT.mkdir(parents=True, exist_ok=True)
    linker.misc.save_model_to_json(str(OUT / "model.json"), overwrite=True)
    rows = linker.inference.predict().as_record_list()
    weights = sorted((r["unique_id_l"], r["unique_id_r"], r["match_weight"]) for r in rows)
    said = {
        "splink": splink.__version__,
        "left": tables[0].to_pydict(),
        "right": tables[1].to_pydict(),
        "weights": weights,
    }
    (OUT / "said.json").write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
