# SPDX-License-Identifier: MIT
"""The `mmfarm` command: the table of verbs, and the one place that decides exit codes.

Contract: a verb is a click command named `command` in the module `triage.verbs.<path>`, is
imported only when it is called, and returns its exit code: 0 ok, 1 a finding, 4 skipped.
Everything else ends here: what the user can mend is 2, what only we can mend is 3 with one
paragraph (and a traceback with MMFARM_DEBUG=1), an interrupt is 130, a closed pipe is silent.

It does not promise anything about the time a verb takes, nor does it configure logging.
"""

import contextlib
import difflib
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Final

import click

from triage.exits import INFRASTRUCTURE, INTERRUPTED, OK, PIPE_CLOSED, TERMINATED, USAGE

# Every verb with its line of help; a name that is a prefix of others is a group. The help
# stands here and not in the modules so that `mmfarm --help` loads none of them.
VERBS: Final[Mapping[str, str]] = {
    "run": "Fuzz on this machine and say what was found.",
    "replay": "Run one scenario; exit 1 if it breaks a promise.",
    "minimize": "Make a failing scenario as small as it gets.",
    "explain": "Draw the race of a failing scenario, column per CPU.",
    "verify": "Run failures again on the model as it is: what is gone, since when.",
    "bundle": "Write a failing scenario and all about it into one file.",
    "explore": "Run a scenario under every interleaving.",
    "judge": "Decide a claim about a race.",
    "ci": "Compare a patch to the model with its base: what is new fails.",
    "corpus": "Check, import and export scenarios.",
    "corpus verify": "Check that every scenario does what its headers say.",
    "corpus adopt": "Bring a find into the collection.",
    "corpus dump": "Write what fuzzing gathered as .mm files.",
    "corpus import": "Turn recordings and programs of other tools into scenarios.",
    "corpus import strace": "Import an strace log.",
    "corpus import perf": "Import the text of perf trace, with page faults.",
    "corpus import syz": "Import syzkaller programs.",
    "corpus export": "Write scenarios in the notation of other tools.",
    "corpus export syz": "Write syzkaller programs.",
    "corpus export kselftest": "Write selftests of the kernel.",
    "conform": "Compare the model with this machine's kernel.",
    "conform check": "Run scenarios on both and compare after every op.",
    "conform run": "Run random scenarios on both and compare how they end.",
    "conform trace": "Compare the order of their steps with a real kernel's.",
    "confirm": "Force an interleaving on real kernels; exit 1 if one does as the model.",
    "sites": "The places where actors can be interrupted, in the model and in a kernel.",
    "kernels": "The real kernels that scenarios can be run on.",
    "kernels list": "List those that are here, and those that Debian has.",
    "kernels fetch": "Download kernels, so that verbs find them.",
    "kernels of": "Which versions of Linux have a finding.",
    "kernels build": "Build kernels with device memory, or with KASAN, from Debian's source.",
    "bugs": "The historical bugs that the model can have again.",
    "bugs list": "List them.",
    "bench": "Measure mmfarm itself.",
    "bench speed": "Executions and steps per CPU-second on a fixed workload.",
    "bench find": "How long the fuzzer needs to find a known bug.",
    "bench compare": "Ways to search against each other, over known bugs.",
    "doctor": "What this machine offers, and what is skipped without.",
    "triage": "What the farm and `mmfarm run` have found so far.",
    "triage list": "List the failures.",
    "triage show": "Explain one failure.",
    "triage next": "Name the failure that a person should look at next.",
    "triage note": "Write something down about a failure.",
    "triage label": "Give a failure a label, or take it.",
    "triage dup": "Say that a failure is another one again.",
    "triage undup": "Say that a failure stands for itself.",
    "triage invalid": "Say that the model or its oracle is wrong.",
    "triage unrelated": "Say that nobody wants to hear of it again.",
    "triage fixed-in": "Say what a failure is fixed in.",
    "triage reopen": "Take a verdict off.",
    "triage redo": "Verify and minimize a failure again.",
    "triage undo": "Take back what was said last of a failure.",
    "triage export": "Write one failure as .mm, text, JSON, HTML and SVG.",
    "farm": "Fuzz on many machines, all the time.",
    "farm up": "Start a whole farm on this machine.",
    "farm down": "End it.",
    "farm submit": "Order slices of fuzzing.",
    "farm worker": "Do the farm's work until told to go.",
    "farm scheduler": "Send what is owed, until told to go.",
    "web": "Serve the farm's pages, metrics and health over HTTP.",
    "farm status": "Who works, what is owed, what needs a person.",
    "farm pause": "Begin nothing.",
    "farm drain": "Begin no slice; finish what was found.",
    "farm resume": "Go on after pause or drain.",
    "farm runs": "The slices of the farm.",
    "farm runs list": "List the newest.",
    "farm runs show": "Show one.",
    "farm quarantine": "What the farm has put aside for a person.",
    "farm quarantine list": "List scenarios that kill slices, and work that is held.",
    "farm quarantine show": "Show one scenario.",
    "farm quarantine release": "Let slices have a scenario again.",
    "farm campaigns": "What the farm fuzzes by itself.",
    "farm campaigns add": "Begin one.",
    "farm campaigns list": "List them, with what is left to find.",
    "farm campaigns set": "Change one while it runs.",
    "farm notices": "What the farm has told its operator.",
    "farm retry": "Do held work again.",
    "farm backup": "Write the whole store into a file.",
    "farm restore": "Fill an empty store from a backup.",
    "farm doctor": "Whether the services could start here.",
    "mail": "Write the mail about a finding that the kernel's documents ask for.",
    "mcp": "Serve verbs to programs, by the Model Context Protocol.",
    "why": "What the farm decided by itself about an ID, and why.",
}


