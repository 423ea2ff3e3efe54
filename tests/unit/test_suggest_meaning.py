"""What suggest takes columns for: headers taken apart, shapes of values, units, codes, missing texts, dates."""

import random

import pytest

from commonground.intake.pack import load_pack
from commonground.intake.suggest.meaning import propose
from commonground.intake.suggest.meaning.features import FEATURES
from commonground.intake.suggest.meaning.header import normal, parse
from commonground.intake.suggest.meaning.infer import load_weights
from commonground.intake.suggest.meaning.lexicon import load, spelt
from commonground.intake.suggest.meaning.values import look
from suggest_kit import column, id_number, names, phones, sheet

PACK = load_pack()


def proposed(columns, **more):
    """Propose for one sheet and give the columns by name."""
    found = propose([sheet(columns, **more)], PACK)
    return {one.column.name: one for one in found.columns}, found


def pupils(n=200, seed=1):
    r = random.Random(seed)
    return {
        "学生姓名": names(r, n),
        "性别": [r.choice("男女") for _ in range(n)],
        "出生日期": [f"20{r.randint(10, 18)}{r.randint(1, 12):02}{r.randint(1, 28):02}" for _ in range(n)],
        "身份证号": [id_number(r) for _ in range(n)],
        "就读学校": [r.choice(["云山县第一小学", "云山县实验小学", "平江县民族中学"]) for _ in range(n)],
        "年级": [r.choice("一二三四五六") + "年级" for _ in range(n)],
    }


@pytest.mark.parametrize(
    ("name", "role", "index", "stem"),
    [
        ("父亲身份证号", "father", 0, "身份证号"),
        ("第一监护人/姓名", "guardian1", 0, "姓名"),
        ("第 2 次收缩压", "", 2, "收缩压"),
        ("收缩压（三）", "", 3, "收缩压"),
        ("guardian2Phone", "guardian2", 0, "phone"),
        ("班主任电话", "nobody", 0, "电话"),
        ("3.学生姓名", "self", 0, "姓名"),
        ("JHR1_XM", "guardian1", 0, "jhr1xm"),
        ("身高(cm)", "", 0, "身高"),
        ("体重kg", "", 0, "体重"),
    ],
)
def test_a_header_is_taken_apart(name, role, index, stem):
    header = parse(name, load().roles)
    assert (header.role, header.index) == (role, index)
    assert stem in header.stems


def test_names_are_compared_in_one_form():
    assert normal("ｉｄ＿Ｎｏ．") == normal("ID no") == "idno"
    assert normal("区（县）") == "区县"


def test_initials_and_pinyin_come_from_the_words():
    assert spelt("出生日期") == ("CSRQ", "CHUSHENGRIQI")
    assert spelt("abc") == ()


def test_every_weight_belongs_to_a_piece_of_evidence():
    weights = load_weights()
    assert len(weights.vector) == len(FEATURES)
    assert weights.vector.any()
    assert weights.slope > 0


def test_names_and_kinds_of_the_pack_agree_with_its_concepts():
    lexicon = load()
    assert set(lexicon.concepts) == set(PACK.concepts)
    # encodings come with their contract; nobody asks what their columns mean
    assert set(PACK.kinds) - set(lexicon.kinds) <= {"other", "encoded_people"}
    assert set(lexicon.kinds) <= set(PACK.kinds)
    for kind in lexicon.kinds.values():
        assert kind.core | kind.often <= set(PACK.concepts)
    for name, entry in lexicon.codes.items():
        codes = set(PACK.codes[name].labels)
        assert set(entry["words"]) <= codes
        assert all(set(coding["codes"].values()) <= codes for coding in entry["codings"])


