"""The five sets of the MAF paper (Papamakarios et al., 2017), from files that the user has.

They are prepared as the paper's own code does, so that figures can be compared.
"""
