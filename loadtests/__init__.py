"""Load tests: what streamd costs and how fast it is, beside a peer measured in the same run.

``python -m loadtests --help`` lists them. Servers and generators run in processes of their own, on
loopback only, and every figure is a median over several runs.
"""
