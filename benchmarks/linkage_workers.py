"""The programs that ``linkage.py`` lets link, each as the text of a Python program of its own.

``work`` is measured; ``judge`` then says, outside the clock, how good the links are.
"""

from __future__ import annotations

JUDGE = """
import numpy as np

def judge(found, left, right, *rest):
    # a person has the same unique_id in both files
    import pyarrow.parquet as pq
    a, b, weight = (np.asarray(found.pop(k)) for k in ("left", "right", "weight"))
    ids, groups = (pq.read_table(left, columns=[c]).column(0) for c in ("unique_id", "group"))
    ids, groups = ids.to_numpy(), groups.to_numpy(zero_copy_only=False)
    both = np.isin(ids, pq.read_table(right, columns=["unique_id"]).column(0).to_numpy())
    truth = int(both.sum())
    order = np.argsort(-weight, kind="stable")
    a, b, weight = a[order], b[order], weight[order]
    first = np.zeros(len(a), bool); first[np.unique(a, return_index=True)[1]] = True
    other = np.zeros(len(a), bool); other[np.unique(b, return_index=True)[1]] = True
    a, b, weight = (x[first & other] for x in (a, b, weight))   # each its best, and the other's best
    right_ones = np.cumsum(a == b)
    taken = np.arange(1, len(a) + 1)
    precision = right_ones / taken
    f1 = 2 * right_ones / (taken + truth)
    best = int(f1.argmax())
    found |= {"links": len(a), "truth": truth, "best_f1": float(f1[best]), "precision": float(precision[best]),
              "recall": float(right_ones[best] / truth)}
    for target in (0.999, 0.9995, 0.9998):
        enough = np.flatnonzero(precision >= target)
        found[f"recall@{target}"] = float(right_ones[enough[-1]] / truth) if len(enough) else 0.0
    enough = np.flatnonzero(precision >= 0.999)
    hit = np.isin(ids, a[: enough[-1] + 1][(a == b)[: enough[-1] + 1]]) if len(enough) else np.zeros(len(ids), bool)
    for group in ("resident", "left_behind", "migrant"):
        of = both & (groups == group)
        found[group] = float(hit[of].mean())
    return found
"""

OURS = (
    JUDGE
    + """
import duckdb, pyarrow.compute, pyarrow.parquet as pq
from commonground.people import link_tables
FIELDS = {"name": "person_name", "birth": "birth_date", "id_number": "id_number", "address": "address",
          "sex": "category"}
STRICT = [
    ["id_number:number"], ["name:sound", "birth:year"], ["birth:day", "name:surname"], ["name:given", "birth:day"],
    ["birth:day", "address:county"], ["name:sound", "address:county"],
    ["name:surname", "birth:year", "address:village"], ["name:given", "address:village"],
]
LOOSE = [
    *STRICT, ["name:surname", "birth:year", "address:county"], ["name:given", "birth:year"],
    ["birth:month", "address:township"], ["name:sound"],
]
def work(left, right, rules, *rest):
    few = ["birth", "address", "sex"]   # columns with few values stay as the file keeps them
    a, b = (pq.read_table(p, columns=["unique_id", *FIELDS], read_dictionary=few) for p in (left, right))
    chosen = {"strict": STRICT, "loose": LOOSE, "automatic": None}[rules]
    budget = None if chosen is None else 200 * max(len(a), len(b))
    found = link_tables(a, b, fields=FIELDS, rules=chosen, pair_budget=budget, threshold=0.001)
    columns = (found[c].to_numpy() for c in ("left_id", "right_id", "weight"))
    return dict(zip(("left", "right", "weight"), columns))
"""
)

