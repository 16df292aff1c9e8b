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
    parser.add_argument(
        "--print-completion",
        action=_Completion,
        choices=("bash", "zsh", "tcsh"),
        help="print a script for your shell that completes commands and options, and exit",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    _add_ask(commands, common)
    _add_check(commands, common)
    _add_clinic(commands, common)
    _add_try(commands, common)
    _add_demo(commands, common)
    _add_explain(commands, common)
    _add_log(commands, common)
    _add_mcp(commands, common)
    _add_run(commands, common)
    _add_serve(commands, common)
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


class _Completion(argparse.Action):
    """`--print-completion SHELL`, imported only when asked for."""

    def __call__(
        self, parser: argparse.ArgumentParser, _: Any, values: Any, __: Any = None
    ) -> None:
        from expert.cli.completion import completion

        print(completion(parser, values))
        parser.exit(0)


def _report_options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(add_help=False)
    for format_, what in (
        ("json", "JSON"),
        ("html", "one HTML page with pictures"),
        ("markdown", "Markdown for an issue or a pull request"),
        ("sarif", "SARIF for code hosts"),
        ("junit", "JUnit XML for CI systems"),
    ):
        options.add_argument(
            f"--{format_}",
            metavar="FILE|-",
            help=f"write the diagnosis as {what} (- for standard output)",
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
    options.add_argument(
        "--thorough",
        action="store_true",
        help="run every probe, also those that would hardly change the diagnosis",
    )
    options.add_argument("--device", metavar="DEVICE", help="move the model there first, e.g. cuda")
    return options


def _choosing_options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(add_help=False, parents=[_examination_options()])
    options.add_argument(
        "--ask",
        action="store_true",
        help="ask you, too, where your answer is worth more than the next measurement",
    )
    options.add_argument(
        "--trials",
        action="store_true",
        help="try fixes on copies, too, where that settles what measurements leave open",
    )
    return options


def _add_ask(commands: Any, common: argparse.ArgumentParser) -> None:
    ask = commands.add_parser(
        "ask",
        parents=[common, _report_options()],
        help="the questionnaire alone: a diagnosis without code",
        description="Ask about the training, one question at a time, and print what the answers "
        "say. Answers may come from a pipe, one a line.",
        epilog=EXIT_STATUS,
    )
    ask.add_argument(
        "--from",
        dest="diagnosis",
        metavar="DIAGNOSIS.json",
        help="go on from a diagnosis written with --json: what it measured is not asked",
    )


def _add_check(commands: Any, common: argparse.ArgumentParser) -> None:
    check = commands.add_parser(
        "check",
        parents=[common, _choosing_options()],
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
    trying.add_argument(
        "--trial",
        action="append",
        metavar="ID",
        help="try this one instead, whatever was found (repeatable)",
    )
    trying.add_argument(
        "--jobs",
        type=_count,
        default=1,
        metavar="N",
        help="share the trials among N processes, one per GPU (default 1)",
    )
    trying.add_argument(
        "--ray",
        action="store_true",
        help="make them on the Ray cluster of RAY_ADDRESS, or on one started here",
    )


def _add_clinic(commands: Any, common: argparse.ArgumentParser) -> None:
    clinic = commands.add_parser(
        "clinic",
        parents=[common],
        help="examine all patients kept for testing, and count hits and false alarms",
        description="Examine patients with known faults and healthy controls; print per cause and "
        "in all how many were found, and how far certainties can be believed. Needs a checkout.",
        epilog="Exit status: 0 none missed and no false alarm, 1 otherwise, 2 bad usage.",
    )
    add = clinic.add_argument
    add("--only", action="append", metavar="TEXT", help="patients whose id contains TEXT")
    add("--cause", metavar="CAUSE", help="patients who have this cause")
    add("--seeds", type=_integers, metavar="0,1", help="default: 0")
    add("--held-out", action="store_true", help="only what no rule was tuned on, with its seeds")
    add("--jobs", type=_count, default=1, metavar="N", help="patients at a time (default 1)")
    add("--budget", type=_positive, default=60.0, metavar="SECONDS", help="for each (default 60)")
    add("--trials", action="store_true", help="also try the fixes of the top findings")
    add("--train", action="store_true", help="train them, and print scores instead of findings")
    add("--scripts", action="store_true", help="watch whole training scripts (torchmedic run)")
    add("--list", action="store_true", help="list the patients and their causes")
    add("--json", metavar="FILE", help="write visits and counts; goes on where FILE ends")


def _integers(text: str) -> list[int]:
    parts = text.split(",")
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of whole numbers such as 0,1")
    return [int(part) for part in parts]


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a positive whole number")
    return int(text)


def _add_demo(commands: Any, common: argparse.ArgumentParser) -> None:
    demo = commands.add_parser(
        "demo",
        parents=[common, _choosing_options()],
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
        "--why",
        nargs="?",
        const="next",
        metavar="INQUIRY",
        help="show what a question or probe is for now (question:ID, probe:ID; without an id: "
        "what would be worth knowing next)",
    )
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


def _add_serve(commands: Any, common: argparse.ArgumentParser) -> None:
    serve = commands.add_parser(
        "serve",
        parents=[common],
        help="open the interface in a browser",
        description="Serve the interface to browsers on this machine (needs torchmedic[serve]).",
    )
    serve.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="HOST",
        help="address to listen on; others than the default can be reached from elsewhere, and "
        "whoever reaches it can run code as you (default 127.0.0.1)",
    )
    serve.add_argument(
        "--port", type=_count, default=8000, metavar="PORT", help="port to listen on (default 8000)"
    )


def _add_run(commands: Any, common: argparse.ArgumentParser) -> None:
    run = commands.add_parser(
        "run",
        parents=[common],
        help="watch a script that trains and print the diagnosis at its end",
        usage="torchmedic run [OPTIONS] (SCRIPT.py | -m MODULE) ARGS...",
        description="Run SCRIPT.py as python would, watch its training, and print the diagnosis "
        "on standard error at its end. Options of ours come before the script.",
        epilog="Exit status: the script's own; 1 if it was stopped.",
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
    run.add_argument(
        "--stop-on-finding",
        action="store_true",
        help="stop the script (status 1) as soon as the loss is not finite or diverges, or a fault "
        "is certain",
    )
    run.add_argument(
        "--live", action="store_true", help="tell the progress and the current suspicion meanwhile"
    )
    run.add_argument(
        "--events", metavar="FILE", help="append what happens as JSON Lines, for programs"
    )
    run.add_argument(
        "--records",
        metavar="FOLDER",
        help="where the ranks of a distributed run on several hosts leave their records",
    )
    run.add_argument("-m", dest="module", action="store_true", help="run a module, like python -m")
    run.add_argument("line", nargs=argparse.REMAINDER, metavar="SCRIPT.py ARGS")


def _add_mcp(commands: Any, common: argparse.ArgumentParser) -> None:
    mcp = commands.add_parser(
        "mcp",
        parents=[common],
        help="serve an assistant over the Model Context Protocol",
        description="Offer the engine as tools to an assistant, over the Model Context Protocol on "
        "standard input and output. By default it reads files below the current folder and runs "
        "no code.",
    )
    mcp.add_argument(
        "--run-code", action="store_true", help="let the assistant examine cases and run scripts"
    )
    mcp.add_argument(
        "--anywhere", action="store_true", help="let it use files outside the current folder"
    )


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
    listing.add_argument(
        "--markdown", action="store_true", help="write the causes as a Markdown page"
    )
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
    schema.add_argument(
        "--diagnosis", action="store_true", help="the schema of what --json writes instead"
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