# Verbs that run the model, and so can run a changed one.
RUN_THE_MODEL: Final = frozenset(
    (
        "run",
        "replay",
        "minimize",
        "explain",
        "explore",
        "judge",
        "corpus verify",
        "sites",
        "verify",
        "bundle",
        "kernels of",
    )
)
MODEL: Final = "model"
AS_MODULE: Final = str.maketrans(" -", "__")  # the verb `triage fixed-in` is triage_fixed_in.py
COMPLETION: Final = "_MMFARM_COMPLETE"  # as click's shells set it: `bash_source`, for example
CONTEXT: Final = {"help_option_names": ["-h", "--help"]}


def _version_option() -> click.Option:
    return click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_say_version,
        help="Say which mmfarm this is.",
    )


def _say_version(context: click.Context, option: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"mmfarm {version('mmfarm')}")
        context.exit()


def _model_option() -> click.Option:
    return click.Option(
        ["--model", MODEL],
        type=click.Path(),
        is_eager=True,
        expose_value=False,
        callback=_with_model,
        help="Change the model: a diff against simulator/, or a file of functions (docs/patch.md).",
    )


def _with_model(context: click.Context, option: click.Parameter, patch: str | None) -> None:
    """Run this command line again with that model, which replaces this process."""
    if patch is None or context.resilient_parsing:
        return
    from triage.model import become

    arguments: list[str] = context.find_root().obj
    become(patch, arguments)


