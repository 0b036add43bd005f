"""Makes the file that an owner downloads of a checkpoint that the node keeps.

The input is a serialized State, the output a pickle as a stream of byte chunks. Neither numpy nor
protobuf is needed, and nothing is copied that is as large as the model: the chunks are views of the
State wherever its elements look the same in both. The same checkpoint gives the same bytes in every
run and on every machine.
"""

from model_retrieval.model_file.pickles import model_pickle
from model_retrieval.model_file.state import Tensor, parse_state
from model_retrieval.model_file.wire import DamagedState

__all__ = ["DamagedState", "Tensor", "model_pickle", "parse_state"]
