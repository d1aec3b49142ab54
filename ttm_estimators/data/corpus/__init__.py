"""Real series for pre-training, in a folder of parquet files."""

from ttm_estimators.data.corpus.read import Corpus
from ttm_estimators.data.corpus.write import write_corpus

__all__ = ["Corpus", "write_corpus"]
