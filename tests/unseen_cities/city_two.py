"""City 2: databases whose columns are named by pinyin initials or in English, and exports from them."""

from __future__ import annotations

import random
from pathlib import Path

from . import words as w
from .handover import Column as C
from .handover import Handover
from .people import World

COUNTIES = {
    "529961": ("临峪区", ["城关街道", "马鞍镇"]),
    "529962": ("赤溪县", ["赤溪镇", "高坪乡"]),
    "529963": ("北屏县", ["北屏镇", "岩脚乡"]),
}
VILLAGES = ["黄泥村", "大坪村", "窑上村", "双河村", "青杠村", "马场村", "桃子村", "沙坝村", "营盘社区", "团山村"]
NOTE = """留守儿童库 LSRT.DBF 字段说明

字段名\t含义\t说明
XSXM\t学生姓名\t
XBDM\t性别代码\t1 男 2 女
CSNYR\t出生年月日\t8位
MZMC\t民族名称\t不带“族”字
SFZHM\t身份证号码\t
HKSZD\t户口所在地\t到村
JTXZZ\t家庭现住址\t
FQ_XM\t父亲姓名\t
FQ_SFZHM\t父亲身份证号码\t
FQ_WCDD\t父亲外出地点\t
FQ_WCNY\t父亲外出年月\t
MQ_XM\t母亲姓名\t
MQ_WCDD\t母亲外出地点\t
MQ_WCNY\t母亲外出年月\t
LSLX\t留守类型\t1 一方外出 2 双方外出
XJHR\t现监护人姓名\t
XJHR_GX\t现监护人类别\t1 祖父母 2 外祖父母 3 父亲 4 母亲 5 其他亲属
XJHR_LXFS\t现监护人联系方式\t
DBH\t是否低保户\t1 是 2 否
LRRY\t录入人员\t
BZ\t备注\t
"""


def make(folder: Path, rng: random.Random) -> Handover:
    """Write city 2."""
    out, world = Handover(folder, "city2", rng), World(rng, COUNTIES, VILLAGES)
    _registry(out, world)
    _marks(out, world)
    _left_behind(out, world)
    _relief(out, world)
    _population(out, world)
    _workers(out, world)
    _checkups(out, world)
    _schools(out, world)
    _services(out, world)
    _water(out, world)
    out.finish()
    return out


def _registry(out: Handover, world: World) -> None:
    r = world.rng
    ids = iter(range(100001, 999999))
    columns = [
        C("id", "", lambda p: next(ids), also="seq"),
        C("xjh", "student_no", lambda p: "G" + p.id_no),
        C("xs_xm", "name", lambda p: p.name),
        C("xs_xb", "sex", lambda p: p.sex, codes=w.SEX_CODE),
        C("csny", "birth", lambda p: f"{p.birth:%Y%m}"),
        C("sfzjh", "id_no", lambda p: p.id_no, gap=0.02),
        C("mz_dm", "ethnicity", lambda p: p.ethnicity, codes=w.ETHNIC_CODE),
        C("hk_xz", "hukou_nature", lambda p: w.nature(p.rural), codes=w.RURAL_FIRST),
        C("hk_szd", "hukou_area", lambda p: p.village.county_code),
        C("xx_bsm", "school_code", lambda p: p.school.code),
        C("nj_dm", "grade", lambda p: p.grade),
        C("bj_mc", "class", lambda p: f"{p.klass}班"),
        C("rx_ny", "entry_month", lambda p: f"{2026 - (p.grade if p.grade < 7 else p.grade - 6)}09"),
        C("jd_fs", "boarding", lambda p: "2" if p.boarder else "1", codes={"1": "1", "2": "2"}),
        C("sf_dsznv", "only_child", lambda p: w.yes(p.only), codes=w.Y_N),
        C("sf_lset", "left_behind", lambda p: p.away, codes=w.FLAG),
        C("jt_zz", "address", lambda p: p.address),
        C("jhr1_xm", "g1_name", lambda p: p.father.name, also="guardian_name"),
        C("jhr1_gx", "g1_relation", lambda p: "51", codes={"51": "51"}),
        C("jhr1_lxdh", "g1_phone", lambda p: p.father.phone, also="guardian_phone"),
        C("jhr2_xm", "g2_name", lambda p: p.mother.name),
        C("jhr2_lxdh", "g2_phone", lambda p: p.mother.phone, gap=0.1),
        C("create_time", "", lambda p: f"2025-09-{r.randrange(1, 29):02d} 10:{r.randrange(10, 59)}:00"),
        C("del_flag", "", lambda p: 0),
    ]
    where = ["jiaoyu", "xueji", "student_registry", "xj_student.sql", "t_xs_jbxx"]
    out.dump(where, columns, [world.child() for _ in range(220)], "mysql")


