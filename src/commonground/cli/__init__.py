"""The command line: it parses and prints; every command is one call into ``jobs`` or a room.

Heavy rooms are imported inside the commands, so that ``commonground --help`` answers at once.
"""

from __future__ import annotations

import sys

import click

from commonground import __version__
from commonground.cli.city import audit, demo, desk, new, serve
from commonground.cli.define import define
from commonground.cli.drift import drift
from commonground.cli.fetch import fetch
from commonground.cli.forget import forget
from commonground.cli.people import people
from commonground.cli.profile import suggest
from commonground.cli.quality import quality
from commonground.cli.returns import returns
from commonground.cli.show import default_language, stop
from commonground.cli.work import build, intake, link, publish, study
from commonground.errors import CommonGroundError

HELP = """From departments' files to decisions that everybody concerned can stand on.

从各部门的文件，到各方都站得住脚的决定。

\b
commonground demo                  a first city / 第一座城市
commonground build CITY            intake + link + variables / 建库
commonground study CITY            achievement / 学业研究
commonground publish CITY          through the gate / 经出口审查发布
commonground serve CITY            the public site / 公开网站
"""


@click.group(help=HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="commonground", help="Show the version and exit. 显示版本号。")
@click.help_option("-h", "--help", help="Show this and exit. 显示本说明。")
def commonground() -> None:
    pass


for command in (
    demo,
    new,
    fetch,
    suggest,
    intake,
    drift,
    quality,
    link,
    people,
    returns,
    build,
    define,
    study,
    publish,
    serve,
    desk,
    audit,
    forget,
):
    commonground.add_command(command)


def main() -> None:
    """Run the command line; a user's error is said without a traceback and ends with its exit code."""
    try:
        # click gives back the code with which a command asked to end
        sys.exit(commonground.main(standalone_mode=False))
    except CommonGroundError as error:
        from commonground.cli.options import last_speaker

        sys.exit(stop(error, last_speaker()))
    except click.Abort:
        click.echo("已中断。" if default_language() == "zh" else "Interrupted.", err=True)
        sys.exit(130)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.UsageError as error:
        from commonground.cli.usage import in_words, speaker_of

        sys.exit(stop(in_words(error), speaker_of(sys.argv[1:])))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