SPLINK = (
    JUDGE
    + """
import logging
import duckdb, pyarrow.parquet as pq
import splink.comparison_library as cl, splink.comparison_level_library as cll
from splink import DuckDBAPI, Linker, SettingsCreator, block_on
logging.getLogger("splink").setLevel(logging.ERROR)
COUNTY, TOWN, YEAR, MONTH = ("substr(address, 1, 6)", "substr(address, 1, 9)", "substr(birth, 1, 4)",
                             "substr(birth, 1, 7)")
SOUND = ("surname_sound", "given_sound")
STRICT = [
    block_on("id_number"), block_on(*SOUND, YEAR), block_on("birth", "surname_sound"), block_on("given_sound", "birth"),
    block_on("birth", COUNTY), block_on(*SOUND, COUNTY), block_on("surname_sound", YEAR, "address"),
    block_on("given_sound", "address"),
]
LOOSE = [
    *STRICT, block_on("surname_sound", YEAR, COUNTY), block_on("given_sound", YEAR), block_on(MONTH, TOWN),
    block_on(*SOUND),
]
def work(left, right, rules, *rest):
    name = cl.CustomComparison(output_column_name="name", comparison_levels=[
        cll.NullLevel("name"),
        cll.ExactMatchLevel("name", term_frequency_adjustments=True),
        cll.ExactMatchLevel("sound", term_frequency_adjustments=True),
        cll.And(cll.ExactMatchLevel("surname_sound"), cll.JaroWinklerLevel("given_sound", 0.88)),
        cll.JaroWinklerLevel("sound", 0.88),
        cll.ExactMatchLevel("surname", term_frequency_adjustments=True),
        cll.ExactMatchLevel("given_sound"),
        cll.ElseLevel(),
    ])
    number = cl.CustomComparison(output_column_name="id_number", comparison_levels=[
        cll.NullLevel("id_number"), cll.ExactMatchLevel("id_number"),
        cll.DamerauLevenshteinLevel("id_number", 1), cll.DamerauLevenshteinLevel("id_number", 2), cll.ElseLevel(),
    ])
    address = cl.CustomComparison(output_column_name="address", comparison_levels=[
        cll.NullLevel("address"), cll.ExactMatchLevel("address", term_frequency_adjustments=True),
        cll.CustomLevel("substr(address_l, 1, 9) = substr(address_r, 1, 9)", "township"),
        cll.CustomLevel("substr(address_l, 1, 6) = substr(address_r, 1, 6)", "county"), cll.ElseLevel(),
    ])
    settings = SettingsCreator(
        link_type="link_only", unique_id_column_name="unique_id",
        comparisons=[name, cl.DateOfBirthComparison("birth", input_is_string=True), number, address,
                     cl.ExactMatch("sex")],
        blocking_rules_to_generate_predictions=STRICT if rules == "strict" else LOOSE,
        retain_intermediate_calculation_columns=False, retain_matching_columns=False,
    )
    api = DuckDBAPI()
    columns = ("unique_id, name, surname, given, surname_sound, given_sound, surname_sound || given_sound as sound, "
               "birth, id_number, address, sex")
    tables = []
    for path, shown in ((left, "a"), (right, "b")):
        api._con.execute(f"create table {shown}_in as select {columns} from '{path}'")
        tables.append(api.register(api._con.table(f"{shown}_in"), dataset_display_name=shown))
    linker = Linker(tables, settings)
    training = linker.training
    training.estimate_probability_two_random_records_match(
        [block_on("id_number"), block_on("name", "birth")], recall=0.85)
    training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for rule in (block_on("id_number"), block_on(*SOUND, COUNTY), block_on("birth", TOWN)):
        training.estimate_parameters_using_expectation_maximisation(rule)
    predicted = linker.inference.predict(threshold_match_weight=-5)
    linker.clustering.cluster_using_single_best_links(
        predicted, duplicate_free_datasets=["a", "b"], threshold_match_probability=0.5)
    rows = api._con.sql(
        "select case when source_dataset_l = 'a' then unique_id_l else unique_id_r end as x, "
        "case when source_dataset_l = 'a' then unique_id_r else unique_id_l end as y, match_weight as w "
        f"from {predicted.physical_name}").fetchnumpy()
    return {"left": rows["x"], "right": rows["y"], "weight": rows["w"]}
"""
)
WORKERS = {"ours": OURS, "splink": SPLINK}