def _marks(out: Handover, world: World) -> None:
    r, pupils = world.rng, [world.child((14.3, 15.1)) for _ in range(160)]
    mark, total, rank = w.marks(r, pupils, (150, 150, 150, 150))
    rest = {"missing": ["-1", "缺"], "gap": 0.02, "unit": "mark/150"}
    columns = [
        C("KSH", "exam_no", lambda p: f"{p.school.code[-3:]}{r.randrange(10**7):07d}"),
        C("XSXM", "name", lambda p: p.name),
        C("XBM", "sex", lambda p: p.sex, codes=w.SEX),
        C("XXJC", "school_short", lambda p: p.school.short, also="school_name"),
        C("BJ", "class", lambda p: f"{p.grade}{p.klass:02d}"),
        C("YWCJ", "chinese", lambda p: mark[p.id_no][0], **rest),
        C("SXCJ", "math", lambda p: mark[p.id_no][1], **rest),
        C("YYCJ", "english", lambda p: mark[p.id_no][2], **rest),
        C("LZCJ", "", lambda p: mark[p.id_no][3]),
        C("ZF", "total", lambda p: total[p.id_no]),
        C("PM", "rank", lambda p: rank[p.id_no]),
    ]
    out.text(["jiaoyu", "cj", "exam_scores", "CJ_9NJ_2025.csv", ""], columns, pupils, "gb18030")


def _left_behind(out: Handover, world: World) -> None:
    pupils = [p for p in (world.child() for _ in range(240)) if p.away != "0"]
    kinds = {
        "1": "grandparents", "2": "maternal_grandparents", "3": "father", "4": "mother", "5": "relative",
    }  # fmt: skip
    columns = [
        C("XSXM", "name", lambda p: p.name),
        C("XBDM", "sex", lambda p: p.sex, codes=w.SEX_CODE),
        C("CSNYR", "birth", lambda p: w.eight(p.birth)),
        C("MZMC", "ethnicity", lambda p: p.ethnicity, codes=w.ETHNIC_SHORT),
        C("SFZHM", "id_no", lambda p: p.id_no),
        C("HKSZD", "hukou_address", lambda p: p.village.county + p.village.township + p.village.name),
        C("JTXZZ", "address", lambda p: p.address),
        C("FQ_XM", "father_name", lambda p: p.father.name),
        C("FQ_SFZHM", "father_id", lambda p: p.father.id_no, gap=0.05),
        C("FQ_WCDD", "father_place", lambda p: w.father_out(p) and p.father.place[1]),
        C("FQ_WCNY", "father_since", lambda p: w.father_out(p) and f"{p.father.since:%Y%m}"),
        C("MQ_XM", "mother_name", lambda p: p.mother.name, missing=["不清"], gap=0.05),
        C("MQ_WCDD", "mother_place", lambda p: w.mother_out(p) and p.mother.place[1], gap=0.1),
        C("MQ_WCNY", "mother_since", lambda p: w.mother_out(p) and f"{p.mother.since:%Y%m}", gap=0.1),
        C("LSLX", "absence_type", lambda p: w.absent(p.away), codes={"1": "one", "2": "both"}),
        C("XJHR", "guardian_name", lambda p: p.carer.name),
        C("XJHR_GX", "carer", lambda p: p.carer_kind, codes=kinds),
        C("XJHR_LXFS", "guardian_phone", lambda p: p.carer.phone),
        C("DBH", "dibao", lambda p: w.yes(p.dibao), codes={"1": "1", "2": "0"}),
        C("LRRY", "", lambda p: "admin"),
        C("BZ", "", lambda p: None),
    ]
    out.dbase(["minzheng", "liushou", "left_behind_registry", "LSRT.DBF", ""], columns, pupils)
    out.note("minzheng", "liushou", "LSRT字段说明.txt", NOTE, "gb18030")


def _relief(out: Handover, world: World) -> None:
    r = world.rng
    columns = [
        C("familyCode", "household_no", lambda a: f"F{r.randrange(10**8):08d}"),
        C("houseHolder", "head_name", lambda a: a.name),
        C("houseHolderIdcard", "head_id", lambda a: a.id_no),
        C("townName", "township", lambda a: a.village.township),
        C("villageName", "village", lambda a: a.village.name),
        C("enjoyNum", "persons", lambda a: r.randrange(1, 6), unit="person"),
        C("subsidyType", "category", lambda a: r.choice(["A", "B", "B", "C"])),
        C("avgIncome", "income", lambda a: r.randrange(80, 620), unit="yuan"),
        C("subsidyMoney", "amount", lambda a: r.randrange(150, 2000), unit="yuan"),
        C("startDate", "since", lambda a: a.since),
        C("povertyReason", "cause", lambda a: r.choice(["疾病", "残疾", "缺劳力", "就学"])),
        C("bankAccount", "", lambda a: f"62{r.randrange(10**16):016d}"),
        C("auditStatus", "", lambda a: r.choice([1, 1, 1, 2])),
    ]
    people = [world.adult(None, (30, 80)) for _ in range(110)]
    out.text(["minzheng", "dibao", "dibao", "db_family.csv", ""], columns, people, "utf-8")