@pytest.mark.parametrize(
    ("texts", "shape"),
    [
        (["529901201001011234", "52990120100101123X"], "id"),
        (["G529901201001011234"], "student_no"),
        (["529901001201"], "village_code"),
        (["12345678901", "0851-8123456"], "phone"),
        (["122/65", "130／82"], "pressure"),
        (["欧阳小燕", "王伟", "阿依古丽·买买提"], "person_name"),
        (["2008.3.1", "2008年3月1日", "20080301", "39508"], "date"),
        (["农历2007.7.19"], "date_lunar"),
        (["201409", "2014年9月"], "date_month"),
        (["I10", "E11.9,I25"], "icd10"),
        (["一年级", "2019级", "初二"], "grade"),
        (["王伟、李娜", "张三,李四,王五"], "name_list"),
        (["贵州省", "广东"], "province"),
        (["是", "否"], "yes_no"),
    ],
)
def test_shapes_of_values_are_known(texts, shape):
    assert look(column("x", texts), load(), PACK).share[shape] == 1.0


def test_a_plain_registry_is_understood():
    by, found = proposed(pupils(), file="花名册.xlsx")
    assert found.kind == "student_registry"
    assert found.subject == "self"
    got = {name: one.concept for name, one in by.items()}
    assert got == {
        "学生姓名": "name",
        "性别": "sex",
        "出生日期": "birth",
        "身份证号": "id_no",
        "就读学校": "school_name",
        "年级": "grade",
    }
    assert all(one.confidence >= 0.8 for one in by.values())


def test_evidence_is_in_both_languages_and_weighted():
    by, _ = proposed(pupils())
    for one in by.values():
        assert one.evidence
        assert all(reason.said.zh and reason.said.en and reason.weight for reason in one.evidence)
    best = by["身份证号"].evidence
    assert {"name", "shape"} <= {reason.source for reason in best}


def test_content_tells_columns_whose_headers_say_nothing():
    r = random.Random(3)
    columns = pupils()
    renamed = {"A1": columns["身份证号"], "A2": phones(r, 200), "A3": [f"G{id_number(r)}" for _ in range(200)]}
    by, _ = proposed({"姓名": columns["学生姓名"], **renamed}, file="花名册.csv")
    assert by["A1"].alternatives or by["A1"].concept == "id_no"
    likely = {name: one.concept or one.alternatives[0][0] for name, one in by.items()}
    assert (likely["A1"], likely["A3"]) == ("id_no", "student_no")
    assert likely["A2"] in ("phone", "g1_phone", "guardian_phone")


def test_what_the_pack_does_not_know_is_said_to_be_unknown():
    r = random.Random(4)
    columns = pupils() | {
        "政治面貌": [r.choice(["群众", "团员"]) for _ in range(200)],
        "备注": ["材料待补，请核对。"] * 200,
        "zz9": [r.choice(["甲1", "乙2", "丙3"]) for _ in range(200)],
        "班主任姓名": names(r, 200),
    }
    by, _ = proposed(columns)
    assert [by[name].concept for name in ("政治面貌", "备注", "zz9", "班主任姓名")] == [None] * 4


def test_no_concept_stands_twice_in_a_sheet_but_may_under_a_new_name_in_another():
    columns = pupils()
    by, _ = proposed(columns | {"姓名": columns["学生姓名"]})
    assert [by["姓名"].concept, by["学生姓名"].concept].count("name") <= 1
    new = {("学生姓名" if name == "姓名" else name): texts for name, texts in pupils(seed=2).items()}
    old = {("姓名" if name == "学生姓名" else name): texts for name, texts in pupils().items()}
    both = propose([sheet(new), sheet(old)], PACK)
    assert [one.concept for one in both.columns if "姓名" in one.column.name] == ["name", "name"]


def test_contents_that_cannot_be_speak_against_a_name():
    r = random.Random(5)
    by, _ = proposed({"姓名": [id_number(r) for _ in range(100)], "身份证号": names(r, 100)})
    assert by["姓名"].concept != "name"
    assert by["身份证号"].concept != "id_no"


