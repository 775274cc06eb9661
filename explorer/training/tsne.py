"""t-SNE of codes, by scikit-learn: `python -m explorer.training.tsne CODES.npy MAP.npy`, in a process of its own, so that it can
say how far it is, be stopped, and leave the page's two cores to others. Settings as in *Hands-On Machine Learning*, ch. 17."""

import os
import sys

import numpy as np

ITERATIONS = 1000
PERPLEXITIES = (5, 100)


def embed(codes, perplexity=30.0, seed=42, verbose=0):
    """(n, d) -> float32 (n, 2) in [-1, 1]; started from PCA, at the automatic rate."""
    from sklearn.manifold import TSNE

    method = TSNE(perplexity=perplexity, init="pca", learning_rate="auto", random_state=seed, max_iter=ITERATIONS, verbose=verbose)
    found = method.fit_transform(np.asarray(codes, "float32"))
    found -= (found.min(0) + found.max(0)) / 2
    return (found / np.abs(found).max()).astype("float32")


def main(codes, target, perplexity="30", seed="42"):
    """Write the map of the codes in one file to another; scikit-learn prints a line every 50 iterations."""
    if hasattr(os, "nice"):
        os.nice(10)
    np.save(target, embed(np.load(codes), float(perplexity), int(seed), verbose=2))


if __name__ == "__main__":
    main(*sys.argv[1:])