def _population(out: Handover, world: World) -> None:
    r, people = world.rng, [a for _ in range(70) for a in world.household()]
    columns = [
        C("ryid", "", lambda a: f"{r.randrange(16**12):012x}"),
        C("hh", "household_no", lambda a: a.household_no),
        C("hlb", "household_type", lambda a: r.choice("1112"), codes={"1": "1", "2": "2"}),
        C("yhzgx", "relation", lambda a: a.relation,
          codes={x: x for x in ["02", "10", "20", "30", "52"]}),
        C("gmxm", "name", lambda a: a.name),
        C("xbm", "sex", lambda a: a.sex, codes=w.SEX_CODE),
        C("csrq_str", "birth", lambda a: f"{a.birth:%Y-%m-%d} 00:00:00"),
        C("mzm", "ethnicity", lambda a: a.ethnicity, codes=w.ETHNIC_CODE),
        C("gmsfhm", "id_no", lambda a: a.id_no),
        C("hklb", "hukou_nature", lambda a: r.choice(["rural", "rural", "non_rural"]), codes=w.RURAL_SECOND),
        C("hyzk", "", lambda a: r.choice(["10", "20", "90"])),
        C("zz_xz", "address", lambda a: a.address, also="hukou_address"),
        C("cwh_dm", "village_code", lambda a: a.village.code),
        C("hz_gmsfhm", "head_id", lambda a: a.head_id),
        C("qr_rq", "moved_in", lambda a: a.since if r.random() < 0.4 else None),
        C("pcs_dm", "", lambda a: a.village.county_code + "520000"),
    ]  # fmt: skip
    where = ["gongan", "renkou", "household_register", "rk_czrk_20250831.sql", "rk_czrk"]
    out.dump(where, columns, people, "postgres")


def _workers(out: Handover, world: World) -> None:
    r = world.rng
    reach = {"1": "same_county", "2": "same_city", "3": "same_province", "4": "other_province"}
    trade = {"CON": "construction", "MFG": "manufacturing", "SRV": "services", "AGR": "agriculture"}
    columns = [
        C("worker_name", "name", lambda a: a.name),
        C("gender", "sex", lambda a: a.sex, codes={"M": "1", "F": "2"}),
        C("idcard", "id_no", lambda a: a.id_no),
        C("birthday", "birth", lambda a: f"{a.birth:%Y/%m/%d}"),
        C("mobile", "phone", lambda a: a.phone, missing=["N/A"], gap=0.05),
        C("home_addr", "hukou_address", lambda a: a.address, also="address"),
        C("work_prov", "destination_province", lambda a: a.place[0]),
        C("work_city", "destination", lambda a: a.place[1] + a.place[2]),
        C("out_range", "distance", lambda a: a.reach, codes=reach),
        C("industry", "sector", lambda a: a.sector, codes=trade),
        C("leave_date", "since", lambda a: a.since),
        C("month_salary", "monthly_wage", lambda a: a.wage, unit="yuan", missing=["N/A"], gap=0.05),
        C("skill_cert", "", lambda a: r.choice(["无", "电工", "焊工", "无", "无"])),
    ]
    people = [world.adult() for _ in range(200)]
    out.text(["renshe", "waichu", "labour_out_registry", "labor_export.txt", ""], columns, people, "utf-8", "|")


def _checkups(out: Handover, world: World) -> None:
    r, none = world.rng, {"missing": ["999"], "gap": 0.02}
    columns = [
        C("TJH", "check_no", lambda p: f"{r.randrange(10**8):08d}"),
        C("XM_XS", "name", lambda p: p.name),
        C("XINGBIE", "sex", lambda p: p.sex, codes=w.SEX),
        C("NIANLING", "age", lambda p: w.age(p.birth), unit="year"),
        C("SFZHM", "id_no", lambda p: p.id_no),
        C("XUEXIAO", "school_short", lambda p: p.school.short, also="school_name"),
        C("NIANJI", "grade", lambda p: p.grade),
        C("TJRQ", "check_date", lambda p: f"{r.randrange(9, 30)}/10/2025"),
        C("SHENGAO", "height", lambda p: p.height, unit="cm", **none),
        C("TIZHONG", "weight", lambda p: round(p.weight * 2, 1), unit="jin", **none),
        C("XY", "bp", lambda p: f"{p.sbp}/{p.dbp}", unit="mmHg"),
        C("LSL_Z", "vision_left", lambda p: p.vision, unit="5-point"),
        C("LSL_Y", "vision_right", lambda p: p.vision, unit="5-point"),
        C("HB", "haemoglobin", lambda p: p.hb, unit="g/L", **none),
        C("QCS", "", lambda p: r.choice([0, 0, 1, 2])),
        C("SFDJ", "glasses", lambda p: w.yes(p.glasses), codes=w.ONE_ZERO),
    ]
    where = ["weijian", "tijian", "pupil_checkups", "XSTJ_2025.txt", ""]
    out.text(where, columns, [world.child() for _ in range(200)], "utf-16", "\t")


