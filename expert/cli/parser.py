"""What the command line accepts."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from typing import Any, NoReturn

from expert.language import LANGUAGES, preferred_language

DESCRIPTION = "Find out why a PyTorch network does not train, with proof and a cure."
EXIT_STATUS = "Exit status: 0 no finding, 1 findings, 2 bad usage or input, 3 your own code failed."


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    common = _common_options()
    parser = _Parser(
        prog="torchmedic", description=DESCRIPTION, epilog=EXIT_STATUS, parents=[common]
    )
    parser.add_argument("--version", action=_Version, help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    _add_check(commands, common)
    _add_try(commands, common)
    _add_demo(commands, common)
    _add_explain(commands, common)
    _add_log(commands, common)
    _add_run(commands, common)
    _add_rules(commands, common)
    return parser


def _common_options() -> argparse.ArgumentParser:
    """Options that every command takes, before or after its name."""
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--lang", choices=LANGUAGES, help="language of all texts: en or zh")
    common.add_argument(
        "--rules",
        action="append",
        metavar="PATH",
        help="a YAML file or folder of rules to add to the built-in ones (repeatable)",
    )
    return common


class _Version(argparse.Action):
    """`--version`, looked up only when asked for."""

    def __init__(self, option_strings: Sequence[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            found = version("torchmedic")
        except PackageNotFoundError:
            found = "not installed"
        parser.exit(0, f"torchmedic {found}\n")


def _report_options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        "--json", metavar="FILE|-", help="write the diagnosis as JSON (- for standard output)"
    )
    options.add_argument(
        "--min-certainty",
        type=_certainty,
        default=0.5,
        metavar="C",
        help="tell causes of at least this certainty, 0 to 1 (default 0.5)",
    )
    return options


def _examination_options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(add_help=False, parents=[_report_options()])
    options.add_argument(
        "--budget",
        type=_positive,
        default=120.0,
        metavar="SECONDS",
        help="time for the whole examination (default 120)",
    )
    options.add_argument("--device", metavar="DEVICE", help="move the model there first, e.g. cuda")
    return options


def _add_check(commands: Any, common: argparse.ArgumentParser) -> None:
    check = commands.add_parser(
        "check",
        parents=[common, _examination_options()],
        help="examine a case and print the diagnosis",
        description="Examine the case that FUNC in FILE.py returns (a dict with model, loss_fn, "
        "optimizer, train_loader, ...) and print the diagnosis.",
        epilog=EXIT_STATUS,
    )
    check.add_argument("spec", metavar="FILE.py:FUNC", help="file and function that give the case")


def _add_try(commands: Any, common: argparse.ArgumentParser) -> None:
    trying = commands.add_parser(
        "try",
        parents=[common, _examination_options()],
        help="try the fixes of the top findings on copies",
        description="Examine the case that FUNC in FILE.py returns, apply the fixes of the top "
        "findings to copies of it, train each briefly, and show what helps.",
        epilog=EXIT_STATUS,
    )
    trying.add_argument("spec", metavar="FILE.py:FUNC", help="file and function that give the case")
    trying.add_argument(
        "--top",
        type=_count,
        default=3,
        metavar="N",
        help="try the fixes of the first N findings (default 3)",
    )


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a positive whole number")
    return int(text)


def _add_demo(commands: Any, common: argparse.ArgumentParser) -> None:
    demo = commands.add_parser(
        "demo",
        parents=[common, _examination_options()],
        help="examine a built-in broken patient",
        description="Open a built-in broken patient in the interface; without a terminal, or with "
        "--text, examine it and print the report.",
        epilog=EXIT_STATUS,
    )
    demo.add_argument("patient", nargs="?", metavar="PATIENT", help="which one (see --list)")
    demo.add_argument("--list", action="store_true", help="list the built-in patients")
    demo.add_argument("--text", action="store_true", help="print a report, open no interface")


def _add_explain(commands: Any, common: argparse.ArgumentParser) -> None:
    explain = commands.add_parser(
        "explain",
        parents=[common],
        help="how, why not and what if, from a saved diagnosis",
        description="Explain the findings of a diagnosis (written with --json), or why a cause is "
        "or is not among them: every rule with its condition and the values it saw.",
    )
    explain.add_argument("diagnosis", metavar="DIAGNOSIS.json", help="- for standard input")
    explain.add_argument("id", nargs="?", metavar="ID", help="a cause or symptom")
    explain.add_argument("--json", action="store_true", help="print JSON instead of trees")
    explain.add_argument(
        "--what-if",
        action="append",
        metavar="FACT=VALUE",
        help="show how the certainties would change (repeatable)",
    )


def _add_log(commands: Any, common: argparse.ArgumentParser) -> None:
    log = commands.add_parser(
        "log",
        parents=[common, _report_options()],
        help="diagnose from the curves in a log",
        description="Read the log of one run (CSV, JSON Lines, trainer_state.json, TensorBoard "
        'event files, or printed lines such as "loss: 0.12") and print what its curves say.',
        epilog=EXIT_STATUS,
    )
    log.add_argument(
        "files", nargs="+", metavar="FILE", help="logs, or folders of them; - for standard input"
    )
    log.add_argument("--train-loss", metavar="NAME", help="which curve is the training loss")
    log.add_argument("--val-loss", metavar="NAME", help="which curve is the validation loss")
    log.add_argument(
        "--classes", type=_classes, metavar="K", help="number of classes, to know chance level"
    )


def _add_run(commands: Any, common: argparse.ArgumentParser) -> None:
    run = commands.add_parser(
        "run",
        parents=[common],
        help="watch a script that trains and print the diagnosis at its end",
        usage="torchmedic run [OPTIONS] (SCRIPT.py | -m MODULE) ARGS...",
        description="Run SCRIPT.py as python would, watch its training, and print the diagnosis "
        "on standard error at its end. Options of ours come before the script.",
        epilog="Exit status: the script's own.",
    )
    run.add_argument("--json", metavar="FILE", help="write the diagnosis as JSON")
    run.add_argument(
        "--min-certainty",
        type=_certainty,
        default=0.5,
        metavar="C",
        help="tell causes of at least this certainty, 0 to 1 (default 0.5)",
    )
    run.add_argument(
        "--exit-on-finding", action="store_true", help="exit with 1 on findings if the script did 0"
    )
    run.add_argument("-m", dest="module", action="store_true", help="run a module, like python -m")
    run.add_argument("line", nargs=argparse.REMAINDER, metavar="SCRIPT.py ARGS")


def _add_rules(commands: Any, common: argparse.ArgumentParser) -> None:
    rules = commands.add_parser(
        "rules",
        parents=[common],
        help="list, show, write, lint and test the knowledge",
        description="Work with the rules: the built-in ones, those of installed packages, yours "
        "(~/.config/torchmedic/rules), the project's (.torchmedic) and those of --rules PATH.",
    )
    actions = rules.add_subparsers(
        dest="action", metavar="ACTION", required=True, parser_class=_Parser
    )
    _add_reading(actions, common)
    _add_checking(actions, common)
    _add_writing(actions, common)


def _add_reading(actions: Any, common: argparse.ArgumentParser) -> None:
    listing = actions.add_parser("list", parents=[common], help="list all causes")
    listing.add_argument("--symptoms", action="store_true", help="list the symptoms instead")
    listing.add_argument("--facts", action="store_true", help="list the facts instead")
    listing.add_argument("--sources", action="store_true", help="list sources and who cites them")
    show = actions.add_parser(
        "show", parents=[common], help="show a cause, symptom or fact, and where it is written"
    )
    show.add_argument("id", metavar="ID")
    graph = actions.add_parser(
        "graph", parents=[common], help="draw what leads to what, for Graphviz or Mermaid"
    )
    graph.add_argument("--only", metavar="ID", help="only what this cause, symptom or fact touches")
    graph.add_argument("--mermaid", action="store_true", help="write Mermaid instead of Graphviz")


def _add_checking(actions: Any, common: argparse.ArgumentParser) -> None:
    lint = actions.add_parser("lint", parents=[common], help="look for probable mistakes")
    lint.add_argument("--notes", action="store_true", help="tell also what is merely worth knowing")
    lint.add_argument("--codes", action="store_true", help="list what is looked for, and stop")
    test = actions.add_parser("test", parents=[common], help="run the tests beside the rules")
    test.add_argument("ids", nargs="*", metavar="ID", help="only those of these causes or symptoms")


def _add_writing(actions: Any, common: argparse.ArgumentParser) -> None:
    new = actions.add_parser("new", parents=[common], help="write a new cause to be filled in")
    new.add_argument("id", metavar="ID")
    schema = actions.add_parser(
        "schema", parents=[common], help="write the JSON Schema of rule files, for editors"
    )
    for action in (new, schema):
        action.add_argument("--output", metavar="FILE", help="write there (default: print)")


def _positive(text: str) -> float:
    value = _number(text)
    if not (value > 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(f"'{text}' is not a positive number of seconds")
    return value


def _certainty(text: str) -> float:
    value = _number(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not between 0 and 1")
    return value


def _classes(text: str) -> int:
    value = _number(text)
    if not (value >= 2 and value == int(value)):
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least 2")
    return int(value)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number") from None


def with_defaults(options: argparse.Namespace) -> argparse.Namespace:
    """Fill in the options shared by all commands that were not given."""
    options.lang = getattr(options, "lang", None) or preferred_language()
    options.rules = getattr(options, "rules", None) or []
    return options