class VerbGroup(click.Group):
    """A group whose members are the rows of VERBS one word below `path`."""

    def __init__(self, path: str, help: str) -> None:
        super().__init__(
            name=path.rpartition(" ")[2] or "mmfarm", help=help, context_settings=CONTEXT
        )
        self.prefix = f"{path} " if path else ""

    def list_commands(self, ctx: click.Context) -> list[str]:
        below = (name.removeprefix(self.prefix) for name in VERBS if name.startswith(self.prefix))
        return [word for word in below if " " not in word]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        path = self.prefix + cmd_name
        if path not in VERBS or " " in cmd_name:
            return None
        if any(name.startswith(f"{path} ") for name in VERBS):
            return VerbGroup(path, VERBS[path])
        module = importlib.import_module(f"triage.verbs.{path.translate(AS_MODULE)}")
        command: click.Command = module.command
        if path in RUN_THE_MODEL and not any(p.name == MODEL for p in command.params):
            command.params.append(_model_option())
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Say which verb may have been meant."""
        words = self.list_commands(ctx)
        if args and args[0] not in words and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], words, 3)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(word, VERBS[self.prefix + word]) for word in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


# Errors whose message says all: what is wrong, where, and what to do. By name, for only a verb
# that can raise one has loaded its module.
SPEAKING_ERRORS: Final[Mapping[tuple[str, str], int]] = {
    ("corpus.text", "TextError"): USAGE,
    ("corpus.recording.events", "RecordingError"): USAGE,
    ("simulator.build", "ModelError"): USAGE,
    ("conformance.executor", "ExecutorError"): INFRASTRUCTURE,
    ("workers.errors", "InfraError"): INFRASTRUCTURE,
    ("workers.settings", "SettingsError"): USAGE,
    ("triage.bench", "BenchError"): INFRASTRUCTURE,
    ("triage.traced", "TraceError"): INFRASTRUCTURE,
}

ABOUT: Final = """Find races in Linux memory management on a deterministic model of it.

Start with `mmfarm run --seconds 60`; every failure it lists names the command that explains it.

Exit codes: 0 ok, 1 a finding, 2 usage, 3 infrastructure, 4 skipped."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code. Never raises."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # names of files may hold bytes that no encoding has
            reconfigure(errors="backslashreplace")
    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        code = _run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes stdout once more at exit; there is nobody to tell.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except Exception as error:  # a full disk behind stdout is found only by the last flush
        return _report(error)
    finally:
        signal.signal(signal.SIGTERM, previous)
    return code


class _Terminated(KeyboardInterrupt):
    """SIGTERM: verbs clean up as they do for an interrupt."""


def _terminate(number: int, frame: FrameType | None) -> None:
    raise _Terminated


def _run(arguments: Sequence[str]) -> int:
    group = VerbGroup("", ABOUT)
    group.params.append(_version_option())
    if instruction := os.environ.get(COMPLETION):
        from click.shell_completion import shell_complete

        return shell_complete(group, {}, "mmfarm", COMPLETION, instruction)
    try:
        # Not `group.main()`, which has its own ideas about closed pipes and interrupts.
        with group.make_context("mmfarm", list(arguments), obj=list(arguments)) as context:
            result: object = group.invoke(context)
        return result if isinstance(result, int) else OK
    except BrokenPipeError:
        raise
    except _Terminated:
        return TERMINATED
    except KeyboardInterrupt:
        return INTERRUPTED
    except click.exceptions.Exit as end:  # --help
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return USAGE
    except Exception as error:
        return _report(error)


def _report(error: Exception) -> int:
    """Name the error on stderr in the form its kind deserves, and return its exit code."""
    for (module, name), code in SPEAKING_ERRORS.items():
        kind = getattr(sys.modules.get(module), name, None)
        if kind is not None and isinstance(error, kind):
            print(f"mmfarm: {error}", file=sys.stderr)
            return code
    if os.environ.get("MMFARM_DEBUG") == "1":
        traceback.print_exception(error)
    message = " ".join(str(error).split()) or "no message"
    print(
        f"mmfarm: {type(error).__name__}: {message} ({_place(error)}). This is a failure of "
        "mmfarm or of this machine, not a finding about Linux. If the message does not tell you "
        "what to mend, please open an issue for mmfarm with the command line, the input file "
        "and the traceback that MMFARM_DEBUG=1 prints.",
        file=sys.stderr,
    )
    return INFRASTRUCTURE


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "place unknown"
    last = frames[-1]
    return f"{Path(last.filename).name}:{last.lineno} in {last.name}"
