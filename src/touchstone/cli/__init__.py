"""The command line: one file per command, each a thin face over the Python API.

A command parses its options, calls the rooms below and prints. It decides nothing. Commands are imported only
when they run, so that `touchstone --help` answers at once.

Exit codes: 0 all required controls passed (or the command did its job), 1 findings failed or are undecided, or
the evidence is not valid, 2 the input is wrong and the message says how to mend it, 3 a fault of Touchstone.
`scan` has two more to say: there 3 is a scan that did not understand everything, and 4 the fault.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, cast

import click

from touchstone.cli.language import chosen, say, split_language
from touchstone.text import LANGUAGES
from touchstone.version import __version__

if TYPE_CHECKING:
    from touchstone.errors import UserError

COMMANDS: dict[str, tuple[str, str]] = {
    # name: one line of help, in English and in Chinese. The module is the name with dashes as underscores.
    "scan": ("look for code and tricks in model files, without loading them", "检查模型文件中的代码与陷阱，不加载文件"),
    "init": ("write a commented system.yaml", "生成带注释的 system.yaml"),
    "check-system": ("validate a system.yaml without running anything", "校验 system.yaml，不执行任何内容"),
    "assess": ("test a system against a profile and write evidence", "按标准档案测评系统并生成证据"),
    "plan": ("sign and log a plan before its seeds are known", "在随机种子可知之前签署并公布计划"),
    "review": ("judge the documents of a system, with reason and signature", "评审系统文件，附理由与签名"),
    "judge": ("judge recorded evidence against a profile again", "按标准档案对既有证据重新判定"),
    "report": ("render a report from an evidence bundle", "由证据包生成报告"),
    "bundle": ("pack evidence, or copy it without restricted parts", "打包证据，或导出不含受限内容的副本"),
    "export": ("write evidence in other people's formats", "以其他格式输出证据"),
    "verify": ("check evidence or a certificate offline", "离线验证证据或证书"),
    "certificate": ("suspend, withdraw and follow certificates", "暂停、撤销与跟踪证书"),
    "replicate": ("repeat another laboratory's tests and compare", "重复其他实验室的测试并比对"),
    "trust": ("keep a trust root and recognise other issuers", "维护信任根并承认其他发证方"),
    "gate": ("scan models at the door: admit, set aside or refuse", "在入口处扫描模型：准入、隔离或拒绝"),
    "serve": ("serve a system's model, with credentials and limits", "提供系统模型的推理服务，带凭据与限制"),
    "harden": ("make a hardened system and compare both", "生成加固后的系统并与原系统比较"),
    "references": ("train honest models to compare a system with", "训练用于比对的可信参考模型"),
    "zoo": ("build the models that detectors are measured on", "构建用于度量检测方法的模型库"),
    "standard": ("list, show and compare controls and profiles", "查看与比较控制项和档案"),
    "checks": ("list and show the automated checks", "查看自动化检查项"),
    "law": ("decide data flows and incident reports by law", "依法判定数据出境与事件报告"),
    "corpus": ("search a training corpus, and have people review it", "检索训练语料并组织人工抽检"),
    "canary": ("watch whether a model in service is still the tested one", "监视在用模型是否仍为被测模型"),
    "model": ("sign and verify the files of a model", "签名与验证模型文件"),
    "keys": ("make and show signing keys", "生成与查看签名密钥"),
    "timestamp": ("run a timestamping authority", "运行时间戳机构"),
    "log": ("begin and inspect a transparency log", "新建与查看透明日志"),
}

FAULT_EXIT_CODES = {"scan": 4}
"""Exit codes for a fault of ours where 3 means something else: `scan` says with it that not everything was read."""

SHOW_TRACEBACK = "TOUCHSTONE_TRACEBACK"


class Commands(click.Group):
    """Commands by name, each imported when it is first used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"touchstone.cli.{cmd_name.replace('-', '_')}")
        return cast(click.Command, module.command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(say("Commands", "命令")):
            formatter.write_dl([(name, say(*lines)) for name, lines in COMMANDS.items()])


@click.group(
    cls=Commands,
    help=say(
        "Tests AI systems against a published standard and leaves evidence that anyone can verify offline.",
        "依据公开标准测评人工智能系统，并留下任何人都可离线验证的证据。",
    ),
    epilog=say(
        "Exit codes: 0 passed, 1 failed or undecided, 2 wrong input, 3 fault of Touchstone.",
        "退出码：0 通过；1 未通过或无法判定；2 输入有误；3 程序自身故障。",
    ),
)
@click.version_option(__version__, prog_name="touchstone")
@click.option(
    "--lang",
    type=click.Choice(LANGUAGES),
    expose_value=False,
    help=say("language of messages, before or after the command", "消息语言，可置于命令前后"),
)
def touchstone() -> None:
    """The root command; `--lang` is taken out by `language.split_language` wherever it stands."""


def _tell(error: UserError) -> None:
    """Print every problem of an error, each under a headline of its own, with nothing that steers the terminal."""
    for problem in error.problems:
        told = say("error: ", "错误：") + problem.render(chosen())
        click.echo("".join(letter if letter.isprintable() or letter == "\n" else "�" for letter in told), err=True)


def main() -> None:
    """Entry point of the program: runs a command and turns errors into messages and exit codes."""
    from touchstone.errors import TouchstoneError, UserError

    _, arguments = split_language(sys.argv[1:])
    try:
        finished = touchstone.main(args=arguments, standalone_mode=False)
        sys.exit(finished if isinstance(finished, int) else 0)
    except click.ClickException as misuse:
        misuse.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo(say("stopped", "已中止"), err=True)
        sys.exit(2)
    except UserError as error:
        _tell(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as fault:
        if os.environ.get(SHOW_TRACEBACK):
            raise
        click.echo(say("internal error: ", "内部错误：") + f"{type(fault).__name__}: {fault}", err=True)
        click.echo(say(f"  → {SHOW_TRACEBACK}=1 shows where", f"  → 设置 {SHOW_TRACEBACK}=1 可查看出错位置"), err=True)
        sys.exit(FAULT_EXIT_CODES.get(arguments[0] if arguments else "", TouchstoneError.exit_code))
