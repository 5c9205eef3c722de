"""The model classes that a recipe may name; a new one is one line here."""

MODELS = {
    "RealNVP": "RealNVP (Dinh et al. 2017)",
    "MAF": "masked autoregressive flow (Papamakarios et al. 2017)",
    "IAF": "inverse autoregressive flow (Kingma et al. 2016)",
    "NeuralSplineFlow": "neural spline flow (Durkan et al. 2019)",
    "MultiScaleRealNVP": "multi-scale RealNVP (Dinh et al. 2017)",
    "Glow": "Glow (Kingma and Dhariwal 2018)",
    "FlowPlusPlus": "Flow++ (Ho et al. 2019)",
    "PixelCNNPlusPlus": "PixelCNN++ (Salimans et al. 2017)",
}
"""What each is, for the cards."""
