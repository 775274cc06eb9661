"""KerasHub, mended where TensorFlow is not installed: there prompts become tokens by the `tokenizers` library alone."""

from importlib.util import find_spec

import keras_hub

if find_spec("tensorflow") is None:
    _words_of = keras_hub.models.CLIPTokenizer._set_vocabulary_and_merges_tokenizers
    _initial = keras_hub.models.CLIPPreprocessor.__init__

    def _set_words(self, vocabulary, merges):
        self.vocabulary, self.merges = vocabulary, merges  # which KerasHub 0.32 leaves to TensorFlow's half of the tokenizer
        _words_of(self, vocabulary, merges)

    def _without_lower(self, *arguments, to_lower=False, **settings):
        _initial(self, *arguments, to_lower=False, **settings)  # the tokenizer makes letters small itself

    keras_hub.models.CLIPTokenizer._set_vocabulary_and_merges_tokenizers = _set_words
    keras_hub.models.CLIPPreprocessor.__init__ = _without_lower