@pytest.mark.parametrize(
    ("header", "texts", "unit"),
    [
        ("身高", [f"{1.2 + i / 500:.2f}" for i in range(100)], "m"),
        ("身高", [str(120 + i % 50) for i in range(100)], None),
        ("体重", [f"{60 + i % 40}" for i in range(100)], "jin"),
        ("体重（公斤）", [f"{60 + i % 40}" for i in range(100)], None),
        ("血红蛋白", [f"{12 + i % 30 / 10:.1f}" for i in range(100)], "g/dL"),
        ("血红蛋白", [f"{120 + i % 30}" for i in range(100)], None),
        ("语文成绩", [f"{50 + i % 50}" for i in range(100)], "mark/100"),
        ("语文成绩", [f"{60 + i % 60}" for i in range(100)], "mark/120"),
        ("语文成绩", [f"{60 + i % 90}" for i in range(100)], "mark/150"),
    ],
)
def test_units_are_read_off_headers_and_distributions(header, texts, unit):
    columns = pupils(100) | {header: texts}
    columns |= {"体重": [str(25 + i % 20) for i in range(100)]} if "身高" in header else {}
    columns |= {"身高": [str(120 + i % 40) for i in range(100)]} if header[0] in "体血" else {}
    columns |= (
        {"数学成绩": [f"{50 + i % 50}" for i in range(100)], "考号": [str(i + 10**6) for i in range(100)]}
        if "成绩" in header
        else {}
    )
    by, _ = proposed(columns)
    assert by[header].concept in ("height", "weight", "haemoglobin", "chinese")
    assert by[header].rule.get("unit") == unit
    assert unit is None or by[header].why["unit"].zh


def test_rows_in_another_unit_are_a_doubt():
    texts = [str(120 + i % 50) for i in range(90)] + [f"1.{30 + i}" for i in range(30)]
    _, found = proposed(pupils(120) | {"身高": texts, "体重": [str(25 + i % 20) for i in range(120)]})
    assert any("身高" in said.zh and " m" in said.zh for said in found.doubts)


def test_codes_are_mapped_and_contrary_numberings_are_a_doubt():
    r = random.Random(6)
    columns = pupils() | {
        "户口性质": [r.choice("12") for _ in range(200)],
        "就读方式": [r.choice(["寄宿生", "走读生"]) for _ in range(200)],
        "留守情况": [r.choice(["0.非留守", "1.一方外出", "2.双方外出"]) for _ in range(200)],
    }
    by, found = proposed(columns)
    assert by["户口性质"].rule["codes"] == {"1": "rural", "2": "non_rural"}
    assert any("户口性质" in said.zh and "户口性质" in said.en for said in found.doubts)
    assert by["就读方式"].rule["codes"] == {"寄宿生": "2", "走读生": "1"}
    assert by["留守情况"].rule["codes"] == {"0.非留守": "0", "1.一方外出": "1", "2.双方外出": "2"}


def test_labels_of_the_file_settle_codes():
    r = random.Random(7)
    texts = [r.choice("12") for _ in range(200)]
    labelled = column("户口性质", texts, position=9, value_labels={"1": "非农业", "2": "农业"})
    found = propose([sheet(pupils(), extra=[labelled])], PACK)
    one = found.columns[-1]
    assert one.concept == "hukou_nature"
    assert one.rule["codes"] == {"1": "non_rural", "2": "rural"}
    assert not any("户口性质" in said.zh for said in found.doubts)


def test_a_label_says_what_a_header_does_not():
    r = random.Random(8)
    extra = [column("V7", names(r, 200), position=8, label="母亲姓名")]
    found = propose([sheet(pupils(), extra=extra)], PACK)
    assert found.columns[-1].concept == "mother_name"


def test_texts_for_no_value_are_named_with_why():
    marks = [str(60 + i % 40) for i in range(90)] + ["缺考"] * 6 + ["-1"] * 4
    columns = pupils(100) | {
        "数学": marks,
        "语文": marks[::-1],
        "联系电话": phones(random.Random(9), 90) + ["无"] * 5 + ["/"] * 5,
    }
    by, _ = proposed(columns)
    assert by["数学"].rule["missing"] == {"-1": "absent", "缺考": "absent"}
    assert set(by["联系电话"].rule["missing"]) == {"无", "/"}


