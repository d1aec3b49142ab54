"""Weights on the Hugging Face Hub, by addresses such as ``hf://owner/name@revision``.

Nothing but such an address is ever looked for on the network, and only the files of a weights
folder are fetched. A commit that is in the cache is read without asking the hub.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from ttm_estimators.weights.card import CARD_FILE
from ttm_estimators.weights.folder import CONFIG_FILE, WEIGHTS_FILE, WeightsError

README_FILE = "README.md"
FILES = (CONFIG_FILE, WEIGHTS_FILE, CARD_FILE, README_FILE)
"""What is fetched and sent. Nothing that would be unpickled is among it."""

SCHEME = re.compile(r"hf:/{1,2}")  # a Path makes one stroke of two
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
COMMIT = re.compile(r"[0-9a-f]{40}")

LOG_IN = "log in with hf auth login, or set HF_TOKEN"


def is_address(model: str | Path) -> bool:
    """Whether a model is named by an address on the hub."""
    return SCHEME.match(str(model)) is not None


def pinned(model: str | Path) -> str:
    """Name a model, on the hub with the commit that this process reads.

    Raises
    ------
    WeightsError
        As :func:`fetch` does.
    """
    if not is_address(model):
        return str(model)
    repository, _ = _parse(str(model))
    return f"hf://{repository}@{fetch(str(model)).name}"


@lru_cache(maxsize=64)  # so that a process reads one commit, also where a branch moves meanwhile
def fetch(address: str) -> Path:
    """Bring the weights of an address to the cache.

    Parameters
    ----------
    address : str
        ``hf://owner/name`` or ``hf://owner/name@revision``: a branch, tag or commit. Default: the
        main branch.

    Returns
    -------
    Path
        Folder in the cache of ``huggingface_hub``, which has the commit for its name.

    Raises
    ------
    WeightsError
        When the address is none, ``huggingface_hub`` is not installed, or the hub does not give the
        files and the cache has none.
    """
    repository, revision = _parse(address)
    hub = library()
    wanted = {
        "repo_id": repository,
        "revision": revision,
        "allow_patterns": [*FILES],
        "library_name": "ttm-estimators",
    }
    if revision is not None and COMMIT.fullmatch(revision):
        try:
            folder = Path(hub.snapshot_download(**wanted, local_files_only=True))
            if all((folder / name).is_file() for name in (CONFIG_FILE, WEIGHTS_FILE)):
                return folder
        except FileNotFoundError:
            pass
    with told_of(address):
        return Path(hub.snapshot_download(**wanted))


def library() -> Any:
    """Import ``huggingface_hub``.

    Raises
    ------
    WeightsError
        When it is not installed.
    """
    try:
        import huggingface_hub
    except ImportError as error:
        raise WeightsError(
            "models on the Hugging Face Hub need huggingface_hub, install it with: "
            f"pip install 'ttm-estimators[hub]' ({error})"
        ) from error
    return huggingface_hub


@contextmanager
def told_of(address: str) -> Iterator[None]:
    """Say in one line what the hub refuses, and what to do."""
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError:
        raise WeightsError(
            f"{address} is gated: accept its terms on its page, and {LOG_IN}"
        ) from None
    except errors.RepositoryNotFoundError:
        raise WeightsError(
            f"there is no {address} on the hub, or it is private: check its name, or {LOG_IN}"
        ) from None
    except errors.RevisionNotFoundError:
        raise WeightsError(
            f"{address}: there is no such revision, give a branch, tag or commit that there is"
        ) from None
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled):
        from huggingface_hub.constants import HF_HUB_CACHE, HF_HUB_OFFLINE

        remedy = "unset HF_HUB_OFFLINE" if HF_HUB_OFFLINE else "check the network, or HF_ENDPOINT"
        raise WeightsError(
            f"{address} is not, or not whole, in the cache {HF_HUB_CACHE}, and the hub is not "
            f"reached: {remedy}"
        ) from None
    except errors.HfHubHTTPError as error:
        status = getattr(error.response, "status_code", None)
        remedy = f": {LOG_IN}" if status in (401, 403) else ", try again later"
        raise WeightsError(f"{address}: {_line(error)}{remedy}") from None
    except Exception as error:  # of the HTTP library, which depends on the version
        raise WeightsError(f"{address}: {_line(error)}, check the network and the cache") from None


def check_repository(name: str) -> None:
    """Refuse what is no owner and name.

    Raises
    ------
    WeightsError
        Of the hub's rules, a name that passes may still break one.
    """
    if not REPOSITORY.fullmatch(name):
        raise WeightsError(f"{name!r} is no repository of the hub: give owner/name")


def _parse(address: str) -> tuple[str, str | None]:
    """Repository and revision of an address."""
    repository, _, revision = SCHEME.sub("", address, count=1).partition("@")
    if not REPOSITORY.fullmatch(repository) or address.endswith("@"):
        raise WeightsError(
            f"{address!r} is no address on the hub: give hf://owner/name or "
            "hf://owner/name@revision"
        )
    return repository, revision or None


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
