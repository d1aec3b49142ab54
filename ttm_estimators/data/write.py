"""Old place of :func:`ttm_estimators.data.corpus.write_corpus`, for one release."""

from ttm_estimators.data.corpus import write_corpus
from ttm_estimators.renamed import warn_of

__all__ = ["write_corpus"]

warn_of(__name__, "ttm_estimators.data.corpus", stacklevel=2)
