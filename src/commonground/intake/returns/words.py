"""What a return sheet says: for each fault what the department should do, in both languages."""

from __future__ import annotations

from commonground.errors import Said
from commonground.intake.report import reason_label

_ID = Said(
    "请核对证件原件，填写完整的18位号码；原件确实如此的，选“属实”并说明。",
    "Check the document and give all 18 characters; if it does say so, choose “as it is” and say why.",
)
_ROW = Said(
    "请在原表中核对这一行，改好后重新交付整个文件；如不是数据（注释、合计等），选“属实”并说明。",
    "Check this row and deliver the whole file again; if it is no data (a note, a total), choose “as it is”.",
)
_CODE = Said("请从下拉列表选择正确的取值。", "Choose the right value from the list.")
_DATE = Said("请填写正确的日期，写成 2012-03-05。", "Give the right date, written as 2012-03-05.")
_NUMBER = Said(
    "请核对后填写正确的数，不带单位；没有测得的选“无值”。",
    "Give the right number without its unit; where nothing was measured choose “no value”.",
)
_AGAIN = Said("请核对后重新交付这个文件。", "Check it and deliver this file again.")

TODO = {
    "too_few_cells": _ROW,
    "too_many_cells": _ROW,
    "quote": _ROW,
    "one_cell": _ROW,
    "undeclared_total": _ROW,
    "repeated_header": _ROW,
    "unknown_key": _ROW,
    "not_json": _ROW,
    "not_sql": _ROW,
    "formula_error": Said("公式出错，请填写实际的值。", "A formula broke: give the value itself."),
    "not_decodable": Said(
        "文字编码有误，请用原系统重新导出后交付。",
        "The text is damaged: export it again from the system and deliver it.",
    ),
    "cut_off": Said(
        "文件没有写完，请重新导出并交付完整文件。", "The file ends too early: export it again and deliver all of it."
    ),
    "not_counted": Said(
        "文件头的记录数不对，请用原系统重新导出后交付。",
        "The file's own count of records is wrong: export it again from the system and deliver it.",
    ),
    "pattern": Said("请按规定格式填写。", "Give it in the required form."),
    "code_outside_list": _CODE,
    "not_an_area": Said(
        "请填写现行区县名称或6位区划代码。", "Give the name or the six-digit code of an area as it is today."
    ),
    "not_a_date": _DATE,
    "date_in_future": Said(
        "日期晚于交付日，请核对后填写。", "The date is later than the delivery: check it and give the right one."
    ),
    "not_a_number": _NUMBER,
    "not_whole": _NUMBER,
    "not_a_grade": Said("请写 1 至 12，或“七年级”“初一”。", "Write 1 to 12, or 七年级, 初一."),
    "grade_stage": Said(
        "“2019级”前请写明小学、初中或高中。", "Write 小学, 初中 or 高中 before a year of entry such as 2019级."
    ),
    "out_of_range": Said(
        "请核对；确有此值的选“属实”并说明，没有测得的选“无值”。",
        "Check it; if it is so choose “as it is” and say why, where nothing was measured “no value”.",
    ),
    "not_a_pressure": Said("请写成 122/65。", "Write it as 122/65."),
    "id_as_number": Said(
        "末位已丢失，不能还原。请先把证件号一列设为文本再重新导出、交付。",
        "The last digits are lost for good. Make the column text, export it again and deliver it.",
    ),
    "id_characters": _ID,
    "id_length": _ID,
    "id_date": _ID,
    "id_check_digit": _ID,
    "empty": Said("文件是空的，请重新交付。", "The file is empty: deliver it again."),
    "county_missing": Said(
        "上次交付有这个区县，请补交或说明原因。",
        "It was in the delivery before: deliver it, or say why it is not there.",
    ),
    "file_missing": Said(
        "上次交付有这类文件，请补交或说明原因。",
        "Such a file was in the delivery before: deliver it, or say why it is not there.",
    ),
    "fewer_rows": Said(
        "请核对是否漏交；确实减少的选“属实”并说明。", "Check that nothing is left out; if so it is, say why."
    ),
    "compared": Said(
        "与其他记录对不上，请对照原件核对；无误的选“属实”。",
        "It does not go with other records. Please verify it; if it is right choose “as it is”.",
    ),
    "stopped": Said(
        "请核对后用原系统重新导出并交付这个文件；确实改了格式的，请在“说明”中写明。",
        "Check it, export it again from the system and deliver it; if the format was changed, say so under remark.",
    ),
    "checked": Said(
        "请对照原件核对：本列有误的填更正值；另一列有误的选“另交文件”，改好后重新交付；都对的选“属实”并说明。",
        "Check the original: if this column is wrong give the right value; if the other one is, choose “new file” and "
        "deliver it corrected; if both are right choose “as it is” and say why.",
    ),
    "doubled": Said(
        "请核对：号码写错的在“逐行”表更正；重复登记的删去多余的行后重新交付；确是不同的人或事的选“属实”并说明。",
        "Check: correct a wrong number on the sheet of rows; where it was entered twice deliver the file without the "
        "surplus row; if they are different choose “as it is” and say why.",
    ),
}
_ELSE = Said("请核对后更正。", "Check it and correct it.")

