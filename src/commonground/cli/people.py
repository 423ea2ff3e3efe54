"""Who is who: commands about persons, links and their quality. Each topic has a module of its own."""

from __future__ import annotations

import click

from commonground.cli.people_encode import encode, match
from commonground.cli.people_history import history, retrain, undo
from commonground.cli.people_report import report
from commonground.cli.people_review import review
from commonground.cli.people_why import why


@click.group(short_help="Who is who: quality, review, history of links. 人员连接的质量、复核与变更。")
def people() -> None:
    """Quality, review and history of who is who.

    人员连接：质量报告、人工复核、变更历史、不交姓名的连接。
    """


people.add_command(report)
people.add_command(review)
people.add_command(why)
for command in (history, undo, retrain):
    people.add_command(command)
people.add_command(encode)
people.add_command(match)
