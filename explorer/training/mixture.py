"""A prior fitted to a trained VAE's codes: what N(0, I) leaves out is which codes go together.

Ex-post density estimation: *From Variational to Deterministic Autoencoders* (Ghosh et al. 2020), section 4, with full Gaussians as
there, ten or as many more as make codes of held-out pictures likelier; see also *Diagnosing and Enhancing VAE Models* (Dai and Wipf
2019). A code is z_mean, as wherever a picture is encoded.
"""

import numpy as np
from sklearn.mixture import GaussianMixture

MOST_ROUNDS = 60  # of expectation and maximization


def fit(z_mean, components, seed=0):
    """Arrays of a mixture of Gaussians fitted to codes (n, d): weights (k,), means (k, d), factors (k, d, d).

    A factor times a vector of N(0, I) has its component's covariance: the symmetric root, whose entries are all small, so that
    float16 holds them. Raises ValueError for fewer codes than components.
    """
    found = GaussianMixture(components, max_iter=MOST_ROUNDS, reg_covar=1e-3, random_state=seed).fit(z_mean.astype("float64"))
    values, vectors = np.linalg.eigh(found.covariances_)
    factors = (vectors * np.sqrt(values)[:, None]) @ vectors.transpose(0, 2, 1)
    return {"weights": found.weights_.astype("float32"), "means": found.means_.astype("float16"),
            "factors": factors.astype("float16")}  # fmt: skip