WHAT = {
    "empty": Said("空文件（没有内容）", "an empty file"),
    "county_missing": Said("缺少区县", "a county is missing"),
    "file_missing": Said("缺少文件", "a file is missing"),
    "fewer_rows": Said("行数比上次少很多", "far fewer rows than in the delivery before"),
    "compared": Said("请核对", "please verify"),
    "checked": Said("请核对：同一行前后不一致", "please verify: a row disagrees with itself"),
    "doubled": Said("请核对：疑似重复", "please verify: perhaps the same twice"),
    "stopped": Said("文件不能读取", "the file cannot be read"),
}


def what(reason: str) -> Said:
    """Say what is wrong; a detail after the colon (a code, a county) ends it."""
    head, _, detail = reason.partition(":")
    if head not in WHAT:
        return reason_label(reason)
    label = WHAT[head]
    if head in ("checked", "doubled", "stopped") and detail:  # in both languages: what the check says, or the error
        zh, _, en = detail.partition("|")
        before = label if head == "stopped" else WHAT["compared"]
        return Said(f"{before.zh}：{zh}", f"{before.en}: {en}")
    return Said(f"{label.zh}：{detail}", f"{label.en}: {detail}") if detail else label


def todo(reason: str, scope: str) -> Said:
    """Say what the department should do about it."""
    if scope == "column" and reason.partition(":")[0] != "id_as_number":
        return Said(
            "问题很多，不逐行列出。请在原系统中改正整列后重新交付这个文件。",
            "Too many to be listed. Mend the column where it is kept and deliver this file again.",
        )
    if scope in ("file", "delivery") and reason.partition(":")[0] not in TODO:
        return _AGAIN
    return TODO.get(reason.partition(":")[0], _ELSE)


DECISIONS = {
    "correct": Said("更正", "correct"),
    "as_is": Said("属实", "as it is"),
    "no_value": Said("无值", "no value"),
    "new_file": Said("另交文件", "new file"),
}
"""What a department may decide about an item; ``更正`` where a corrected value is given and nothing is chosen."""


def decision(text: str) -> str | None:
    """Give the key of a decision that was chosen or typed; "" for none, None for a word that is none of them."""
    word = "".join(text.split()).casefold()
    if not word:
        return ""
    for key, said in DECISIONS.items():
        both = f"{said.zh}{said.en}".replace(" ", "")
        if word in (said.zh, said.en.replace(" ", ""), both, said.zh + "/" + said.en.replace(" ", "")):
            return key
    return None


def choice(key: str) -> str:
    """Give a decision as the list of a cell shows it."""
    said = DECISIONS[key]
    return f"{said.zh} {said.en}"