@pytest.mark.parametrize(
    ("texts", "order", "doubtful"),
    [
        ([f"{d}/{1 + d % 12}/2015" for d in range(1, 29)] * 4, "dmy", False),
        ([f"{1 + d % 12}/{d}/2015" for d in range(1, 29)] * 4, "mdy", False),
        (["3/4/2015", "5/6/2014"] * 60, "dmy", True),
        (["2015/4/3"] * 120, None, False),
    ],
)
def test_order_of_day_and_month_is_seen_or_doubted(texts, order, doubtful):
    by, found = proposed(pupils(len(texts)) | {"出生日期": texts})
    assert by["出生日期"].concept == "birth"
    assert by["出生日期"].rule.get("order") == order
    assert any("出生日期" in said.zh for said in found.doubts) == doubtful


def test_another_pattern_is_proposed_where_the_values_follow_one():
    n = 200
    codes = {"村居代码": [f"52990100{i % 10}" for i in range(n)], "村居": [f"红星{i % 10}村" for i in range(n)]}
    by, _ = proposed(codes, file="村居名录.csv")
    assert by["村居代码"].concept == "village_code"
    assert by["村居代码"].rule["pattern"] == r"\d{9}"


def test_no_rare_text_of_a_person_stands_in_a_message():
    secret = "某某某只此一人"
    columns = pupils() | {
        "监护类型": ["祖父母"] * 150 + ["父亲"] * 49 + [secret],
        "户口性质": ["农业"] * 199 + [secret],
    }
    by, found = proposed(columns)
    told = [said for one in by.values() for reason in one.evidence for said in (reason.said.zh, reason.said.en)]
    told += [text for said in found.doubts for text in (said.zh, said.en)]
    told += [text for one in by.values() for said in one.why.values() for text in (said.zh, said.en)]
    assert not any(secret in text for text in told)


PARTS = load().parts


@pytest.mark.parametrize(
    ("header", "concept"),
    [
        ("娃的大名", "name"),
        ("老汉名字", "father_name"),
        ("爹在哪打工", "father_place"),
        ("阿妈外出几时", "mother_since"),
        ("离学堂几里", "distance_km"),
        ("念几年级", "grade"),
        ("带崽的人手机", "guardian_phone"),
        ("每月领多少钱", "amount"),
    ],
)
def test_a_header_in_a_clerks_words_is_understood_by_its_parts(header, concept):
    """Words of several dialects that stand in no list of names; said over again from parts by hand."""
    names = list(load().concepts)
    score = PARTS.features(parse(header, load().roles)).features[:, 0]
    assert names[int(score.argmax())] == concept
    assert score.max() >= 0.6


def test_a_header_is_cut_at_the_least_cost_and_a_struck_word_is_not_known():
    assert PARTS.cut("娃名字") == [("娃", True), ("名字", True)]
    assert PARTS.cut("龘名字") == [("龘", False), ("名字", True)]
    assert ("名字", True) not in PARTS.cut("娃名字", {"名字"})


def test_parts_that_a_frame_does_not_ask_for_speak_against_it():
    """The telephone of the head teacher is nobody's telephone."""
    names = list(load().concepts)
    own = PARTS.features(parse("电话", load().roles))
    other = PARTS.features(parse("班主任电话", load().roles))
    at = names.index("phone")
    assert other.features[at, 0] < own.features[at, 0]
    assert other.other > other.features[:, 0].max()


def test_confidence_is_never_told_as_certain():
    by, _ = proposed(pupils())
    assert max(one.confidence for one in by.values()) <= 0.99


@pytest.mark.parametrize(
    "texts", [["2012-03-01"] * 9, ["20120301"] * 9, ["3/1/2012"] * 9, ["2012年3月"] * 9, ["40969"] * 9]
)
def test_years_of_dates_are_seen_however_they_are_written(texts):
    assert set(look(column("日期", texts), load(), PACK).years) == {2012}


def test_a_place_is_known_by_its_name_and_a_code_by_the_list_of_areas():
    assert look(column("V", ["浙江宁波", "东莞", "遵义市", "广东"] * 3), load(), PACK).share["place_name"] == 1.0
    share = look(column("V", ["520102", "529901"] * 5), load(), PACK).share
    assert (share["area"], share["area_known"]) == (1.0, 0.5)