def _schools(out: Handover, world: World) -> None:
    r = world.rng
    columns = [
        C("XXBSM", "school_code", lambda s: s.code),
        C("XXMC", "school_name", lambda s: s.name),
        C("XZQHDM", "county", lambda s: s.village.county_code, also="area"),
        C("CXLXDM", "urban_class", lambda s: r.choice(["121", "122"]) if s.pupils >= 300 else "220",
          codes={x: x for x in ["121", "122", "220"]}),
        C("BJS", "classes", lambda s: s.classes),
        C("ZXSS", "pupils", lambda s: s.pupils, unit="pupil", also="enrolled"),
        C("ZXSS_NV", "girls", lambda s: int(s.pupils * r.uniform(0.43, 0.52)), unit="pupil"),
        C("JSSS", "boarders", lambda s: int(s.pupils * r.uniform(0, 0.4)), unit="pupil"),
        C("SQZNS", "migrant", lambda s: int(s.pupils * r.uniform(0, 0.12)), unit="pupil"),
        C("ZRJSS", "teachers", lambda s: s.classes * 2 + r.randrange(0, 4), unit="person"),
        C("PJBE", "class_size", lambda s: round(s.pupils / s.classes, 1), unit="pupil"),
        C("TSCS", "", lambda s: r.randrange(2000, 40000)),
    ]  # fmt: skip
    where = ["jiaoyu", "tongji", "school_census", "XXJBQK_2025.xlsx", "XXJBQK"]
    out.sheet(where, columns, world.schools)


def _services(out: Handover, world: World) -> None:
    r = world.rng
    columns = [
        C("childName", "name", lambda p: p.name),
        C("childGender", "sex", lambda p: p.sex, codes={"male": "1", "female": "2"}),
        C("dob", "birth", lambda p: f"{p.birth:%Y-%m-%d}"),
        C("schoolName", "school_name", lambda p: p.school.name, also="school_short"),
        C("caregiverPhone", "guardian_phone", lambda p: p.carer.phone, also="phone"),
        C("projectName", "programme", lambda p: r.choice(["亲情连线", "四点半课堂", "心理陪伴"])),
        C("serviceDate", "date", lambda p: f"2025-0{r.randrange(3, 7)}-{r.randrange(1, 29):02d}T09:00:00"),
        C("sessionCount", "sessions", lambda p: r.randrange(1, 12)),
        C("durationMin", "hours", lambda p: r.choice([30, 45, 60, 90]), unit="minute"),
        C("drawResult", "result", lambda p: r.choice(["in", "out", "waitlist"])),
        C("socialWorker", "", lambda p: r.choice(["Ms Long", "Mr Shi"])),
        C("remark", "", lambda p: ""),
    ]
    where = ["ngo", "records", "service_records", "service_log.jsonl", ""]
    out.json_lines(where, columns, [world.child() for _ in range(120)])


def _water(out: Handover, world: World) -> None:
    r = world.rng
    columns = [
        C("station_id", "", lambda v: f"W{v.code[-6:]}"),
        C("site", "", lambda v: v.township[:-1] + "断面"),
        C("sample_time", "", lambda v: f"2025-07-{r.randrange(1, 31):02d} 08:{r.randrange(10, 59)}", also="date"),
        C("ph", "", lambda v: round(r.uniform(6.5, 8.6), 2)),
        C("do_mgl", "", lambda v: round(r.uniform(4, 10), 1)),
        C("cod_mn", "", lambda v: round(r.uniform(1, 7), 1)),
        C("nh3_n", "", lambda v: round(r.uniform(0.02, 1.2), 2)),
        C("tp", "", lambda v: round(r.uniform(0.01, 0.3), 3)),
        C("grade", "", lambda v: r.choice(["I", "II", "II", "III", "IV"])),
        C("result", "", lambda v: r.choice(["达标", "达标", "超标"])),
        C("analyst", "", lambda v: r.choice(["王建国", "李秀兰"])),
    ]
    out.text(["huanbao", "shuizhi", "", "water_quality_2025.csv", ""], columns, world.villages * 2, "utf-8")
