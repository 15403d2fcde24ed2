"""The landscape of a model of scikit-learn, with its own loss.

    pip install scikit-learn
    python sklearn_model.py
"""

import loss_landscape
from sklearn.datasets import make_moons
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier


def main(grid: int = 21) -> loss_landscape.Surface:
    x, y = make_moons(200, noise=0.15, random_state=42)
    fitted = MLPClassifier((8,), activation="tanh", max_iter=2000, random_state=0).fit(x, y)
    # A copy is moved: the fitted model stays as it is.
    moved = MLPClassifier((8,), activation="tanh", max_iter=1, random_state=0).partial_fit(x, y, classes=[0, 1])

    def loss(params):
        moved.coefs_, moved.intercepts_ = params["coefs"], params["intercepts"]
        probabilities = moved.predict_proba(x)
        return {"loss": log_loss(y, probabilities), "accuracy": (probabilities.argmax(1) == y).mean()}

    params = {"coefs": fitted.coefs_, "intercepts": fitted.intercepts_}
    return loss_landscape.surface(loss, params=params, grid=grid, key="moons, 8 units, seed 0", name="sklearn")


if __name__ == "__main__":
    surface = main()
    print(surface, surface.how)
    surface.save("sklearn.svg", log=True)
