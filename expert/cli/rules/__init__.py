"""`torchmedic rules ACTION`: work with the knowledge."""

from __future__ import annotations

import argparse

from rich.console import Console

from expert.cli.knowledge import knowledge_for
from expert.cli.rules.checking import lint, list_codes, test
from expert.cli.rules.listing import list_documents
from expert.cli.rules.showing import show
from expert.cli.rules.writing import graph, new, schema, schema_of_diagnoses


def rules(options: argparse.Namespace) -> int:
    """Run the action and return 0, or 1 when lint or test found something."""
    console = Console(highlight=False, soft_wrap=True)
    if options.action == "lint" and options.codes:
        return list_codes(console, options.lang)
    knowledge = knowledge_for(options)
    match options.action:
        case "list":
            return list_documents(options, knowledge, console)
        case "show":
            return show(options.id, knowledge, console, options.lang)
        case "lint":
            return lint(knowledge, console, options.lang, notes=options.notes)
        case "test":
            return test(options.ids, knowledge, console, options.lang)
        case "graph":
            return graph(options, knowledge)
        case "schema":
            if options.diagnosis:
                return schema_of_diagnoses(options.output)
            return schema(options.output, knowledge)
    return new(options, knowledge)
