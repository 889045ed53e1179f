"""The activity of `RescanPackages` that asks the other scanner, where one is configured."""

from __future__ import annotations

from temporalio import activity

from skillcrawler.messages import Rescanned
from skillcrawler.secondopinion.asking import ask_page_by_page
from skillcrawler.secondopinion.scanner import SecondOpinionUnavailable, SecondScanner
from skillcrawler.shielding import alive, translated
from skilldata.config import Settings
from skilldata.database import Database
from skilldata.objects import ObjectStore


class SecondOpinions:
    """Asks page by page. An opinion is advisory, so that none can be had is a result and stops nothing.

    Args:
        settings: The configuration.
        database: The index.
        objects: The object store.
    """

    def __init__(self, settings: Settings, database: Database, objects: ObjectStore) -> None:
        self._settings = settings.second_opinion
        self._database = database
        self._objects = objects

    @activity.defn
    def ask_second_opinions(self, so_far: Rescanned) -> Rescanned:
        """Ask about the next page of contents; what came of it is added to what was done before."""
        if self._settings.python is None:
            return so_far.model_copy(update={"advised": True})
        with translated(), alive():
            try:
                with SecondScanner(self._settings) as scanner:
                    pages = ask_page_by_page(self._database, self._objects, scanner, after=so_far.advised_after)
                    page = next(pages, None)
            except SecondOpinionUnavailable as error:
                activity.logger.warning("%s", error.message)
                return so_far.model_copy(update={"advised": True, "no_opinions": error.message})
        if page is None:
            return so_far.model_copy(update={"advised": True})
        return so_far.model_copy(update={"advised_after": page.after, "opinions": so_far.opinions + page.opinions})
