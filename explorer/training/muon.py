"""Muon for networks of convolutions: steps along whole matrices of weights, none of whose directions is left behind.

Adam scales each number's step by its own history; what a kernel does to few combinations of its channels then drowns in what
it does to many. Muon takes the momentum of a kernel as a matrix and steps by the orthogonal matrix nearest to it.
"""

import keras
from keras import ops


@keras.saving.register_keras_serializable("explorer")
class Muon(keras.optimizers.Muon):
    """Keras' Muon, which leaves kernels of convolutions to AdamW, for those: (height, width, in, out) as (height width in, out).

    Vectors, and what draws the picture (`out` of at most `narrow`, 4 unless told), go by AdamW, at the same rate: a matrix'
    step has the root mean square that AdamW's usually has (`rms_rate`, 0.2). Sources: Jordan et al., "Muon: an optimizer for
    hidden layers" (2024), which flattens convolutions so; Liu et al., "Muon is scalable for LLM training"
    (arXiv:2502.16982), equation 4, for the scale.
    """

    def __init__(self, learning_rate=0.001, narrow=4, **settings):
        super().__init__(learning_rate, **settings)
        self.narrow = narrow

    def _should_use_adamw(self, variable):
        return variable.shape[-1] <= self.narrow if len(variable.shape) == 4 else super()._should_use_adamw(variable)

    def _muon_update_step(self, gradient, variable, lr, m):
        self.assign_add(m, ops.add(gradient, m * (self.momentum - 1)))
        momentum = ops.add(gradient, self.momentum * m) if self.nesterov else ops.convert_to_tensor(m)
        update = self.zeropower_via_newtonschulz5(ops.reshape(momentum, (-1, variable.shape[-1])), self.ns_steps)
        self.assign_sub(variable, ops.reshape(self.lr_adjust(lr * update), variable.shape))

    def get_config(self):
        return super().get_config() | {"narrow": self.narrow}
