"""The blast radius: which volumes a set of failed devices takes because of the configuration store, and that alone.

``definition`` says what the words mean, plainly and slowly. All else here counts the same for whole sites.
"""
